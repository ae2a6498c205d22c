#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/sse.h"

#define TOGETHER_US	1000		/* what comes within this time came together */
#define CONNECT_MS	5000
#define EVENT_CAP	(1 << 20)

struct probing {
	const struct probe	*p;
	struct heard		*h;
	struct arena		*a;
	struct loop		*loop;
	struct caller		*caller;
	struct call		*call;
	struct sse		 sse;
	int64_t			 begun;		/* monotonic us */
};

static int64_t
since_us(const struct probing *x)
{
	return clock_mono_us() - x->begun;
}

/* The value of that header, if this is its line. */
static const char *
header_value(struct arena *a, const char *line, size_t len, const char *name)
{
	const size_t	n = strlen(name);

	if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0)
		return NULL;
	for (line += n + 1, len -= n + 1; len > 0 && *line == ' '; line++, len--)
		continue;
	return arena_strndup(a, line, len);
}

static void
on_header(void *arg, const char *line, size_t len)
{
	struct probing	*x = arg;
	struct heard	*h = x->h;
	const struct {
		const char	*name, **value;
	}		 wanted[] = {
		{ "Content-Type", &h->type },
		{ "Content-Encoding", &h->encoding },
		{ "Server", &h->server },
		{ "Date", &h->date },
	};
	const char	*value;

	if (h->head_us == 0)
		h->head_us = since_us(x);
	if (x->p->head && len > 9 && strncmp(line, "HTTP/1.1 ", 9) == 0)
		h->status = (int)strtol(line + 9, NULL, 10);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if ((value = header_value(x->a, line, len, wanted[i].name)) != NULL)
			*wanted[i].value = value;
}

static int
on_event(void *arg, const char *data, size_t len)
{
	struct heard	*h = arg;

	(void)data;
	(void)len;
	h->events++;
	h->blocks[h->nblocks - 1].events++;
	return 0;
}

static int
on_data(void *arg, int status, const char *p, size_t n)
{
	struct probing	*x = arg;
	struct heard	*h = x->h;
	const int64_t	 now = since_us(x);
	struct block	*last = h->nblocks > 0 ? &h->blocks[h->nblocks - 1] : NULL;

	h->status = status;
	if (last == NULL || (now > last->at_us + TOGETHER_US && h->nblocks < PROBE_BLOCKS)) {
		last = &h->blocks[h->nblocks++];
		*last = (struct block){ .at_us = now };
	}
	last->bytes += n;
	str_put(&h->body, p, h->body.len + n > PROBE_BODY ? PROBE_BODY - h->body.len : n);
	sse_feed(&x->sse, p, n, on_event, h);
	if (x->p->leave_after > 0 && h->events >= x->p->leave_after) {
		h->left = true;
		return -1;
	}
	return 0;
}

static void
on_done(void *arg, const struct call_end *end)
{
	struct probing	*x = arg;

	x->call = NULL;
	x->h->result = end->result;
	x->h->why = arena_strdup(x->a, end->why);
	if (end->status != 0)
		x->h->status = end->status;
	loop_stop(x->loop);
}

static const struct call_ops ops = { .header = on_header, .data = on_data, .done = on_done };

static void
begin(void *arg)
{
	struct probing		*x = arg;
	const char *const	 plain[] = { "Accept-Language: en", NULL };
	const char *const	 gzip[] = { "Accept-Language: en", "Accept-Encoding: gzip", NULL };

	x->begun = clock_mono_us();
	x->call = call_start(x->caller, &(struct call_spec){ .url = x->p->url, .body = x->p->body,
	    .body_len = x->p->body_len, .accept = "*/*", .connect_ms = CONNECT_MS,
	    .headers = x->p->headers != NULL ? x->p->headers : x->p->gzip ? gzip : plain },
	    &ops, x);
}

static void
tick(void *arg)
{
	struct probing	*x = arg;

	const bool	 done = x->p->head && x->h->status != 0;

	if (x->call == NULL || (!done && since_us(x) < x->p->patience_ms * 1000))
		return;
	call_cancel(x->call);
	x->call = NULL;
	if (done) {
		x->h->left = true;
		loop_stop(x->loop);
		return;
	}
	x->h->late = true;
	x->h->result = CALL_TIMEOUT;
	x->h->why = arena_printf(x->a, "no end after %.0f s", (double)x->p->patience_ms / 1000);
	loop_stop(x->loop);
}

void
probe(struct arena *a, const struct probe *p, struct heard *h)
{
	struct probing	x = { .p = p, .h = h, .a = a };

	*h = (struct heard){ .body = STR_INIT(PROBE_BODY + 1) };
	h->blocks = arena_array(a, PROBE_BLOCKS, sizeof(*h->blocks));
	sse_init(&x.sse, EVENT_CAP);
	x.loop = loop_new();
	x.caller = caller_new(x.loop);
	loop_on_tick(x.loop, tick, &x);
	loop_post(x.loop, begin, &x);
	loop_run(x.loop);
	caller_free(x.caller);
	loop_free(x.loop);
	sse_free(&x.sse);
}
