/* Datasets: documents gathered under a name. */
#include "chat_document.h"

#include "api/handlers.h"
#include "base/ident.h"
#include "core/who.h"

/* GET /v1/chat/dataset/{id} */
int
chat_dataset_get(struct req *r)
{
	struct chat_dataset	 shown = { 0 };
	struct chat_dataset_got	 got = { .dataset = &shown };
	struct dataset		*d;
	struct document		*documents;
	int64_t			 id;
	size_t			 n;

	if (chat_arg(r, 0, "dataset", &id) == -1 ||
	    (d = dataset_get(&r->cx, r->cx.who->id, id)) == NULL ||
	    document_of_dataset(&r->cx, id, &documents, &n) == -1)
		return -1;
	chat_dataset_show(r->cx.a, d, &shown);
	got.documents = chat_documents_show(&r->cx, documents, n);
	return reply_fields(r, &chat_dataset_got_fields, &got);
}

/* POST /v1/chat/dataset */
int
chat_dataset_save(struct req *r)
{
	struct ctx		*cx = &r->cx;
	struct chat_dataset_new	 in = { 0 };
	struct chat_dataset	 shown = { 0 };
	struct chat_dataset_got	 got = { .dataset = &shown };
	struct dataset		 new, *d;

	if (req_read(r, &in) == -1)
		return -1;
	new = (struct dataset){ .id = ident_new(), .tenant = cx->who->tenant,
	    .owner = cx->who->id, .name = in.name, .created_ms = cx->now };
	if (dataset_add(cx, &new, in.document_ids.p, in.document_ids.n) == -1 ||
	    (d = dataset_get(cx, cx->who->id, new.id)) == NULL)
		return -1;
	chat_dataset_show(cx->a, d, &shown);
	return reply_fields(r, &chat_dataset_made_fields, &got);
}

/* PUT /v1/chat/dataset/{id} */
int
chat_dataset_update(struct req *r)
{
	struct chat_dataset_change	 in = { 0 };
	struct ctx			*cx = &r->cx;
	int64_t				 id;

	if (chat_arg(r, 0, "dataset", &id) == -1 || req_read(r, &in) == -1)
		return -1;
	if (in.dataset->name == NULL)		/* what is absent stays as it is */
		return dataset_get(cx, cx->who->id, id) != NULL ? chat_done(r) : -1;
	if (*in.dataset->name == '\0')
		return fail(cx, F_MISSING, "dataset.name");
	return dataset_rename(cx, cx->who->id, id, in.dataset->name) == 0 ? chat_done(r) : -1;
}

/* DELETE /v1/chat/dataset/{id} */
int
chat_dataset_delete(struct req *r)
{
	int64_t	 id;

	if (chat_arg(r, 0, "dataset", &id) == -1 ||
	    dataset_delete(&r->cx, r->cx.who->id, id) == -1)
		return -1;
	return chat_done(r);
}

/* POST /v1/chat/dataset/rename */
int
chat_dataset_rename(struct req *r)
{
	struct chat_rename	 in = { 0 };

	if (chat_rename_read(r, &in) == -1 ||
	    dataset_rename(&r->cx, r->cx.who->id, in.id, in.name) == -1)
		return -1;
	return chat_done(r);
}

/* POST /v1/chat/dataset/search */
int
chat_dataset_search(struct req *r)
{
	struct chat_dataset_search	 in = { 0 };
	struct chat_list		 out = { 0 };
	struct chat_dataset		*shown;
	struct dataset			*d;

	if (req_read(r, &in) == -1)
		return -1;
	if (dataset_search(&r->cx, r->cx.who->id, in.name != NULL ? in.name : "",
	    chat_skip(&in.page), chat_size(&in.page), &d, &out.list.n,
	    &out.total) == -1)
		return -1;
	shown = arena_array(r->cx.a, out.list.n, sizeof(*shown));
	for (size_t i = 0; i < out.list.n; i++)
		chat_dataset_show(r->cx.a, &d[i], &shown[i]);
	out.list.p = shown;
	return reply_fields(r, &chat_dataset_list_fields, &out);
}
