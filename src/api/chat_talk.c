#include "chat_talk.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "api/handlers.h"
#include "api/streams.h"
#include "api/think.h"
#include "base/ident.h"
#include "core/attach.h"
#include "core/follow.h"
#include "core/session.h"
#include "core/turn.h"
#include "core/who.h"
#include "store/turn.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define URL_MAX		2048	/* characters */
#define UNSTORED_S	1	/* until what the spool alone has may be in the database */
#define TYPE		"内容类型: text, image, document"
#define TEXT		"内容文本"
#define FILE_URL	"文件地址: of an image at http(s), or as ChatDocumentItem.url has it"
#define GROUP		"分组ID: asks its question again; what is absent here is that question's"

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

static const struct field chat_error_f[] = {
	FIELD(chat_error, T_INT, MAY, code, 0, 0, "as an HTTP status"),
	FIELD(chat_error, T_STR, MAY, msg, 0, 0, NULL),
};
static FIELDS(chat_error, "ChatSessionError");

static const struct field chat_conversation_f[] = {
	FIELD_SUB(chat_conversation, T_OBJ, OMIT, record, &chat_record_fields, 0, 0,
	    "in a stream: in its first and its last message"),
	FIELD(chat_conversation, T_STRS, MAY, parts, 0, 0, "what comes next in the answer"),
	FIELD(chat_conversation, T_BOOL, MAY, finished, 0, 0, NULL),
	FIELD_AS(chat_conversation, T_I64, OMIT, stream_id, "streamId", 0, 0,
	    "in a stream's first message: its name in /v1/streams"),
	FIELD(chat_conversation, T_BOOL, OMIT, stopped, 0, 0,
	    "true: the answer was stopped on request"),
	FIELD_SUB(chat_conversation, T_OBJ, OMIT, error, &chat_error_fields, 0, 0,
	    "in a stream: why the answer failed"),
};
FIELDS(chat_conversation, "ChatSessionConversationResponse");

/* What is asked, and where. */

/*
 * Where models wear masks, or several talk, a question to one of them that names it would take its
 * mask off, or leave the others out.
 */
static int
open_session(struct ctx *cx, int64_t id, struct talk *talk)
{
	if (session_open(cx, id, talk) == -1)
		return -1;
	if (talk->nlanes == 1 && talk->lanes->mask == NULL)
		return 0;
	return fail(cx, F_CONFLICT, "%s", cx->lang == LANG_ZH ?
	    "该会话由多个匿名模型回答,请在竞技场中继续" :
	    "masked models answer in this conversation: go on in the arena");
}

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

/* What is left out is the group's, unless the text is another. */
static int
complete(struct ctx *cx, struct chat_question *q)
{
	const struct turn_row	*before;

	if (q->group_id == 0)
		return 0;
	if ((before = turn_of_group(cx, q->session_id, q->group_id)) == NULL)
		return cx->fail.kind != F_NONE ? -1 :
		    fail(cx, F_NOT_FOUND, "groupId %" PRId64, q->group_id);
	if (is_blank(q->text))
		q->text = before->question;
	else if (strcmp(q->text, before->question) != 0)
		return 0;
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

/* Is it the address of an uploaded file (CHAT_FILE_URL)? One that names none is of document 0. */
static bool
is_own_file(const char *url, int64_t *document)
{
	static const char	 before[] = "/v1/chat/document/", after[] = "/file";
	const char		*id, *end;
	char			 s[24];

	if (strncmp(url, "/api/", 5) == 0)
		url += 4;
	if (strncmp(url, before, strlen(before)) != 0)
		return false;
	id = url + strlen(before);
	end = id + strcspn(id, "/");
	*document = 0;
	if (strcmp(end, after) != 0 || (size_t)(end - id) >= sizeof(s))
		return true;
	memcpy(s, id, (size_t)(end - id));
	s[end - id] = '\0';
	if (!ident_parse(s, document))
		*document = 0;
	return true;
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

	if (is_own_file(url, &document))
		return attach_image(cx, document);
	return is_web(url) ? url : fail_null(cx, F_VALUE, "fileUrl");
}

/* The answer. */

/* The turn is over: its answer as one reply, or why there is none. */
static int
reply_whole(struct req *r, void *arg)
{
	struct ctx		*cx = &r->cx;
	const int64_t		*turn = arg;
	struct chat_record	 record;
	struct chat_conversation c = { .record = &record, .finished = true };
	struct answer_told	*a;
	struct str		 s = STR_INIT(0);
	char			*whole;
	size_t			 n;

	if (turn_told(cx, *turn, &a, &n) == -1)
		return -1;
	if (n == 0 || strcmp(a->status, "running") == 0) {
		cx->fail.retry_after = UNSTORED_S;
		return fail(cx, F_UNAVAILABLE, "turn %" PRId64, *turn);
	}
	if (a->error != NULL) {
		cx->fail.retry_after = r->retry_after;
		return fail(cx, fail_of_name(a->error), "%s", a->model_name);
	}
	if (chat_record_load(cx, cx->who->id, a->answer, &record) == -1)
		return -1;
	think_whole(&s, a->reasoning, a->text);
	whole = arena_strndup(cx->a, s.p != NULL ? s.p : "", s.len);
	str_free(&s);
	c.parts = (struct list){ &whole, 1 };
	c.stopped = strcmp(a->status, "stopped") == 0;
	return reply_fields(r, &chat_conversation_fields, &c);
}

static bool
wants_stream(struct req *r)
{
	return r->method != M_POST || req_accepts(r, "text/event-stream");
}

/* Who shall hear it: a stream of that prefix, or who waits for the reply. */
static struct peer *
listener(struct req *r, int64_t turn, const char *prefix)
{
	int64_t	*arg;

	if (wants_stream(r))
		return req_stream(r, prefix);
	arg = arena_get(r->cx.a, sizeof(*arg));
	*arg = turn;
	return req_wait(r, reply_whole, arg);
}

int
chat_talk(struct req *r, const struct chat_question *asked)
{
	struct ctx		*cx = &r->cx;
	struct chat_question	 q = *asked;
	struct talk		 talk;
	struct model		*m;
	struct turn_seat	 seat = { 0 };
	struct turn_spec	 spec = {
		.voice = &chat_voice, .seats = &seat, .nseats = 1, .entitle = true,
		.idem_key = r->idem_key, .idem_body = r->idem_body,
	};
	struct turn		*t;

	if (open_session(cx, q.session_id, &talk) == -1 || (m = model_of(cx, q.model_id)) == NULL ||
	    complete(cx, &q) == -1 || check(cx, &q) == -1)
		return -1;
	if (strcmp(q.content_type, "text") == 0)
		q.file_url = NULL;
	if (strcmp(q.content_type, "image") == 0 &&
	    (spec.image = image_of(cx, q.file_url)) == NULL)
		return -1;
	seat = (struct turn_seat){ .lane = talk.lanes->lane, .model = m,
		.pri_id = talk.lanes->pri_id };
	spec.session = talk.session;
	spec.group = q.group_id;
	spec.choice = m;
	spec.question = q.text;
	spec.content_type = q.content_type;
	spec.file_url = q.file_url;
	if ((t = turn_open(cx, r->engine, &spec)) == NULL)
		return -1;
	turn_run(t, listener(r, t->id, chat_voice.prefix));
	return 0;
}

int
chat_again(struct req *r, int64_t turn)
{
	struct follow	*f;

	if (wants_stream(r))
		return streams_tell(r, turn, 0);
	/* It hears of nothing but the end, be that past already. */
	if ((f = follow_find(&r->cx, r->engine, turn, FOLLOW_STORED_EVENT)) == NULL)
		return -1;
	follow_run(f, listener(r, turn, NULL));
	return 0;
}

/* POST /v1/chat/session/conversation */
int
chat_conversation(struct req *r)
{
	struct chat_question	 in = { 0 };

	return req_read(r, &in) == -1 ? -1 : chat_talk(r, &in);
}

/*
 * GET /v1/chat/session/conversation, as EventSource does it: with Last-Event-ID that turn goes on
 * and none begins
 */
int
chat_conversation_get(struct req *r)
{
	struct chat_question	 in = { 0 };
	int64_t			 turn, after;

	if (!req_accepts(r, "text/event-stream"))
		return fail(&r->cx, F_UPGRADE, "WebSocket, text/event-stream");
	switch (streams_last_event(r, &turn, &after)) {
	case -1:
		return -1;
	case 1:
		return streams_tell(r, turn, after);
	default:
		return req_read(r, &in) == -1 ? -1 : chat_talk(r, &in);
	}
}
