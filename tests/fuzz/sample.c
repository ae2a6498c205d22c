#include "sample.h"

#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/utf8.h"

struct item {
	char	*name;
	int	 value;
};

struct sample {
	char		*text, *any;
	bool		 flag;
	int		 n;
	int64_t		 big, id, when;
	double		 real;
	struct item	*item;
	struct list	 items, texts, numbers, map, textmap, realmap;
};

static const struct field item_f[] = {
	FIELD(item, T_STR, MAY, name, 1, 8, NULL),
	FIELD(item, T_INT, MUST, value, 0, 9, NULL),
};
static FIELDS(item, "Item");

static const struct field sample_f[] = {
	FIELD(sample, T_STR, OMIT, text, 0, 0, NULL),
	FIELD(sample, T_ANY, OMIT, any, 0, 0, NULL),
	FIELD(sample, T_BOOL, MAY, flag, 0, 0, NULL),
	FIELD(sample, T_INT, MAY, n, -5, 5, NULL),
	FIELD(sample, T_I64, MAY, big, 0, 0, NULL),
	FIELD(sample, T_ID, OMIT, id, 0, 0, NULL),
	FIELD(sample, T_TIME, OMIT, when, 0, 0, NULL),
	FIELD(sample, T_F64, MAY, real, 0, 0, NULL),
	FIELD_SUB(sample, T_OBJ, OMIT, item, &item_fields, 0, 0, NULL),
	FIELD_SUB(sample, T_LIST, OMIT, items, &item_fields, 0, 3, NULL),
	FIELD(sample, T_STRS, OMIT, texts, 0, 0, NULL),
	FIELD(sample, T_I64S, OMIT, numbers, 0, 0, NULL),
	FIELD_SUB(sample, T_MAP, OMIT, map, &item_fields, 0, 0, NULL),
	FIELD(sample, T_MAPSTR, OMIT, textmap, 0, 0, NULL),
	FIELD(sample, T_MAPF64, OMIT, realmap, 0, 0, NULL),
};
static FIELDS(sample, "Sample");

static const struct conf	 conf = { .timezone = "Asia/Shanghai" };

void
sample_open(struct ctx *cx)
{
	*cx = (struct ctx){ .a = arena_new(0), .conf = &conf, .lang = LANG_EN };
}

void
sample_close(struct ctx *cx)
{
	arena_free(cx->a);
}

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* A failure names its kind, and something that can be shown. */
static void
check_failure(const struct ctx *cx)
{
	must(cx->fail.kind != F_NONE && cx->fail.what != NULL);
	must(utf8_valid(cx->fail.what, strlen(cx->fail.what)));
}

/*
 * The text is JSON by the strict rules, and says the same once more. What the lenient parser let
 * pass may be too large or too deep for them, and two malformed names may have become one.
 */
static void
check_text(struct ctx *cx, const char *text, bool lenient)
{
	struct json	*j;

	fail_clear(cx);
	if ((j = json_parse(cx, text, strlen(text))) != NULL)
		must(lenient || strcmp(json_dump(cx->a, j), text) == 0);
	else
		must(lenient && (strcmp(text, "null") == 0 ||
		    strstr(cx->fail.what, "a number out of range") != NULL ||
		    strstr(cx->fail.what, "nesting too deep") != NULL));
	json_free(j);
}

void
sample_check(struct ctx *cx, struct json *j, bool lenient)
{
	struct sample	 s = { .n = 0 };
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	if (j == NULL) {
		check_failure(cx);
		return;
	}
	fail_clear(cx);
	if (json_read(cx, j, &sample_fields, &s) == -1)
		check_failure(cx);
	else {
		jw_open(&w, &out);
		json_write(&w, NULL, &sample_fields, &s, conf.timezone);
		check_text(cx, out.p, lenient);
		str_free(&out);
	}
	check_text(cx, json_dump(cx->a, j), lenient);
	json_free(j);
}
