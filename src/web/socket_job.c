/* What request threads do for a connection, and what is logged of it. */
#include "socket.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/figures.h"
#include "sockets.h"
#include "worker.h"

/* ---- the log, which may block ---------------------------------------------------------------- */

struct end {
	struct request_note	 note;
	int64_t			 bytes, messages;
	int			 code;		/* of a connection; 0: it is a turn's */
	bool			 gone;
};

static void
log_end(struct ctx *cx, void *arg)
{
	struct end	*e = arg;

	(void)cx;
	if (e->code != 0)
		request_log_socket(&e->note, e->code, e->messages, e->bytes);
	else
		request_log(&e->note, 200, e->bytes, e->gone);
	free(e);
}

static void
end_later(struct socket *s, const struct end *e)
{
	struct end	*copy = xmalloc(sizeof(*copy));

	*copy = *e;
	worker_job(s->worker, log_end, copy);
}

void
socket_turn_over(struct socket *s, bool gone)
{
	places_leave(&s->turn_places);
	figure_add(FIG_STREAMS, -1);
	end_later(s, &(struct end){ .note = s->turn, .gone = gone,
	    .bytes = s->bytes - s->turn_bytes });
	atomic_store(&s->turn_id, 0);
	atomic_store(&s->streaming, false);
}

void
socket_over(struct socket *s)
{
	end_later(s, &(struct end){ .note = s->note, .code = s->code, .bytes = s->bytes,
	    .messages = s->messages });
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static void
log_request(struct socket *s, struct req *r)
{
	struct request_note	note;

	request_note(&note, r);
	if (s->why == REQ_OPEN) {
		s->note = note;
		if (r->status == 0)	/* it goes on, and is logged at its end */
			return;
	} else
		note.method = "MESSAGE";
	if (s->why == REQ_STILL || r->detached || (s->why == REQ_FIRST && r->status == 204))
		return;
	request_log(&note, r->status, (int64_t)r->reply.len, false);
}

static void
work(struct ctx *cx, void *arg)
{
	struct socket	*s = arg;
	struct req	 r = { .cx = *cx, .why = s->why, .socket = s, .params = s->params };

	if (s->why == REQ_CALL) {
		r.body = s->in.p;
		r.body_len = s->in.n;
	}
	memcpy(r.cx.rid, s->note.rid, sizeof(r.cx.rid));
	worker_answer(s->worker, &r);
	if (s->why == REQ_OPEN)
		reply_header(&r, "X-Request-Id", r.cx.rid);
	log_request(s, &r);
	s->said = (struct said){ .status = r.status, .type = r.reply_type,
	    .headers = r.reply_headers, .body = r.reply, .why = r.cx.fail.kind };
	if (r.detached || r.status == 204)
		str_free(&s->said.body);
	loop_post(s->all->loop, socket_worked, s);
}

void
socket_work(struct socket *s, enum req_for why)
{
	s->job = true;
	s->job_ms = loop_now(s->all->loop);
	s->why = why;
	worker_job(s->worker, work, s);
}

/* ---- the dispatcher and handlers ------------------------------------------------------------- */

int
socket_check(struct req *r)
{
	enum handshake_form	form = r->socket->handshake->form;

	if (form == HANDSHAKE_PLAIN || !(r->route->flags & R_SOCKET))
		return fail(&r->cx, F_UPGRADE, "websocket");
	if (form == HANDSHAKE_VERSION) {
		reply_header(r, "Sec-WebSocket-Version", "13");
		return fail(&r->cx, F_UPGRADE, "Sec-WebSocket-Version: 13");
	}
	if (form == HANDSHAKE_KEY)
		return fail(&r->cx, F_VALUE, "Sec-WebSocket-Key");
	return 0;
}

int
socket_admit(struct req *r)
{
	r->socket->admitted = true;
	r->socket->until_ms = r->until_ms;
	r->socket->places = r->places;
	r->places = (struct places){ 0 };
	return 0;
}

bool
socket_streaming(const struct socket *s)
{
	return atomic_load(&s->streaming);
}

int64_t
socket_turn(const struct socket *s)
{
	return atomic_load(&s->turn_id);
}

struct peer *
socket_stream(struct req *r)
{
	struct socket	*s = r->socket;

	request_note(&s->turn, r);
	s->turn.method = "MESSAGE";
	s->turn.stream = true;
	s->turn_places = r->places;
	r->places = (struct places){ 0 };
	s->turn_bytes = s->bytes;
	figure_add(FIG_STREAMS, 1);
	r->detached = true;
	r->status = 200;
	atomic_store(&s->streaming, true);
	return &s->peer;
}
