#include "head.h"

#include <stdbool.h>

/* https://fastcgi-archives.github.io/FastCGI_Specification.html, section 8 */
#define VERSION		1
#define BEGIN_REQUEST	1
#define PARAMS		4
#define STDIN		5
#define RESPONDER	1
#define HEADER		8
#define BEGIN_BODY	8

struct record {
	int	 type, id;
	size_t	 len, padding;
};

/* Name-value pairs, in whatever pieces they come. */
struct pairs {
	uint8_t	 len[8];	/* the two lengths: one or four bytes each */
	size_t	 have;		/* bytes of them */
	size_t	 rest;		/* of name and value, still to come */
};

static size_t
length_size(uint8_t first)
{
	return first & 0x80 ? 4 : 1;
}

static size_t
length(const uint8_t *p)
{
	if (length_size(*p) == 1)
		return *p;
	return (size_t)(p[0] & 0x7f) << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

static bool
pairs_feed(struct pairs *s, const uint8_t *p, size_t n)
{
	size_t	name, k;

	while (n > 0) {
		if (s->rest > 0) {
			k = s->rest < n ? s->rest : n;
			s->rest -= k;
			p += k;
			n -= k;
			continue;
		}
		s->len[s->have++] = *p++;
		n--;
		name = length_size(s->len[0]);
		if (s->have <= name || s->have < name + length_size(s->len[name]))
			continue;
		s->rest = length(s->len) + length(s->len + name);
		s->have = 0;
		if (s->rest > HEAD_MAX)
			return false;
	}
	return true;
}

static bool
record_parse(struct record *r, const uint8_t *p)
{
	r->type = p[1];
	r->id = p[2] << 8 | p[3];
	r->len = (size_t)p[4] << 8 | p[5];
	r->padding = p[6];
	return p[0] == VERSION;
}

/* Does an empty body follow? */
static bool
body_empty(const uint8_t *p, size_t n, int id)
{
	struct record	r;

	return n >= HEADER && record_parse(&r, p) && r.type == STDIN && r.id == id &&
	    r.len == 0 && r.padding == 0;
}

enum head
head_check(const uint8_t *p, size_t n)
{
	const uint8_t	*end = p + n;
	struct pairs	 pairs = { .have = 0 };
	struct record	 r;
	int		 id = 0;

	for (;;) {
		if (end - p < HEADER) {
			if (end - p >= 2 &&
			    (p[0] != VERSION || (p[1] != BEGIN_REQUEST && p[1] != PARAMS)))
				return HEAD_BAD;
			return HEAD_MORE;
		}
		if (!record_parse(&r, p))
			return HEAD_BAD;
		p += HEADER;
		if (id == 0) {
			/*
			 * libfcgi loses its place after a padded BEGIN_REQUEST or a padded end of
			 * PARAMS.
			 */
			if (r.type != BEGIN_REQUEST || r.id == 0 || r.len != BEGIN_BODY ||
			    r.padding != 0)
				return HEAD_BAD;
			if (end - p < BEGIN_BODY)
				return HEAD_MORE;
			if (p[0] != 0 || p[1] != RESPONDER)
				return HEAD_BAD;
			id = r.id;
			p += BEGIN_BODY;
			continue;
		}
		if (r.type != PARAMS || r.id != id)
			return HEAD_BAD;
		if (r.len == 0) {
			if (pairs.have != 0 || pairs.rest != 0 || r.padding != 0)
				return HEAD_BAD;
			return body_empty(p, (size_t)(end - p), id) ? HEAD_ALL : HEAD_OK;
		}
		if (!pairs_feed(&pairs, p, (size_t)(end - p) < r.len ? (size_t)(end - p) : r.len))
			return HEAD_BAD;
		if ((size_t)(end - p) < r.len + r.padding)
			return HEAD_MORE;
		p += r.len + r.padding;
	}
}
