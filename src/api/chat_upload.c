/* Documents that come as files. */
#include "chat_document.h"

#include <string.h>

#include "api/handlers.h"
#include "base/ident.h"
#include "base/utf8.h"
#include "base/wake.h"
#include "core/kind.h"
#include "core/who.h"
#include "web/upload.h"

/* The files of a request, as documents and as parts of its body. */
struct sent {
	struct req			*r;
	struct document			*documents;
	const struct multipart_part	*parts[MULTIPART_MOST];
	size_t				 n;
	char				*buf;		/* DOCUMENT_PART bytes */
};

static size_t
least(int64_t a, int64_t b)
{
	return (size_t)(a < b ? a : b);
}

/* Adds a file to what was sent. */
static int
file_take(struct sent *s, const struct multipart_part *part)
{
	struct ctx		*cx = &s->r->cx;
	struct document		*d = &s->documents[s->n];
	const struct kind	*k;
	size_t			 n;

	if (utf8_length(part->file_name, strlen(part->file_name)) > DOCUMENT_NAME)
		return fail(cx, F_RANGE, "filename");
	if (part->len > DOCUMENT_MAX)
		return fail(cx, F_TOO_LARGE, "%s", part->file_name);
	n = least(part->len, KIND_HEAD);
	if (upload_read(s->r, part, 0, s->buf, n) == -1)
		return -1;
	if ((k = kind_of(part->file_name, s->buf, n)) == NULL)
		return fail(cx, F_FILE_TYPE, "%s", part->file_name);
	*d = (struct document){
		.id = ident_new(), .tenant = cx->who->tenant, .owner = cx->who->id,
		.file_name = arena_strdup(cx->a, part->file_name),
		.type = arena_strdup(cx->a, k->type),
		.media_type = arena_strdup(cx->a, k->media_type), .size = part->len,
		.status = arena_strdup(cx->a, strcmp(k->type, "image") == 0 ? "ready" : "pending"),
		.created_ms = cx->now, .author_name = arena_strdup(cx->a, cx->who->name),
		.author_avatar = arena_strdup(cx->a, cx->who->avatar),
	};
	s->parts[s->n++] = part;
	return 0;
}

/* Other parts than files are fields of a form that nobody asked for. */
static int
files_take(struct sent *s)
{
	struct multipart_part	*parts;
	size_t			 n;

	if (upload_parts(s->r, &parts, &n) == -1)
		return -1;
	s->documents = arena_array(s->r->cx.a, n, sizeof(*s->documents));
	s->buf = arena_get(s->r->cx.a, DOCUMENT_PART);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(parts[i].name, "file") != 0 || parts[i].file_name == NULL ||
		    *parts[i].file_name == '\0')
			continue;
		if (file_take(s, &parts[i]) == -1)
			return -1;
	}
	return s->n > 0 ? 0 : fail(&s->r->cx, F_MISSING, "file");
}

static int
content_add(struct ctx *cx, const struct document *d, void *arg)
{
	struct sent			*s = arg;
	const struct multipart_part	*part = s->parts[d - s->documents];
	size_t				 n;

	for (int64_t at = 0; at < part->len; at += DOCUMENT_PART) {
		n = least(part->len - at, DOCUMENT_PART);
		if (upload_read(s->r, part, at, s->buf, n) == -1 ||
		    document_part_add(cx, d->id, (int)(at / DOCUMENT_PART), s->buf, n) == -1)
			return -1;
	}
	return 0;
}

/* POST /v1/chat/document/upload */
int
chat_document_upload(struct req *r)
{
	struct sent	 s = { .r = r };

	if (files_take(&s) == -1 ||
	    document_add(&r->cx, s.documents, s.n, content_add, &s) == -1)
		return -1;
	wake_send();
	return chat_documents_reply(r, s.documents, s.n);
}
