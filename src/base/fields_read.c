/* fields_read: json_read, a struct from JSON by its table. */
#include "json.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conf.h"
#include "ident.h"
#include "strict.h"
#include "utf8.h"

#define NAMED	200		/* longest name in an error, in bytes */

struct reader {
	struct ctx	*cx;
	bool		 form;		/* every value is a string */
};

/* A value to be read: what it is, what it should be, and where it stands. */
struct spot {
	const struct json	*j;
	const struct field	*f;
	const struct spot	*up;	/* what it is a part of; NULL at the top */
	const char		*name;	/* NULL: an element */
	size_t			 index;
};

static int	read_object(struct reader *, const struct spot *, const struct fields *, void *);

/* ---- what is wrong ------------------------------------------------------------------------ */

/* messages[2].role */
static void
tell(struct str *s, const struct spot *at)
{
	if (at->up == NULL)
		return;
	tell(s, at->up);
	if (at->name == NULL)
		str_printf(s, "[%zu]", at->index);
	else
		str_printf(s, "%s%.*s", s->len > 0 ? "." : "",
		    (int)utf8_cut(at->name, strlen(at->name), 64), at->name);
}

static int
bad(struct reader *r, enum fail_kind kind, const struct spot *at)
{
	struct str	 s = STR_INIT(NAMED);

	tell(&s, at);
	fail(r->cx, kind, "%s", s.len > 0 ? s.p : "body");
	str_free(&s);
	return -1;
}

/* An id that cannot exist is one that does not. */
static int
unknown(struct reader *r, const struct spot *at, const char *id)
{
	struct str	 s = STR_INIT(NAMED);

	tell(&s, at);
	fail(r->cx, F_NOT_FOUND, "%s %.*s", s.p, (int)utf8_cut(id, strlen(id), 64), id);
	str_free(&s);
	return -1;
}

static bool
in_range(const struct field *f, double v)
{
	return (f->min == 0 && f->max == 0) || (v >= f->min && v <= f->max);
}

/* ---- single values ------------------------------------------------------------------------ */

/* A string that is UTF-8 and holds no NUL; borrowed. */
static int
borrow(struct reader *r, const struct spot *at, const char **s, size_t *n)
{
	if (!json_get_str(at->j, s, n))
		return bad(r, F_TYPE, at);
	if (!utf8_valid(*s, *n))
		return bad(r, F_UTF8, at);
	if (strlen(*s) != *n)
		return bad(r, F_VALUE, at);
	return 0;
}

static int
read_str(struct reader *r, const struct spot *at, char **dst)
{
	const char	*s;
	size_t		 n;

	if (borrow(r, at, &s, &n) == -1)
		return -1;
	if (n == 0 && at->f->min > 0)
		return bad(r, F_MISSING, at);
	if (!in_range(at->f, (double)utf8_length(s, n)))
		return bad(r, F_RANGE, at);
	*dst = arena_strndup(r->cx->a, s, n);
	return 0;
}

static int
read_bool(struct reader *r, const struct spot *at, bool *dst)
{
	const char	*s;
	size_t		 n;

	if (json_get_bool(at->j, dst))
		return 0;
	if (!r->form || !json_get_str(at->j, &s, &n))
		return bad(r, F_TYPE, at);
	if (strcmp(s, "true") == 0 || strcmp(s, "1") == 0 || strcmp(s, "on") == 0)
		*dst = true;
	else if (strcmp(s, "false") == 0 || strcmp(s, "0") == 0 || strcmp(s, "off") == 0)
		*dst = false;
	else
		return bad(r, F_TYPE, at);
	return 0;
}

/* The text of a number in a form, written as in JSON; NULL when it is none. */
static const char *
form_number(const struct reader *r, const struct json *j, bool *whole)
{
	const char	*s;
	size_t		 n;

	if (!r->form || !json_get_str(j, &s, &n) || n == 0 || strict_number(s, n, whole) != n)
		return NULL;
	return s;
}

static int
read_i64(struct reader *r, const struct spot *at, int64_t *dst)
{
	const char	*s;
	double		 d;
	bool		 whole;

	if ((s = form_number(r, at->j, &whole)) != NULL && whole) {
		errno = 0;
		*dst = strtoll(s, NULL, 10);
		if (errno != 0)
			return bad(r, F_RANGE, at);
	} else if (!json_get_i64(at->j, dst))
		return bad(r, json_get_f64(at->j, &d) && trunc(d) == d ? F_RANGE : F_TYPE, at);
	return in_range(at->f, (double)*dst) ? 0 : bad(r, F_RANGE, at);
}

static int
read_int(struct reader *r, const struct spot *at, int *dst)
{
	int64_t	 v;

	if (read_i64(r, at, &v) == -1)
		return -1;
	if (v < INT_MIN || v > INT_MAX)
		return bad(r, F_RANGE, at);
	*dst = (int)v;
	return 0;
}

static int
read_f64(struct reader *r, const struct spot *at, double *dst)
{
	const char	*s;
	bool		 whole;

	if ((s = form_number(r, at->j, &whole)) != NULL)
		*dst = strtod(s, NULL);
	else if (!json_get_f64(at->j, dst))
		return bad(r, F_TYPE, at);
	return isfinite(*dst) && in_range(at->f, *dst) ? 0 : bad(r, F_RANGE, at);
}

/* A string of digits; a number is taken too, as JavaScript has it. */
static int
read_id(struct reader *r, const struct spot *at, int64_t *dst)
{
	const char	*s;
	size_t		 n;
	int64_t		 i;

	if (json_get_i64(at->j, &i))
		s = arena_printf(r->cx->a, "%lld", (long long)i);
	else if (borrow(r, at, &s, &n) == -1)
		return -1;
	return ident_parse(s, dst) ? 0 : unknown(r, at, s);
}

static int
read_time(struct reader *r, const struct spot *at, int64_t *dst)
{
	const char	*s;
	size_t		 n;

	if (borrow(r, at, &s, &n) == -1)
		return -1;
	return clock_parse(s, r->cx->conf->timezone, dst) == 0 ? 0 : bad(r, F_VALUE, at);
}

/* ---- what holds others -------------------------------------------------------------------- */

/* Reads one element of a list or the value of one member into dst. */
typedef int	read_one(struct reader *, const struct spot *, void *dst);

/* For elements that have no range of their own: the field's is the list's. */
static const struct field	 any = { .min = 0, .max = 0 };

static int
one_struct(struct reader *r, const struct spot *at, void *dst)
{
	return read_object(r, at, at->f->sub, dst);
}

static int
one_str(struct reader *r, const struct spot *at, void *dst)
{
	struct spot	 here = *at;

	here.f = &any;
	return read_str(r, &here, dst);
}

static int
one_i64(struct reader *r, const struct spot *at, void *dst)
{
	struct spot	 here = *at;

	here.f = &any;
	return read_i64(r, &here, dst);
}

static int
one_f64(struct reader *r, const struct spot *at, void *dst)
{
	return read_f64(r, at, dst);
}

static int
read_list(struct reader *r, const struct spot *at, size_t size, read_one *one, struct list *dst)
{
	struct spot	 here = { .up = at, .f = at->f };
	struct list	 l = { .n = json_count(at->j) };
	const char	*s;
	size_t		 n;
	bool		 single;

	single = r->form && at->f->type != T_LIST && json_get_str(at->j, &s, &n);
	if (single)
		l.n = 1;
	else if (!json_is_array(at->j))
		return bad(r, F_TYPE, at);
	if (!in_range(at->f, (double)l.n))
		return bad(r, F_RANGE, at);
	l.p = arena_array(r->cx->a, l.n, size);
	for (here.index = 0; here.index < l.n; here.index++) {
		here.j = single ? at->j : json_elem(at->j, here.index);
		if (here.j == NULL)
			return bad(r, r->form ? F_MISSING : F_TYPE, &here);
		if (one(r, &here, (char *)l.p + here.index * size) == -1)
			return -1;
	}
	*dst = l;
	return 0;
}

/* Items of `size` bytes, the name first. Members whose values are null are left out. */
static int
read_map(struct reader *r, const struct spot *at, size_t size, size_t value, read_one *one,
    struct list *dst)
{
	struct spot	 here = { .up = at, .f = at->f };
	struct list	 l = { .n = 0 };
	const void	*pos;
	char		*item;
	size_t		 n = 0;

	if (!json_is_object(at->j))
		return bad(r, F_TYPE, at);
	for (pos = NULL; json_next(at->j, &pos, &here.name, &here.j);) {
		if (!utf8_valid(here.name, strlen(here.name)))
			return bad(r, F_UTF8, at);
		n += here.j != NULL;
	}
	if (at->f->type != T_MAPF64 && !in_range(at->f, (double)n))
		return bad(r, F_RANGE, at);
	l.p = arena_array(r->cx->a, n, size);
	for (pos = NULL; json_next(at->j, &pos, &here.name, &here.j);) {
		if (here.j == NULL)
			continue;
		item = (char *)l.p + l.n++ * size;
		if (one(r, &here, item + value) == -1)
			return -1;
		*(char **)item = arena_strdup(r->cx->a, here.name);
	}
	*dst = l;
	return 0;
}

static int
read_sub(struct reader *r, const struct spot *at, void **dst)
{
	void	*sub = arena_get(r->cx->a, at->f->sub->size);

	if (read_object(r, at, at->f->sub, sub) == -1)
		return -1;
	*dst = sub;
	return 0;
}

static int
read_field(struct reader *r, const struct spot *at, void *dst)
{
	switch (at->f->type) {
	case T_STR:
		return read_str(r, at, dst);
	case T_BOOL:
		return read_bool(r, at, dst);
	case T_INT:
		return read_int(r, at, dst);
	case T_I64:
		return read_i64(r, at, dst);
	case T_ID:
		return read_id(r, at, dst);
	case T_F64:
		return read_f64(r, at, dst);
	case T_TIME:
		return read_time(r, at, dst);
	case T_OBJ:
		return read_sub(r, at, dst);
	case T_LIST:
		return read_list(r, at, at->f->sub->size, one_struct, dst);
	case T_STRS:
		return read_list(r, at, sizeof(char *), one_str, dst);
	case T_I64S:
		return read_list(r, at, sizeof(int64_t), one_i64, dst);
	case T_MAP:
		return read_map(r, at, at->f->sub->size, 0, one_struct, dst);
	case T_MAPSTR:
		return read_map(r, at, sizeof(struct named_str), offsetof(struct named_str, value),
		    one_str, dst);
	case T_MAPF64:
		return read_map(r, at, sizeof(struct named_f64), offsetof(struct named_f64, value),
		    one_f64, dst);
	case T_MAPLIST:
		return 0;		/* in replies alone */
	case T_ANY:
		*(char **)dst = json_dump(r->cx->a, at->j);
		return 0;
	}
	return 0;
}

/*
 * In a form whatever was left empty arrives as ""; and a document's own example has "" for a date.
 */
static bool
left_empty(const struct reader *r, const struct field *f, const struct json *j)
{
	const char	*s;
	size_t		 n;

	if (r->form ? f->type == T_STR : f->type != T_TIME)
		return false;
	return json_get_str(j, &s, &n) && n == 0;
}

static int
read_object(struct reader *r, const struct spot *at, const struct fields *t, void *dst)
{
	struct spot	 here = { .up = at };

	if (!json_is_object(at->j))
		return bad(r, F_TYPE, at);
	for (const struct field *f = t->f; f < t->f + t->n; f++) {
		here.f = f;
		here.name = f->name;
		here.j = json_member(at->j, f->name);
		if (here.j == NULL || left_empty(r, f, here.j)) {
			if (f->need == MUST)
				return bad(r, F_MISSING, &here);
		} else if (read_field(r, &here, (char *)dst + f->offset) == -1)
			return -1;
	}
	return 0;
}

int
json_read(struct ctx *cx, const struct json *j, const struct fields *t, void *dst)
{
	struct reader	 r = { .cx = cx, .form = json_is_form(j) };
	struct spot	 top = { .j = j };

	return read_object(&r, &top, t, dst);
}
