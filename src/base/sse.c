#include "sse.h"

#include <stdbool.h>
#include <string.h>

#define FIELD	6		/* "data: " */
#define KEEP	4096		/* a larger buffer goes back after its event: most are small */

enum {				/* state */
	BOM = 3,		/* 0..2: bytes of the byte order mark seen; 3: past it */
	CR = 4,			/* the last byte was CR: a LF next belongs to it */
	DATA = 8,		/* the event has a data line, be it empty */
	STOPPED = 16,
};

void
sse_init(struct sse *s, size_t cap)
{
	if (cap == 0 || cap > 1 << 30)
		cap = 1 << 30;
	*s = (struct sse){ .line = STR_INIT(cap + FIELD), .data = STR_INIT(cap) };
}

void
sse_free(struct sse *s)
{
	str_free(&s->line);
	str_free(&s->data);
}

static int
sse_stop(struct sse *s)
{
	s->state |= STOPPED;
	return -1;
}

static void
empty(struct str *s)
{
	if (s->size > KEEP)
		str_free(s);
	else
		str_reset(s);
}

static int
dispatch(struct sse *s, sse_event *fn, void *arg)
{
	int	r = 0;

	s->state &= ~(unsigned)DATA;
	if (s->data.len > 0)
		r = fn(arg, s->data.p, s->data.len);
	empty(&s->data);
	return r == -1 ? sse_stop(s) : 0;
}

/* One line, without its end. */
static int
take_line(struct sse *s, const char *p, size_t n, sse_event *fn, void *arg)
{
	if (n == 0)
		return dispatch(s, fn, arg);
	if (n > s->line.cap) {		/* the same whether it came in one piece or in many */
		s->line.full = true;
		return sse_stop(s);
	}
	if (n < 4 || memcmp(p, "data", 4) != 0 || (n > 4 && p[4] != ':'))
		return 0;		/* a comment, or a field that is of no use here */
	p += 4;
	n -= 4;
	if (n > 0)
		p++, n--;		/* the colon */
	if (n > 0 && *p == ' ')
		p++, n--;
	if ((s->state & DATA) && str_putc(&s->data, '\n') == -1)
		return sse_stop(s);
	s->state |= DATA;
	return str_put(&s->data, p, n) == -1 ? sse_stop(s) : 0;
}

/* A line whose last piece this is. */
static int
end_line(struct sse *s, const char *p, size_t n, sse_event *fn, void *arg)
{
	int	r;

	if (s->line.len == 0)		/* the usual case: it is whole where it was received */
		return take_line(s, p, n, fn, arg);
	if (str_put(&s->line, p, n) == -1)
		return sse_stop(s);
	r = take_line(s, s->line.p, s->line.len, fn, arg);
	empty(&s->line);
	return r;
}

/*
 * Skips a byte order mark at the very beginning; what only looked like one is the first line's. -1:
 * over the cap.
 */
static int
skip_bom(struct sse *s, const char **p, const char *end)
{
	static const char	mark[] = "\xef\xbb\xbf";
	unsigned		seen = s->state & BOM;

	while (seen < BOM && *p < end && **p == mark[seen])
		(*p)++, seen++;
	if (seen < BOM && *p < end) {
		if (str_put(&s->line, mark, seen) == -1)
			return sse_stop(s);
		seen = BOM;
	}
	s->state = (s->state & ~(unsigned)BOM) | seen;
	return 0;
}

int
sse_feed(struct sse *s, const char *p, size_t n, sse_event *fn, void *arg)
{
	const char	*end = p + n, *lf = NULL, *eol;

	if (s->state & STOPPED)
		return -1;
	if ((s->state & BOM) != BOM && skip_bom(s, &p, end) == -1)
		return -1;
	while (p < end) {
		if (s->state & CR) {
			s->state &= ~(unsigned)CR;
			if (*p == '\n') {
				p++;
				continue;
			}
		}
		if (lf == NULL || lf < p) {
			if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
				lf = end;
		}
		eol = memchr(p, '\r', (size_t)(lf - p));
		if (eol != NULL)
			s->state |= CR;
		else if ((eol = lf) == end)
			return str_put(&s->line, p, (size_t)(end - p)) == -1 ? sse_stop(s) : 0;
		if (end_line(s, p, (size_t)(eol - p), fn, arg) == -1)
			return -1;
		p = eol + 1;
	}
	return 0;
}

int
sse_end(struct sse *s, sse_event *fn, void *arg)
{
	if (s->state & STOPPED)
		return -1;
	if (s->line.len > 0 && end_line(s, "", 0, fn, arg) == -1)
		return -1;
	return dispatch(s, fn, arg);
}
