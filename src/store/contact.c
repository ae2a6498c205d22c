#include "store/contact.h"

#include <inttypes.h>

#include "base/ident.h"
#include "base/jw.h"

static const char *
given(const char *s)
{
	return s != NULL ? s : "";
}

static int
meet(struct ctx *cx, void *arg)
{
	const struct contact	*c = arg;

	return db_do(cx, SQL_CONTACT_MEET, V(ident_new()), V(c->owner), V(c->userid),
	    V(given(c->name)), V(given(c->mobile)), V(given(c->email)), V(given(c->avatar)),
	    V(given(c->company)), V(cx->now), V(cx->now));
}

/* In a transaction, since that is repeated where two meet the same one at once. */
int
contact_meet(struct ctx *cx, const struct contact *c)
{
	struct contact	 met = *c;

	return db_txn(cx, meet, &met);
}

struct contact *
contact_get(struct ctx *cx, int64_t owner, int64_t id)
{
	struct contact	*c;

	if ((c = db_maybe(cx, SQL_CONTACT_GET, V(id), V(owner))) == NULL)
		return fail_null(cx, F_NOT_FOUND, "contact %" PRId64, id);
	return c;
}

int
contact_find(struct ctx *cx, int64_t owner, const struct contact_condition *all, size_t n,
    int64_t skip, int64_t most, struct contact **list, size_t *nfound)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &s);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "column", all[i].column);
		jw_i64(&w, "is", all[i].is);
		jw_str(&w, "value", all[i].value);
		jw_end(&w);
	}
	jw_close(&w);
	return db_many(cx, SQL_CONTACT_FIND, list, nfound, V(owner), V(str_keep(&s, cx->a)),
	    V(most), V(skip));
}

int
contact_change(struct ctx *cx, const struct contact *c)
{
	return db_found(cx, db_exec(cx, SQL_CONTACT_CHANGE, V(c->name), V(c->mobile), V(c->email),
	    V(c->avatar), V(c->company), V(cx->now), V(c->id), V(c->owner)), "contact %" PRId64,
	    c->id);
}

int
contact_remove(struct ctx *cx, int64_t owner, int64_t id)
{
	return db_found(cx, db_exec(cx, SQL_CONTACT_REMOVE, V(id), V(owner)), "contact %" PRId64,
	    id);
}
