/*
 * What a client sends over a WebSocket. The first byte says in pieces of which size it arrives (0:
 * as it is asked for); bit 7: the rest is the contents of masked text frames, one per line.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "web/frames.h"

struct coming {
	const char	*p;
	size_t		 n, step;
};

static ssize_t
arrive(void *arg, void *p, size_t n)
{
	struct coming	*c = arg;

	n = n < c->n ? n : c->n;
	if (c->step != 0 && n > c->step)
		n = c->step;
	if (n == 0)
		return 0;
	memcpy(p, c->p, n);
	c->p += n;
	c->n -= n;
	return (ssize_t)n;
}

/* Lines as the fragments of one message, masked with zeros. */
static void
fragments(struct str *b, const char *p, size_t n)
{
	const char	*end = p + n, *eol;
	int		 opcode = FRAME_TEXT;

	for (; p < end; p = eol + 1) {
		if ((eol = memchr(p, '\n', (size_t)(end - p))) == NULL)
			eol = end;
		n = eol - p > 125 ? 125 : (size_t)(eol - p);
		str_putc(b, (char)((eol == end ? 0x80 : 0) | opcode));
		str_putc(b, (char)(0x80 | n));
		str_put(b, "\0\0\0\0", 4);
		str_put(b, p, n);
		opcode = FRAME_CONTINUATION;
	}
}

static void
say(struct frames *f, const struct frames_in *in, struct str *out)
{
	size_t	before = out->len;

	frames_put(f, out, FRAME_TEXT, in->p, in->n);
	if (out->len - before < in->n + 2)
		abort();
	str_reset(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str		 b = STR_INIT(0), out = STR_INIT(0);
	struct coming		 c;
	struct frames_in	 in;
	enum frames_got		 got;
	struct frames		*f;
	bool			 broken = false;

	if (n < 1 || n > 65536)
		return 0;
	if (data[0] & 0x80)
		fragments(&b, (const char *)data + 1, n - 1);
	else
		str_put(&b, data + 1, n - 1);
	c = (struct coming){ .p = b.p, .n = b.len, .step = data[0] & 0x7f };
	f = frames_new(arrive, &c);
	while ((got = frames_next(f, &in)) != FRAMES_NONE || c.n > 0) {
		if (got == FRAMES_NONE && broken)
			break;
		/* Nothing of a client that broke the rules is taken for true any more. */
		if (broken && got != FRAMES_CLOSE && got != FRAMES_NONE)
			abort();
		if (got == FRAMES_MESSAGE && !utf8_valid(in.p, in.n))
			abort();
		if ((got == FRAMES_PING || got == FRAMES_PONG) && in.n > FRAMES_CONTROL_MAX)
			abort();
		if (got == FRAMES_MESSAGE || got == FRAMES_PING)
			say(f, &in, &out);
		broken |= got == FRAMES_BROKEN;
	}
	frames_free(f);
	str_free(&b);
	str_free(&out);
	return 0;
}
