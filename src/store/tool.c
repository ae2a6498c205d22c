#include "store/tool.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/ident.h"

int
tool_add(struct ctx *cx, struct tool *t)
{
	t->id = ident_new();
	t->created_ms = clock_ms();
	if (db_exec(cx, SQL_TOOL_ADD, V(t->id), V(t->name), V(t->description), V(t->parameters),
	    V(t->method), V(t->url), V(t->headers), V(t->secret_env), V(t->timeout_s),
	    V(t->created_ms)) != -1)
		return 0;
	if (cx->fail.kind == F_CONFLICT) {
		fail_clear(cx);
		fail(cx, F_CONFLICT, "tool %s is registered already", t->name);
	}
	return -1;
}

struct tool *
tool_get(struct ctx *cx, const char *ref)
{
	struct tool	*t;
	int64_t		 id;

	if (!ident_parse(ref, &id))
		id = 0;
	if ((t = db_maybe(cx, SQL_TOOL_GET, V(id), V(ref))) == NULL)
		return fail_null(cx, F_NOT_FOUND, "tool %s", ref);
	return t;
}

int
tool_list(struct ctx *cx, struct tool **list, size_t *n)
{
	return db_many(cx, SQL_TOOL_LIST, list, n);
}

int
tool_of_version(struct ctx *cx, int64_t version, struct tool **list, size_t *n)
{
	return db_many(cx, SQL_TOOL_OF_VERSION, list, n, V(version));
}

int
tool_remove(struct ctx *cx, int64_t id)
{
	switch (db_exec(cx, SQL_TOOL_REMOVE, V(id))) {
	case -1:
		return -1;
	case 0:
		return fail(cx, F_NOT_FOUND, "tool %" PRId64, id);
	default:
		return 0;
	}
}
