/* The types, bodies and replies of the dialect "session" under the document's names. */
#include "chat.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define TIME_MAX	(INT64_C(1) << 53)

/* Types. */

static const struct field chat_user_f[] = {
	FIELD(chat_user, T_I64, MAY, id, 0, 0, "用ID"),
	FIELD(chat_user, T_STR, MAY, name, 0, 0, "名称"),
	FIELD(chat_user, T_STR, MAY, avatar, 0, 0, "头像"),
};
FIELDS(chat_user, "User");

static const struct field chat_model_f[] = {
	FIELD(chat_model, T_I64, MUST, id, 0, 0, "模型ID; in a body it alone counts"),
	FIELD(chat_model, T_STR, MAY, name, 0, 0, "模型名称"),
	FIELD(chat_model, T_STR, MAY, code, 0, 0, "模型编码"),
	FIELD(chat_model, T_STR, MAY, logo, 0, 0, "模型LOGO地址"),
};
FIELDS(chat_model, "Model");

static const struct field chat_record_f[] = {
	FIELD(chat_record, T_I64, MAY, id, 0, 0, "记录ID"),
	FIELD_AS(chat_record, T_I64, MAY, session_id, "sessionId", 0, 0, "会话ID"),
	FIELD_AS(chat_record, T_I64, MAY, group_id, "groupId", 0, 0,
	    "分组ID: answers to one question share it"),
	FIELD_AS(chat_record, T_I64, OMIT, model_id, "modelId", 0, 0, "模型ID"),
	FIELD_AS(chat_record, T_I64, OMIT, author_id, "authorId", 0, 0, "作者ID"),
	FIELD_SUB(chat_record, T_OBJ, OMIT, author, &chat_user_fields, 0, 0, "提问人"),
	FIELD_SUB(chat_record, T_OBJ, OMIT, model, &chat_model_fields, 0, 0, "模型"),
	FIELD_AS(chat_record, T_STR, MAY, content_type, "contentType", 0, 0,
	    "内容类型: text, image, document"),
	FIELD_AS(chat_record, T_STR, MAY, problem_text, "problemText", 0, 0, "问题文本"),
	FIELD_AS(chat_record, T_STR, MAY, answer_text, "answerText", 0, 0, "回答文本"),
	FIELD(chat_record, T_STR, MAY, status, 0, 0,
	    "processing, finished_success, finished_fail, finished_timeout"),
	FIELD_AS(chat_record, T_I64, MAY, create_at, "createAt", 0, 0,
	    "创建时间: milliseconds since 1970"),
	FIELD(chat_record, T_ANY, OMIT, citations, 0, 0,
	    "array of what the answer rests on: {documentId, fileName, segment, text, score}"),
	FIELD(chat_record, T_ANY, OMIT, unread, 0, 0,
	    "array of what it should rest on and does not, since it was not read when the question"
	    " came: {documentId, fileName, status: pending or failed}; at most 50"),
};
FIELDS(chat_record, "Record");

static const struct field chat_document_f[] = {
	FIELD(chat_document, T_I64, MAY, id, 0, 0, "文档ID"),
	FIELD_AS(chat_document, T_STR, MAY, file_name, "fileName", 0, 0, "文件名"),
	FIELD(chat_document, T_STR, MAY, url, 0, 0, "文件地址"),
	FIELD(chat_document, T_I64, MAY, size, 0, 0, "文件大小: KB"),
	FIELD(chat_document, T_STR, MAY, status, 0, 0, "pending, ready, failed"),
	FIELD(chat_document, T_STR, OMIT, error, 0, 0,
	    "why it failed, in the language of the request"),
	FIELD(chat_document, T_I64, MAY, segments, 0, 0, "分段数"),
	FIELD_AS(chat_document, T_I64, MAY, created_at, "createdAt", 0, 0,
	    "创建时间: milliseconds since 1970"),
	FIELD_SUB(chat_document, T_OBJ, OMIT, author, &chat_user_fields, 0, 0, "作者"),
};
FIELDS(chat_document, "ChatDocumentItem");

static const struct field chat_dataset_f[] = {
	FIELD(chat_dataset, T_I64, MAY, id, 0, 0, "知识库ID"),
	FIELD(chat_dataset, T_STR, MAY, name, 0, CHAT_TITLE_MAX, "名称"),
	FIELD_AS(chat_dataset, T_I64, MAY, total_documents, "totalDocuments", 0, 0, "文档数"),
	FIELD_AS(chat_dataset, T_I64, MAY, created_at, "createdAt", 0, 0,
	    "创建时间: milliseconds since 1970"),
	FIELD_SUB(chat_dataset, T_OBJ, OMIT, author, &chat_user_fields, 0, 0, "作者"),
};
FIELDS(chat_dataset, "ChatDatasetItem");

static const struct field chat_session_f[] = {
	FIELD(chat_session, T_I64, OMIT, id, 0, 0, "唯一标识"),
	FIELD(chat_session, T_STR, OMIT, title, 0, CHAT_TITLE_MAX,
	    "会话标题: of the first question until it is given another"),
	FIELD(chat_session, T_STR, OMIT, abstract, 0, CHAT_ABSTRACT_MAX, "摘要"),
	FIELD_AS(chat_session, T_I64, OMIT, created_at, "createdAt", 0, 0,
	    "创建时间: milliseconds since 1970"),
	FIELD(chat_session, T_INT, OMIT, module, 0, 0, "1:openai chat(默认) 2:星火文档问答"),
	FIELD(chat_session, T_STR, OMIT, type, 0, 0, "chat:普通问答(默认)"
	    " spark_dataset_chat:星火知识库问答 spark_documents_chat:星火多文档问答"),
	FIELD_AS(chat_session, T_I64, OMIT, dataset_id, "datasetId", 0, 0, "知识库"),
	FIELD_AS(chat_session, T_I64S, OMIT, document_ids, "documentIds", 0, CHAT_IDS_MAX,
	    "多文档: in a body all that it shall have from now on"),
	FIELD_SUB(chat_session, T_LIST, OMIT, documents, &chat_document_fields, 0, 0, "多文档"),
	FIELD_SUB(chat_session, T_OBJ, OMIT, author, &chat_user_fields, 0, 0, "提问人"),
	FIELD_AS(chat_session, T_I64, OMIT, total_records, "totalRecords", 0, 0, "记录数"),
	FIELD_SUB(chat_session, T_OBJ, OMIT, model, &chat_model_fields, 0, 0, "模型"),
};
FIELDS(chat_session, "ChatSessionItem");

/* Bodies. */

static const struct field chat_search_f[] = {
	CHAT_PAGE_FIELDS(chat_search),
	FIELD(chat_search, T_STR, MAY, title, 0, CHAT_TITLE_MAX, "按标题搜索: a part of it"),
	FIELD(chat_search, T_INT, MAY, module, 0, 2, "1:openai chat 2:星火文档问答"),
};
FIELDS(chat_search, "ChatSessionSearchRequest");

static const struct field chat_data_search_f[] = {
	CHAT_PAGE_FIELDS(chat_data_search),
	FIELD(chat_data_search, T_STR, MAY, title, 0, CHAT_TITLE_MAX, "按标题搜索: a part of it"),
	FIELD_AS(chat_data_search, T_STR, MAY, user_name, "userName", 0, CHAT_TITLE_MAX,
	    "用户名称: a part of it"),
	FIELD_AS(chat_data_search, T_I64, MAY, begin_time, "beginTime", 0, TIME_MAX,
	    "会话创建时间: then or later, milliseconds since 1970"),
	FIELD_AS(chat_data_search, T_I64, MAY, end_time, "endTime", 0, TIME_MAX,
	    "会话创建时间: then or earlier; 0: open"),
};
FIELDS(chat_data_search, "ChatDataSessionSearchRequest");

static const struct field chat_records_query_f[] = {
	CHAT_PAGE_FIELDS(chat_records_query),
	FIELD_AS(chat_records_query, T_I64, MUST, session_id, "sessionId", 0, 0, "会话ID"),
};
FIELDS(chat_records_query, "ChatSessionRecordsRequest");

static const struct field chat_save_f[] = {
	FIELD_SUB(chat_save, T_OBJ, MUST, session, &chat_session_fields, 0, 0,
	    "with an id: that session is changed, and what is absent stays as it is"),
};
FIELDS(chat_save, "ChatSessionSaveRequest");

static const struct field chat_update_f[] = {
	FIELD_SUB(chat_save, T_OBJ, MUST, session, &chat_session_fields, 0, 0,
	    "what is absent stays as it is"),
};
const struct fields chat_update_fields = {
	"ChatSessionUpdateRequest", sizeof(struct chat_save), chat_update_f, COUNT(chat_update_f),
};

static const struct field chat_rename_f[] = {
	FIELD(chat_rename, T_I64, MUST, id, 0, 0, NULL),
	FIELD(chat_rename, T_STR, MUST, name, 1, CHAT_TITLE_MAX, NULL),
};
FIELDS(chat_rename, "ChatSessionRenameRequest");

/* Replies. */

static const struct field chat_got_f[] = {
	FIELD_SUB(chat_got, T_OBJ, MAY, session, &chat_session_fields, 0, 0, NULL),
	FIELD_SUB(chat_got, T_LIST, MAY, records, &chat_record_fields, 0, 0,
	    "the latest 200, oldest first"),
	FIELD_SUB(chat_got, T_LIST, MAY, documents, &chat_document_fields, 0, 0, NULL),
	FIELD_SUB(chat_got, T_OBJ, MAY, dataset, &chat_dataset_fields, 0, 0, NULL),
};
FIELDS(chat_got, "ChatSessionGetResponse");

static const struct field chat_saved_f[] = {
	FIELD_SUB(chat_save, T_OBJ, MAY, session, &chat_session_fields, 0, 0, NULL),
};
const struct fields chat_saved_fields = {
	"ChatSessionSaveResponse", sizeof(struct chat_save), chat_saved_f, COUNT(chat_saved_f),
};

/* {list, total}: what the list holds makes the difference. */
#define LIST_OF(var, schema, sub, help) \
	static const struct field var##_f[] = { \
		FIELD_SUB(chat_list, T_LIST, MAY, list, sub, 0, 0, help), \
		FIELD(chat_list, T_I64, MAY, total, 0, 0, "of all pages"), \
	}; \
	const struct fields var##_fields = { schema, sizeof(struct chat_list), var##_f, 2 }

LIST_OF(chat_found, "ChatSessionSearchResponse", &chat_session_fields, "newest first");
LIST_OF(chat_data_found, "ChatDataSessionSearchResponse", &chat_session_fields, "newest first");
LIST_OF(chat_record_list, "ChatSessionRecordsResponse", &chat_record_fields, "newest first");

static const struct field chat_model_list_f[] = {
	FIELD_SUB(chat_list, T_LIST, MAY, list, &chat_model_fields, 0, 0, "by code"),
};
const struct fields chat_model_list_fields = {
	"ChatModelsResponse", sizeof(struct chat_list), chat_model_list_f, COUNT(chat_model_list_f),
};

/* Nothing but {}. */
const struct fields chat_updated_fields = { "ChatSessionUpdateResponse", 0, chat_save_f, 0 };
const struct fields chat_deleted_fields = { "ChatSessionDeleteResponse", 0, chat_save_f, 0 };
const struct fields chat_renamed_fields = { "ChatSessionRenameResponse", 0, chat_save_f, 0 };
