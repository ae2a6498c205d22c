/* The bodies and replies of the dialect "release" under the document's names. */
#include "release.h"

#define IDS_MAX		200	/* characters of what names a conversation or a release */

static const struct field release_ask_f[] = {
	FIELD(release_ask, T_INT, MUST, action, 0, RELEASE_ACTIONS - 1,
	    "聊天的操作类型: 1 the next round, 2 the last answer once more; 0 counts as 1"),
	FIELD(release_ask, T_STR, MUST, content, 0, 0, "用户输入的内容; empty for action 2"),
	FIELD(release_ask, T_STR, MAY, conversation_id, 0, IDS_MAX,
	    "聊天的对话ID; absent: a new one"),
	FIELD(release_ask, T_STR, MUST, release_key, 1, IDS_MAX, "发布应用的密钥"),
	FIELD(release_ask, T_BOOL, MAY, stream, 0, 0,
	    "true: an event stream, as with Accept: text/event-stream"),
};
FIELDS(release_ask, "ReleaseChatRequest");

static const struct field release_metadata_f[] = {
	FIELD(release_metadata, T_STRS, MAY, key_words, 0, 0, "关键词"),
	FIELD(release_metadata, T_STR, MAY, image_name_value, 0, 0, "图片名称"),
	FIELD(release_metadata, T_I64, MAY, image_size, 0, 0, "图片大小"),
	FIELD(release_metadata, T_STR, MAY, table_name_value, 0, 0, "表格名称"),
	FIELD(release_metadata, T_I64, MAY, table_rows, 0, 0, "表格行数"),
	FIELD(release_metadata, T_STRS, MAY, table_columns, 0, 0, "表格列"),
	FIELD(release_metadata, T_F64, MAY, score, 0, 0, "分数"),
};
static FIELDS(release_metadata, "ReleaseSegmentMetadata");

static const struct field release_segment_f[] = {
	FIELD(release_segment, T_STR, MAY, segment_id, 0, 0, "段ID"),
	FIELD(release_segment, T_STR, MAY, dataset_id, 0, 0, "知识库ID"),
	FIELD(release_segment, T_STR, MAY, document_id, 0, 0, "知识ID"),
	FIELD(release_segment, T_STR, MAY, content, 0, 0, "段内容"),
	FIELD(release_segment, T_I64, MAY, token_count, 0, 0, "令牌数量"),
	FIELD(release_segment, T_I64, MAY, number, 0, 0, "段编号: from 1"),
	FIELD_SUB(release_segment, T_OBJ, MAY, metadata, &release_metadata_fields, 0, 0, "元数据"),
	FIELD(release_segment, T_I64, MAY, words, 0, 0, "单词数量: characters"),
	FIELD(release_segment, T_INT, MAY, segment_type, 0, 0, "段落类型: 1 text"),
	FIELD(release_segment, T_STR, MAY, table_content, 0, 0, "表格内容"),
	FIELD(release_segment, T_STR, MAY, image_key, 0, 0, "图片键值"),
	FIELD(release_segment, T_STR, MAY, image_uri, 0, 0, "图片URI"),
	FIELD(release_segment, T_INT, MAY, display_type, 0, 0, "显示类型: 1 text"),
	FIELD(release_segment, T_STR, MAY, image_keys, 0, 0, "图片键值列表"),
	FIELD(release_segment, T_STR, MAY, display_content, 0, 0, "展示内容"),
};
static FIELDS(release_segment, "ReleaseSegment");

static const struct field release_document_f[] = {
	FIELD(release_document, T_STR, MAY, document_id, 0, 0, "知识ID"),
	FIELD(release_document, T_STR, MAY, display_name, 0, 0, "知识名称"),
	FIELD(release_document, T_INT, MAY, type, 0, 0,
	    "知识类型: 1 txt, 2 md, 3 html, 4 pdf, 5 docx"),
	FIELD(release_document, T_I64, MAY, document_size, 0, 0, "知识大小: bytes"),
	FIELD(release_document, T_I64, MAY, token_count, 0, 0, "令牌计数"),
	FIELD(release_document, T_I64, MAY, segment_count, 0, 0, "段落计数"),
	FIELD(release_document, T_STR, MAY, dataset_id, 0, 0, "知识库ID"),
	FIELD(release_document, T_STR, MAY, dataset_display, 0, 0, "知识库名称"),
	FIELD(release_document, T_STR, MAY, p_id, 0, 0, "父知识ID: always empty"),
	FIELD(release_document, T_INT, MAY, data_source_type, 0, 0,
	    "数据源类型: 1 a file, 2 an address, 3 a search of the web"),
	FIELD(release_document, T_STR, MAY, creator, 0, 0, "知识创建者"),
	FIELD(release_document, T_STR, MAY, create_time, 0, 0, "创建时间: RFC 3339"),
	FIELD(release_document, T_STR, MAY, update_time, 0, 0, "更新时间: RFC 3339"),
	FIELD_SUB(release_document, T_LIST, MAY, segments, &release_segment_fields, 0, 0,
	    "段落详细信息列表: those that were found"),
	FIELD(release_document, T_STR, MAY, uri, 0, 0, "address that it was registered by"),
};
static FIELDS(release_document, "ReleaseDocument");

static const struct field release_result_f[] = {
	FIELD(release_result, T_STR, MAY, page_content, 0, 0, "页面内容"),
	FIELD_SUB(release_result, T_OBJ, MAY, document, &release_document_fields, 0, 0,
	    "知识详细信息"),
	FIELD(release_result, T_F64, MAY, confidence, 0, 0, "结果置信度: 0 to 1"),
	FIELD(release_result, T_I64, MAY, token_count, 0, 0, "内容的token数量"),
	FIELD(release_result, T_I64, MAY, segment_number, 0, 0, "段落数量"),
	FIELD(release_result, T_I64, MAY, words, 0, 0, "段落的字数"),
	FIELD(release_result, T_INT, MAY, type, 0, 0, "段落类型: 1 text"),
	FIELD(release_result, T_INT, MAY, display_type, 0, 0, "显示类型: 1 text"),
	FIELD(release_result, T_STR, MAY, table_content, 0, 0, "表格内容"),
	FIELD(release_result, T_STR, MAY, image_uri, 0, 0, "图片URI"),
	FIELD(release_result, T_STR, MAY, image_key, 0, 0, "图片键"),
	FIELD(release_result, T_STRS, MAY, image_keys, 0, 0, "图片键集合"),
	FIELD(release_result, T_STR, MAY, display_content, 0, 0, "显示内容"),
};
static FIELDS(release_result, "ReleaseKnowledgeResult");

static const struct field release_reply_f[] = {
	FIELD(release_reply, T_STR, MAY, conversation_id, 0, 0, "对话ID"),
	FIELD(release_reply, T_I64, MAY, seq, 0, 0, "对话中的序列号: from 1"),
	FIELD(release_reply, T_STR, MAY, message, 0, 0,
	    "非流式请求生成的响应内容; in a stream's last message too"),
	FIELD(release_reply, T_STR, MAY, delta, 0, 0, "流式请求生成的响应内容"),
	FIELD(release_reply, T_INT, MAY, finish_reason, 0, 0, "停止生成的原因: 0 none yet, 1 stop,"
	    " 2 length, 3 sensitive, 4 context window exceeded, 5 unknown"),
	FIELD_SUB(release_reply, T_LIST, MAY, knowledge_base_results, &release_result_fields, 0, 0,
	    "知识检索的中间结果"),
	FIELD(release_reply, T_STR, MAY, history_id, 0, 0, "聊天历史ID"),
	FIELD(release_reply, T_STRS, MAY, prompt_questions, 0, 0, "用户下一个问题的提示"),
	FIELD(release_reply, T_BOOL, OMIT, stopped, 0, 0, "true: it was stopped on request"),
};
FIELDS(release_reply, "ReleaseChatResponse");

static const struct field release_model_f[] = {
	FIELD(release_model, T_STR, MAY, id, 0, 0, "what requests call it"),
	FIELD(release_model, T_STR, MAY, display_name, 0, 0, NULL),
	FIELD(release_model, T_STR, MAY, owner, 0, 0, NULL),
};
static FIELDS(release_model, "ReleaseModel");

static const struct field release_models_f[] = {
	FIELD_SUB(release_models, T_LIST, MAY, models, &release_model_fields, 0, 0, NULL),
};
FIELDS(release_models, "ReleaseModels");
