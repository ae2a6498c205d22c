/* /v1/chat/session: one conversation, and beginning and changing it. */
#include "chat.h"

#include "api/handlers.h"
#include "base/ident.h"
#include "core/chat.h"
#include "core/who.h"

#define LATEST	200		/* records that come with a session */

void
chat_session_show(struct ctx *cx, const struct chat_row *row, struct chat_session *out)
{
	struct arena	*a = cx->a;

	*out = (struct chat_session){
		.id = row->id, .title = *row->title != '\0' ? row->title : NULL,
		.abstract = *row->abstract != '\0' ? row->abstract : NULL,
		.created_at = row->created_ms, .module = row->module, .type = row->type,
		.dataset_id = row->dataset, .total_records = row->records,
		.author = chat_user_of(a, row->owner, row->owner_name, row->owner_avatar),
	};
	if (row->model != 0 && !row->masked)
		out->model = chat_model_of(a, row->model, row->model_name, row->model_code,
		    row->model_logo);
}

/* The session with its documents, as a single one is shown. */
static struct chat_session *
whole(struct ctx *cx, const struct chat_row *row)
{
	struct chat_session	*s = arena_get(cx->a, sizeof(*s));
	struct document		*docs;
	int64_t			*ids;
	size_t			 n;

	if (document_of_session(cx, row->id, &docs, &n) == -1)
		return NULL;
	chat_session_show(cx, row, s);
	ids = arena_array(cx->a, n, sizeof(*ids));
	for (size_t i = 0; i < n; i++)
		ids[i] = docs[i].id;
	s->document_ids = (struct list){ ids, n };
	s->documents = chat_documents_show(cx, docs, n);
	return s;
}

static void
turn_round(struct chat_record *r, size_t n)
{
	struct chat_record	 one;

	for (size_t i = 0; i < n / 2; i++) {
		one = r[i];
		r[i] = r[n - 1 - i];
		r[n - 1 - i] = one;
	}
}

int
chat_got_reply(struct req *r, const struct chat_row *row)
{
	struct ctx		*cx = &r->cx;
	struct chat_got		 got = { 0 };
	struct chat_dataset	 shown;
	const struct dataset	*d;

	if (row == NULL || (got.session = whole(cx, row)) == NULL)
		return -1;
	if (chat_records_load(cx, row->owner, row->id, 0, LATEST, &got.records) == -1)
		return -1;
	turn_round(got.records.p, got.records.n);
	got.documents = got.session->documents;
	if (row->dataset != 0) {
		if ((d = dataset_get(cx, row->owner, row->dataset)) == NULL)
			return -1;
		chat_dataset_show(cx->a, d, &shown);
		got.dataset = &shown;
	}
	return reply_fields(r, &chat_got_fields, &got);
}

/* GET /v1/chat/session/{id} */
int
chat_session_get(struct req *r)
{
	int64_t	 id;

	if (chat_arg(r, 0, "session", &id) == -1)
		return -1;
	return chat_got_reply(r, chats_get(&r->cx, r->cx.who->id, id));
}

static struct chat_change
change_of(const struct chat_session *s)
{
	struct chat_change	 c = {
		.title = s->title, .abstract = s->abstract, .module = s->module, .type = s->type,
		.dataset = s->dataset_id, .documents = s->document_ids.p,
		.ndocuments = s->document_ids.n, .model = s->model != NULL ? s->model->id : 0,
	};

	return c;
}

/* Begins the session of the body, or changes the one whose id it has. */
static int
save(struct req *r, bool spark)
{
	struct chat_save	 in = { 0 };
	struct chat_change	 c;
	const struct chat_row	*row;
	int64_t			 id;

	if (req_read(r, &in) == -1)
		return -1;
	c = change_of(in.session);
	c.spark = spark;
	if ((id = in.session->id) == 0)
		id = chat_begin(&r->cx, &c);
	else if (chat_alter(&r->cx, id, &c) == -1)
		return -1;
	if (id == -1 || (row = chats_get(&r->cx, r->cx.who->id, id)) == NULL ||
	    (in.session = whole(&r->cx, row)) == NULL)
		return -1;
	return reply_fields(r, &chat_saved_fields, &in);
}

/* POST /v1/chat/session */
int
chat_session_save(struct req *r)
{
	return save(r, false);
}

/* POST /v1/chat/spark_session - the same, of module 2 */
int
chat_spark_session_save(struct req *r)
{
	return save(r, true);
}

/* PUT /v1/chat/session/{id} - the path says which; another id in the body is a mistake */
int
chat_session_update(struct req *r)
{
	struct chat_save	 in = { 0 };
	struct chat_change	 c;
	int64_t			 id;

	if (chat_arg(r, 0, "session", &id) == -1 || req_read(r, &in) == -1)
		return -1;
	if (in.session->id != 0 && in.session->id != id)
		return fail(&r->cx, F_VALUE, "session.id");
	c = change_of(in.session);
	if (chat_alter(&r->cx, id, &c) == -1)
		return -1;
	return chat_done(r);
}

/* DELETE /v1/chat/session/{id} */
int
chat_session_delete(struct req *r)
{
	int64_t	 id;

	if (chat_arg(r, 0, "session", &id) == -1 ||
	    session_delete(&r->cx, r->cx.who->id, id) == -1)
		return -1;
	return chat_done(r);
}

/* POST /v1/chat/session/rename */
int
chat_session_rename(struct req *r)
{
	struct chat_rename	 in = { 0 };

	if (chat_rename_read(r, &in) == -1 ||
	    session_rename(&r->cx, r->cx.who->id, in.id, in.name) == -1)
		return -1;
	return chat_done(r);
}
