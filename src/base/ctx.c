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
fail_clear(struct ctx *cx)
{
	cx->fail = (struct fail){ .kind = F_NONE };
}
