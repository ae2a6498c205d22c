#include "json.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "strict.h"
#include "utf8.h"
#include "where.h"

#define PARSER_KEEP	16384	/* a parser that met a larger document gives its memory back */
#define NAMED		200	/* longest name in an error, in bytes */
#define EXACT		9007199254740992.0	/* 2^53: up to here doubles hold every integer */

/* A struct json is json-c's object, never anything else. */
static struct json_object *
object(const struct json *j)
{
	return (struct json_object *)(uintptr_t)j;
}

static const struct json *
borrowed(const struct json_object *o)
{
	return (const struct json *)o;
}

static bool
is(const struct json *j, enum json_type type)
{
	return json_object_is_type(object(j), type);
}

/* ---- parsing ------------------------------------------------------------------------------ */

static struct json_tokener *
tokener_new(void)
{
	/* json-c counts a number within the innermost array as a level. */
	struct json_tokener	*t = json_tokener_new_ex(STRICT_DEPTH + 1);

	if (t == NULL)
		out_of_memory();
	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	return t;
}

/* How many bytes are blanks. */
static size_t
blanks(const char *s, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r' && s[i] != '\n')
			break;
	return i;
}

/* What json-c still objects to where every word is a good one. */
static enum unread
structure(enum json_tokener_error e)
{
	switch (e) {
	case json_tokener_error_depth:
		return UNREAD_DEEP;
	case json_tokener_error_parse_object_key_name:
		return UNREAD_NO_NAME;
	case json_tokener_error_parse_object_key_sep:
		return UNREAD_NO_COLON;
	case json_tokener_error_parse_array:
	case json_tokener_error_parse_object_value_sep:
		return UNREAD_NO_COMMA;
	default:
		return UNREAD_WORD;
	}
}

/*
 * One document and nothing behind it. *why says what is wrong, *at where; a document `null` is NULL
 * without a reason.
 */
static struct json_object *
parse(struct json_tokener *t, const char *s, size_t n, enum unread *why, size_t *at)
{
	struct json_object	*o;
	enum json_tokener_error	 e;

	*why = UNREAD_NOT;
	json_tokener_reset(t);
	o = json_tokener_parse_ex(t, s, (int)n);
	e = json_tokener_get_error(t);
	*at = json_tokener_get_parse_end(t);
	if (e == json_tokener_continue) {
		/* A number or a word at the top ends only with what follows it. */
		o = json_tokener_parse_ex(t, " ", 1);
		e = json_tokener_get_error(t);
		*at = n;
	}
	if (e == json_tokener_continue || e == json_tokener_error_parse_eof)
		*why = blanks(s, n) == n ? UNREAD_EMPTY : UNREAD_EARLY;
	else if (e != json_tokener_success)
		*why = structure(e);
	else if ((*at += blanks(s + *at, n - *at)) < n)
		*why = UNREAD_MORE;
	if (*why == UNREAD_NOT)
		return o;
	json_object_put(o);
	return NULL;
}

/* The value that holds the byte is no text. */
static int
no_text(struct ctx *cx, const char *s, size_t at)
{
	struct str	 name = STR_INIT(NAMED);

	where_tell(&name, s, at);
	fail(cx, F_UTF8, "%s", name.len > 0 ? name.p : "body");
	str_free(&name);
	return -1;
}

/* Is it text, and every word of it JSON? */
static int
words_check(struct ctx *cx, const char *s, size_t n)
{
	enum unread	 why;
	size_t		 at;

	if (n > INT_MAX)
		return fail_unread(cx, UNREAD_LONG);
	if ((at = utf8_good(s, n)) < n)
		return no_text(cx, s, at);
	if ((why = strict_check(s, n, &at)) == UNREAD_SURROGATE)
		return no_text(cx, s, at);
	return why == UNREAD_NOT ? 0 : fail_unread_at(cx, why, at);
}

struct json *
json_parse(struct ctx *cx, const char *s, size_t n)
{
	struct json_tokener	*t;
	struct json_object	*o;
	enum unread		 why;
	size_t			 at;

	if (words_check(cx, s, n) == -1)
		return NULL;
	t = tokener_new();
	o = parse(t, s, n, &why, &at);
	json_tokener_free(t);
	if (why != UNREAD_NOT)
		fail_unread_at(cx, why, at);
	else if (o == NULL)
		fail(cx, F_TYPE, "body");
	return (struct json *)o;
}

void
json_free(struct json *j)
{
	json_object_put(object(j));
}

struct json_parser {
	struct json_tokener	*t;
};

struct json_parser *
json_parser_new(void)
{
	struct json_parser	*p = xmalloc(sizeof *p);

	p->t = tokener_new();
	return p;
}

void
json_parser_free(struct json_parser *p)
{
	if (p == NULL)
		return;
	json_tokener_free(p->t);
	free(p);
}

struct json *
json_parser_parse(struct json_parser *p, const char *s, size_t n)
{
	struct json_object	*o;
	enum unread		 why;
	size_t			 at;

	if (n > INT_MAX)
		return NULL;
	o = parse(p->t, s, n, &why, &at);
	if (n > PARSER_KEEP) {
		json_tokener_free(p->t);
		p->t = tokener_new();
	}
	return (struct json *)o;
}

/* ---- looking into a document -------------------------------------------------------------- */

const struct json *
json_member(const struct json *j, const char *name)
{
	struct json_object	*o;

	if (!is(j, json_type_object) || !json_object_object_get_ex(object(j), name, &o))
		return NULL;
	return borrowed(o);
}

const struct json *
json_elem(const struct json *j, size_t i)
{
	return is(j, json_type_array) ? borrowed(json_object_array_get_idx(object(j), i)) : NULL;
}

size_t
json_count(const struct json *j)
{
	return is(j, json_type_array) ? json_object_array_length(object(j)) : 0;
}

/* One step of a path: into an object by name, into an array by number. */
static const struct json *
step(const struct json *j, const char *name)
{
	char		*end;
	unsigned long	 i;

	if (!is(j, json_type_array))
		return json_member(j, name);
	if (*name < '0' || *name > '9')
		return NULL;
	i = strtoul(name, &end, 10);
	return *end == '\0' ? json_elem(j, i) : NULL;
}

const struct json *
json_at(const struct json *j, const char *path)
{
	char		 name[128];
	const char	*dot;
	size_t		 n;

	for (; j != NULL && (dot = strchr(path, '.')) != NULL; path = dot + 1) {
		if ((n = (size_t)(dot - path)) >= sizeof name)
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		j = step(j, name);
	}
	return j != NULL ? step(j, path) : NULL;
}

bool
json_next(const struct json *j, const void **at, const char **name, const struct json **value)
{
	const struct lh_entry	*e = *at;

	if (!is(j, json_type_object))
		return false;
	e = e != NULL ? lh_entry_next(e) : lh_table_head(json_object_get_object(object(j)));
	if (e == NULL)
		return false;
	*at = e;
	*name = lh_entry_k(e);
	*value = lh_entry_v(e);
	return true;
}

bool
json_is_object(const struct json *j)
{
	return is(j, json_type_object);
}

bool
json_is_array(const struct json *j)
{
	return is(j, json_type_array);
}

bool
json_get_str(const struct json *j, const char **s, size_t *n)
{
	if (!is(j, json_type_string))
		return false;
	*s = json_object_get_string(object(j));
	*n = (size_t)json_object_get_string_len(object(j));
	return true;
}

bool
json_get_i64(const struct json *j, int64_t *i)
{
	double	 d;

	if (is(j, json_type_int)) {
		*i = json_object_get_int64(object(j));
		/* json-c has unsigned ones too, and answers with the nearest. */
		return *i != INT64_MAX || json_object_get_uint64(object(j)) == INT64_MAX;
	}
	if (!is(j, json_type_double))
		return false;
	d = json_object_get_double(object(j));
	if (!(fabs(d) <= EXACT) || trunc(d) != d)
		return false;
	*i = (int64_t)d;
	return true;
}

bool
json_get_f64(const struct json *j, double *d)
{
	if (!is(j, json_type_double) && !is(j, json_type_int))
		return false;
	*d = json_object_get_double(object(j));
	return isfinite(*d);
}

bool
json_get_bool(const struct json *j, bool *b)
{
	if (!is(j, json_type_boolean))
		return false;
	*b = json_object_get_boolean(object(j));
	return true;
}

/* ---- the text of a value ------------------------------------------------------------------ */

static void
dump_string(struct str *out, const char *s, size_t n)
{
	char	*clean = NULL;

	if (!utf8_valid(s, n)) {
		clean = xmalloc(3 * n);
		n = utf8_clean(clean, s, n);
		s = clean;
	}
	str_putc(out, '"');
	jw_escape(out, s, n);
	str_putc(out, '"');
	free(clean);
}

/* json-c kept the number's own text, which need not be JSON. */
static void
dump_number(struct str *out, struct json_object *o)
{
	const char	*s = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	size_t		 n = strlen(s);
	double		 d = json_object_get_double(o);
	bool		 whole;

	if (strict_number(s, n, &whole) == n && isfinite(d))
		str_put(out, s, n);
	else if (isfinite(d))
		str_printf(out, "%.17g", d);
	else
		str_puts(out, "null");
}

/* As deep as the document is, no deeper than the parser lets it be. */
static void
dump(struct str *out, const struct json *j)
{
	const struct json	*value;
	const char		*name;
	const void		*at = NULL;
	size_t			 i, n;

	switch (json_object_get_type(object(j))) {
	case json_type_null:
		str_puts(out, "null");
		break;
	case json_type_boolean:
		str_puts(out, json_object_get_boolean(object(j)) ? "true" : "false");
		break;
	case json_type_int:
	case json_type_double:
		dump_number(out, object(j));
		break;
	case json_type_string:
		dump_string(out, json_object_get_string(object(j)),
		    (size_t)json_object_get_string_len(object(j)));
		break;
	case json_type_object:
		str_putc(out, '{');
		while (json_next(j, &at, &name, &value)) {
			if (out->p[out->len - 1] != '{')
				str_putc(out, ',');
			dump_string(out, name, strlen(name));
			str_putc(out, ':');
			dump(out, value);
		}
		str_putc(out, '}');
		break;
	case json_type_array:
		str_putc(out, '[');
		for (i = 0, n = json_count(j); i < n; i++) {
			if (i > 0)
				str_putc(out, ',');
			dump(out, json_elem(j, i));
		}
		str_putc(out, ']');
		break;
	}
}

char *
json_dump(struct arena *a, const struct json *j)
{
	struct str	 s = STR_INIT(0);
	char		*text;

	dump(&s, j);
	text = arena_strndup(a, s.p, s.len);
	str_free(&s);
	return text;
}

const char *
json_text(struct ctx *cx, const struct json *j, const char *name)
{
	const struct json	*v = json_member(j, name);
	const char		*s;
	size_t			 n;

	if (v == NULL)
		return NULL;
	return json_get_str(v, &s, &n) ? arena_strndup(cx->a, s, n) : json_dump(cx->a, v);
}
