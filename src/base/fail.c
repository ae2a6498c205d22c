#include "fail.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char	*name;
	int		 http, rpc;
} kinds[F_KINDS] = {
	[F_NONE] = { "F_NONE", 200, 0 },
#define FAIL(kind, http, rpc, en, zh) [kind] = { #kind, http, rpc },
#include "fail.def"
#undef FAIL
};

int
fail_status(enum fail_kind kind)
{
	return kinds[kind].http;
}

int
fail_rpc(enum fail_kind kind)
{
	return kinds[kind].rpc;
}

const char *
fail_name(enum fail_kind kind)
{
	return kinds[kind].name;
}

enum fail_kind
fail_of_name(const char *name)
{
	for (int k = F_NONE + 1; name != NULL && k < F_KINDS; k++)
		if (strcmp(kinds[k].name, name) == 0)
			return (enum fail_kind)k;
	return F_NONE;
}

/* A case per kind, so that the compiler sees each sentence as a format. */
const char *
fail_text(struct arena *a, const struct fail *f, enum lang lang)
{
	const char	*what = f->what != NULL ? f->what : "";

	switch (f->kind) {
#define FAIL(kind, http, rpc, en, zh) \
	case kind: \
		return lang == LANG_EN ? arena_printf(a, en, what) : arena_printf(a, zh, what);
#include "fail.def"
#undef FAIL
	case F_NONE:
	case F_KINDS:
		break;
	}
	return "";
}
