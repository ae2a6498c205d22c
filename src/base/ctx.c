#include "ctx.h"

#include <stdarg.h>
#include <stddef.h>

static void __attribute__((format(printf, 3, 0)))
fail_as(struct ctx *cx, enum fail_kind kind, const char *what, va_list ap)
{
	if (cx->fail.kind != F_NONE)
		return;
	cx->fail.kind = kind;
	cx->fail.what = arena_vprintf(cx->a, what, ap);
}

int
fail(struct ctx *cx, enum fail_kind kind, const char *what, ...)
{
	va_list	 ap;

	va_start(ap, what);
	fail_as(cx, kind, what, ap);
	va_end(ap);
	return -1;
}

void *
fail_null(struct ctx *cx, enum fail_kind kind, const char *what, ...)
{
	va_list	 ap;

	va_start(ap, what);
	fail_as(cx, kind, what, ap);
	va_end(ap);
	return NULL;
}

void
fail_pass(struct ctx *cx, const struct ctx *from)
{
	if (cx->fail.kind != F_NONE || from->fail.kind == F_NONE)
		return;
	cx->fail = from->fail;
	if (cx->fail.what != NULL)
		cx->fail.what = arena_strdup(cx->a, cx->fail.what);
	if (cx->fail.allow != NULL)
		cx->fail.allow = arena_strdup(cx->a, cx->fail.allow);
}

void
fail_clear(struct ctx *cx)
{
	cx->fail = (struct fail){ .kind = F_NONE };
}
