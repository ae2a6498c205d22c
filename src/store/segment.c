#include "store/segment.h"

#include <inttypes.h>

#include "base/jw.h"
#include "store/rows.h"

#define BATCH		4096	/* rows that go to the server at once */
#define VALUES		4	/* of a row of either table */

/* Indexing. */

static int
add_segments(struct ctx *cx, int64_t document, const struct segment *s, size_t n)
{
	struct val	*v = arena_array(cx->a, n * VALUES, sizeof(*v)), *at = v;

	for (size_t i = 0; i < n; i++, s++) {
		*at++ = V(document);
		*at++ = V(s->n);
		*at++ = V(s->text);
		*at++ = V(s->tokens);
	}
	return db_bulk(cx, SQL_SEGMENT_ADD, v, VALUES, n);
}

static int
add_postings(struct ctx *cx, int64_t document, const struct segment_posting *p, size_t n)
{
	struct val	*v = arena_array(cx->a, BATCH * VALUES, sizeof(*v)), *at;
	size_t		 some;

	for (; n > 0; n -= some) {
		some = n < BATCH ? n : BATCH;
		at = v;
		for (size_t i = 0; i < some; i++, p++) {
			*at++ = V(document);
			*at++ = V(p->h);
			*at++ = V(p->segment);
			*at++ = V(p->tf);
		}
		if (db_bulk(cx, SQL_SEGMENT_INDEX, v, VALUES, some) == -1)
			return -1;
	}
	return 0;
}

int
segment_replace(struct ctx *cx, int64_t document, const struct segment *s, size_t n,
    const struct segment_posting *p, size_t nposting)
{
	int64_t	 tokens = 0, documents;

	for (size_t i = 0; i < n; i++)
		tokens += s[i].tokens;
	/* First of all, so that who deletes the document waits, or has done so. */
	if ((documents = db_exec(cx, SQL_SEGMENT_READY, V(n), V(tokens), V(document))) == -1)
		return -1;
	if (documents == 0)
		return fail(cx, F_NOT_FOUND, "document %" PRId64, document);
	if (segment_drop(cx, document) == -1 || add_segments(cx, document, s, n) == -1)
		return -1;
	return add_postings(cx, document, p, nposting);
}

/* Some at a time: all of a large document would take longer than a statement may. */
int
segment_drop(struct ctx *cx, int64_t document)
{
	int64_t	 gone;

	do
		gone = db_exec(cx, SQL_SEGMENT_UNINDEX, V(document), V(BATCH));
	while (gone == BATCH);
	return gone == -1 ? -1 : db_do(cx, SQL_SEGMENT_DELETE, V(document));
}

/* Searching. */

int
segment_scope(struct ctx *cx, const int64_t *documents, size_t n, struct segment_scope *scope)
{
	const struct segment_sums	*sums;

	scope->documents = jw_numbers(cx->a, documents, n);
	if ((sums = db_one(cx, SQL_SEGMENT_SUMS, V(scope->documents))) == NULL)
		return -1;
	scope->segments = sums->segments;
	scope->tokens = sums->tokens;
	return 0;
}

/* [[hash, weight], ...] */
static char *
terms_json(struct ctx *cx, const struct segment_term *t, size_t n)
{
	struct jw_pair	*pairs = arena_array(cx->a, n, sizeof(*pairs));

	for (size_t i = 0; i < n; i++)
		pairs[i] = (struct jw_pair){ t[i].h, t[i].weight };
	return jw_pairs(cx->a, pairs, n);
}

int
segment_count(struct ctx *cx, const struct segment_scope *scope, struct segment_term *t, size_t n)
{
	struct segment_frequency	*list;
	size_t				 known;

	if (db_many(cx, SQL_SEGMENT_COUNT, &list, &known, V(scope->documents),
	    V(terms_json(cx, t, n))) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		t[i].segments = 0;
		for (size_t j = 0; j < known; j++)
			if (list[j].h == t[i].h)
				t[i].segments = list[j].segments;
	}
	return 0;
}

int
segment_search(struct ctx *cx, const struct segment_scope *scope, const struct segment_term *t,
    size_t n, int most, struct segment **list, size_t *found)
{
	const double	 average = scope->segments > 0 ?
	    (double)scope->tokens / (double)scope->segments : 1;

	return db_many(cx, SQL_SEGMENT_SEARCH, list, found, V(average > 1 ? average : 1),
	    V(scope->documents), V(terms_json(cx, t, n)), V(most));
}
