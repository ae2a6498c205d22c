#include "core/cut.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

#define LEAST		(CUT_MOST / 3)	/* bytes; a segment is shorter only where a text ends so */
#define OVERLAP		(CUT_MOST / 6)	/* bytes at most that two segments share */
#define HEADING		60		/* bytes of a line that may be one without being marked */

/* How good a place to cut at is, from none on. */
enum place { GLUED, WEAK, SENTENCE, LINE, PARAGRAPH, SECTION };

struct unit {			/* what is not cut: a sentence as a rule */
	const char	*p;
	size_t		 len;
	enum place	 before;	/* the place in front of it */
};

struct units {
	struct arena	*a;
	struct unit	*u;
	size_t		 n, size;
};

struct line {
	const char	*p;
	size_t		 len;		/* without blanks at either end */
};

static void
add(struct units *all, const char *p, size_t len, enum place before)
{
	struct unit	*grown;

	if (all->n == all->size) {
		all->size = all->size > 0 ? 2 * all->size : 64;
		grown = arena_array(all->a, all->size, sizeof(*grown));
		if (all->n > 0)
			memcpy(grown, all->u, all->n * sizeof(*grown));
		all->u = grown;
	}
	all->u[all->n++] = (struct unit){ p, len, before };
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* Characters. */

static bool
among(uint32_t c, const char *set)
{
	uint32_t	 of;

	for (size_t left = strlen(set), step; left > 0; set += step, left -= step) {
		step = utf8_next(set, left, &of);
		if (of == c)
			return true;
	}
	return false;
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/*
 * Does a sentence end behind the character c at p[i]? A point ends one only before a blank, and
 * not behind a digit or a lone letter: "3.14", "1. Term", "e.g. A. Smith".
 */
static bool
ends_sentence(uint32_t c, const char *p, size_t i, size_t after, size_t len)
{
	if (among(c, "。！？；…"))
		return true;
	if (!among(c, ".!?;"))
		return false;
	if (after < len && !is_blank(p[after]) && !among((unsigned char)p[after], "\"')]"))
		return false;
	if (c != '.' || i == 0 || !is_alnum(p[i - 1]))
		return true;
	return p[i - 1] > '9' && i > 1 && is_alnum(p[i - 2]);
}

/* The bytes of the first sentence of p, its closing quotes and the blanks behind it included. */
static size_t
sentence(const char *p, size_t len)
{
	size_t		 i = 0, step;
	uint32_t	 c;
	bool		 ended = false;

	for (; i < len && !ended; i += step) {
		step = utf8_next(p + i, len - i, &c);
		ended = ends_sentence(c, p, i, i + step, len);
	}
	for (; i < len; i += step) {
		step = utf8_next(p + i, len - i, &c);
		if (!among(c, "。！？；…”’」』）》\"')]"))
			break;
	}
	while (i < len && is_blank(p[i]))
		i++;
	return i;
}

static bool
is_sentence(const struct line *l)
{
	size_t		 i = l->len;
	uint32_t	 c;

	while (i > 0 && ((unsigned char)l->p[--i] & 0xc0) == 0x80)
		;
	return l->len > 0 && utf8_next(l->p + i, l->len - i, &c) > 0 &&
	    among(c, "。！？；…”」』.!?;:：\"");
}

/* Units. */

/* Something without ends, or a table: in pieces that fit, cut at blanks where it has them. */
static void
add_pieces(struct units *all, const char *p, size_t len, enum place before)
{
	size_t	 n;

	for (; len > LEAST; p += n, len -= n, before = WEAK) {
		n = LEAST - utf8_partial(p, LEAST);
		for (size_t i = n; i > LEAST / 2; i--) {
			if (!is_blank(p[i - 1]))
				continue;
			n = i;
			break;
		}
		add(all, p, n, before);
	}
	add(all, p, len, before);
}

static void
add_line(struct units *all, const struct line *l, enum place before)
{
	size_t	 n;

	for (size_t i = 0; i < l->len; i += n, before = SENTENCE) {
		n = sentence(l->p + i, l->len - i);
		if (n > CUT_MOST)
			add_pieces(all, l->p + i, n, before);
		else
			add(all, l->p + i, n, before);
	}
}

/* The bytes of the blank at p, which Chinese paragraphs begin with too; 0: there is none. */
static size_t
indent(const char *p, const char *stop)
{
	static const char	 wide[] = "\xe3\x80\x80";

	if (p < stop && is_blank(*p))
		return 1;
	return (size_t)(stop - p) >= strlen(wide) && memcmp(p, wide, strlen(wide)) == 0 ?
	    strlen(wide) : 0;
}

/* The line at p, without blanks at its ends; *next gets where the one after it begins. */
static struct line
line_at(const char *p, const char *end, const char **next)
{
	const char	*stop = memchr(p, '\n', (size_t)(end - p));

	*next = stop != NULL ? stop + 1 : end;
	if (stop == NULL)
		stop = end;
	for (size_t n; (n = indent(p, stop)) > 0; p += n)
		;
	while (stop > p && is_blank(stop[-1]))
		stop--;
	return (struct line){ p, (size_t)(stop - p) };
}

/* Marked as one, or short, without an end, after a paragraph, and followed by something longer. */
static bool
is_heading(const struct line *l, bool fresh, const char *rest, const char *end)
{
	struct line	 next = { 0 };

	if (l->p[0] == '#')
		return true;
	if (!fresh || l->len > HEADING || is_sentence(l))
		return false;
	while (next.len == 0 && rest < end)
		next = line_at(rest, end, &rest);
	return next.len > l->len;
}

static void
add_text(struct units *all, const char *p, const char *end)
{
	struct line	 l;
	enum place	 before = PARAGRAPH;
	bool		 after_heading = false;

	for (; p < end;) {
		l = line_at(p, end, &p);
		if (l.len == 0) {
			before = PARAGRAPH;
			continue;
		}
		if (is_heading(&l, before >= LINE, p, end)) {
			add(all, l.p, l.len, after_heading ? GLUED : SECTION);
			after_heading = true;
		} else {
			add_line(all, &l, after_heading ? GLUED : before);
			after_heading = false;
		}
		before = is_sentence(&l) ? LINE : WEAK;
	}
}

/* Segments. */

static size_t
span(const struct units *all, size_t from, size_t to)	/* bytes of these and those between */
{
	return (size_t)(all->u[to].p + all->u[to].len - all->u[from].p);
}

/* How much is to be said for a segment of so many bytes that ends at such a place. */
static int
worth(enum place place, size_t bytes)
{
	if (place == GLUED)
		return -1;
	if (bytes >= LEAST)
		return 4 * place;
	return place >= LINE && bytes >= LEAST / 2 ? 4 * SENTENCE + 1 : 1;
}

/* The last unit of the segment that begins with `from`; it reaches `least` at any rate. */
static size_t
last_of(const struct units *all, size_t from, size_t least)
{
	size_t	 best = least, bytes;
	int	 most = -1, w;

	for (size_t i = least; i < all->n; i++) {
		if ((bytes = span(all, from, i)) > CUT_MOST && i > least)
			break;
		if (i + 1 == all->n)
			w = worth(PARAGRAPH, LEAST);
		else if (span(all, i + 1, all->n - 1) < LEAST / 2)
			w = 0;
		else
			w = worth(all->u[i + 1].before, bytes);
		if (w >= most) {
			most = w;
			best = i;
		}
	}
	return best;
}

/*
 * The first unit of the segment that follows the one from `from` to `last`: where a paragraph was
 * cut it goes back a little, so that what its sentences refer to is there.
 */
static size_t
first_after(const struct units *all, size_t from, size_t last)
{
	size_t	 first = last + 1;

	while (first < all->n && first > from + 1 && all->u[first].before <= SENTENCE &&
	    all->u[first].before != GLUED && span(all, first - 1, last) <= OVERLAP &&
	    span(all, first - 1, last + 1) <= CUT_MOST)
		first--;
	return first;
}

struct cut *
cut_text(struct arena *a, const char *text, size_t len, size_t *n)
{
	struct units	 all = { .a = a };
	struct cut	*cuts;

	*n = 0;
	add_text(&all, text, text + len);
	cuts = arena_array(a, all.n, sizeof(*cuts));
	for (size_t from = 0, least = 0, last; from < all.n; least = last + 1) {
		last = last_of(&all, from, least);
		cuts[*n] = (struct cut){ all.u[from].p, span(&all, from, last) };
		while (is_blank(cuts[*n].p[cuts[*n].len - 1]))
			cuts[*n].len--;
		(*n)++;
		if (last + 1 == all.n)
			break;
		from = first_after(&all, from, last);
	}
	return cuts;
}
