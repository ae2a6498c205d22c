#include "api/chat_question.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "api/chat_file.h"
#include "base/log.h"
#include "core/attach.h"
#include "core/chat.h"
#include "core/who.h"
#include "store/document.h"
#include "store/turn.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define URL_MAX		2048	/* characters */
#define TYPE		"内容类型: text, image, document"
#define TEXT		"内容文本"
#define FILE_URL	"文件地址: of an image at http(s), or a ChatDocumentItem.url"
#define GROUP		"分组ID: asks its question again, whatever text, contentType, fileUrl are"

static const struct field chat_question_f[] = {
	FIELD_AS(chat_question, T_I64, MUST, session_id, "sessionId", 0, 0, "会话ID"),
	FIELD_AS(chat_question, T_I64, MUST, model_id, "modelId", 0, 0, "模型ID"),
	FIELD_AS(chat_question, T_STR, MAY, content_type, "contentType", 0, 0, TYPE),
	FIELD(chat_question, T_STR, MAY, text, 0, 0, TEXT),
	FIELD_AS(chat_question, T_STR, MAY, file_url, "fileUrl", 0, URL_MAX, FILE_URL),
	FIELD_AS(chat_question, T_I64, MAY, group_id, "groupId", 0, 0, GROUP),
};
FIELDS(chat_question, "ChatSessionConversationRequest");

static const struct field chat_question_query_f[] = {
	FIELD_AS(chat_question, T_ID, MUST, session_id, "sessionId", 0, 0, "会话ID"),
	FIELD_AS(chat_question, T_ID, MUST, model_id, "modelId", 0, 0, "模型ID"),
	FIELD_AS(chat_question, T_STR, MAY, content_type, "contentType", 0, 0, TYPE),
	FIELD(chat_question, T_STR, MAY, text, 0, 0, TEXT),
	FIELD_AS(chat_question, T_STR, MAY, file_url, "fileUrl", 0, URL_MAX, FILE_URL),
	FIELD_AS(chat_question, T_ID, MAY, group_id, "groupId", 0, 0, GROUP),
};
const struct fields chat_question_query_fields = {
	"ChatSessionConversationRequestWs", sizeof(struct chat_question), chat_question_query_f,
	COUNT(chat_question_query_f),
};

static struct model *
model_of(struct ctx *cx, int64_t id)
{
	struct model	*m = model_by_id(cx, id);

	if (m == NULL && cx->fail.kind != F_NOT_FOUND)
		return NULL;
	if (m != NULL && m->enabled && strcmp(m->kind, "chat") == 0)
		return m;
	fail_clear(cx);
	return fail_null(cx, F_NOT_FOUND, "modelId %" PRId64, id);
}

static bool
is_blank(const char *s)
{
	return s == NULL || s[strspn(s, " \t\r\n")] == '\0';
}

/* What a group asked is asked again as it was, with its picture or document. */
static int
recall(struct ctx *cx, struct chat_question *q)
{
	const struct turn_row	*before;

	if (q->group_id == 0)
		return 0;
	if ((before = turn_of_group(cx, q->session_id, q->group_id)) == NULL)
		return cx->fail.kind != F_NONE ? -1 :
		    fail(cx, F_NOT_FOUND, "groupId %" PRId64, q->group_id);
	q->text = before->question;
	q->content_type = before->content_type;
	q->file_url = before->file_url;
	return 0;
}

static int
check(struct ctx *cx, const struct chat_question *q)
{
	static const char *const	 types[] = { "text", "image", "document" };
	size_t				 i = 0;

	if (q->content_type == NULL || *q->content_type == '\0')
		return fail(cx, F_MISSING, "contentType");
	while (i < COUNT(types) && strcmp(q->content_type, types[i]) != 0)
		i++;
	if (i == COUNT(types))
		return fail(cx, F_VALUE, "contentType");
	if (is_blank(q->text))
		return fail(cx, F_MISSING, "text");
	return i > 0 && is_blank(q->file_url) ? fail(cx, F_MISSING, "fileUrl") : 0;
}

static bool
is_web(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

/* What the model sees of the question's image. NULL: ctx failed. */
static const char *
image_of(struct ctx *cx, const char *url)
{
	int64_t	 document;

	if (chat_file_parse(url, NULL, &document))
		return attach_image(cx, document);
	return is_web(url) ? url : fail_null(cx, F_VALUE, "fileUrl");
}

/* The same of an earlier question, which is understood without, if need be. */
static const char *
picture_of(struct ctx *cx, const char *url)
{
	const char	*picture = image_of(cx, url);

	if (picture == NULL && cx->fail.kind != F_NOT_FOUND)
		log_warn("an earlier picture cannot be shown again", LOG_S("rid", cx->rid),
		    LOG_S("fail", fail_name(cx->fail.kind)));
	fail_clear(cx);
	return picture;
}

/* The document that such an address names: uploaded, or registered by it. NULL: ctx failed. */
static struct document *
document_of(struct ctx *cx, const char *url)
{
	struct document	*d;
	int64_t		 id;

	if (chat_file_parse(url, NULL, &id))
		d = document_get(cx, cx->who->id, id);
	else if ((d = document_by_url(cx, cx->who->id, url)) == NULL)
		fail(cx, F_NOT_FOUND, "fileUrl");
	return d != NULL && attach_readable(cx, d) == 0 ? d : NULL;
}

/* What a session has been given: its dataset's documents and its own. */
static int
documents_of(struct ctx *cx, const struct session *s, struct document **list, size_t *n)
{
	struct document	*own, *all;
	size_t		 nown;

	*n = 0;
	if (s->dataset != 0 && document_of_dataset(cx, s->dataset, list, n) == -1)
		return -1;
	if (document_of_session(cx, s->id, &own, &nown) == -1)
		return -1;
	all = arena_array(cx->a, *n + nown, sizeof(*all));
	if (*n > 0)
		memcpy(all, *list, *n * sizeof(*all));
	if (nown > 0)
		memcpy(all + *n, own, nown * sizeof(*all));
	*list = all;
	*n += nown;
	return 0;
}

/* A conversation about documents that has none: they were deleted, or taken out. */
static int
bereft(struct ctx *cx, const struct session *s)
{
	const bool	 zh = cx->lang == LANG_ZH;

	if (s->dataset != 0)
		return fail(cx, F_CONFLICT, zh ? "数据集 %" PRId64 " 中没有文件" :
		    "there are no documents in dataset %" PRId64, s->dataset);
	return fail(cx, F_CONFLICT, zh ? "会话 %" PRId64 " 没有文件" :
	    "session %" PRId64 " has no documents", s->id);
}

/*
 * The documents that the answer is to rest on: the question's, or else what its session has. Where
 * there are none, or none can be searched, a conversation about them waits; a plain chat goes on,
 * and its model is told.
 */
static int
ground(struct ctx *cx, const struct chat_question *q, const struct session *s,
    struct turn_spec *spec)
{
	const bool	 plain = strcmp(s->type, "chat") == 0;
	struct document	*list;
	size_t		 n = 1;

	if (strcmp(q->content_type, "document") == 0) {
		if ((list = document_of(cx, q->file_url)) == NULL)
			return -1;
	} else if (documents_of(cx, s, &list, &n) == -1)
		return -1;
	if (n == 0)
		return plain ? 0 : bereft(cx, s);
	if (!plain && attach_some_readable(cx, list, n) == -1)
		return -1;
	return attach_knowledge(cx, list, n, spec);
}

/* The file of ours that it names is kept by its path alone: it stays when our name changes. */
static void
shorten(struct ctx *cx, struct chat_question *q, const char *host)
{
	int64_t	 document;

	if (q->file_url != NULL && chat_file_parse(q->file_url, host, &document))
		q->file_url = chat_file_url(cx->a, document);
}

int
chat_question_read(struct ctx *cx, const struct chat_question *asked, const char *host,
    struct turn_spec *spec)
{
	struct chat_question	 q = *asked;
	struct turn_seat	*seat = arena_get(cx->a, sizeof(*seat));
	struct talk		 talk;
	struct model		*m;

	if (chat_open(cx, q.session_id, &talk) == -1 || (m = model_of(cx, q.model_id)) == NULL ||
	    recall(cx, &q) == -1 || check(cx, &q) == -1)
		return -1;
	if (strcmp(q.content_type, "text") == 0)
		q.file_url = NULL;
	shorten(cx, &q, host);
	*seat = (struct turn_seat){ .lane = talk.lanes->lane, .model = m,
		.pri_id = talk.lanes->pri_id };
	spec->session = talk.session;
	spec->seats = seat;
	spec->nseats = 1;
	spec->choice = m;
	spec->group = q.group_id;
	spec->question = q.text;
	spec->content_type = q.content_type;
	spec->file_url = q.file_url;
	spec->picture = picture_of;
	if (strcmp(q.content_type, "image") == 0 &&
	    (spec->image = image_of(cx, q.file_url)) == NULL)
		return -1;
	return ground(cx, &q, talk.session, spec);
}
