/* Documents: those that are fetched from an address, and what is done with any. */
#include "chat_document.h"

#include <string.h>

#include "api/handlers.h"
#include "base/filename.h"
#include "base/ident.h"
#include "base/wake.h"
#include "core/kind.h"
#include "core/who.h"
#include "upstream/fetch.h"

/* What most addresses give; the reader sees what it is. */
static const struct kind	page = { "html", "text/html" };

int
chat_documents_reply(struct req *r, const struct document *d, size_t n)
{
	struct chat_documents_got	 got = { chat_documents_show(&r->cx, d, n) };

	return reply_fields(r, &chat_documents_got_fields, &got);
}

static int
document_reply(struct req *r, const struct document *d)
{
	struct chat_document		 shown = { 0 };
	struct chat_document_got	 got = { &shown };

	chat_document_show(&r->cx, d, &shown);
	return reply_fields(r, &chat_document_got_fields, &got);
}

/*
 * `field` names it where it is one of several. A name may say nothing of the type; one that is not
 * taken is refused as it is of a file that is sent.
 */
static int
register_one(struct ctx *cx, const struct chat_register *in, const char *field, struct document *d)
{
	char			*name = filename_clean(cx->a, in->file_name, strlen(in->file_name));
	const struct kind	*k;

	if (*name == '\0')
		return fail(cx, F_VALUE, "%sfileName", field);
	if (!fetch_address(in->url))
		return fail(cx, F_VALUE, "%surl", field);
	if ((k = kind_by_name(name)) == NULL) {
		if (kind_named(name))
			return fail(cx, F_FILE_TYPE, "%s", name);
		k = &page;
	}
	*d = (struct document){
		.id = ident_new(), .tenant = cx->who->tenant, .owner = cx->who->id,
		.file_name = name, .type = arena_strdup(cx->a, k->type),
		.media_type = arena_strdup(cx->a, k->media_type), .url = in->url,
		.size = in->size * 1024, .status = arena_strdup(cx->a, "pending"),
		.created_ms = cx->now, .author_name = arena_strdup(cx->a, cx->who->name),
		.author_avatar = arena_strdup(cx->a, cx->who->avatar),
	};
	return 0;
}

/* POST /v1/chat/document */
int
chat_document_save(struct req *r)
{
	struct chat_register	 in = { 0 };
	struct document		 d;

	if (req_read(r, &in) == -1 || register_one(&r->cx, &in, "", &d) == -1)
		return -1;
	if (document_add(&r->cx, &d, 1, NULL, NULL) == -1)
		return -1;
	wake_send();
	return document_reply(r, &d);
}

/* POST /v1/chat/document/batch_save */
int
chat_document_batch_save(struct req *r)
{
	struct chat_register_batch	 in = { 0 };
	const struct chat_register	*one;
	struct document			*d;

	if (req_read(r, &in) == -1)
		return -1;
	one = in.documents.p;
	d = arena_array(r->cx.a, in.documents.n, sizeof(*d));
	for (size_t i = 0; i < in.documents.n; i++)
		if (register_one(&r->cx, &one[i],
		    arena_printf(r->cx.a, "documents[%zu].", i), &d[i]) == -1)
			return -1;
	if (document_add(&r->cx, d, in.documents.n, NULL, NULL) == -1)
		return -1;
	wake_send();
	return chat_documents_reply(r, d, in.documents.n);
}

/* GET /v1/chat/document/{id} */
int
chat_document_get(struct req *r)
{
	struct document	*d;
	int64_t		 id;

	if (chat_arg(r, 0, "document", &id) == -1 ||
	    (d = document_get(&r->cx, r->cx.who->id, id)) == NULL)
		return -1;
	return document_reply(r, d);
}

/* DELETE /v1/chat/document/{id} */
int
chat_document_delete(struct req *r)
{
	int64_t	 id;

	if (chat_arg(r, 0, "document", &id) == -1 ||
	    document_delete(&r->cx, r->cx.who->id, id) == -1)
		return -1;
	return chat_done(r);
}

/* POST /v1/chat/document/rename */
int
chat_document_rename(struct req *r)
{
	struct chat_rename	 in = { 0 };
	const char		*name;

	if (chat_rename_read(r, &in) == -1)
		return -1;
	name = filename_clean(r->cx.a, in.name, strlen(in.name));
	if (*name == '\0')
		return fail(&r->cx, F_VALUE, "name");
	if (document_rename(&r->cx, r->cx.who->id, in.id, name) == -1)
		return -1;
	return chat_done(r);
}

/* POST /v1/chat/document/search */
int
chat_document_search(struct req *r)
{
	struct chat_document_search	 in = { 0 };
	struct chat_list		 out = { 0 };
	struct document			*d;
	size_t				 n;

	if (req_read(r, &in) == -1)
		return -1;
	if (document_search(&r->cx, r->cx.who->id, in.file_name != NULL ? in.file_name : "",
	    chat_skip(&in.page), chat_size(&in.page), &d, &n, &out.total) == -1)
		return -1;
	out.list = chat_documents_show(&r->cx, d, n);
	return reply_fields(r, &chat_document_list_fields, &out);
}

/* What moves documents; -1: F_NOT_FOUND, naming the id. */
typedef int	(*mover)(struct ctx *, int64_t owner, int64_t to, const int64_t *, size_t);

static int
files_move(struct req *r, mover move)
{
	struct chat_files	 in = { 0 };

	if (req_read(r, &in) == -1)
		return -1;
	if (move(&r->cx, r->cx.who->id, in.id, in.document_ids.p, in.document_ids.n) == -1)
		return -1;
	return chat_done(r);
}

/* POST /v1/chat/session/add_files */
int
chat_session_add_files(struct req *r)
{
	return files_move(r, document_attach);
}

/* POST /v1/chat/session/remove_files */
int
chat_session_remove_files(struct req *r)
{
	return files_move(r, document_detach);
}

/* POST /v1/chat/dataset/add_files */
int
chat_dataset_add_files(struct req *r)
{
	return files_move(r, dataset_attach);
}

/* POST /v1/chat/dataset/remove_files */
int
chat_dataset_remove_files(struct req *r)
{
	return files_move(r, dataset_detach);
}
