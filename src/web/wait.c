/*
 * Requests that wait, connection and all, for something that happens on the loop, and are answered
 * afterwards; or, where they hold a stream back, become that.
 */
#include "req.h"

#include <stdlib.h>

#include "base/arena.h"
#include "fcgi.h"
#include "serving.h"
#include "stream.h"
#include "worker.h"

struct wait {
	struct stream	 stream;	/* first: its peer is the wait; what it may become */
	struct req	 req;
};

static struct wait *
wait_of(struct peer *p)
{
	return (struct wait *)p;
}

static void
wait_begin(struct peer *p, int64_t stream_id)
{
	(void)p;
	(void)stream_id;
}

static void
wait_frame(struct peer *p, const char *msg, size_t len, int64_t stream_id, int64_t n)
{
	(void)p;
	(void)msg;
	(void)len;
	(void)stream_id;
	(void)n;
}

/* The newest counts. */
static void
wait_keep(struct peer *p, const char *msg, size_t len, int64_t stream_id, int64_t n)
{
	struct req	*r = &wait_of(p)->req;

	(void)stream_id;
	(void)n;
	str_reset(&r->heard);
	str_put(&r->heard, msg, len);
}

static void
wait_ping(struct peer *p)
{
	(void)p;
}

static ssize_t
wait_write(struct peer *p, const char *data, size_t len)
{
	(void)p;
	(void)data;
	return (ssize_t)len;
}

/* On a request thread. */
static void
wait_over(struct ctx *cx, void *arg)
{
	struct wait	*wait = arg;
	struct req	*r = &wait->req;
	struct worker	*w = r->worker;
	bool		 detached;
	int		 fd;

	r->cx.db = cx->db;
	r->cx.now = cx->now;
	fd = request_answer(r);
	str_free(&r->heard);
	detached = r->detached;
	free(wait);
	if (!detached)
		worker_return(w, fd);
}

/* On a request thread too: a log may block. */
static void
wait_left(struct ctx *cx, void *arg)
{
	struct wait		*wait = arg;
	struct request_note	 note;

	(void)cx;
	request_note(&note, &wait->req);
	request_log(&note, CLIENT_GONE, 0, true);
	request_drop(&wait->req);
	free(wait);
}

static void
wait_finish(struct peer *p, bool gone)
{
	struct wait	*wait = wait_of(p);
	struct worker	*w = wait->req.worker;
	int		 fd;

	if (!gone) {
		wait->req.why_not = p->why;
		wait->req.retry_after = p->retry_after;
		worker_job(w, wait_over, wait);
		return;
	}
	places_leave(&wait->req.places);
	fd = fcgi_finish(wait->req.io, true);
	worker_job(w, wait_left, wait);
	worker_return(w, fd);
}

/* There is something to stream: from here on it is a stream as any other, which frees it. */
static void
hold_begin(struct peer *p, int64_t stream_id)
{
	struct wait	*wait = wait_of(p);

	stream_become(&wait->stream, &wait->req);
	request_drop(&wait->req);
	p->ops->begin(p, stream_id);
}

static const struct peer_ops	wait_ops = {
	.begin = wait_begin,
	.frame = wait_frame,
	.ping = wait_ping,
	.write = wait_write,
	.finish = wait_finish,
};

static const struct peer_ops	keep_ops = {
	.begin = wait_begin,
	.frame = wait_keep,
	.ping = wait_ping,
	.write = wait_write,
	.finish = wait_finish,
};

static const struct peer_ops	hold_ops = {
	.begin = hold_begin,
	.frame = wait_frame,
	.ping = wait_ping,
	.write = wait_write,
	.finish = wait_finish,
};

static struct wait *
wait_new(struct req *r, const struct peer_ops *ops, int (*then)(struct req *, void *), void *arg)
{
	struct wait	*wait = xcalloc(1, sizeof(*wait));

	req_drain(r);			/* a body that came broken only costs the connection */
	wait->req = *r;
	wait->req.then = then;
	wait->req.then_arg = arg;
	wait->stream.peer.ops = ops;
	wait->stream.peer.fd = fcgi_fd(r->io);
	r->detached = true;
	r->status = 200;
	r->places = (struct places){ 0 };
	r->reply = r->reply_headers = (struct str){ 0 };
	r->upload = NULL;
	r->cx.a = NULL;
	return wait;
}

struct peer *
req_wait(struct req *r, int (*then)(struct req *, void *), void *arg)
{
	return &wait_new(r, &wait_ops, then, arg)->stream.peer;
}

struct peer *
req_wait_last(struct req *r, int (*then)(struct req *, void *), void *arg)
{
	return &wait_new(r, &keep_ops, then, arg)->stream.peer;
}

struct peer *
req_hold(struct req *r, const char *prefix, int (*then)(struct req *, void *), void *arg)
{
	struct wait	*wait;

	if (r->socket != NULL)		/* its messages have no status */
		return req_stream(r, prefix);
	wait = wait_new(r, &hold_ops, then, arg);
	wait->stream.prefix = prefix;
	wait->stream.peer.buf.cap = STREAM_WAITING_MOST;
	return &wait->stream.peer;
}
