/* Lists: sessions of the caller, records of one of them, the models. */
#include "chat.h"

#include "api/handlers.h"
#include "core/who.h"

int
chat_size(const struct chat_page *p)
{
	return p->size > 0 ? p->size : CHAT_SIZE;
}

int64_t
chat_skip(const struct chat_page *p)
{
	return p->page > 0 ? (int64_t)(p->page - 1) * chat_size(p) : 0;
}

int
chat_sessions_show(struct ctx *cx, const struct chat_row *rows, size_t n, struct list *out)
{
	struct chat_session		*s = arena_array(cx->a, n, sizeof(*s));
	struct chat_document_row	*docs;
	int64_t				*ids;
	size_t				 nids;

	if (chats_documents(cx, rows, n, &docs, &nids) == -1)
		return -1;
	ids = arena_array(cx->a, nids, sizeof(*ids));
	for (size_t i = 0; i < nids; i++)
		ids[i] = docs[i].document;
	for (size_t i = 0; i < n; i++)
		chat_session_show(cx, &rows[i], &s[i]);
	/* They come oldest session first, the rows newest first. */
	for (size_t i = n, k = 0; i-- > 0;) {
		s[i].document_ids.p = ids + k;
		for (; k < nids && docs[k].session == rows[i].id; k++)
			s[i].document_ids.n++;
	}
	*out = (struct list){ s, n };
	return 0;
}

/* module 0: any */
static int
search(struct req *r, const struct chat_search *in, int module)
{
	const struct chats_filter	 f = { .title = in->title, .module = module };
	struct chat_row			*rows;
	struct chat_list		 out;
	size_t				 n;

	if (chats_find(&r->cx, r->cx.who->id, &f, chat_skip(&in->page), chat_size(&in->page),
	    &rows, &n, &out.total) == -1 || chat_sessions_show(&r->cx, rows, n, &out.list) == -1)
		return -1;
	return reply_fields(r, &chat_found_fields, &out);
}

/* POST /v1/chat/session/search */
int
chat_session_search(struct req *r)
{
	struct chat_search	 in = { 0 };

	if (req_read(r, &in) == -1)
		return -1;
	return search(r, &in, in.module);
}

/* POST /v1/chat/session/my_spark_sessions - those that rest on documents */
int
chat_my_spark_sessions(struct req *r)
{
	struct chat_search	 in = { 0 };

	if (req_read(r, &in) == -1)
		return -1;
	return search(r, &in, 2);
}

/* POST /v1/chat/session/records */
int
chat_session_records(struct req *r)
{
	struct chat_records_query	 in = { 0 };
	struct ctx			*cx = &r->cx;
	const struct chat_row		*row;
	struct chat_list		 out;

	if (req_read(r, &in) == -1 || (row = chats_get(cx, cx->who->id, in.session_id)) == NULL ||
	    chat_records_load(cx, row->owner, row->id, chat_skip(&in.page), chat_size(&in.page),
	    &out.list) == -1)
		return -1;
	out.total = row->records;
	return reply_fields(r, &chat_record_list_fields, &out);
}

/* GET /v1/chat/models */
int
chat_models(struct req *r)
{
	struct model		*models;
	struct chat_model	*out;
	struct chat_list	 list = { .total = 0 };
	size_t			 n;

	if (model_list_chat(&r->cx, &models, &n) == -1)
		return -1;
	out = arena_array(r->cx.a, n, sizeof(*out));
	for (size_t i = 0; i < n; i++)
		out[i] = *chat_model_of(r->cx.a, models[i].id, models[i].name, models[i].code,
		    models[i].logo);
	list.list = (struct list){ out, n };
	return reply_fields(r, &chat_model_list_fields, &list);
}
