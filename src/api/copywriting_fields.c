/* The types, bodies and replies of the dialect "copywriting" under the document's names. */
#include "copywriting.h"

/* A member that has another name than its field, and a table. */
#define SUB_AS(st, type, need, member, json, table, min, max, help) \
	{ json, type, need, offsetof(struct st, member), min, max, table, help }
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define PAGE_MAX	1000000
#define SIZE_MAX_ROWS	200
#define TOOLS_MAX	32
#define INPUTS_MAX	256
#define INPUT_NAME	64

/* Types. */

static const struct field copywriting_message_f[] = {
	FIELD_AS(copywriting_message, T_STR, MAY, create_by, "createBy", 0, 0, NULL),
	FIELD_AS(copywriting_message, T_TIME, MAY, create_ms, "createTime", 0, 0, NULL),
	FIELD(copywriting_message, T_ANY, MAY, params, 0, 0, "{}"),
	FIELD(copywriting_message, T_ID, MAY, id, 0, 0, "消息id"),
	FIELD(copywriting_message, T_STR, MAY, content, 0, 0, NULL),
	FIELD(copywriting_message, T_STR, MAY, role, 0, 0, "user, assistant"),
	FIELD_AS(copywriting_message, T_ID, MAY, parent, "parentId", 0, 0,
	    "父级消息id: the dialogue's where it goes on from nothing"),
	FIELD_AS(copywriting_message, T_ID, MAY, dialogue, "userDialogueId", 0, 0, "对话id"),
	FIELD_AS(copywriting_message, T_I64, MAY, completion_tokens, "completionTokens", 0, 0,
	    NULL),
	FIELD_AS(copywriting_message, T_I64, MAY, prompt_tokens, "promptTokens", 0, 0, NULL),
	FIELD_AS(copywriting_message, T_I64, MAY, total_tokens, "totalTokens", 0, 0, NULL),
	FIELD_AS(copywriting_message, T_F64, MAY, price, "youtaizhis", 0, 0,
	    "hundredths of the currency"),
	FIELD_AS(copywriting_message, T_ID, MAY, user, "userId", 0, 0, NULL),
};
static FIELDS(copywriting_message, "SpeechUserDialogueMessage");

static const struct field copywriting_dialogue_f[] = {
	FIELD_AS(copywriting_dialogue, T_STR, MAY, create_by, "createBy", 0, 0, NULL),
	FIELD_AS(copywriting_dialogue, T_TIME, MAY, create_ms, "createTime", 0, 0, NULL),
	FIELD_AS(copywriting_dialogue, T_STR, MAY, update_by, "updateBy", 0, 0, NULL),
	FIELD_AS(copywriting_dialogue, T_TIME, MAY, update_ms, "updateTime", 0, 0, NULL),
	FIELD(copywriting_dialogue, T_ANY, MAY, params, 0, 0, "{}"),
	FIELD_AS(copywriting_dialogue, T_ID, MAY, tenant, "tenantId", 0, 0, NULL),
	FIELD(copywriting_dialogue, T_ID, MAY, id, 0, 0, "对话id"),
	FIELD_AS(copywriting_dialogue, T_ID, MAY, user, "userId", 0, 0, NULL),
	FIELD_AS(copywriting_dialogue, T_ID, MAY, scene, "sceneId", 0, 0, "对话助手版本id"),
	FIELD_AS(copywriting_dialogue, T_ID, MAY, manage, "manageId", 0, 0, "对话助手id"),
	FIELD_AS(copywriting_dialogue, T_I64, MAY, model, "modelServiceId", 0, 0, "模型服务id"),
	FIELD_AS(copywriting_dialogue, T_I64, MAY, total_tokens, "totalTokens", 0, 0,
	    "of all its answers"),
	FIELD_AS(copywriting_dialogue, T_F64, MAY, price, "youtaizhis", 0, 0,
	    "hundredths of the currency"),
	FIELD_AS(copywriting_dialogue, T_BOOL, MAY, is_user, "isUser", 0, 0, "false"),
	FIELD_AS(copywriting_dialogue, T_ANY, MAY, source, "realEventSource", 0, 0, "{}"),
	SUB_AS(copywriting_dialogue, T_OBJ, MAY, message, "speechUserDialogueMessage",
	    &copywriting_message_fields, 0, 0, "its newest question"),
	FIELD_AS(copywriting_dialogue, T_BOOL, MAY, close, "closeSse", 0, 0, "false"),
	FIELD(copywriting_dialogue, T_STR, OMIT, name, 0, 0, "对话名称: in lists"),
};
FIELDS(copywriting_dialogue, "UserDialogue");

static const struct field copywriting_record_f[] = {
	FIELD_AS(copywriting_record, T_STR, MAY, create_by, "createBy", 0, 0, NULL),
	FIELD_AS(copywriting_record, T_TIME, MAY, create_ms, "createTime", 0, 0, NULL),
	FIELD_AS(copywriting_record, T_TIME, MAY, update_ms, "updateTime", 0, 0,
	    "when it ended; null: it runs"),
	FIELD_AS(copywriting_record, T_ID, MAY, tenant, "tenantId", 0, 0, NULL),
	FIELD(copywriting_record, T_ID, MAY, id, 0, 0, NULL),
	FIELD_AS(copywriting_record, T_ID, MAY, user, "userId", 0, 0, NULL),
	FIELD_AS(copywriting_record, T_ID, MAY, template, "templateId", 0, 0,
	    "文本/图片生成id"),
	FIELD_AS(copywriting_record, T_ID, MAY, dialogue, "userDialogueId", 0, 0,
	    "its question and answer are the messages of this dialogue"),
	FIELD_AS(copywriting_record, T_ID, MAY, model, "modelServiceId", 0, 0, "模型服务id"),
	FIELD(copywriting_record, T_STR, MAY, name, 0, 0, "of the app"),
	FIELD(copywriting_record, T_STR, MAY, type, 0, 0, "text, image"),
	FIELD(copywriting_record, T_STR, MAY, content, 0, 0, "what was asked"),
	FIELD(copywriting_record, T_STR, MAY, status, 0, 0,
	    "running, stop, length, content_filter, timeout, error, stopped"),
	FIELD(copywriting_record, T_STR, OMIT, result, 0, 0, "of a text app"),
	FIELD(copywriting_record, T_ANY, OMIT, images, 0, 0,
	    "of an image app, array of {url} or {b64_json}; in lists only where it is small"),
	FIELD_AS(copywriting_record, T_I64, MAY, completion_tokens, "completionTokens", 0, 0,
	    NULL),
	FIELD_AS(copywriting_record, T_I64, MAY, prompt_tokens, "promptTokens", 0, 0, NULL),
	FIELD_AS(copywriting_record, T_I64, MAY, total_tokens, "totalTokens", 0, 0, NULL),
	FIELD_AS(copywriting_record, T_F64, MAY, price, "youtaizhis", 0, 0,
	    "hundredths of the currency"),
};
static FIELDS(copywriting_record, "CopywritingRecord");

static const struct field copywriting_input_f[] = {
	FIELD(copywriting_input, T_STR, MAY, name, 0, 0, NULL),
	FIELD(copywriting_input, T_STR, MAY, type, 0, 0, "string"),
	FIELD(copywriting_input, T_BOOL, MAY, required, 0, 0, "true"),
};
static FIELDS(copywriting_input, "CopywritingInput");

static const struct field copywriting_app_f[] = {
	FIELD(copywriting_app, T_ID, MAY, id, 0, 0, "文本/图片生成id"),
	FIELD(copywriting_app, T_STR, MAY, name, 0, 0, NULL),
	FIELD(copywriting_app, T_STR, MAY, description, 0, 0, NULL),
	FIELD(copywriting_app, T_STR, MAY, type, 0, 0, "text, image"),
	FIELD_AS(copywriting_app, T_ID, MAY, model, "modelServiceId", 0, 0, "模型服务id"),
	FIELD_SUB(copywriting_app, T_LIST, MAY, inputs, &copywriting_input_fields, 0, 0, NULL),
	FIELD_AS(copywriting_app, T_TIME, MAY, create_ms, "createTime", 0, 0, NULL),
};
static FIELDS(copywriting_app, "CopywritingApp");

static const struct field copywriting_dataset_f[] = {
	FIELD(copywriting_dataset, T_ID, MAY, id, 0, 0, NULL),
	FIELD(copywriting_dataset, T_STR, MAY, name, 0, 0, NULL),
};
static FIELDS(copywriting_dataset, "CopywritingDataset");

static const struct field copywriting_scene_f[] = {
	FIELD(copywriting_scene, T_ID, MAY, id, 0, 0, "对话助手版本id"),
	FIELD_AS(copywriting_scene, T_ID, MAY, manage, "manageId", 0, 0, "对话助手id"),
	FIELD(copywriting_scene, T_STR, MAY, name, 0, 0, NULL),
	FIELD(copywriting_scene, T_INT, MAY, version, 0, 0, "from 1"),
	FIELD(copywriting_scene, T_STR, MAY, prompt, 0, 0, "how its prompt begins"),
	FIELD(copywriting_scene, T_STR, MAY, opening, 0, 0, NULL),
	FIELD_AS(copywriting_scene, T_ID, MAY, model, "modelServiceId", 0, 0, "模型服务id"),
	FIELD_AS(copywriting_scene, T_STR, MAY, model_name, "modelName", 0, 0, NULL),
	FIELD_SUB(copywriting_scene, T_LIST, MAY, datasets, &copywriting_dataset_fields, 0, 0,
	    NULL),
	FIELD(copywriting_scene, T_STRS, MAY, tools, 0, 0, NULL),
	FIELD(copywriting_scene, T_BOOL, MAY, context, 0, 0, "it hears what was said before"),
	FIELD_AS(copywriting_scene, T_TIME, MAY, create_ms, "createTime", 0, 0, NULL),
};
static FIELDS(copywriting_scene, "CopywritingScene");

static const struct field copywriting_model_f[] = {
	FIELD(copywriting_model, T_ID, MAY, id, 0, 0, "模型服务id"),
	FIELD(copywriting_model, T_STR, MAY, name, 0, 0, NULL),
	FIELD(copywriting_model, T_STR, MAY, code, 0, 0, NULL),
	FIELD_AS(copywriting_model, T_INT, MAY, type, "modelServiceType", 0, 0,
	    "0 text, 1 image, 2 embedding"),
	FIELD(copywriting_model, T_STR, MAY, logo, 0, 0, NULL),
	FIELD_AS(copywriting_model, T_TIME, MAY, create_ms, "createTime", 0, 0, NULL),
};
static FIELDS(copywriting_model, "CopywritingModel");

/* Bodies and queries. */

static const struct field copywriting_said_f[] = {
	FIELD(copywriting_said, T_STR, MUST, content, 0, 0, NULL),
	FIELD_AS(copywriting_said, T_STR, MAY, parent, "parentId", 0, 0, "父级消息id"),
	FIELD(copywriting_said, T_STR, MAY, id, 0, 0, "对话id"),
};
static FIELDS(copywriting_said, "SpeechUserDialogueMessageReq");

static const struct field copywriting_ask_f[] = {
	SUB_AS(copywriting_ask, T_OBJ, MUST, said, "speechUserDialogueMessage",
	    &copywriting_said_fields, 0, 0, NULL),
	FIELD_AS(copywriting_ask, T_ANY, MAY, model, "modelServiceId", 0, 0,
	    "模型服务id: a string or a number"),
	FIELD(copywriting_ask, T_STR, MAY, name, 0, COPYWRITING_TITLE,
	    "对话名称: of one that begins"),
	FIELD(copywriting_ask, T_STR, MAY, id, 0, 0, "对话id: none begins one"),
	FIELD_AS(copywriting_ask, T_STR, MAY, parent, "parentId", 0, 0,
	    "父级消息id: none is the newest"),
	FIELD_AS(copywriting_ask, T_BOOL, MAY, is_kb, "isKb", 0, 0,
	    "without an assistant: the answer rests on the caller's documents"),
	FIELD(copywriting_ask, T_STRS, MAY, tools, 0, TOOLS_MAX,
	    "without an assistant: ids or names of tools that the model may use"),
	FIELD(copywriting_ask, T_STRS, MAY, workflows, 0, TOOLS_MAX,
	    "without an assistant: there are none"),
};
FIELDS(copywriting_ask, "SendMessageReq");

static const struct field copywriting_run_f[] = {
	FIELD(copywriting_run, T_MAPSTR, MAY, inputs, 0, INPUTS_MAX, "of the app's blanks"),
	FIELD(copywriting_run, T_STR, MAY, content, 0, 0,
	    "of the app's only blank; where it has none, what is added to it"),
	FIELD_AS(copywriting_run, T_ANY, MAY, model, "modelServiceId", 0, 0,
	    "模型服务id: a string or a number"),
	FIELD(copywriting_run, T_INT, MAY, n, 1, 10, "of an image app: how many"),
	FIELD(copywriting_run, T_STR, MAY, size, 0, 16, "of an image app: 1024x1024, auto"),
};
FIELDS(copywriting_run, "UserCopywritingReq");

#define PAGE_FIELDS(st, what) \
	FIELD_AS(st, T_INT, MAY, page.number, "pageNum", 0, PAGE_MAX, "from 1"), \
	FIELD_AS(st, T_INT, MAY, page.size, "pageSize", 0, SIZE_MAX_ROWS, "of a page; 10"), \
	FIELD_AS(st, T_STR, MAY, page.order, "orderByColumn", 0, 0, what), \
	FIELD_AS(st, T_STR, MAY, page.way, "isAsc", 0, 0, "asc, desc")
#define IS_USER	"the caller's own: there are no others, whatever it says"

static const struct field copywriting_dialogues_query_f[] = {
	PAGE_FIELDS(copywriting_find, "createTime, updateTime, name"),
	FIELD_AS(copywriting_find, T_STR, MAY, of, "manageId", 0, 0, "对话助手id"),
	FIELD_AS(copywriting_find, T_BOOL, MAY, is_user, "isUser", 0, 0, IS_USER),
};
const struct fields copywriting_dialogues_query_fields = {
	"DialogueListReq", sizeof(struct copywriting_find), copywriting_dialogues_query_f,
	COUNT(copywriting_dialogues_query_f),
};

static const struct field copywriting_runs_query_f[] = {
	PAGE_FIELDS(copywriting_find, "createTime, updateTime, name"),
	FIELD_AS(copywriting_find, T_STR, MAY, of, "templateId", 0, 0, "文本/图片生成id"),
	FIELD_AS(copywriting_find, T_BOOL, MAY, is_user, "isUser", 0, 0, IS_USER),
};
const struct fields copywriting_runs_query_fields = {
	"RecordListReq", sizeof(struct copywriting_find), copywriting_runs_query_f,
	COUNT(copywriting_runs_query_f),
};

static const struct field copywriting_models_query_f[] = {
	PAGE_FIELDS(copywriting_models_query, "createTime, updateTime, name"),
	FIELD_AS(copywriting_models_query, T_INT, MAY, type, "modelServiceType", 0, 2,
	    "0 text, 1 image, 2 embedding; none: all"),
};
FIELDS(copywriting_models_query, "ModelListReq");

/* Replies. */

#define ENVELOPE(name, schema, table, help) \
	static const struct field copywriting_##name##_f[] = { \
		FIELD(copywriting_data, T_INT, MAY, code, 0, 0, "200"), \
		FIELD(copywriting_data, T_STR, MAY, msg, 0, 0, NULL), \
		FIELD_SUB(copywriting_data, T_OBJ, MAY, data, table, 0, 0, help), \
		FIELD(copywriting_data, T_BOOL, OMIT, stopped, 0, 0, \
		    "true: it was stopped on request"), \
	}; \
	const struct fields copywriting_##name##_fields = { schema, \
	    sizeof(struct copywriting_data), copywriting_##name##_f, \
	    COUNT(copywriting_##name##_f) }
#define ROWS(name, schema, table, help) \
	static const struct field copywriting_##name##_f[] = { \
		FIELD(copywriting_rows, T_I64, MAY, total, 0, 0, "of all pages"), \
		FIELD_SUB(copywriting_rows, T_LIST, MAY, rows, table, 0, 0, help), \
		FIELD(copywriting_rows, T_INT, MAY, code, 0, 0, "200"), \
		FIELD(copywriting_rows, T_STR, MAY, msg, 0, 0, NULL), \
	}; \
	const struct fields copywriting_##name##_fields = { schema, \
	    sizeof(struct copywriting_rows), copywriting_##name##_f, \
	    COUNT(copywriting_##name##_f) }

static const struct field copywriting_text_f[] = {
	FIELD(copywriting_text, T_STR, MAY, text, 0, 0, NULL),
};
static FIELDS(copywriting_text, "CopywritingText");

ENVELOPE(app_data, "CopywritingAppResult", &copywriting_app_fields, NULL);
ENVELOPE(scene_data, "CopywritingSceneResult", &copywriting_scene_fields, NULL);
ENVELOPE(run_data, "CopywritingRunResult", &copywriting_record_fields,
    "text apps stream it where Accept names text/event-stream");
ENVELOPE(text_data, "CopywritingTextResult", &copywriting_text_fields, NULL);
ROWS(dialogue_rows, "CopywritingDialogueRows", &copywriting_dialogue_fields, NULL);
ROWS(message_rows, "CopywritingMessageRows", &copywriting_message_fields, "in order");
ROWS(record_rows, "CopywritingRecordRows", &copywriting_record_fields, NULL);
ROWS(model_rows, "CopywritingModelRows", &copywriting_model_fields, NULL);

static const struct field copywriting_done_f[] = {
	FIELD(copywriting_done, T_INT, MAY, code, 0, 0, "200"),
	FIELD(copywriting_done, T_STR, MAY, msg, 0, 0, NULL),
	FIELD(copywriting_done, T_BOOL, MAY, data, 0, 0, "false: nothing was running"),
};
FIELDS(copywriting_done, "CopywritingDone");
