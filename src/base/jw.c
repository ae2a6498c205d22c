#include "jw.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

/* What cannot stand in a string as it is; 0xe2 may begin U+2028 or U+2029. */
static const unsigned char special[256] = {
	[0x00 ... 0x1f] = 1, ['"'] = 1, ['\\'] = 1, [0xe2] = 1,
};

/*
 * The escape for the character at s and how many bytes it stands for; NULL when it needs none after
 * all.
 */
static const char *
escape_of(const char *s, size_t n, char buf[static 8], size_t *used)
{
	*used = 1;
	switch (s[0]) {
	case '"':	return "\\\"";
	case '\\':	return "\\\\";
	case '\n':	return "\\n";
	case '\r':	return "\\r";
	case '\t':	return "\\t";
	case '\b':	return "\\b";
	case '\f':	return "\\f";
	case '\xe2':
		if (n < 3 || s[1] != '\x80' || (s[2] != '\xa8' && s[2] != '\xa9'))
			return NULL;
		*used = 3;
		return s[2] == '\xa8' ? "\\u2028" : "\\u2029";
	}
	snprintf(buf, 8, "\\u%04x", (unsigned char)s[0]);
	return buf;
}

/* How many bytes at s need no look. */
static size_t
plain_run(const char *s, size_t n)
{
	size_t	 i;

	for (i = 0; i < n && !special[(unsigned char)s[i]]; i++)
		continue;
	return i;
}

/* Plain runs are copied in one go. */
void
jw_escape(struct str *out, const char *s, size_t n)
{
	const char	*e;
	char		 buf[8];
	size_t		 from = 0, i = 0, used;

	while ((i += plain_run(s + i, n - i)) < n) {
		if ((e = escape_of(s + i, n - i, buf, &used)) != NULL) {
			str_put(out, s + from, i - from);
			str_puts(out, e);
			from = i + used;
		}
		i += used;
	}
	str_put(out, s + from, n - from);
}

/*
 * [,]"text"[:] where the text is all plain, as nearly every name and most values are: one
 * reservation for the whole. false: it is not plain, nothing has been written.
 */
static bool
plain(struct str *out, bool comma, const char *s, size_t n, bool colon)
{
	char	*p;

	if (plain_run(s, n) < n)
		return false;
	if ((p = str_room(out, n + 2 + comma + colon)) == NULL)
		return true;		/* full: dropped */
	if (comma)
		*p++ = ',';
	*p++ = '"';
	if (n != 0)
		p = mempcpy(p, s, n);
	*p++ = '"';
	if (colon)
		*p = ':';
	out->len += n + 2 + comma + colon;
	return true;
}

static void
string(struct str *out, const char *s, size_t n)
{
	if (plain(out, false, s, n, false))
		return;
	str_putc(out, '"');
	jw_escape(out, s, n);
	str_putc(out, '"');
}

/* What stands before a value: the comma, and the name where the scope is an object. */
static void
before(struct jw *w, const char *name)
{
	bool	 comma = w->comma;

	assert(w->depth > 0 || !comma);		/* one value to a document */
	assert((name != NULL) == (w->depth > 0 && w->scope[w->depth - 1] == '{'));
	w->comma = true;
	if (name != NULL && plain(w->out, comma, name, strlen(name), true))
		return;
	if (comma)
		str_putc(w->out, ',');
	if (name != NULL) {
		string(w->out, name, strlen(name));
		str_putc(w->out, ':');
	}
}

static void
scope(struct jw *w, const char *name, char kind)
{
	before(w, name);
	assert(w->depth < JW_DEPTH);
	w->scope[w->depth++] = kind;
	w->comma = false;
	str_putc(w->out, kind);
}

void
jw_open(struct jw *w, struct str *out)
{
	w->out = out;
	w->depth = 0;
	w->comma = false;
}

void
jw_obj(struct jw *w, const char *name)
{
	scope(w, name, '{');
}

void
jw_arr(struct jw *w, const char *name)
{
	scope(w, name, '[');
}

void
jw_end(struct jw *w)
{
	assert(w->depth > 0);
	str_putc(w->out, w->scope[--w->depth] == '{' ? '}' : ']');
	w->comma = true;
}

void
jw_close(struct jw *w)
{
	while (w->depth > 0)
		jw_end(w);
}

void
jw_str(struct jw *w, const char *name, const char *s)
{
	if (s == NULL)
		jw_null(w, name);
	else
		jw_strn(w, name, s, strlen(s));
}

void
jw_strn(struct jw *w, const char *name, const char *s, size_t n)
{
	before(w, name);
	string(w->out, s, n);
}

/* The number's digits end at buf + 20; their first is returned. */
static const char *
digits(char buf[static 20], int64_t i)
{
	uint64_t	 u = i < 0 ? -(uint64_t)i : (uint64_t)i;
	char		*p = buf + 20;

	do
		*--p = (char)('0' + u % 10);
	while ((u /= 10) != 0);
	if (i < 0)
		*--p = '-';
	return p;
}

void
jw_i64(struct jw *w, const char *name, int64_t i)
{
	char		 buf[20];
	const char	*p = digits(buf, i);

	jw_raw(w, name, p, (size_t)(buf + sizeof buf - p));
}

void
jw_idstr(struct jw *w, const char *name, int64_t id)
{
	char		 buf[20];
	const char	*p = digits(buf, id);

	jw_strn(w, name, p, (size_t)(buf + sizeof buf - p));
}

void
jw_time(struct jw *w, const char *name, int64_t ms)
{
	char	time[32];

	clock_rfc3339(time, sizeof time, ms);
	jw_str(w, name, ms != 0 ? time : NULL);
}

/* JSON has no word for what is not finite. */
void
jw_f64(struct jw *w, const char *name, double d)
{
	char	 buf[32];
	int	 precision = 15, n;

	if (!isfinite(d)) {
		jw_null(w, name);
		return;
	}
	if (d == 0)
		d = 0;			/* as JavaScript has it: without a sign */
	do
		n = snprintf(buf, sizeof buf, "%.*g", precision, d);
	while (precision++ < 17 && strtod(buf, NULL) != d);
	jw_raw(w, name, buf, (size_t)n);
}

void
jw_bool(struct jw *w, const char *name, bool b)
{
	jw_raw(w, name, b ? "true" : "false", b ? 4 : 5);
}

void
jw_null(struct jw *w, const char *name)
{
	jw_raw(w, name, "null", 4);
}

void
jw_raw(struct jw *w, const char *name, const char *json, size_t n)
{
	before(w, name);
	str_put(w->out, json, n);
}

char *
jw_numbers(struct arena *a, const int64_t *numbers, size_t n)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &s);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++)
		jw_i64(&w, NULL, numbers[i]);
	jw_close(&w);
	return str_keep(&s, a);
}

char *
jw_pairs(struct arena *a, const struct jw_pair *pairs, size_t n)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &s);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		jw_arr(&w, NULL);
		jw_i64(&w, NULL, pairs[i].id);
		jw_f64(&w, NULL, pairs[i].number);
		jw_end(&w);
	}
	jw_close(&w);
	return str_keep(&s, a);
}
