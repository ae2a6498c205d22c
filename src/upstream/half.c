#include "half.h"

#include <string.h>

#include "base/strict.h"

#define ESCAPE	6		/* bytes of \ud83d */

static bool
is_first(long v)
{
	return v >= 0xd800 && v <= 0xdbff;
}

static bool
is_second(long v)
{
	return v >= 0xdc00 && v <= 0xdfff;
}

/* The value of the escape \uXXXX that the text begins with, or -1. */
static long
escape(const char *s, size_t n)
{
	return n >= ESCAPE && s[0] == '\\' && s[1] == 'u' ? strict_hex4(s + 2, n - 2) : -1;
}

/* Puts the half as UTF-8 would have it if it were a character. */
static void
mark(struct str *room, long v)
{
	str_putc(room, (char)(0xe0 | v >> 12));
	str_putc(room, (char)(0x80 | (v >> 6 & 0x3f)));
	str_putc(room, (char)(0x80 | (v & 0x3f)));
}

void
half_mark(struct str *room, const char **event, size_t *n)
{
	const char	*s = *event, *end = s + *n, *kept = s, *raw = s, *hit;
	size_t		 left;
	long		 v;

	str_reset(room);
	/* Behind `raw` nothing belongs to an escape, so that a quote there is one. */
	for (; (hit = memchr(s, '\\', (size_t)(end - s))) != NULL; raw = s) {
		left = (size_t)(end - hit);
		v = escape(hit, left);
		if (is_first(v) && is_second(escape(hit + ESCAPE, left - ESCAPE))) {
			s = hit + 2 * ESCAPE;
			continue;
		}
		s = left < 2 ? end : v == -1 ? hit + 2 : hit + ESCAPE;
		if ((is_first(v) && s < end && *s == '"') ||
		    (is_second(v) && hit > raw && hit[-1] == '"')) {
			str_put(room, kept, (size_t)(hit - kept));
			mark(room, v);
			kept = s;
		}
	}
	if (room->len == 0)
		return;
	str_put(room, kept, (size_t)(end - kept));
	*event = room->p;
	*n = room->len;
}

/* The half marked at p, or 0. */
static uint16_t
marked(const char *p)
{
	const unsigned char	*u = (const unsigned char *)p;

	if (u[0] != 0xed || (u[1] & 0xe0) != 0xa0 || (u[2] & 0xc0) != 0x80)
		return 0;
	return (uint16_t)(0xd000 | (u[1] & 0x3f) << 6 | (u[2] & 0x3f));
}

uint16_t
half_ends(const char *text, size_t n)
{
	uint16_t	 v = n >= HALF_BYTES ? marked(text + n - HALF_BYTES) : 0;

	return is_first(v) ? v : 0;
}

uint16_t
half_begins(const char *text, size_t n)
{
	uint16_t	 v = n >= HALF_BYTES ? marked(text) : 0;

	return is_second(v) ? v : 0;
}

void
half_join(struct str *dst, uint16_t first, uint16_t second)
{
	const uint32_t	 c = 0x10000 + ((uint32_t)(first - 0xd800) << 10) + (second - 0xdc00);

	str_putc(dst, (char)(0xf0 | c >> 18));
	str_putc(dst, (char)(0x80 | (c >> 12 & 0x3f)));
	str_putc(dst, (char)(0x80 | (c >> 6 & 0x3f)));
	str_putc(dst, (char)(0x80 | (c & 0x3f)));
}
