#include "store/app.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/ident.h"

int
app_add(struct ctx *cx, struct app *p)
{
	p->id = ident_new();
	p->created_ms = clock_ms();
	return db_do(cx, SQL_APP_ADD, V(p->id), V(p->tenant), V(p->name), V(p->description),
	    V(p->kind), V(p->model), V(p->template), V(p->created_ms));
}

struct app *
app_get(struct ctx *cx, int64_t tenant, int64_t id)
{
	struct app	*p;

	if ((p = db_maybe(cx, SQL_APP_GET, V(id), V(tenant))) == NULL)
		return fail_null(cx, F_NOT_FOUND, "app %" PRId64, id);
	return p;
}

int
app_list(struct ctx *cx, int64_t tenant, struct app **list, size_t *n)
{
	return db_many(cx, SQL_APP_LIST, list, n, V(tenant));
}
