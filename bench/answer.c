#include "answer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "stamp.h"

#define BURST_GAP	20000ull		/* ns between the deltas of a burst */
#define GOLDEN		0.6180339887498949	/* its multiples fill (0,1) evenly */

/* What follows r20n1500: letters, each with its number. */
static void
pace_more(const char *p, struct pace *w)
{
	uint32_t	*field;
	char		*end;

	for (;; p = end) {
		field = *p == 'b' ? &w->burst : *p == 'c' ? &w->cut : *p == 'e' ? &w->refuse : NULL;
		if (field == NULL || !isdigit((unsigned char)p[1]))
			return;
		*field = (uint32_t)strtoul(p + 1, &end, 10);
	}
}

bool
answer_pace(const char *text, size_t len, struct pace *w)
{
	const char	*p;
	int		 n;

	for (p = text + len; (p = memrchr(text, 'r', (size_t)(p - text))) != NULL;) {
		if (p > text && isalnum((unsigned char)p[-1]))
			continue;
		*w = (struct pace){ 0 };
		if (sscanf(p, "r%" SCNu32 "n%" SCNu32 "%n", &w->rate, &w->count, &n) < 2)
			continue;
		pace_more(p + n, w);
		if (w->rate > 0 && w->rate <= 100000 && w->count > 0 && w->count <= 900000 &&
		    w->burst <= 90000 && (w->refuse == 0 || (w->refuse >= 400 && w->refuse < 600)))
			return true;
	}
	return false;
}

/* The ordinary frame of an answer: id, epoch seconds, then the choices (and more). */
#define FRAME		"data: {\"id\":\"chatcmpl-%016" PRIx64 "\"," \
			"\"object\":\"chat.completion.chunk\",\"created\":%lld," \
			"\"model\":\"bench\",\"system_fingerprint\":\"fp_bench\",\"choices\":["
#define CHOICE(d, f)	"{\"index\":0,\"delta\":" d ",\"logprobs\":null," \
			"\"finish_reason\":" f "}]}\n\n"

#define WRAP_HEAD	6			/* "01ab\r\n" before the events in their buffer */
#define WRAP_TAIL	2

/* Makes the len bytes at buf + WRAP_HEAD a chunk of HTTP; its whole length. */
static size_t
chunk_wrap(char *buf, int len)
{
	char	 size[WRAP_HEAD + 5];

	snprintf(size, sizeof(size), "%04x\r\n", (unsigned)len);
	memcpy(buf, size, WRAP_HEAD);
	memcpy(buf + WRAP_HEAD + len, "\r\n", WRAP_TAIL);
	return WRAP_HEAD + (size_t)len + WRAP_TAIL;
}

void
answer_begin(struct upstream *u, struct conn *c, const struct pace *w)
{
	static const char	 head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	    "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
	char			 buf[1024], *chunk = buf + sizeof(head) - 1;
	double			 phase;
	uint64_t		 now = stamp_now(), grid;
	size_t			 len;

	c->id = ++u->opened;
	c->streaming = true;
	c->seq = 0;
	c->first = 0;
	c->count = w->count + w->burst;
	c->burst = w->burst;
	c->cut = w->cut;
	c->period = NS / w->rate;
	u->streams++;
	memcpy(buf, head, sizeof(head) - 1);
	len = chunk_wrap(chunk, snprintf(chunk + WRAP_HEAD, 512,
	    FRAME CHOICE("{\"role\":\"assistant\",\"content\":\"\"}", "null"),
	    c->id, (long long)time(NULL)));
	if (!conn_send(u, c, buf, sizeof(head) - 1 + len))
		return;
	phase = (double)c->id * GOLDEN;
	phase -= (double)(uint64_t)phase;
	grid = now - now % c->period + (uint64_t)(phase * (double)c->period);
	c->due.at = w->burst > 0 ? now : grid > now ? grid : grid + c->period;
	if (!c->blocked)
		heap_add(&u->heap, &c->due);
}

static void
answer_end(struct upstream *u, struct conn *c)
{
	long long	 wall = time(NULL);
	char		 buf[2048];
	size_t		 len;

	heap_del(&u->heap, &c->due);
	u->streams--;
	c->streaming = false;
	len = chunk_wrap(buf, snprintf(buf + WRAP_HEAD, sizeof(buf) - 64,
	    FRAME CHOICE("{}", "\"stop\"")
	    FRAME "],\"usage\":{\"prompt_tokens\":16,\"completion_tokens\":%" PRIu32
	    ",\"total_tokens\":%" PRIu32 "}}\n\n"
	    "data: [DONE]\n\n",
	    c->id, wall, c->id, wall, c->seq, c->seq + 16));
	memcpy(buf + len, "0\r\n\r\n", 5);
	conn_send(u, c, buf, len + 5);
}

void
answer_step(struct upstream *u, struct conn *c, uint64_t now)
{
	/* Pieces of an ordinary answer, alike in bytes. */
	static const char *const words[] = {
		" the stream of ", " \xe5\xaf\xb9\xe8\xaf\x9d stream ",
		" answer; then, ", " \xe6\xa8\xa1\xe5\x9e\x8b says: ",
	};
	char		 buf[512];
	size_t		 len;

	if (c->cut > 0 && c->seq == c->cut) {
		u->cuts++;
		u->streams--;
		c->streaming = false;	/* nobody left it */
		conn_close(u, c);
		return;
	}
	if (c->seq == c->count) {
		answer_end(u, c);
		return;
	}
	if (now - c->due.at > u->late)
		u->late = now - c->due.at;
	if (c->seq == 0)
		c->first = now;
	len = chunk_wrap(buf, snprintf(buf + WRAP_HEAD, sizeof(buf) - WRAP_HEAD - WRAP_TAIL,
	    FRAME CHOICE("{\"content\":\"" STAMP_FMT "%s\"}", "null"),
	    c->id, (long long)time(NULL), now, c->seq, words[c->seq % 4]));
	c->seq++;
	u->deltas++;
	if (!conn_send(u, c, buf, len))
		return;
	if (c->burst > 0 && --c->burst > 0)
		c->due.at = now + BURST_GAP;
	else if (c->seq < c->count)
		c->due.at += c->period;
	for (; c->due.at + NS < now; c->due.at += c->period)
		u->missed++;
	if (c->blocked)
		heap_del(&u->heap, &c->due);
	else
		heap_moved(&u->heap, &c->due);
}

void
answer_resume(struct upstream *u, struct conn *c)
{
	c->due.at = stamp_now() + (c->burst > 0 ? BURST_GAP : c->period);
	heap_add(&u->heap, &c->due);
}
