#include "stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/figures.h"
#include "base/ident.h"
#include "base/limit.h"
#include "base/peer.h"
#include "fcgi.h"
#include "req.h"
#include "serving.h"
#include "socket.h"
#include "worker.h"

#define TYPE		"text/event-stream; charset=utf-8"
#define CACHE		"no-cache"

static struct stream *
stream_of(struct peer *p)
{
	return (struct stream *)p;
}

/* What clients call it in /v1/streams. */
static void
stream_name(char name[IDENT_SEALED], int64_t id, bool sealed)
{
	if (sealed)
		ident_seal(name, REQ_STREAM_SEAL, id);
	else
		snprintf(name, IDENT_SEALED, "%" PRId64, id);
}

static void
stream_begin(struct peer *p, int64_t stream_id)
{
	struct stream	*s = stream_of(p);
	char		 name[IDENT_SEALED];

	str_puts(&p->buf, "Status: 200 OK\r\nContent-Type: " TYPE "\r\n"
	    "Cache-Control: " CACHE "\r\nX-Accel-Buffering: no\r\n");
	str_printf(&p->buf, "X-Request-Id: %s\r\n", s->note.rid);
	if (stream_id != 0) {
		stream_name(name, stream_id, s->sealed);
		str_printf(&p->buf, "X-Stream-Id: %s\r\n", name);
	}
	if (s->headers != NULL)
		str_puts(&p->buf, s->headers);
	str_puts(&p->buf, "\r\n");
	free(s->headers);
	s->headers = NULL;
}

/* A line break between two tokens of a message would end its data line: a blank does as well. */
static void
put_line(struct str *b, const char *msg, size_t len)
{
	const char	*end = msg + len;
	size_t		 n;

	for (; msg < end; msg += n) {
		for (n = 0; msg + n < end && msg[n] != '\n' && msg[n] != '\r'; n++)
			continue;
		str_put(b, msg, n);
		if (msg + n < end) {
			str_putc(b, ' ');
			n++;
		}
	}
}

static void
stream_frame(struct peer *p, const char *msg, size_t len, int64_t stream_id, int64_t n)
{
	struct stream	*s = stream_of(p);

	if (s->headers_only)
		return;
	if (s->ids && stream_id != 0)
		str_printf(&p->buf, "id: %" PRId64 "-%" PRId64 "\n", stream_id, n);
	str_puts(&p->buf, s->prefix);
	if (memchr(msg, '\n', len) == NULL && memchr(msg, '\r', len) == NULL)
		str_put(&p->buf, msg, len);
	else
		put_line(&p->buf, msg, len);
	str_put(&p->buf, "\n\n", 2);
}

static void
stream_ping(struct peer *p)
{
	if (!stream_of(p)->headers_only)
		str_puts(&p->buf, ": ping\n\n");
}

static ssize_t
stream_write(struct peer *p, const char *data, size_t len)
{
	struct stream	*s = stream_of(p);
	ssize_t		 sent = fcgi_send(s->io, data, len);

	if (sent > 0)
		s->bytes += sent;
	return sent;
}

/* On a request thread: a log may block. */
static void
stream_ended(struct ctx *cx, void *arg)
{
	struct stream	*s = arg;

	(void)cx;
	request_log(&s->note, 200, s->bytes, s->gone);
	free(s->headers);
	free(s);
}

void
places_leave(struct places *p)
{
	limit_leave(p->address);
	limit_leave(p->user);
	limit_leave(p->socket);
	*p = (struct places){ 0 };
}

static void
stream_finish(struct peer *p, bool gone)
{
	struct stream	*s = stream_of(p);
	struct worker	*w = s->worker;
	int		 fd;

	/* Who sees the end may ask at once again. */
	places_leave(&s->places);
	figure_add(FIG_STREAMS, -1);
	fd = fcgi_finish(s->io, gone);
	s->gone = gone;
	worker_job(w, stream_ended, s);
	worker_return(w, fd);
}

static const struct peer_ops	stream_ops = {
	.begin = stream_begin,
	.frame = stream_frame,
	.ping = stream_ping,
	.write = stream_write,
	.finish = stream_finish,
};

void
stream_become(struct stream *s, struct req *r)
{
	const char	*ids = req_header(r, "X-Stream-Ids");

	s->peer.ops = &stream_ops;
	s->io = r->io;
	s->worker = r->worker;
	if (r->reply_headers.len > 0)
		s->headers = xstrdup(r->reply_headers.p);
	s->ids = r->method == M_GET || (ids != NULL && strcmp(ids, "1") == 0);
	s->headers_only = r->method == M_HEAD;
	s->sealed = r->sealed;
	request_note(&s->note, r);
	s->note.stream = true;
	s->places = r->places;
	r->places = (struct places){ 0 };
	figure_add(FIG_STREAMS, 1);
	fcgi_read_done(r->io);
}

struct peer *
req_stream(struct req *r, const char *prefix)
{
	struct stream	*s;

	if (r->socket != NULL)
		return socket_stream(r);
	s = xcalloc(1, sizeof(*s));
	s->peer.fd = fcgi_fd(r->io);
	s->peer.buf.cap = STREAM_WAITING_MOST;
	s->prefix = prefix;
	req_drain(r);			/* a body that came broken only costs the connection */
	stream_become(s, r);
	r->detached = true;
	r->status = 200;
	return &s->peer;
}

int
req_stream_head(struct req *r, int64_t stream_id)
{
	char	 name[IDENT_SEALED];

	reply_header(r, "Cache-Control", CACHE);
	reply_header(r, "X-Accel-Buffering", "no");
	if (stream_id != 0) {
		stream_name(name, stream_id, r->sealed);
		reply_header(r, "X-Stream-Id", name);
	}
	return reply(r, 200, TYPE, "", 0);
}
