#include "store/intent.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/ident.h"

int
intent_add(struct ctx *cx, struct intent *i)
{
	i->id = ident_new();
	i->created_ms = clock_ms();
	if (db_exec(cx, SQL_INTENT_ADD, V(i->id), V(i->name), V(i->examples), V(i->reply),
	    V(i->system), V(i->created_ms)) != -1)
		return 0;
	if (cx->fail.kind == F_CONFLICT) {
		fail_clear(cx);
		fail(cx, F_CONFLICT, "intent %s is registered already", i->name);
	}
	return -1;
}

struct intent *
intent_get(struct ctx *cx, const char *ref)
{
	struct intent	*i;
	int64_t		 id;

	if (!ident_parse(ref, &id))
		id = 0;
	if ((i = db_maybe(cx, SQL_INTENT_GET, V(id), V(ref))) == NULL)
		return fail_null(cx, F_NOT_FOUND, "intent %s", ref);
	return i;
}

int
intent_list(struct ctx *cx, struct intent **list, size_t *n)
{
	return db_many(cx, SQL_INTENT_LIST, list, n);
}

int
intent_remove(struct ctx *cx, int64_t id)
{
	switch (db_exec(cx, SQL_INTENT_REMOVE, V(id))) {
	case -1:
		return -1;
	case 0:
		return fail(cx, F_NOT_FOUND, "intent %" PRId64, id);
	default:
		return 0;
	}
}
