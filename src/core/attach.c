#include "core/attach.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "core/who.h"
#include "store/document.h"

#define PENDING_S	2	/* until a document that is being fetched may be there */

/* All of its content, next to each other in the arena; NULL: ctx failed. */
static char *
content_of(struct ctx *cx, const struct document *d)
{
	char		*all = arena_get(cx->a, (size_t)d->size);
	struct part	*p;
	int64_t		 have = 0;

	for (int n = 0; have < d->size; n++) {
		if ((p = document_part(cx, d->id, n)) == NULL || p->len > d->size - have)
			return cx->fail.kind != F_NONE ? NULL :
			    fail_null(cx, F_NOT_FOUND, "document %" PRId64, d->id);
		memcpy(all + have, p->body, (size_t)p->len);
		have += p->len;
	}
	return all;
}

char *
attach_image(struct ctx *cx, int64_t document)
{
	struct document	*d;
	size_t		 n;
	char		*content, *head, *address;

	if ((d = document_get(cx, cx->who->id, document)) == NULL)
		return NULL;
	if (strcmp(d->type, "image") != 0 || strcmp(d->status, "failed") == 0)
		return fail_null(cx, F_VALUE, "document %" PRId64, document);
	if (strcmp(d->status, "ready") != 0) {
		cx->fail.retry_after = PENDING_S;
		return fail_null(cx, F_UNAVAILABLE, "document %" PRId64, document);
	}
	if (d->size > ATTACH_IMAGE_MAX)
		return fail_null(cx, F_TOO_LARGE, "document %" PRId64, document);
	if ((content = content_of(cx, d)) == NULL)
		return NULL;
	head = arena_printf(cx->a, "data:%s;base64,", d->media_type);
	n = strlen(head);
	address = arena_get(cx->a, n + BASE64_LEN((size_t)d->size) + 1);
	memcpy(address, head, n);
	base64_write(address + n, content, (size_t)d->size);
	return address;
}
