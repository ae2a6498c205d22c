#include "store/call.h"

#include "base/clock.h"
#include "base/ident.h"
#include "base/jw.h"
#include "store/rows.h"

#define HASHES	64		/* of a question; more do not make it clearer */

struct put {
	int64_t			 tenant, now;
	struct call_record	*r;
	const char		*terms;
};

static int	call_write(struct ctx *, void *);
static char	*terms_json(struct ctx *, const struct posting *, size_t);

int
call_put(struct ctx *cx, int64_t tenant, struct call_record *r, const struct posting *p, size_t n)
{
	struct put	 put = { tenant, clock_ms(), r, terms_json(cx, p, n) };

	return db_txn(cx, call_write, &put);
}

static int
call_write(struct ctx *cx, void *arg)
{
	const struct put	*put = arg;
	struct call_record	*r = put->r;
	const struct indexed	*old;

	if ((old = db_maybe(cx, SQL_CALL_LOCK, V(put->tenant), V(r->ref))) == NULL &&
	    cx->fail.kind != F_NONE)
		return -1;
	if (old == NULL) {
		r->id = ident_new();
		if (db_exec(cx, SQL_CALL_ADD, V(r->id), V(put->tenant), V(r->ref), V(r->summary),
		    V(r->start_ms), V(r->duration), V(r->callnumber), V(r->callednumber),
		    V(r->labels), V(r->tokens), V(put->terms), V(put->now)) == -1)
			return -1;
	} else {
		r->id = old->id;
		if (db_exec(cx, SQL_CALL_UNINDEX, V(r->id)) == -1)
			return -1;
		if (db_exec(cx, SQL_CALL_REPLACE, V(r->summary), V(r->start_ms), V(r->duration),
		    V(r->callnumber), V(r->callednumber), V(r->labels), V(r->tokens), V(put->terms),
		    V(put->now), V(r->id)) == -1)
			return -1;
	}
	if (db_exec(cx, SQL_CALL_INDEX, V(r->id)) == -1)
		return -1;
	return db_do(cx, SQL_CALL_STATS, V(put->tenant), V(old == NULL),
	    V(r->tokens - (old != NULL ? old->tokens : 0)));
}

/* [[hash, times], ...] */
static char *
terms_json(struct ctx *cx, const struct posting *p, size_t n)
{
	struct jw_pair	*pairs = arena_array(cx->a, n, sizeof(*pairs));

	for (size_t i = 0; i < n; i++)
		pairs[i] = (struct jw_pair){ p[i].h, p[i].tf };
	return jw_pairs(cx->a, pairs, n);
}

int
call_search(struct ctx *cx, int64_t tenant, const int64_t *h, size_t nh, int64_t from_ms,
    int64_t to_ms, int most,
    struct call_record **list, size_t *n)
{
	const char	*hashes = jw_numbers(cx->a, h, nh < HASHES ? nh : HASHES);

	return db_many(cx, SQL_CALL_SEARCH, list, n, V(hashes), V(tenant), V(tenant), V(from_ms),
	    V(to_ms != 0 ? to_ms : INT64_MAX), V(most));
}

int64_t
call_count(struct ctx *cx, int64_t tenant)
{
	return db_number(cx, SQL_CALL_COUNT, V(tenant));
}
