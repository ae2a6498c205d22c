/*
 * openai: the chat completions and models of OpenAI's API, for clients made for it, with API keys.
 * https://platform.openai.com/docs/api-reference/chat
 *
 * A completion with "store": true is a turn of a conversation of its own, like any other; without
 * it nothing is kept but figures.
 */
#ifndef PARLEY_API_OPENAI_H
#define PARLEY_API_OPENAI_H

#include "api/dialect.h"
#include "base/json.h"
#include "core/turn.h"
#include "web/req.h"

struct openai_message {			/* Of it the models get all, as it came */
	char	*role;
	char	*content;		/* JSON: a string, or an array of parts */
};

struct openai_stream_options {
	bool	 include_usage;
};

/* The body of a request. What is spliced into that to the model is not looked at again. */
struct openai_ask {
	char				*model;
	struct list			 messages;	/* of struct openai_message */
	bool				 stream, store, logprobs, parallel_tool_calls;
	struct openai_stream_options	*stream_options;
	int				 max_tokens, max_completion_tokens, n, top_logprobs;
	double				 temperature, top_p, presence_penalty, frequency_penalty;
	int64_t				 seed;
	char				*stop, *tools, *tool_choice, *response_format, *logit_bias;
	char				*user, *reasoning_effort;
};

struct openai_said {			/* a message of the model's */
	char	*role;
	char	*content;		/* NULL: it only calls */
	char	*reasoning_content;	/* NULL: none */
	char	*tool_calls;		/* a JSON array; NULL: none */
	char	*refusal;		/* always NULL: refusals come as content */
};

struct openai_choice {
	int			 index;
	struct openai_said	*message;
	char			*finish_reason;
};

struct openai_usage {
	int64_t	 prompt_tokens, completion_tokens, total_tokens;
};

struct openai_completion {
	char			*id, *object;
	int64_t			 created;	/* seconds since 1970 */
	char			*model;
	struct list		 choices;	/* of struct openai_choice: one */
	struct openai_usage	*usage;
};

struct openai_model {
	char	*id, *object;
	int64_t	 created;		/* seconds since 1970 */
	char	*owned_by;
};

struct openai_models {
	char		*object;
	struct list	 data;		/* of struct openai_model */
};

extern const struct fields	openai_ask_fields, openai_completion_fields, openai_model_fields,
				openai_models_fields;

/* What an answer is, wherever it is told from: a lane, or the database. */
struct openai_answer {
	int64_t		 turn, created_ms;
	const char	*model;		/* as it was asked for */
	const char	*status;	/* answer.status */
	const char	*text, *reasoning;	/* NULL: none */
	const struct toolcalls	*calls;	/* NULL: none */
	int64_t		 prompt_tokens, completion_tokens;
};

/* The whole as one chat.completion. */
void		 openai_write(struct jw *, const struct openai_answer *);
/* Writes {"error": {…}}. `what`: the field or thing at fault; may be NULL. */
void		 openai_error(struct jw *, enum fail_kind, const char *what, const char *sentence);

/* The chat model of that code. NULL: F_NOT_FOUND. */
struct model	*openai_model(struct ctx *, const char *code);

/*
 * Reads the body, into `in` and what is asked by it: told, question and before, seat, extra,
 * max_tokens. -1: a failure that names the member.
 */
int		 openai_read(struct req *, struct openai_ask *in, struct turn_spec *);

/*
 * Of a turn: the model as it was asked for, behind '+' where a stream ends with its usage, else
 * behind '-'. Its ref.
 */
char		*openai_ref(struct arena *, const char *model, bool usage);

/* A stream; and one message, the whole as openai_write has it, of turns that are not stored. */
extern const struct voice	openai_voice, openai_reply_voice;

/* Answers with a turn of the caller's that another request has begun: dialect.again. */
int		 openai_again(struct req *, int64_t turn);

#endif
