/*
 * Short requests through kept connections: the same one over and over, or each body once.
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

#define SHOWN		300		/* bytes of a reply that the report shows */

struct reply {
	char	*p;
	size_t	 len;
};

struct plain {
	const struct load	*l;
	int			 ep;
	size_t			 begun, done, failed, most;	/* requests; most: no more than */
	bool			 measuring;
	struct sample		 times;
	struct reply		*replies;	/* of each request; NULL: only the last one's */
	struct reply		 last;
	char			 buf[65536];
};

struct client {
	struct plain	*plain;
	int		 fd;
	bool		 used;		/* the connection has had a reply */
	bool		 asked;
	size_t		 number;	/* of its request */
	uint64_t	 began;
	struct http	 http;
	struct reply	 body;
};

static void	 client_next(struct client *);

static void
client_body(void *arg, const char *p, size_t n)
{
	struct client	*c = arg;

	c->body.p = realloc(c->body.p, c->body.len + n + 1);
	if (c->body.p == NULL)
		err(EX_OSERR, "reply");
	memcpy(c->body.p + c->body.len, p, n);
	c->body.len += n;
	c->body.p[c->body.len] = '\0';
}

static void
client_watch(struct client *c, int op, uint32_t events)
{
	struct epoll_event	 ev = { .events = events, .data.ptr = c };

	if (epoll_ctl(c->plain->ep, op, c->fd, &ev) == -1)
		err(EX_OSERR, "epoll_ctl");
}

static void
client_send(struct client *c)
{
	struct plain	*w = c->plain;
	size_t		 len = load_request(w->l, c->number, w->buf, sizeof(w->buf));

	memset(&c->http, 0, sizeof(c->http));
	c->body.len = 0;
	if (!c->asked)
		client_watch(c, EPOLL_CTL_MOD, EPOLLIN);
	c->asked = true;
	/* What cannot be sent shows as the connection's end. */
	if (send(c->fd, w->buf, len, 0) != (ssize_t)len)
		shutdown(c->fd, SHUT_RDWR);
}

static void
client_connect(struct client *c)
{
	if (c->fd != -1)
		close(c->fd);
	c->used = c->asked = false;
	c->fd = load_connect(c->plain->l, (size_t)c->number, 0);
	if (c->fd == -1)
		err(EX_UNAVAILABLE, "connect");
	client_watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}

/* The reply is whole: keeps it and asks for the next. */
static void
client_done(struct client *c)
{
	struct plain	*w = c->plain;
	bool		 again = c->http.close;

	w->done++;
	if (c->http.status != 200)
		w->failed++;
	if (w->measuring)
		sample_add(&w->times, stamp_now() - c->began);
	if (w->replies != NULL) {
		w->replies[c->number] = c->body;
		c->body = (struct reply){ 0 };
	} else if (w->last.p == NULL) {
		w->last = c->body;
		c->body = (struct reply){ 0 };
	}
	c->used = true;
	if (again) {
		close(c->fd);
		c->fd = -1;
	}
	client_next(c);
}

static void
client_next(struct client *c)
{
	struct plain	*w = c->plain;

	if (w->begun == w->most) {
		if (c->fd != -1)
			close(c->fd);
		c->fd = -1;
		return;
	}
	c->number = w->begun++;
	c->began = stamp_now();
	if (c->fd == -1)
		client_connect(c);
	else
		client_send(c);
}

/* The connection ended or broke within a reply, or before one on a kept connection. */
static void
client_lost(struct client *c)
{
	struct plain	*w = c->plain;

	if (http_ended(&c->http) && c->http.status != 0) {
		c->http.close = true;
		client_done(c);
	} else if (c->used && c->http.status == 0) {
		client_connect(c);	/* the server may close between two requests */
	} else {
		w->done++;
		w->failed++;
		close(c->fd);
		c->fd = -1;
		client_next(c);
	}
}

static void
client_event(struct client *c)
{
	struct plain	*w = c->plain;
	ssize_t		 n;
	int		 end;

	if (c->fd == -1)
		return;
	if (!c->asked) {
		client_send(c);
		return;
	}
	n = recv(c->fd, w->buf, sizeof(w->buf), 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	end = n > 0 ? http_feed(&c->http, w->buf, (size_t)n, client_body, c) : -1;
	if (end == 1)
		client_done(c);
	else if (end == -1)
		client_lost(c);
}

/* Serves the connections until a time, or until every request is answered. */
static void
plain_until(struct plain *w, uint64_t end)
{
	struct epoll_event	 events[64];
	uint64_t		 now, left;
	int			 i, n;

	while ((now = stamp_now()) < end && w->done < w->most) {
		left = end - now < NS ? end - now : NS;
		n = epoll_wait(w->ep, events, 64, (int)(left / 1000000) + 1);
		if (n == -1 && errno != EINTR)
			err(EX_OSERR, "epoll_wait");
		for (i = 0; i < n; i++)
			client_event(events[i].data.ptr);
	}
}

/* Opens the connections; most requests will be made. */
static void
plain_start(struct plain *w, const struct load *l, size_t most)
{
	struct client	*v = calloc(l->connections, sizeof(*v));
	unsigned	 i;

	w->l = l;
	w->most = most;
	w->ep = epoll_create1(EPOLL_CLOEXEC);
	if (v == NULL || w->ep == -1)
		err(EX_OSERR, "clients");
	for (i = 0; i < l->connections; i++) {
		v[i].plain = w;
		v[i].fd = -1;
		client_next(&v[i]);
	}
}

int
plain_get(const struct load *l)
{
	static struct plain	 w;
	uint64_t		 begin, end;
	double			 seconds;

	plain_start(&w, l, SIZE_MAX);
	plain_until(&w, stamp_now() + (uint64_t)(l->settle * NS));
	w.measuring = true;
	begin = stamp_now();
	load_say("begin");
	plain_until(&w, begin + (uint64_t)(l->window * NS));
	w.measuring = false;
	end = stamp_now();
	load_say("end");
	seconds = (double)(end - begin) / (double)NS;
	printf("{\"requests\":%zu,\"failed\":%zu,\"window_s\":%.3f,\"rate\":%.1f,",
	    w.times.n, w.failed, seconds, (double)w.times.n / seconds);
	load_print(&w.times, "");
	printf(",\"reply\":");
	load_quote(w.last.p, w.last.len < SHOWN ? w.last.len : SHOWN);
	puts("}");
	return 0;
}

int
plain_post(const struct load *l)
{
	static struct plain	 w;
	size_t			 i;

	w.replies = calloc(l->bodies_len, sizeof(*w.replies));
	if (w.replies == NULL)
		err(EX_OSERR, "replies");
	plain_start(&w, l, l->bodies_len);
	plain_until(&w, UINT64_MAX);
	for (i = 0; i < l->bodies_len; i++)
		puts(w.replies[i].p != NULL ? w.replies[i].p : "");
	if (w.failed > 0)
		warnx("%zu of %zu requests failed", w.failed, l->bodies_len);
	return w.failed > 0 ? EX_UNAVAILABLE : 0;
}
