#include "scan.h"

#include <string.h>

#include "base/utf8.h"

struct cursor {
	const char	*p, *end;
};

static void
skip_blanks(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

/* Takes the character, blanks before it passed over. */
static bool
take(struct cursor *c, char want)
{
	skip_blanks(c);
	if (c->p == c->end || *c->p != want)
		return false;
	c->p++;
	return true;
}

static bool
take_word(struct cursor *c, const char *word)
{
	const size_t	n = strlen(word);

	skip_blanks(c);
	if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
		return false;
	c->p += n;
	return true;
}

/* The inside of a string literal, as it stands. false: it is none, or has control characters. */
static bool
take_string(struct cursor *c, const char **s, size_t *n, bool *escapes)
{
	if (!take(c, '"'))
		return false;
	*s = c->p;
	*escapes = false;
	for (; c->p < c->end && *c->p != '"'; c->p++) {
		if ((unsigned char)*c->p < 0x20)
			return false;
		if (*c->p == '\\') {
			*escapes = true;
			if (++c->p == c->end)
				return false;
		}
	}
	if (c->p == c->end)
		return false;
	*n = (size_t)(c->p++ - *s);
	return utf8_valid(*s, *n);
}

/* An integer small enough that nobody calls it out of range. */
static bool
take_integer(struct cursor *c)
{
	const char	*from;

	skip_blanks(c);
	from = c->p;
	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		c->p++;
	return c->p > from && c->p - from <= 15 && (*from != '0' || c->p - from == 1) &&
	    (c->p == c->end || (*c->p != '.' && *c->p != 'e' && *c->p != 'E'));
}

/* The escapes of RFC 8259, 7, but for \u, which is left to the parser. */
static bool
unescape(const char *s, size_t n, struct str *room)
{
	static const char	from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char		*end = s + n, *hit, *which;

	str_reset(room);
	for (; (hit = memchr(s, '\\', (size_t)(end - s))) != NULL; s = hit + 2) {
		if ((which = memchr(from, hit[1], sizeof(from) - 1)) == NULL)
			return false;
		if (str_put(room, s, (size_t)(hit - s)) == -1 ||
		    str_putc(room, to[which - from]) == -1)
			return false;
	}
	return str_put(room, s, (size_t)(end - s)) == 0;
}

static bool
is(const char *key, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(key, word, n) == 0;
}

/* What an object's members are given to: the value follows in the cursor. */
struct scan;
typedef bool member(struct scan *, const char *key, size_t n);

struct scan {
	struct cursor	 c;
	struct str	*room;
	const char	*text;
	size_t		 len;
};

static bool
scan_object(struct scan *s, member *each)
{
	const char	*key;
	size_t		 n;
	bool		 escapes;

	if (!take(&s->c, '{'))
		return false;
	if (take(&s->c, '}'))
		return true;
	do {
		if (!take_string(&s->c, &key, &n, &escapes) || escapes || !take(&s->c, ':') ||
		    !each(s, key, n))
			return false;
	} while (take(&s->c, ','));
	return take(&s->c, '}');
}

/* A value that says nothing to us. */
static bool
scan_plain(struct scan *s)
{
	const char	*t;
	size_t		 n;
	bool		 escapes;

	skip_blanks(&s->c);
	if (s->c.p < s->c.end && *s->c.p == '"')
		return take_string(&s->c, &t, &n, &escapes) && !escapes;
	return take_word(&s->c, "null") || take_integer(&s->c);
}

static bool
scan_delta(struct scan *s, const char *key, size_t n)
{
	bool	escapes;

	if (is(key, n, "role"))
		return scan_plain(s);
	if (!is(key, n, "content"))
		return take_word(&s->c, "null");	/* reasoning, tool calls, … */
	s->len = 0;
	if (take_word(&s->c, "null"))
		return true;
	if (!take_string(&s->c, &s->text, &s->len, &escapes))
		return false;
	if (escapes) {
		if (!unescape(s->text, s->len, s->room))
			return false;
		s->text = s->room->p;
		s->len = s->room->len;
	}
	return true;
}

static bool
scan_choice(struct scan *s, const char *key, size_t n)
{
	if (is(key, n, "delta")) {
		s->len = 0;
		return scan_object(s, scan_delta);
	}
	if (is(key, n, "index"))
		return take_integer(&s->c);
	return take_word(&s->c, "null");	/* finish_reason, logprobs, … */
}

static bool
scan_event(struct scan *s, const char *key, size_t n)
{
	if (is(key, n, "choices")) {
		s->len = 0;
		return take(&s->c, '[') && scan_object(s, scan_choice) && take(&s->c, ']');
	}
	if (is(key, n, "error") || is(key, n, "citations") || is(key, n, "usage"))
		return take_word(&s->c, "null");
	return scan_plain(s);
}

bool
scan_text(const char *event, size_t n, struct str *room, const char **text, size_t *len)
{
	struct scan	s = { .c = { event, event + n }, .room = room };

	if (!scan_object(&s, scan_event))
		return false;
	skip_blanks(&s.c);
	*text = s.text;
	*len = s.len;
	return s.c.p == s.c.end;
}
