/* The arena's bodies, queries and replies under the document's names. */
#include "arena.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define ANY_ID		1048576	/* an id that is too long is no error of its own: it is unknown */

static const struct field task_new_f[] = {
	FIELD(task_new, T_STR, MAY, title, 0, 200, "任务名称"),
	FIELD(task_new, T_STR, MAY, description, 0, 100000, "任务描述"),
	FIELD_AS(task_new, T_STR, MAY, support_unit, "supportUnit", 0, 100000, "支撑单位"),
	FIELD_AS(task_new, T_STR, MAY, bus_dir, "busDir", 0, 100000, "业务方向"),
	FIELD_AS(task_new, T_STR, MAY, work_goal, "workGoal", 0, 100000, "工作目标"),
};
FIELDS(task_new, "TaskAdd");

static const struct field task_rename_f[] = {
	FIELD(task_rename, T_STR, MUST, code, 1, ANY_ID, "id of the task"),
	FIELD(task_rename, T_STR, MUST, title, 1, 200, NULL),
};
FIELDS(task_rename, "TaskRename");

static const struct field task_del_f[] = {
	FIELD(task_del, T_STR, MUST, code, 1, ANY_ID, "id of the task"),
};
FIELDS(task_del, "TaskDel");

static const struct field chat_message_f[] = {
	FIELD(chat_message, T_STR, MAY, role, 0, 0, "system, user (default) or assistant"),
	FIELD(chat_message, T_STR, MAY, content, 0, 0, NULL),
};
static FIELDS(chat_message, "ChatMessage");

static const struct field chat_req_f[] = {
	FIELD_AS(chat_req, T_STR, MUST, task_id, "taskId", 1, ANY_ID, NULL),
	FIELD_AS(chat_req, T_STR, MAY, pri_id, "priId", 0, ANY_ID, NULL),
	FIELD_SUB(chat_req, T_LIST, MAY, messages, &chat_message_fields, 0, 1000, NULL),
	FIELD(chat_req, T_STR, MAY, session_id, 0, ANY_ID, NULL),
	FIELD(chat_req, T_TIME, MAY, start_time, 0, 0, "only call records begun then or later"),
	FIELD(chat_req, T_TIME, MAY, end_time, 0, 0, "only call records begun then or earlier"),
};
FIELDS(chat_req, "ChatMsgReq");

static const struct field combine_query_f[] = {
	FIELD(combine_query, T_STR, MAY, fuse, 0, 64,
	    "code of a model that makes one answer of the others"),
};
FIELDS(combine_query, "CombineQuery");

static const struct field pri_query_f[] = {
	FIELD_AS(pri_query, T_STR, MUST, pri_id, "priId", 1, ANY_ID, "根据会话ID计算来的唯一ID"),
};
FIELDS(pri_query, "PriQuery");

static const struct field his_query_f[] = {
	FIELD_AS(his_query, T_STR, MUST, session_id, "sessionId", 1, ANY_ID, NULL),
	FIELD_AS(his_query, T_STR, MAY, pri_id, "priId", 0, ANY_ID, NULL),
};
FIELDS(his_query, "HisQuery");

static const struct field conv_rename_f[] = {
	FIELD_AS(conv_rename, T_STR, MUST, session_id, "sessionId", 1, ANY_ID, NULL),
	FIELD(conv_rename, T_STR, MUST, title, 1, 200, NULL),
};
FIELDS(conv_rename, "ConvRename");

static const struct field conv_del_f[] = {
	FIELD_AS(conv_del, T_STR, MUST, session_id, "sessionId", 1, ANY_ID, NULL),
};
FIELDS(conv_del, "ConvDel");

static const struct field rating_f[] = {
	FIELD_AS(rating, T_STR, MUST, pri_id, "priId", 1, ANY_ID, NULL),
	FIELD(rating, T_MAPF64, MUST, scores, 0, 10, "what is rated, and how"),
	FIELD(rating, T_STR, MAY, remark, 0, 10000, NULL),
};
FIELDS(rating, "RatingReq");

/* Replies. */

static const struct field result_bool_f[] = {
	FIELD(result_bool, T_INT, MAY, code, 0, 0, NULL),
	FIELD(result_bool, T_STR, MAY, msg, 0, 0, NULL),
	FIELD(result_bool, T_BOOL, MAY, data, 0, 0, NULL),
};
FIELDS(result_bool, "ResultDTOBoolean");

static const struct field tree_node_f[] = {
	FIELD(tree_node, T_STR, MAY, id, 0, 0, NULL),
	FIELD(tree_node, T_STR, MAY, val, 0, 0, NULL),
	FIELD(tree_node, T_BOOL, MAY, leaf, 0, 0, NULL),
	FIELD_SUB(tree_node, T_LIST, MAY, children, &tree_node_fields, 0, 0,
	    "a task's answered sessions"),
};
FIELDS(tree_node, "CommonTreeDict");

static const struct field result_tree_f[] = {
	FIELD(result_tree, T_INT, MAY, code, 0, 0, NULL),
	FIELD(result_tree, T_STR, MAY, msg, 0, 0, NULL),
	FIELD_SUB(result_tree, T_LIST, MAY, data, &tree_node_fields, 0, 0, NULL),
};
FIELDS(result_tree, "ResultDTOListCommonTreeDict");

static const struct field conv_created_f[] = {
	FIELD_AS(conv_created, T_STR, MAY, session_id, "sessionId", 0, 0, "会话ID"),
	FIELD_AS(conv_created, T_MAPSTR, MAY, mapping, "priIdMapping", 0, 0,
	    "私有会话ID映射: mask code to priId"),
};
static FIELDS(conv_created, "ConvCreatedVO");

static const struct field result_created_f[] = {
	FIELD(result_created, T_INT, MAY, code, 0, 0, NULL),
	FIELD(result_created, T_STR, MAY, msg, 0, 0, NULL),
	FIELD_SUB(result_created, T_OBJ, MAY, data, &conv_created_fields, 0, 0, NULL),
};
FIELDS(result_created, "ResultDTOConvCreatedVO");

/* What arena_frame and the history write. */

#define SAID(name, type, need, sub, help)	{ name, type, need, 0, 0, 0, sub, help }
#define SAID_FIELDS(var, schema)		{ schema, 0, var, COUNT(var) }

static const struct field delta_f[] = {
	SAID("content", T_STR, MAY, NULL, NULL),
};
static const struct fields delta_fields = SAID_FIELDS(delta_f, "ChatDelta");

static const struct field choice_f[] = {
	SAID("index", T_INT, MAY, NULL, NULL),
	SAID("delta", T_OBJ, MAY, &delta_fields, NULL),
	SAID("finish_reason", T_STR, MAY, NULL,
	    "null, then once stop, length, content_filter, timeout or error"),
};
static const struct fields choice_fields = SAID_FIELDS(choice_f, "ChatChoice");

static const struct field citation_f[] = {
	SAID("id", T_STR, MAY, NULL, "引用标识ID"),
	SAID("summary", T_STR, MAY, NULL, "引用的摘要内容"),
	SAID("start_time", T_TIME, MAY, NULL, "通话开始时间"),
	SAID("duration", T_INT, MAY, NULL, "通话时长,单位:秒"),
	SAID("callnumber", T_STR, MAY, NULL, "主叫号码"),
	SAID("callednumber", T_STR, MAY, NULL, "被叫号码"),
	SAID("labels", T_STR, MAY, NULL, "相关标签,用|分割"),
};
static const struct fields citation_fields = SAID_FIELDS(citation_f, "ChatCitation");

static const struct field error_f[] = {
	SAID("code", T_INT, MAY, NULL, "as an HTTP status"),
	SAID("message", T_STR, MAY, NULL, NULL),
};
static const struct fields error_fields = SAID_FIELDS(error_f, "ChatError");

static const struct field chat_response_f[] = {
	SAID("session_id", T_STR, MAY, NULL, NULL),
	SAID("object", T_STR, MAY, NULL, NULL),
	SAID("created", T_I64, MAY, NULL, "seconds since 1970"),
	SAID("choices", T_LIST, MAY, &choice_fields, NULL),
	SAID("citations", T_LIST, MAY, &citation_fields, NULL),
	SAID("maskName", T_STR, MAY, NULL, NULL),
	SAID("maskCode", T_STR, MAY, NULL, NULL),
	SAID("privateId", T_STR, MAY, NULL, NULL),
	SAID("error", T_OBJ, OMIT, &error_fields, "in a stream: why the answer failed"),
	SAID("stopped", T_BOOL, OMIT, NULL, "true: the answer was stopped on request"),
	SAID("question", T_STR, OMIT, NULL, "in a history"),
	SAID("liked", T_BOOL, OMIT, NULL, "in a history: by the caller"),
	SAID("modelCode", T_STR, OMIT, NULL, "in a history, once a vote has taken the masks off"),
};
const struct fields chat_response_fields = SAID_FIELDS(chat_response_f, "ChatResponseVO");

static const struct field history_f[] = {
	SAID("sessionId", T_STR, MAY, NULL, NULL),
	SAID("question", T_STR, MAY, NULL, "the first of them"),
	SAID("questions", T_STRS, MAY, NULL, NULL),
	SAID("chatMap", T_MAPLIST, MAY, &chat_response_fields, "mask code to its answers"),
};
static const struct fields history_fields = SAID_FIELDS(history_f, "HistoryChatVO");

static const struct field result_history_f[] = {
	SAID("code", T_INT, MAY, NULL, NULL),
	SAID("msg", T_STR, MAY, NULL, NULL),
	SAID("data", T_OBJ, MAY, &history_fields, NULL),
};
const struct fields result_history_fields = SAID_FIELDS(result_history_f, "ResultDTOHistoryChatVO");
