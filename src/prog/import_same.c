#include "import_same.h"

#include <string.h>

#include "base/scratch.h"

#define PAGE	200	/* rows of a search */

/* Does the document hold what the file does? 1, 0 or -1. */
static int
same_content(struct ctx *cx, const struct import_file *f, const struct document *d)
{
	const struct part	*part;
	long			 n;

	if (d->size != f->size)
		return 0;
	for (int i = 0; (int64_t)i * DOCUMENT_PART < d->size; i++) {
		if ((part = document_part(cx, d->id, i)) == NULL)
			return cx->fail.kind == F_NONE ? 0 : -1;
		n = scratch_get(f->fd, f->buf, DOCUMENT_PART, (long long)i * DOCUMENT_PART);
		if (n != part->len || memcmp(f->buf, part->body, (size_t)n) != 0)
			return 0;
	}
	return 1;
}

static bool
has_failed(const struct document *d)
{
	return strcmp(d->status, "failed") == 0;
}

/* Looks on from what *it is already. */
static int
look(struct ctx *cx, const struct import_file *f, const struct document *d, size_t n,
    struct document *it)
{
	int	same;

	for (size_t i = 0; i < n && (it->id == 0 || has_failed(it)); i++) {
		if (strcmp(d[i].file_name, f->name) != 0 || d[i].url != NULL ||
		    (it->id != 0 && has_failed(&d[i])))
			continue;
		if ((same = same_content(cx, f, &d[i])) == -1)
			return -1;
		if (same == 1)
			*it = d[i];
	}
	return 0;
}

int
import_same(struct ctx *cx, const struct import_file *f, const struct document *d, size_t n,
    struct document *it)
{
	*it = (struct document){ .id = 0 };
	return look(cx, f, d, n, it);
}

int
import_same_of(struct ctx *cx, const struct import_file *f, int64_t owner, struct document *it)
{
	struct document	*d;
	int64_t		 skip = 0, total;
	size_t		 n;

	*it = (struct document){ .id = 0 };
	do {
		if (document_search(cx, owner, f->name, skip, PAGE, &d, &n, &total) == -1 ||
		    look(cx, f, d, n, it) == -1)
			return -1;
		skip += PAGE;
	} while (n == PAGE && (it->id == 0 || has_failed(it)));
	return 0;
}
