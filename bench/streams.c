/*
 * Many event streams at once: they are opened at a rate, settle, and are measured on the plateau.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "http.h"
#include "load.h"
#include "stamp.h"

#define ANSWER_WITHIN	30		/* s: a stream without a first delta by then has failed */
#define HOLD_MOST	60		/* s that standard input may stay open after the end */
#define CATCH_UP	20		/* s for those that stalled */
#define LIVE		(NS / 2)	/* a delta younger than this is the stream's present */
#define FOREVER		UINT64_MAX

struct run {
	const struct load	*l;
	int			 ep;
	struct stream		*v;
	size_t			 want;		/* to be open by and by, of v */
	size_t			 opened, answered, failed, over, whole, gaps;
	uint64_t		 opening;	/* since when, for the rate */
	size_t			 opening_from;
	uint64_t		 now;
	bool			 measuring, input_ended;
	struct sample		 delays, begins;
	uint64_t		 received;	/* deltas, in all */
	char			 buf[65536];
	char			 trouble[256];	/* the first failure, in words */
};

struct stream {
	struct run		*run;
	int			 fd;		/* -1: closed */
	bool			 asked;		/* the request has been sent */
	bool			 begun;		/* bytes of the reply have come */
	bool			 stalls;	/* reads its first delta and no more */
	bool			 failed;
	struct http		 http;
	struct stamp_reader	 reader;
	uint32_t		 next;		/* delta */
	uint64_t		 opened, last;	/* last: the stamp of the newest delta */
};

__attribute__((format(printf, 2, 3)))
static void
stream_fail(struct stream *s, const char *fmt, ...)
{
	struct run	*r = s->run;
	va_list		 ap;

	if (r->failed++ == 0) {
		va_start(ap, fmt);
		vsnprintf(r->trouble, sizeof(r->trouble), fmt, ap);
		va_end(ap);
	}
	s->failed = true;
	close(s->fd);
	s->fd = -1;
}

static void
stream_watch(struct stream *s, int op, uint32_t events)
{
	struct epoll_event	 ev = { .events = events, .data.ptr = s };

	if (epoll_ctl(s->run->ep, op, s->fd, &ev) == -1)
		err(EX_OSERR, "epoll_ctl");
}

static void
stream_open(struct run *r, size_t i)
{
	struct stream	*s = &r->v[i];

	s->run = r;
	s->opened = stamp_now();
	s->stalls = i >= r->l->streams;
	s->fd = load_connect(r->l, i, s->stalls ? r->l->rcvbuf : 0);
	if (s->fd == -1)
		stream_fail(s, "connect: %s", strerror(errno));
	else
		stream_watch(s, EPOLL_CTL_ADD, EPOLLOUT);
}

static void
stream_ask(struct stream *s)
{
	struct run	*r = s->run;
	size_t		 len = load_request(r->l, (size_t)(s - r->v), r->buf, sizeof(r->buf));
	ssize_t		 n = send(s->fd, r->buf, len, 0);

	if (n != (ssize_t)len) {
		stream_fail(s, "request: %s", n == -1 ? strerror(errno) : "not taken at once");
		return;
	}
	s->asked = true;
	stream_watch(s, EPOLL_CTL_MOD, EPOLLIN);
}

/* Bytes of the reply's body. */
static void
stream_body(void *arg, const char *p, size_t n)
{
	struct stream	*s = arg;
	struct run	*r = s->run;
	const char	*at = p;
	uint64_t	 when;
	uint32_t	 seq;

	if (s->http.status != 200) {
		if (!s->failed)
			stream_fail(s, "status %d: %.*s", s->http.status, (int)n, p);
		return;
	}
	while (stamp_next(&s->reader, &at, p + n, &when, &seq)) {
		if (seq != s->next)
			r->gaps++;
		if (s->next == 0 && !s->stalls)
			r->answered++;
		s->next = seq + 1;
		s->last = when;
		r->received++;
		if (r->measuring && !s->stalls)
			sample_add(&r->delays, r->now > when ? r->now - when : 0);
	}
}

/* The reply is whole or its connection ended. */
static void
stream_over(struct stream *s, bool clean)
{
	if (!clean || (!s->stalls && s->next != s->run->l->count)) {
		stream_fail(s, "%s after %u of %u deltas, status %d",
		    clean ? "the answer ended" : "the connection ended",
		    s->next, s->run->l->count, s->http.status);
		return;
	}
	s->run->over++;
	s->run->whole++;
	close(s->fd);
	s->fd = -1;
}

static void
stream_read(struct stream *s)
{
	struct run	*r = s->run;
	uint32_t	 before = s->next;
	ssize_t		 n = recv(s->fd, r->buf, sizeof(r->buf), 0);
	int		 end;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		stream_over(s, n == 0 && http_ended(&s->http));
		return;
	}
	r->now = stamp_now();
	if (!s->begun && !s->stalls)
		sample_add(&r->begins, r->now - s->opened);
	s->begun = true;
	end = http_feed(&s->http, r->buf, (size_t)n, stream_body, s);
	if (s->failed)
		return;
	if (end == -1)
		stream_fail(s, "not HTTP: %.*s", (int)n, r->buf);
	else if (end == 1)
		stream_over(s, true);
	else if (s->stalls && before == 0 && s->next > 0)
		stream_watch(s, EPOLL_CTL_MOD, 0);
}

static void
stream_event(struct stream *s, uint32_t events)
{
	int		 error = 0;
	socklen_t	 len = sizeof(error);

	if (s->fd == -1)
		return;
	if (s->asked)
		stream_read(s);
	else if ((events & (EPOLLERR | EPOLLHUP)) == 0)
		stream_ask(s);
	else {
		getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		stream_fail(s, "connect: %s", strerror(error));
	}
}

/* Opens those whose time has come; when the next one's will be. */
static uint64_t
run_open(struct run *r)
{
	while (r->opened < r->want) {
		double		 after = (double)(r->opened - r->opening_from) / r->l->rate;
		uint64_t	 due = r->opening + (uint64_t)(after * (double)NS);

		if (due > stamp_now())
			return due;
		stream_open(r, r->opened++);
	}
	return FOREVER;
}

/* Serves the streams until a time, or until done (unless NULL) says so. */
static void
run_until(struct run *r, uint64_t end, bool (*done)(struct run *))
{
	struct epoll_event	 events[256];
	struct timespec		 wait;
	uint64_t		 next, now;
	int			 i, n;

	while ((now = stamp_now()) < end && (done == NULL || !done(r))) {
		next = run_open(r);
		if (next > end)
			next = end;
		if (next > now + NS / 10)	/* done may depend on the time */
			next = now + NS / 10;
		wait.tv_sec = 0;
		wait.tv_nsec = next > now ? (long)(next - now) : 0;
		n = epoll_pwait2(r->ep, events, 256, &wait, NULL);
		if (n == -1 && errno != EINTR)
			err(EX_OSERR, "epoll_pwait2");
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr != NULL) {
				stream_event(events[i].data.ptr, events[i].events);
			} else if (read(STDIN_FILENO, r->buf, sizeof(r->buf)) <= 0) {
				r->input_ended = true;
				epoll_ctl(r->ep, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
			}
		}
	}
}

/* From now on, n more are opened at the rate. */
static void
run_more(struct run *r, size_t n)
{
	r->opening = stamp_now();
	r->opening_from = r->opened;
	r->want += n;
}

static bool
all_answered(struct run *r)
{
	return r->answered + r->failed >= r->l->streams;
}

static bool
all_over(struct run *r)
{
	return r->over + r->failed >= r->want;
}

static bool
input_ended(struct run *r)
{
	return r->input_ended;
}

static size_t
caught_up(const struct run *r)
{
	uint64_t	 now = stamp_now();
	size_t		 i, n = 0;

	for (i = r->l->streams; i < r->opened; i++)
		n += !r->v[i].failed && (r->v[i].fd == -1 || now - r->v[i].last < LIVE);
	return n;
}

static bool
all_caught_up(struct run *r)
{
	return caught_up(r) == r->l->stalled;
}

/* Those that stalled read again. */
static void
run_wake(struct run *r)
{
	int	 rcvbuf = 1 << 20;
	size_t	 i;

	for (i = r->l->streams; i < r->opened; i++) {
		if (r->v[i].fd == -1)
			continue;
		setsockopt(r->v[i].fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
		stream_watch(&r->v[i], EPOLL_CTL_MOD, EPOLLIN);
	}
}

int
streams_run(const struct load *l)
{
	static struct run	 run;
	struct run		*r = &run;
	struct epoll_event	 input = { .events = EPOLLIN };
	uint64_t		 begin, end;
	double			 seconds;
	size_t			 i, silent;

	r->l = l;
	r->ep = epoll_create1(EPOLL_CLOEXEC);
	r->v = calloc(l->streams + l->stalled + 1, sizeof(*r->v));
	if (r->ep == -1 || r->v == NULL)
		err(EX_OSERR, "streams");
	/* A file or /dev/null cannot be waited for, and needs not be. */
	r->input_ended = epoll_ctl(r->ep, EPOLL_CTL_ADD, STDIN_FILENO, &input) == -1;

	run_more(r, l->streams);
	seconds = l->streams / l->rate + ANSWER_WITHIN;
	run_until(r, stamp_now() + (uint64_t)(seconds * NS), all_answered);
	load_say("open");
	silent = l->streams - r->answered - r->failed;
	run_until(r, stamp_now() + (uint64_t)(l->settle / 2 * NS), NULL);
	run_more(r, l->stalled);
	run_until(r, stamp_now() + (uint64_t)(l->settle / 2 * NS), NULL);

	r->measuring = true;
	begin = stamp_now();
	load_say("begin");
	run_until(r, begin + (uint64_t)(l->window * NS), NULL);
	r->measuring = false;
	end = stamp_now();
	load_say("end");

	run_until(r, end + HOLD_MOST * NS, input_ended);
	if (l->stalled > 0) {
		run_wake(r);
		run_until(r, stamp_now() + CATCH_UP * NS, all_caught_up);
	}
	if (l->drain > 0)
		run_until(r, stamp_now() + (uint64_t)(l->drain * NS), all_over);

	seconds = (double)(end - begin) / (double)NS;
	printf("{\"streams\":%u,\"failed\":%zu,\"silent\":%zu,\"gaps\":%zu,\"whole\":%zu,"
	    "\"received\":%" PRIu64 ",\"window_s\":%.3f,\"deltas\":%zu,\"rate\":%.1f,",
	    l->streams, r->failed, silent, r->gaps, r->whole,
	    r->received, seconds, r->delays.n, (double)r->delays.n / seconds);
	load_print(&r->delays, "");
	printf(",\"step40\":%.5f,", sample_within(&r->delays, 38000, 45000));
	load_print(&r->begins, "begin_");
	if (l->stalled > 0)
		printf(",\"stalled\":%u,\"caught_up\":%zu", l->stalled, caught_up(r));
	printf(",\"trouble\":");
	load_quote(r->trouble, strlen(r->trouble));
	puts("}");
	for (i = 0; i < r->opened; i++)
		if (r->v[i].fd != -1)
			close(r->v[i].fd);
	return 0;
}
