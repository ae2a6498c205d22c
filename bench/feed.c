/*
 * Event streams as they are called for: a line of standard input opens one, a line of standard
 * output says how it ended. Who writes the lines decides when, what and how many.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "http.h"
#include "load.h"
#include "stamp.h"

#define LINE_MOST	65536u		/* bytes of one line of input */
#define LOOK		100		/* ms between two looks at who wakes */

struct feed {
	const struct load	*l;
	int			 ep;
	struct stream		*v;		/* l->streams places */
	size_t			 begun;
	uint64_t		 now;
	bool			 ended;		/* no more lines will come */
	struct sample		 delays, begins;
	char			 in[2 * LINE_MOST];
	size_t			 in_len;
	char			 buf[LINE_MOST + 1024];
};

struct stream {
	struct feed		*feed;
	int			 fd;		/* -1: a free place */
	char			 name[24];
	char			*line;		/* what is asked, until it was */
	unsigned		 leave, stall;
	uint64_t		 opened, wake;	/* wake: it reads on then; 0: it reads */
	struct http		 http;
	struct stamp_reader	 reader;
	uint32_t		 deltas, gaps;
};

static void
stream_over(struct stream *s, const char *how)
{
	printf("%s %s %d %u %u\n", s->name, how, s->http.status, s->deltas, s->gaps);
	fflush(stdout);
	if (s->fd != -1)
		close(s->fd);
	free(s->line);
	s->line = NULL;
	s->fd = -1;
}

static void
stream_watch(struct stream *s, int op, uint32_t events)
{
	struct epoll_event	 ev = { .events = events, .data.ptr = s };

	if (epoll_ctl(s->feed->ep, op, s->fd, &ev) == -1)
		err(EX_OSERR, "epoll_ctl");
}

static struct stream *
feed_place(struct feed *f)
{
	size_t	 i;

	for (i = 0; i < f->l->streams; i++)
		if (f->v[i].fd == -1)
			return &f->v[i];
	errx(EX_USAGE, "more than %u streams at once", f->l->streams);
}

/* A line of input: NAME LEAVE STALL LINE. */
static void
stream_open(struct feed *f, const char *line)
{
	struct stream	*s = feed_place(f);
	int		 skip = 0;

	*s = (struct stream){ .feed = f, .opened = stamp_now() };
	if (sscanf(line, "%23s %u %u %n", s->name, &s->leave, &s->stall, &skip) < 3 || skip == 0)
		errx(EX_DATAERR, "no line of the form NAME LEAVE STALL LINE: %s", line);
	if ((s->line = strdup(line + skip)) == NULL)
		err(EX_OSERR, "line");
	s->fd = load_connect(f->l, f->begun++, s->stall > 0 ? f->l->rcvbuf : 0);
	if (s->fd == -1)
		stream_over(s, "broken");
	else
		stream_watch(s, EPOLL_CTL_ADD, EPOLLOUT);
}

/* Connected, or not: what was asked for is asked. */
static void
stream_ask(struct stream *s)
{
	struct feed	*f = s->feed;
	size_t		 len = load_compose(f->l, s->line, f->buf, sizeof(f->buf));

	if (send(s->fd, f->buf, len, 0) != (ssize_t)len) {
		stream_over(s, "broken");
		return;
	}
	free(s->line);
	s->line = NULL;
	stream_watch(s, EPOLL_CTL_MOD, EPOLLIN);
}

/* Bytes of the reply's body. */
static void
stream_body(void *arg, const char *p, size_t n)
{
	struct stream	*s = arg;
	struct feed	*f = s->feed;
	const char	*at = p;
	uint64_t	 when;
	uint32_t	 seq;

	while (stamp_next(&s->reader, &at, p + n, &when, &seq)) {
		s->gaps += seq != s->deltas;
		s->deltas = seq + 1;
		if (s->stall == 0)
			sample_add(&f->delays, f->now > when ? f->now - when : 0);
	}
}

/* It stops reading, or leaves, when its time has come. */
static void
stream_mood(struct stream *s)
{
	if (s->deltas == 0)
		return;
	if (s->leave > 0 && s->deltas >= s->leave) {
		stream_over(s, "left");
	} else if (s->stall > 0 && s->wake == 0) {
		s->wake = s->feed->now + s->stall * NS;
		stream_watch(s, EPOLL_CTL_MOD, 0);
	}
}

static void
stream_read(struct stream *s)
{
	struct feed	*f = s->feed;
	ssize_t		 n = recv(s->fd, f->buf, sizeof(f->buf), 0);
	int		 end;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	f->now = stamp_now();
	if (n <= 0) {
		stream_over(s, n == 0 && http_ended(&s->http) ? "whole" : "broken");
		return;
	}
	if (s->http.status == 0)
		sample_add(&f->begins, f->now - s->opened);
	end = http_feed(&s->http, f->buf, (size_t)n, stream_body, s);
	if (end == 0)
		stream_mood(s);
	else
		stream_over(s, end == 1 ? "whole" : "broken");
}

/* Those that have stalled for long enough read on, with buffers like others. */
static void
feed_wake(struct feed *f)
{
	int	 rcvbuf = 1 << 20;
	size_t	 i;

	f->now = stamp_now();
	for (i = 0; i < f->l->streams; i++) {
		struct stream	*s = &f->v[i];

		if (s->fd == -1 || s->wake == 0 || s->wake == UINT64_MAX || s->wake > f->now)
			continue;
		s->wake = UINT64_MAX;
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
		stream_watch(s, EPOLL_CTL_MOD, EPOLLIN);
	}
}

static void
feed_read(struct feed *f)
{
	ssize_t	 n = read(STDIN_FILENO, f->in + f->in_len, sizeof(f->in) - f->in_len);
	char	*line = f->in, *end;

	if (n <= 0) {
		f->ended = n == 0 || (errno != EAGAIN && errno != EINTR);
		return;
	}
	f->in_len += (size_t)n;
	while ((end = memchr(line, '\n', f->in_len - (size_t)(line - f->in))) != NULL) {
		*end = '\0';
		stream_open(f, line);
		line = end + 1;
	}
	f->in_len -= (size_t)(line - f->in);
	memmove(f->in, line, f->in_len);
	if (f->in_len >= LINE_MOST)
		errx(EX_DATAERR, "a line longer than %u bytes", LINE_MOST);
}

static void
feed_event(struct feed *f, struct stream *s)
{
	if (s == NULL)
		feed_read(f);
	else if (s->fd == -1)
		return;
	else if (s->line != NULL)
		stream_ask(s);
	else
		stream_read(s);
}

int
feed_run(const struct load *l)
{
	static struct feed	 feed;
	struct feed		*f = &feed;
	struct epoll_event	 events[256], input = { .events = EPOLLIN };
	size_t			 i;
	int			 n, j;

	f->l = l;
	f->ep = epoll_create1(EPOLL_CLOEXEC);
	f->v = calloc(l->streams, sizeof(*f->v));
	if (f->ep == -1 || f->v == NULL)
		err(EX_OSERR, "feed");
	for (i = 0; i < l->streams; i++)
		f->v[i].fd = -1;
	if (epoll_ctl(f->ep, EPOLL_CTL_ADD, STDIN_FILENO, &input) == -1)
		err(EX_USAGE, "standard input must be a pipe");
	while (!f->ended) {
		n = epoll_wait(f->ep, events, 256, LOOK);
		if (n == -1 && errno != EINTR)
			err(EX_OSERR, "epoll_wait");
		for (j = 0; j < n; j++)
			feed_event(f, events[j].data.ptr);
		feed_wake(f);
	}
	for (i = 0; i < l->streams; i++)
		if (f->v[i].fd != -1)
			stream_over(&f->v[i], "left");
	printf("{\"streams\":%zu,\"deltas\":%zu,", f->begun, f->delays.n);
	load_print(&f->delays, "");
	putchar(',');
	load_print(&f->begins, "begin_");
	puts("}");
	return 0;
}
