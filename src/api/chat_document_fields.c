/* The bodies and replies of documents and datasets. */
#include "chat_document.h"

/* Bodies. */

static const struct field chat_register_f[] = {
	FIELD_AS(chat_register, T_STR, MUST, file_name, "fileName", 1, DOCUMENT_NAME, "文件名"),
	FIELD(chat_register, T_STR, MUST, url, 1, DOCUMENT_URL, "文件地址: http or https"),
	FIELD(chat_register, T_I64, MAY, size, 0, 1e12, "文件大小: KB"),
};
FIELDS(chat_register, "ChatDocumentSaveRequest");

static const struct field chat_register_batch_f[] = {
	FIELD_SUB(chat_register_batch, T_LIST, MUST, documents, &chat_register_fields, 1,
	    CHAT_BATCH_MAX, NULL),
};
FIELDS(chat_register_batch, "ChatDocumentBatchSaveRequest");

static const struct field chat_document_search_f[] = {
	CHAT_PAGE_FIELDS(chat_document_search),
	FIELD_AS(chat_document_search, T_STR, MAY, file_name, "fileName", 0, DOCUMENT_NAME,
	    "按文件名搜索: a part of it"),
};
FIELDS(chat_document_search, "ChatDocumentSearchRequest");

static const struct field chat_files_f[] = {
	FIELD(chat_files, T_I64, MUST, id, 0, 0, "of the session or dataset"),
	FIELD_AS(chat_files, T_I64S, MUST, document_ids, "documentIds", 1, CHAT_IDS_MAX,
	    "文档ID列表"),
};
FIELDS(chat_files, "ChatSessionAddFilesRequest");

static const struct field chat_dataset_new_f[] = {
	FIELD(chat_dataset_new, T_STR, MUST, name, 1, CHAT_TITLE_MAX, "名称"),
	FIELD_AS(chat_dataset_new, T_I64S, MAY, document_ids, "documentIds", 0, CHAT_IDS_MAX,
	    "文档ID列表"),
};
FIELDS(chat_dataset_new, "ChatDatasetSaveRequest");

static const struct field chat_dataset_change_f[] = {
	FIELD_SUB(chat_dataset_change, T_OBJ, MUST, dataset, &chat_dataset_fields, 0, 0,
	    "its name alone counts"),
};
FIELDS(chat_dataset_change, "ChatDatasetUpdateRequest");

static const struct field chat_dataset_search_f[] = {
	CHAT_PAGE_FIELDS(chat_dataset_search),
	FIELD(chat_dataset_search, T_STR, MAY, name, 0, CHAT_TITLE_MAX,
	    "按名称搜索: a part of it"),
};
FIELDS(chat_dataset_search, "ChatDatasetSearchRequest");

/* Replies. */

static const struct field chat_document_got_f[] = {
	FIELD_SUB(chat_document_got, T_OBJ, MAY, document, &chat_document_fields, 0, 0, NULL),
};
FIELDS(chat_document_got, "ChatDocumentGetResponse");

static const struct field chat_documents_got_f[] = {
	FIELD_SUB(chat_documents_got, T_LIST, MAY, documents, &chat_document_fields, 0, 0,
	    "in the order of the request"),
};
FIELDS(chat_documents_got, "ChatDocumentBatchSaveResponse");

static const struct field chat_document_list_f[] = {
	FIELD_SUB(chat_list, T_LIST, MAY, list, &chat_document_fields, 0, 0, "newest first"),
	FIELD(chat_list, T_I64, MAY, total, 0, 0, "of all pages"),
};
const struct fields chat_document_list_fields = {
	"ChatDocumentSearchResponse", sizeof(struct chat_list), chat_document_list_f, 2,
};

static const struct field chat_dataset_made_f[] = {
	FIELD_SUB(chat_dataset_got, T_OBJ, MAY, dataset, &chat_dataset_fields, 0, 0, NULL),
};
const struct fields chat_dataset_made_fields = {
	"ChatDatasetSaveResponse", sizeof(struct chat_dataset_got), chat_dataset_made_f, 1,
};

static const struct field chat_dataset_got_f[] = {
	FIELD_SUB(chat_dataset_got, T_OBJ, MAY, dataset, &chat_dataset_fields, 0, 0, NULL),
	FIELD_SUB(chat_dataset_got, T_LIST, MAY, documents, &chat_document_fields, 0, 0,
	    "in the order in which they were added"),
};
FIELDS(chat_dataset_got, "ChatDatasetGetResponse");

static const struct field chat_dataset_list_f[] = {
	FIELD_SUB(chat_list, T_LIST, MAY, list, &chat_dataset_fields, 0, 0, "newest first"),
	FIELD(chat_list, T_I64, MAY, total, 0, 0, "of all pages"),
};
const struct fields chat_dataset_list_fields = {
	"ChatDatasetSearchResponse", sizeof(struct chat_list), chat_dataset_list_f, 2,
};

/* Nothing but {}. */
const struct fields chat_moved_fields = { "ChatSessionAddFilesResponse", 0, chat_files_f, 0 };
