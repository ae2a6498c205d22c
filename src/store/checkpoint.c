#include "store/checkpoint.h"

#include "base/arena.h"
#include "store/rows.h"

#define VALUES	4		/* of a new row */

int
checkpoint_add(struct ctx *cx, const struct checkpoint *c, size_t n)
{
	struct val	*v = arena_array(cx->a, n * VALUES, sizeof(*v)), *at = v;

	for (size_t i = 0; i < n; i++, c++) {
		*at++ = V(c->turn);
		*at++ = V(c->n);
		*at++ = val_strn(c->body, (size_t)c->len);
		*at++ = V(c->upto);
	}
	return db_bulk(cx, SQL_CHECKPOINT_ADD, v, VALUES, n);
}

int
checkpoint_list(struct ctx *cx, int64_t turn, int n, int most, struct checkpoint **list,
    size_t *count)
{
	return db_many(cx, SQL_CHECKPOINT_LIST, list, count, V(turn), V(n), V(n + most));
}

int
checkpoint_news(struct ctx *cx, const char *readers, int most, struct checkpoint_news **list,
    size_t *n)
{
	return db_many(cx, SQL_CHECKPOINT_NEWS, list, n, V(readers), V(most));
}

int
checkpoint_ends(struct ctx *cx, const char *turns, struct checkpoint_end **list, size_t *n)
{
	return db_many(cx, SQL_CHECKPOINT_ENDS, list, n, V(turns));
}

int
checkpoint_over(struct ctx *cx, const char *turns, int64_t **ids, size_t *n)
{
	struct number	*list;

	if (db_many(cx, SQL_CHECKPOINT_OVER, &list, n, V(turns)) == -1)
		return -1;
	*ids = arena_array(cx->a, *n, sizeof(**ids));
	for (size_t i = 0; i < *n; i++)
		(*ids)[i] = list[i].n;
	return 0;
}

int
checkpoint_purge(struct ctx *cx, int64_t keep_ms)
{
	struct number	*old;
	size_t		 n;

	if (db_many(cx, SQL_CHECKPOINT_OLD, &old, &n, V(keep_ms), V(keep_ms)) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (db_do(cx, SQL_CHECKPOINT_DELETE, V(old[i].n)) == -1)
			return -1;
	return (int)n;
}
