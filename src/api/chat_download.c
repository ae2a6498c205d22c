/* Files of documents, handed out. */
#include <inttypes.h>
#include <string.h>

#include "api/chat.h"
#include "api/handlers.h"
#include "base/log.h"
#include "core/who.h"
#include "web/range.h"

/* A file on its way out. */
struct told {
	int64_t	 document;
	int64_t	 at, end;	/* what comes next, and where it ends */
	char	*buf;		/* the last part */
};

/* Each part has memory of its own, for the request's would hold them all. */
static ssize_t
told_next(struct req *r, void *arg, const char **p)
{
	struct told	*t = arg;
	struct ctx	 cx = r->cx;
	struct part	*part;
	const int64_t	 skip = t->at % DOCUMENT_PART;
	ssize_t		 n = -1;

	cx.a = arena_new(0);
	part = document_part(&cx, t->document, (int)(t->at / DOCUMENT_PART));
	if (part != NULL && part->len <= DOCUMENT_PART && part->len > skip) {
		n = (ssize_t)(part->len - skip);
		if (n > t->end - t->at)
			n = (ssize_t)(t->end - t->at);
		memcpy(t->buf, part->body + skip, (size_t)n);
		t->at += n;
		*p = t->buf;
	} else
		log_warn("a file broke off on its way out", LOG_S("rid", r->cx.rid),
		    LOG_I("document", t->document));
	arena_free(cx.a);
	return n;
}

/*
 * GET /v1/chat/document/{id}/file - as an attachment, whatever it is: no browser runs it here. What
 * a document holds never changes.
 */
int
chat_document_file(struct req *r)
{
	struct arena	*a = r->cx.a;
	struct told	*t = arena_get(a, sizeof(*t));
	struct document	*d;
	int64_t		 len, n;
	int		 status;

	if (chat_arg(r, 0, "document", &t->document) == -1 ||
	    (d = document_get(&r->cx, r->cx.who->id, t->document)) == NULL ||
	    (len = document_length(&r->cx, d->id)) == -1)
		return -1;
	if (len == 0 && d->url != NULL)		/* it was not fetched, or is not kept */
		return fail(&r->cx, F_NOT_FOUND, "file of document %" PRId64, d->id);
	status = range_read(r, len, arena_printf(a, "\"%" PRId64 "\"", d->id), &t->at, &n);
	if (status == -1)
		return -1;
	t->end = t->at + n;
	t->buf = arena_get(a, DOCUMENT_PART);
	reply_attachment(r, d->file_name);
	reply_header(r, "X-Content-Type-Options", "nosniff");
	reply_header(r, "Cache-Control", "private");
	return reply_pieces(r, status, d->media_type, n, told_next, t);
}
