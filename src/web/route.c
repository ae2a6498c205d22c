#include "route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/url.h"

#define SEGMENTS	16	/* of any path that could match */

struct pattern {
	const struct route	*route;
	int			 n;
	const char		*seg[SEGMENTS];	/* NULL: {name}, takes anything */
	size_t			 len[SEGMENTS];
};

struct routes {
	size_t			 n;
	struct pattern		*v;
};

static const struct {
	enum method	 bit;
	const char	*name;
} methods[] = {
	{ M_GET, "GET" }, { M_HEAD, "HEAD" }, { M_POST, "POST" }, { M_PUT, "PUT" },
	{ M_PATCH, "PATCH" }, { M_DELETE, "DELETE" }, { M_OPTIONS, "OPTIONS" },
};
#define METHODS	(sizeof(methods) / sizeof(methods[0]))

const char *
method_name(enum method m)
{
	size_t	i;

	for (i = 0; i < METHODS; i++)
		if (methods[i].bit == m)
			return methods[i].name;
	return "?";
}

int
method_parse(const char *s)
{
	size_t	i;

	for (i = 0; s != NULL && i < METHODS; i++)
		if (strcmp(methods[i].name, s) == 0)
			return methods[i].bit;
	return 0;
}

const char *
methods_allow(struct arena *a, int set)
{
	const char	*s = "";
	size_t		 i;

	for (i = 0; i < METHODS; i++)
		if (set & methods[i].bit)
			s = arena_printf(a, "%s%s%s", s, *s != '\0' ? ", " : "", methods[i].name);
	return s;
}

/*
 * The next segment of a path; NULL at its end. Empty ones (//, a trailing slash) are passed over.
 */
static const char *
segment(const char **path, size_t *len)
{
	const char	*s;

	*path += strspn(*path, "/");
	if (**path == '\0')
		return NULL;
	s = *path;
	*len = strcspn(s, "/");
	*path += *len;
	return s;
}

static int
pattern_parse(struct pattern *p, const struct route *r, struct str *err)
{
	const char	*path = r->path, *s;
	size_t		 len;
	int		 args = 0;

	p->route = r;
	if (*path != '/' || r->methods == 0) {
		str_printf(err, "route %s: %s", path,
		    *path != '/' ? "the path must begin with /" : "no method");
		return -1;
	}
	for (p->n = 0; (s = segment(&path, &len)) != NULL; p->n++) {
		if (p->n == SEGMENTS) {
			str_printf(err, "route %s: more than %d segments", r->path, SEGMENTS);
			return -1;
		}
		p->len[p->n] = len;
		p->seg[p->n] = *s == '{' && s[len - 1] == '}' ? NULL : s;
		if (p->seg[p->n] == NULL && ++args > ROUTE_ARGS) {
			str_printf(err, "route %s: more than %d arguments", r->path, ROUTE_ARGS);
			return -1;
		}
	}
	return 0;
}

static bool
segment_same(const struct pattern *a, const struct pattern *b, int i)
{
	return a->len[i] == b->len[i] && memcmp(a->seg[i], b->seg[i], a->len[i]) == 0;
}

/*
 * How many segments of a are literal where b's is not. -1: no path can match both.
 * a is the more specific when this is positive and b's own count over a is 0.
 */
static int
pattern_over(const struct pattern *a, const struct pattern *b)
{
	int	i, over = 0;

	if (a->n != b->n)
		return -1;
	for (i = 0; i < a->n; i++) {
		if (a->seg[i] != NULL && b->seg[i] != NULL && !segment_same(a, b, i))
			return -1;
		over += a->seg[i] != NULL && b->seg[i] == NULL;
	}
	return over;
}

/* Could a path match both, of which neither is the more specific, or one request two rows? */
static bool
ambiguous(const struct pattern *a, const struct pattern *b)
{
	int	ab = pattern_over(a, b), ba = pattern_over(b, a);

	if (ab == 0 && ba == 0)
		return (a->route->methods & b->route->methods) != 0;
	return ab > 0 && ba > 0;
}

struct routes *
routes_compile(const struct route *rows, size_t n, struct str *err)
{
	struct routes	*t = xcalloc(1, sizeof(*t));
	size_t		 i, j;

	t->n = n;
	t->v = xcalloc(n > 0 ? n : 1, sizeof(*t->v));
	for (i = 0; i < n; i++) {
		if (pattern_parse(&t->v[i], &rows[i], err) == -1)
			goto bad;
		for (j = 0; j < i; j++)
			if (ambiguous(&t->v[i], &t->v[j])) {
				str_printf(err, "routes %s and %s could both match",
				    rows[j].path, rows[i].path);
				goto bad;
			}
	}
	return t;
bad:
	routes_free(t);
	return NULL;
}

void
routes_free(struct routes *t)
{
	if (t == NULL)
		return;
	free(t->v);
	free(t);
}

/*
 * The path's segments, decoded; how many. Not *whole: they are more than any row has, or the next
 * is no text: no row can match.
 */
static int
path_split(struct arena *a, const char *path, const char **seg, size_t *len, bool *whole)
{
	const char	*s;
	size_t		 l;
	int		 n = 0;
	bool		 api = false;

	*whole = false;
	while ((s = segment(&path, &l)) != NULL) {
		if (n == 0 && !api && l == 3 && memcmp(s, "api", 3) == 0) {
			api = true;
			continue;
		}
		if (n == SEGMENTS)
			return n;
		if (memchr(s, '%', l) != NULL) {
			if ((s = url_decode(a, s, l, false)) == NULL)
				return n;
			l = strlen(s);
		} else if (!url_text(s, l))
			return n;
		seg[n] = s;
		len[n++] = l;
	}
	*whole = true;
	return n;
}

/*
 * How many of the path's leading segments the row's equal or take; `literal` counts those that are
 * equal.
 */
static int
pattern_reach(const struct pattern *p, const char *const *seg, const size_t *len, int n,
    int *literal)
{
	int	i;

	*literal = 0;
	for (i = 0; i < p->n && i < n; i++) {
		if (p->seg[i] == NULL)
			continue;
		if (p->len[i] != len[i] || memcmp(p->seg[i], seg[i], len[i]) != 0)
			break;
		(*literal)++;
	}
	return i;
}

/*
 * Of the rows of one pattern: which methods they take, and the row for this one; NULL: they do not
 * take it.
 */
static const struct pattern *
pattern_row(const struct routes *t, const struct pattern *pattern, enum method method, int *taken)
{
	const struct pattern	*row = NULL, *get = NULL, *p;

	for (p = t->v; p < t->v + t->n; p++) {
		if (pattern_over(p, pattern) != 0 || pattern_over(pattern, p) != 0)
			continue;
		*taken |= p->route->methods;
		if (p->route->methods & method)
			row = p;
		if ((p->route->methods & M_GET) && !(p->route->flags & R_ACTS))
			get = p;
	}
	*taken |= (get != NULL ? M_HEAD : 0) | M_OPTIONS;
	return row == NULL && method == M_HEAD ? get : row;
}

void
routes_find(const struct routes *t, struct arena *a, enum method method, const char *path,
    struct route_hit *hit)
{
	const struct pattern	*p, *best = NULL;
	const struct dialect	*near = NULL;
	const char		*seg[SEGMENTS];
	size_t			 len[SEGMENTS], i;
	int			 n, k, literal, reach = 0, args = 0;
	bool			 whole;

	memset(hit, 0, sizeof(*hit));
	n = path_split(a, path, seg, len, &whole);
	for (i = 0; i < t->n; i++) {
		p = &t->v[i];
		k = pattern_reach(p, seg, len, n, &literal);
		if (k < p->n && (p->route->flags & R_GUEST))
			literal = 0;
		if (literal > 0 && k > reach) {
			near = p->route->dialect;
			reach = k;
		} else if (literal > 0 && k == reach && near != p->route->dialect)
			near = NULL;		/* as near to one as to the other */
		/* Of two patterns that match, one is the more specific: the table was compiled. */
		if (whole && k == n && p->n == n && (best == NULL || pattern_over(p, best) > 0))
			best = p;
	}
	hit->dialect = best != NULL ? best->route->dialect : near;
	if (best == NULL || (best = pattern_row(t, best, method, &hit->methods)) == NULL)
		return;
	hit->route = best->route;
	hit->dialect = best->route->dialect;	/* methods of one path may be of several */
	for (k = 0; k < n; k++)
		if (best->seg[k] == NULL)
			hit->args[args++] = arena_strndup(a, seg[k], len[k]);
}
