#include "chat.h"

#include <string.h>

#include "api/chat_file.h"
#include "api/chat_socket.h"
#include "api/chat_talk.h"
#include "base/ident.h"
#include "base/reason.h"
#include "base/utf8.h"

#define NAMED_MAX	64		/* characters of an id that an error repeats */
#define KB		1024

static void
chat_fail(struct jw *w, int status, const char *sentence)
{
	jw_obj(w, NULL);
	jw_i64(w, "code", status);
	jw_str(w, "msg", sentence);
	jw_end(w);
}

static const struct field failure_f[] = {
	{ "code", T_INT, MAY, 0, 0, 0, NULL, "the HTTP status" },
	{ "msg", T_STR, MAY, 0, 0, 0, NULL, "what was wrong, naming the field or id" },
};
static const struct fields failure_fields = { "ChatFailure", 0, failure_f, 2 };

static const struct dialect_note notes[] = {
	{ "/v1/chat/data/", "数据管理", NULL },
	{ "/v1/chat/dataset", "知识库", NULL },
	{ "/v1/chat/document", "文档", NULL },
	{ "", "聊天会话", NULL },
};

const struct dialect dialect_session = {
	.name = "session", .fail = chat_fail, .failure = &failure_fields, .voice = &chat_voice,
	.notes = notes, .fail_message = chat_socket_fail, .number_ids = true, .again = chat_again,
};

int
chat_arg(struct req *r, size_t n, const char *what, int64_t *id)
{
	const char	*s = r->hit.args[n];

	if (ident_parse(s, id))
		return 0;
	return fail(&r->cx, F_NOT_FOUND, "%s %.*s", what, (int)utf8_cut(s, strlen(s), NAMED_MAX),
	    s);
}

int
chat_rename_read(struct req *r, struct chat_rename *in)
{
	if (req_read(r, in) == -1)
		return -1;
	return utf8_blank(in->name, strlen(in->name)) ? fail(&r->cx, F_VALUE, "name") : 0;
}

int
chat_done(struct req *r)
{
	return reply(r, 200, REPLY_JSON, "{}", 2);
}

char *
chat_text(struct arena *a, char *s)
{
	return s != NULL ? s : arena_strdup(a, "");
}

struct chat_user *
chat_user_of(struct arena *a, int64_t id, char *name, char *avatar)
{
	struct chat_user	*u = arena_get(a, sizeof(*u));

	u->id = id;
	u->name = chat_text(a, name);
	u->avatar = chat_text(a, avatar);
	return u;
}

struct chat_model *
chat_model_of(struct arena *a, int64_t id, char *name, char *code, char *logo)
{
	struct chat_model	*m = arena_get(a, sizeof(*m));

	m->id = id;
	m->name = name;
	m->code = code;
	m->logo = chat_text(a, logo);
	return m;
}

void
chat_document_show(struct ctx *cx, const struct document *d, struct chat_document *out)
{
	struct arena	*a = cx->a;

	*out = (struct chat_document){
		.id = d->id, .file_name = d->file_name, .url = d->url,
		.size = (d->size + KB - 1) / KB, .status = d->status,
		.segments = d->segments, .created_at = d->created_ms,
		.author = chat_user_of(a, d->owner, d->author_name, d->author_avatar),
	};
	if (d->error != NULL)
		out->error = arena_strdup(a, reason_text(a, d->error, cx->lang));
	if (out->url == NULL)
		out->url = chat_file_url(a, d->id);
}

struct list
chat_documents_show(struct ctx *cx, const struct document *d, size_t n)
{
	struct chat_document	*out = arena_array(cx->a, n, sizeof(*out));

	for (size_t i = 0; i < n; i++)
		chat_document_show(cx, &d[i], &out[i]);
	return (struct list){ out, n };
}

void
chat_dataset_show(struct arena *a, const struct dataset *d, struct chat_dataset *out)
{
	*out = (struct chat_dataset){
		.id = d->id, .name = d->name, .total_documents = d->documents,
		.created_at = d->created_ms,
		.author = chat_user_of(a, d->owner, d->author_name, d->author_avatar),
	};
}
