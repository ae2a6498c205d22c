#include "core/attach.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "core/passages.h"
#include "core/who.h"

#define PENDING_S	2	/* until a document that is being fetched or read may be there */

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

/* Is it ready, and a picture (or not)? */
static int
check(struct ctx *cx, const struct document *d, bool image)
{
	if ((strcmp(d->type, "image") == 0) != image || strcmp(d->status, "failed") == 0)
		return fail(cx, F_VALUE, "document %" PRId64, d->id);
	if (strcmp(d->status, "ready") == 0)
		return 0;
	cx->fail.retry_after = PENDING_S;
	return fail(cx, F_UNAVAILABLE, "document %" PRId64, d->id);
}

char *
attach_image(struct ctx *cx, int64_t document)
{
	struct document	*d;
	size_t		 n;
	char		*content, *head, *address;

	if ((d = document_get(cx, cx->who->id, document)) == NULL || check(cx, d, true) == -1)
		return NULL;
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

int
attach_readable(struct ctx *cx, const struct document *d)
{
	return check(cx, d, false);
}

int
attach_knowledge(struct ctx *cx, const struct document *d, size_t n, struct turn_spec *spec)
{
	const int	 window = spec->seats->model->context_tokens;
	size_t		 most = ATTACH_KNOWLEDGE;
	int64_t		*ids = arena_array(cx->a, n, sizeof(*ids));
	struct found	 found;

	/* A Han character is a token: half of the window for them all. */
	if (window > 0 && (size_t)window / 2 < most)
		most = (size_t)window / 2;
	for (size_t i = 0; i < n; i++)
		ids[i] = d[i].id;
	if (passages_find(cx, ids, n, spec->question, most, &found) == -1)
		return -1;
	spec->knowledge = found.knowledge;
	spec->citations = found.citations;
	spec->ncitations = found.n;
	return 0;
}
