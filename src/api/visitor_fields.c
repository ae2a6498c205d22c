/* The bodies and replies of the dialect "visitor" under the document's names. */
#include "visitor.h"

#define CONTENT_MAX	(1 << 20)
#define NAMED_MAX	190	/* characters of what is named in a body */
#define SOME_MAX	64	/* tools, intents, conditions in a body */
#define PAGES_MAX	1e9
#define PAGE_MAX	1000

/* A field of another name than its member's, with a table. */
#define FIELD_SUB_AS(st, type, need, member, json, subtable, min, max, help) \
	{ json, type, need, offsetof(struct st, member), min, max, subtable, help }

/* ---- bodies ---------------------------------------------------------------------------------- */

static const struct field visitor_item_f[] = {
	FIELD(visitor_item, T_STR, MAY, name, 0, CONTACT_TEXT, NULL),
	FIELD(visitor_item, T_STR, MAY, mobile, 0, CONTACT_MOBILE, NULL),
	FIELD(visitor_item, T_STR, MAY, email, 0, CONTACT_TEXT, NULL),
	FIELD(visitor_item, T_STR, MAY, avatar, 0, CONTACT_AVATAR, NULL),
	FIELD(visitor_item, T_STR, MAY, company, 0, CONTACT_TEXT, NULL),
};
static FIELDS(visitor_item, "VisitorFieldItem");

static const struct field visitor_ask_f[] = {
	FIELD(visitor_ask, T_STR, MUST, content, 1, CONTENT_MAX, "提问内容"),
	FIELD_AS(visitor_ask, T_STR, MAY, encoding, "content_encoding", 0, NAMED_MAX,
	    "base64: content is that"),
	FIELD_AS(visitor_ask, T_STR, MAY, format, "return_format", 0, NAMED_MAX,
	    "返回内容格式: text (default), html, markdown"),
	FIELD(visitor_ask, T_BOOL, MAY, search, 0, 0, "是否开启搜索引擎"),
	FIELD_AS(visitor_ask, T_STR, MAY, visitor, "visitorId", 0, CONTACT_TEXT,
	    "访问者ID: each has one conversation with an assistant"),
	FIELD_AS(visitor_ask, T_STR, MAY, model, "chatMode", 0, NAMED_MAX,
	    "对话模型: code of a model; absent: the assistant's"),
	FIELD_AS(visitor_ask, T_STRS, MAY, intents, "intention", 0, SOME_MAX, "意图: ids"),
	FIELD(visitor_ask, T_ANY, MAY, max_tokens, 0, 0, "最大token: a string or a number"),
	FIELD(visitor_ask, T_STR, MAY, knowledge, 0, NAMED_MAX,
	    "知识id: in place of the assistant's own"),
	FIELD(visitor_ask, T_STR, MAY, system, 0, 0, "对话背景设置: in place of the assistant's"),
	FIELD(visitor_ask, T_STRS, MAY, tools, 0, SOME_MAX,
	    "工具: ids, in place of the assistant's"),
	FIELD(visitor_ask, T_ANY, MAY, temperature, 0, 0, "创意度: 0 to 2, a string or a number"),
	FIELD_SUB_AS(visitor_ask, T_OBJ, MAY, item, "fielditem", &visitor_item_fields, 0, 0,
	    "补充额外联系人信息"),
	FIELD_AS(visitor_ask, T_STR, MAY, handler, "handler_type", 0, NAMED_MAX,
	    "知识助手处理方式: custom, fix, web_search"),
	FIELD_AS(visitor_ask, T_STR, MAY, fixed, "fix_content", 0, 0, "回复内容, with fix"),
	FIELD(visitor_ask, T_BOOL, MAY, stream, 0, 0, "是否以流的形式返回"),
	FIELD_AS(visitor_ask, T_STR, MAY, assistant, "ibotID", 0, NAMED_MAX,
	    "助手id; absent: the key's"),
};
FIELDS(visitor_ask, "VisitorChatRequest");

static const struct field visitor_history_query_f[] = {
	FIELD_AS(visitor_history_query, T_STR, MUST, chat, "chat_id", 1, NAMED_MAX,
	    "会话ID: msgKey"),
	FIELD(visitor_history_query, T_INT, MAY, page, 1, PAGES_MAX, NULL),
	FIELD(visitor_history_query, T_INT, MAY, size, 1, PAGE_MAX, "answers of a page: 100"),
};
FIELDS(visitor_history_query, "VisitorHistoryRequest");

static const struct field visitor_execute_f[] = {
	FIELD(visitor_execute, T_ANY, MAY, data, 0, 0, "an object: the tool's arguments"),
	FIELD(visitor_execute, T_BOOL, MAY, preview_only, 0, 0, "true: it is not run"),
};
FIELDS(visitor_execute, "VisitorExecuteRequest");

static const struct field visitor_contact_query_f[] = {
	FIELD_AS(visitor_contact_query, T_ID, MUST, contact, "contact_id", 0, 0, NULL),
};
FIELDS(visitor_contact_query, "VisitorContactQuery");

static const struct field visitor_contact_change_f[] = {
	FIELD_AS(visitor_contact_change, T_ID, MAY, contact, "contact_id", 0, 0, "or: id"),
	FIELD(visitor_contact_change, T_ID, MAY, id, 0, 0, NULL),
	FIELD(visitor_contact_change, T_STR, MAY, name, 0, CONTACT_TEXT, NULL),
	FIELD(visitor_contact_change, T_STR, MAY, mobile, 0, CONTACT_MOBILE, NULL),
	FIELD(visitor_contact_change, T_STR, MAY, email, 0, CONTACT_TEXT, NULL),
	FIELD(visitor_contact_change, T_STR, MAY, avatar, 0, CONTACT_AVATAR, NULL),
	FIELD(visitor_contact_change, T_STR, MAY, company, 0, CONTACT_TEXT, NULL),
};
FIELDS(visitor_contact_change, "VisitorContactUpdateRequest");

static const struct field visitor_filter_f[] = {
	FIELD_AS(visitor_filter, T_STR, MUST, key, "filter_key", 1, NAMED_MAX,
	    "id, userid, name, mobile, email, avatar, company"),
	FIELD_AS(visitor_filter, T_STR, MAY, condition, "filter_condition", 0, NAMED_MAX,
	    "= (default), !=, like: holds it, in any case"),
	FIELD_AS(visitor_filter, T_STR, MUST, value, "filter_value", 0, CONTACT_AVATAR, NULL),
};
static FIELDS(visitor_filter, "VisitorFilter");

static const struct field visitor_contact_find_f[] = {
	FIELD_SUB(visitor_contact_find, T_LIST, MAY, filter, &visitor_filter_fields, 0, SOME_MAX,
	    "all of them must hold"),
	FIELD(visitor_contact_find, T_INT, MAY, page, 1, PAGES_MAX, NULL),
	FIELD(visitor_contact_find, T_INT, MAY, size, 1, PAGE_MAX, "contacts of a page: 100"),
};
FIELDS(visitor_contact_find, "VisitorContactListRequest");

/* ---- replies --------------------------------------------------------------------------------- */

static const struct field visitor_source_f[] = {
	FIELD(visitor_source, T_STR, MAY, link, 0, 0, "搜索链接; empty: of a document"),
	FIELD(visitor_source, T_STR, MAY, snippet, 0, 0, "简介"),
	FIELD(visitor_source, T_STR, MAY, title, 0, 0, "标题"),
};
static FIELDS(visitor_source, "VisitorSource");

static const struct field visitor_usage_f[] = {
	FIELD(visitor_usage, T_F64, MUST, total_cost, 0, 0, "消耗总费用"),
};
static FIELDS(visitor_usage, "VisitorUsage");

static const struct field visitor_reply_f[] = {
	FIELD(visitor_reply, T_STR, MAY, desc, 0, 0, "回答内容; in a stream: what comes next"),
	FIELD_AS(visitor_reply, T_STR, MAY, msg_key, "msgKey", 0, 0, "会话ID"),
	FIELD_SUB(visitor_reply, T_LIST, MAY, source, &visitor_source_fields, 0, 0, "搜索来源"),
	FIELD_SUB(visitor_reply, T_OBJ, MUST, usage, &visitor_usage_fields, 0, 0, NULL),
	FIELD_AS(visitor_reply, T_STR, MAY, visitor, "visitorId", 0, 0, "访问者ID"),
	FIELD(visitor_reply, T_BOOL, OMIT, finished, 0, 0, "in a stream: its last message"),
	FIELD(visitor_reply, T_BOOL, OMIT, stopped, 0, 0, "true: it was stopped on request"),
};
FIELDS(visitor_reply, "VisitorChatResponse");

static const struct field visitor_message_f[] = {
	FIELD(visitor_message, T_ID, MAY, id, 0, 0, NULL),
	FIELD(visitor_message, T_STR, MAY, role, 0, 0, "user, assistant"),
	FIELD(visitor_message, T_STR, MAY, content, 0, 0, NULL),
	FIELD_AS(visitor_message, T_TIME, MAY, create_ms, "create_time", 0, 0, NULL),
};
static FIELDS(visitor_message, "VisitorMessage");

static const struct field visitor_history_f[] = {
	FIELD_SUB(visitor_history, T_LIST, MAY, message, &visitor_message_fields, 0, 0,
	    "newest first"),
};
static FIELDS(visitor_history, "VisitorHistory");

static const struct field visitor_ibot_f[] = {
	FIELD(visitor_ibot, T_ID, MAY, id, 0, 0, "ibotID"),
	FIELD(visitor_ibot, T_STR, MAY, name, 0, 0, NULL),
	FIELD(visitor_ibot, T_BOOL, MAY, published, 0, 0, NULL),
	FIELD_AS(visitor_ibot, T_TIME, MAY, create_ms, "create_time", 0, 0, NULL),
};
static FIELDS(visitor_ibot, "VisitorIbot");

static const struct field visitor_model_f[] = {
	FIELD(visitor_model, T_STR, MAY, id, 0, 0, "chatMode"),
	FIELD(visitor_model, T_STR, MAY, name, 0, 0, NULL),
};
static FIELDS(visitor_model, "VisitorModel");

static const struct field visitor_intent_f[] = {
	FIELD(visitor_intent, T_ID, MAY, id, 0, 0, "intention"),
	FIELD(visitor_intent, T_STR, MAY, name, 0, 0, NULL),
	FIELD(visitor_intent, T_ANY, MAY, examples, 0, 0, "sentences that have it"),
};
static FIELDS(visitor_intent, "VisitorIntention");

static const struct field visitor_dataset_f[] = {
	FIELD(visitor_dataset, T_ID, MAY, id, 0, 0, "knowledge"),
	FIELD(visitor_dataset, T_STR, MAY, name, 0, 0, NULL),
	FIELD(visitor_dataset, T_I64, MAY, documents, 0, 0, "how many are in it"),
	FIELD_AS(visitor_dataset, T_TIME, MAY, create_ms, "create_time", 0, 0, NULL),
};
static FIELDS(visitor_dataset, "VisitorKnowledge");

static const struct field visitor_balance_f[] = {
	FIELD(visitor_balance, T_ANY, MAY, money, 0, 0, "left; null: without end"),
	FIELD(visitor_balance, T_ANY, MAY, calls, 0, 0, "left; null: without end"),
};
static FIELDS(visitor_balance, "VisitorBalance");

static const struct field visitor_contact_f[] = {
	FIELD(visitor_contact, T_ID, MAY, id, 0, 0, "contact_id"),
	FIELD(visitor_contact, T_STR, MAY, name, 0, 0, NULL),
	FIELD(visitor_contact, T_STR, MAY, mobile, 0, 0, NULL),
	FIELD(visitor_contact, T_STR, MAY, email, 0, 0, NULL),
	FIELD(visitor_contact, T_STR, MAY, avatar, 0, 0, NULL),
	FIELD(visitor_contact, T_STR, MAY, userid, 0, 0, "visitorId"),
	FIELD(visitor_contact, T_STR, MAY, company, 0, 0, NULL),
	FIELD_AS(visitor_contact, T_TIME, MAY, create_ms, "create_time", 0, 0, NULL),
	FIELD_AS(visitor_contact, T_TIME, MAY, update_ms, "update_time", 0, 0, NULL),
};
static FIELDS(visitor_contact, "VisitorContact");

static const struct field visitor_checked_f[] = {
	FIELD(visitor_checked, T_BOOL, MUST, success, 0, 0, "the key counts"),
};
FIELDS(visitor_checked, "VisitorChecked");

static const struct field visitor_tool_f[] = {
	FIELD(visitor_tool, T_ID, MAY, id, 0, 0, NULL),
	FIELD(visitor_tool, T_STR, MAY, operation_id, 0, 0, "its name"),
	FIELD(visitor_tool, T_STR, MAY, description, 0, 0, NULL),
	FIELD(visitor_tool, T_ANY, MAY, params, 0, 0, "JSON Schema of its arguments"),
};
static FIELDS(visitor_tool, "VisitorAction");

static const struct field visitor_tools_f[] = {
	FIELD_SUB(visitor_tools, T_LIST, MAY, results, &visitor_tool_fields, 0, 0, NULL),
	FIELD(visitor_tools, T_STR, MAY, configuration_link, 0, 0,
	    "always empty: administrators register them"),
};
FIELDS(visitor_tools, "VisitorActions");

static const struct field visitor_executed_f[] = {
	FIELD(visitor_executed, T_STR, MAY, id, 0, 0, "of the request, as in X-Request-Id"),
	FIELD(visitor_executed, T_STR, MAY, action_used, 0, 0, "the tool's name"),
	FIELD(visitor_executed, T_ANY, MAY, input_params, 0, 0, NULL),
	FIELD(visitor_executed, T_ANY, MAY, result, 0, 0, "JSON where it is that, else a string"),
	FIELD(visitor_executed, T_STR, MAY, status, 0, 0, "success, error, preview"),
	FIELD(visitor_executed, T_STR, MAY, error, 0, 0, NULL),
};
FIELDS(visitor_executed, "VisitorExecuteResponse");

/* ---- envelopes ------------------------------------------------------------------------------- */

#define DATA(name, schema) \
	static const struct field visitor_##name##_data_f[] = { \
		FIELD_AS(visitor_data, T_INT, MUST, code, "Code", 0, 0, "2000"), \
		FIELD_SUB_AS(visitor_data, T_OBJ, MAY, data, "Data", &visitor_##name##_fields, \
		    0, 0, NULL), \
		FIELD_AS(visitor_data, T_STR, MUST, msg, "Msg", 0, 0, "success"), \
	}; \
	const struct fields visitor_##name##_data_fields = \
	    { schema, sizeof(struct visitor_data), visitor_##name##_data_f, 3 }
#define LIST(name, schema) \
	static const struct field visitor_##name##_list_f[] = { \
		FIELD_AS(visitor_list, T_INT, MUST, code, "Code", 0, 0, "2000"), \
		FIELD_SUB_AS(visitor_list, T_LIST, MAY, data, "Data", &visitor_##name##_fields, \
		    0, 0, NULL), \
		FIELD_AS(visitor_list, T_STR, MUST, msg, "Msg", 0, 0, "success"), \
	}; \
	const struct fields visitor_##name##_list_fields = \
	    { schema, sizeof(struct visitor_list), visitor_##name##_list_f, 3 }

DATA(history, "VisitorHistoryResult");
DATA(balance, "VisitorBalanceResult");
DATA(contact, "VisitorContactResult");
LIST(ibot, "VisitorIbotList");
LIST(model, "VisitorModelList");
LIST(intent, "VisitorIntentionList");
LIST(dataset, "VisitorKnowledgeList");
LIST(contact, "VisitorContactList");
