/* The bodies and replies of the dialect "openai" under its own names. */
#include "openai.h"

#include <limits.h>

#define MESSAGES_MAX	2048
#define MODEL_MAX	190	/* characters of a code */
#define USER_MAX	1024
#define EFFORT_MAX	32

static const struct field openai_message_f[] = {
	FIELD(openai_message, T_STR, MUST, role, 1, 32, "system, developer, user, assistant, tool"),
	FIELD(openai_message, T_ANY, MAY, content, 0, 0,
	    "a string, or an array of parts of type text or image_url"),
};
static FIELDS(openai_message, "ChatCompletionMessage");

static const struct field openai_stream_options_f[] = {
	FIELD(openai_stream_options, T_BOOL, MAY, include_usage, 0, 0,
	    "a last chunk without choices has the usage"),
};
static FIELDS(openai_stream_options, "ChatCompletionStreamOptions");

static const struct field openai_ask_f[] = {
	FIELD(openai_ask, T_STR, MUST, model, 1, MODEL_MAX, "code of a model"),
	FIELD_SUB(openai_ask, T_LIST, MUST, messages, &openai_message_fields, 1, MESSAGES_MAX,
	    "the models get them as they are"),
	FIELD(openai_ask, T_BOOL, MAY, stream, 0, 0, "chunks as server-sent events"),
	FIELD_SUB(openai_ask, T_OBJ, MAY, stream_options, &openai_stream_options_fields, 0, 0,
	    NULL),
	FIELD(openai_ask, T_BOOL, MAY, store, 0, 0, "keeps it as a conversation"),
	FIELD(openai_ask, T_F64, MAY, temperature, 0, 2, NULL),
	FIELD(openai_ask, T_F64, MAY, top_p, 0, 1, NULL),
	FIELD(openai_ask, T_F64, MAY, presence_penalty, -2, 2, NULL),
	FIELD(openai_ask, T_F64, MAY, frequency_penalty, -2, 2, NULL),
	FIELD(openai_ask, T_INT, MAY, max_tokens, 1, INT_MAX, NULL),
	FIELD(openai_ask, T_INT, MAY, max_completion_tokens, 1, INT_MAX, "goes before max_tokens"),
	FIELD(openai_ask, T_INT, MAY, n, 1, INT_MAX, "1: there is one answer"),
	FIELD(openai_ask, T_ANY, MAY, stop, 0, 0, "a string, or an array of at most 4"),
	FIELD(openai_ask, T_I64, MAY, seed, 0, 0, NULL),
	FIELD(openai_ask, T_ANY, MAY, tools, 0, 0, "an array of functions"),
	FIELD(openai_ask, T_ANY, MAY, tool_choice, 0, 0, "none, auto, required or an object"),
	FIELD(openai_ask, T_BOOL, MAY, parallel_tool_calls, 0, 0, NULL),
	FIELD(openai_ask, T_ANY, MAY, response_format, 0, 0,
	    "an object whose type is text, json_object or json_schema"),
	FIELD(openai_ask, T_ANY, MAY, logit_bias, 0, 0, "an object of numbers"),
	FIELD(openai_ask, T_BOOL, MAY, logprobs, 0, 0, "false: they are not told"),
	FIELD(openai_ask, T_INT, MAY, top_logprobs, 0, 20, "0"),
	FIELD(openai_ask, T_STR, MAY, user, 0, USER_MAX, NULL),
	FIELD(openai_ask, T_STR, MAY, reasoning_effort, 0, EFFORT_MAX, NULL),
};
FIELDS(openai_ask, "ChatCompletionRequest");

static const struct field openai_said_f[] = {
	FIELD(openai_said, T_STR, MUST, role, 0, 0, "assistant"),
	FIELD(openai_said, T_STR, MAY, content, 0, 0, NULL),
	FIELD(openai_said, T_STR, OMIT, reasoning_content, 0, 0, NULL),
	FIELD(openai_said, T_ANY, OMIT, tool_calls, 0, 0, "array of calls"),
	FIELD(openai_said, T_STR, MAY, refusal, 0, 0, NULL),
};
static FIELDS(openai_said, "ChatCompletionSaid");

static const struct field openai_choice_f[] = {
	FIELD(openai_choice, T_INT, MUST, index, 0, 0, NULL),
	FIELD_SUB(openai_choice, T_OBJ, MUST, message, &openai_said_fields, 0, 0, NULL),
	FIELD(openai_choice, T_STR, MUST, finish_reason, 0, 0,
	    "stop, length, content_filter, tool_calls"),
};
static FIELDS(openai_choice, "ChatCompletionChoice");

static const struct field openai_usage_f[] = {
	FIELD(openai_usage, T_I64, MUST, prompt_tokens, 0, 0, NULL),
	FIELD(openai_usage, T_I64, MUST, completion_tokens, 0, 0, NULL),
	FIELD(openai_usage, T_I64, MUST, total_tokens, 0, 0, NULL),
};
static FIELDS(openai_usage, "ChatCompletionUsage");

static const struct field openai_completion_f[] = {
	FIELD(openai_completion, T_STR, MUST, id, 0, 0, NULL),
	FIELD(openai_completion, T_STR, MUST, object, 0, 0,
	    "chat.completion; chat.completion.chunk in a stream, with delta for message"),
	FIELD(openai_completion, T_I64, MUST, created, 0, 0, "seconds since 1970"),
	FIELD(openai_completion, T_STR, MUST, model, 0, 0, NULL),
	FIELD_SUB(openai_completion, T_LIST, MUST, choices, &openai_choice_fields, 0, 0, NULL),
	FIELD_SUB(openai_completion, T_OBJ, MUST, usage, &openai_usage_fields, 0, 0, NULL),
};
FIELDS(openai_completion, "ChatCompletion");

static const struct field openai_model_f[] = {
	FIELD(openai_model, T_STR, MUST, id, 0, 0, "its code"),
	FIELD(openai_model, T_STR, MUST, object, 0, 0, "model"),
	FIELD(openai_model, T_I64, MUST, created, 0, 0, "seconds since 1970"),
	FIELD(openai_model, T_STR, MUST, owned_by, 0, 0, NULL),
};
FIELDS(openai_model, "OpenAIModel");

static const struct field openai_models_f[] = {
	FIELD(openai_models, T_STR, MUST, object, 0, 0, "list"),
	FIELD_SUB(openai_models, T_LIST, MUST, data, &openai_model_fields, 0, 0, NULL),
};
FIELDS(openai_models, "OpenAIModels");
