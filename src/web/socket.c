/* A connection on the loop: what is read, what is written, how it ends. */
#include "socket.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/figures.h"
#include "sockets.h"

#define WAITING_MOST	(4 << 20)	/* bytes: who lets more pile up is left */
#define READ_MOST	16384		/* bytes of one connection in a round */
#define CLOSE_WAIT	3000		/* ms for the client to close as well */
#define CHECK_MOST	5000		/* ms until it is asked again whether it may be */
#define HEEDS		(EPOLLIN | EPOLLRDHUP)

static struct socket *
socket_of(struct peer *p)
{
	return (struct socket *)p;
}

bool
socket_idle(const struct socket *s)
{
	return !s->job && !atomic_load(&s->streaming);
}

/* ---- out ------------------------------------------------------------------------------------- */

static void
put(struct socket *s, enum frame_kind kind, const void *p, size_t n)
{
	size_t	before = s->peer.buf.len;

	frames_put(s->frames, &s->peer.buf, kind, p, n);
	s->bytes += (int64_t)(s->peer.buf.len - before);
}

static void
on_begin(struct peer *p, int64_t stream_id)
{
	atomic_store(&socket_of(p)->turn_id, stream_id);
}

static void
on_frame(struct peer *p, const char *msg, size_t len, int64_t stream_id, int64_t n)
{
	(void)stream_id;
	(void)n;
	if (socket_of(p)->closing_ms == 0)
		put(socket_of(p), FRAME_TEXT, msg, len);
}

static void
on_ping(struct peer *p)
{
	(void)p;			/* a connection has pings of its own */
}

static ssize_t
on_write(struct peer *p, const char *data, size_t len)
{
	struct socket	*s = socket_of(p);
	ssize_t		 sent = send(p->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent == -1 && (errno == EAGAIN || errno == EINTR))
		sent = 0;
	else if (sent == -1 && s->job) {
		s->lost = true;		/* its turn may be about to join: it is told later */
		return (ssize_t)len;
	}
	if (sent > 0 && s->stalled)	/* he does read */
		s->heard_ms = loop_now(s->all->loop);
	s->stalled = sent < (ssize_t)len;
	if (s->broken && sent == (ssize_t)p->buf.len)
		shutdown(p->fd, SHUT_WR);
	return sent;
}

void
socket_close(struct socket *s, int code)
{
	if (s->closing_ms != 0)
		return;
	s->closing_ms = s->heard_ms = loop_now(s->all->loop);
	s->code = code;
	frames_put_close(s->frames, &s->peer.buf, code);
	peer_queued(&s->peer);
}

/* ---- in -------------------------------------------------------------------------------------- */

static ssize_t
take(void *arg, void *p, size_t n)
{
	struct socket	*s = arg;
	ssize_t		 got;

	if (s->early.len > 0) {
		n = n < s->early.len ? n : s->early.len;
		memcpy(p, s->early.p, n);
		str_cut(&s->early, n);
		if (s->early.len == 0)
			str_free(&s->early);
		return (ssize_t)n;
	}
	n = n < s->budget ? n : s->budget;
	if (n == 0 || s->eof)
		return 0;
	if ((got = recv(s->peer.fd, p, n, MSG_DONTWAIT)) <= 0) {
		s->eof = got == 0 || (errno != EAGAIN && errno != EINTR);
		return 0;
	}
	s->budget -= (size_t)got;
	s->heard_ms = loop_now(s->all->loop);
	return got;
}

/* The client closes, or answers our close: what is there goes out, and that was it. */
static void
closed(struct socket *s, int code)
{
	if (s->closing_ms == 0) {
		socket_close(s, code);
		if (code == CLOSE_NONE)
			s->code = CLOSE_NORMAL;
	}
	if (atomic_load(&s->streaming))
		socket_turn_over(s, true);
	peer_close(&s->peer);
}

static void
got(struct socket *s, enum frames_got what)
{
	switch (what) {
	case FRAMES_MESSAGE:
		if (s->closing_ms != 0)
			break;
		s->messages++;
		socket_work(s, REQ_CALL);
		peer_heed(&s->peer, 0);
		break;
	case FRAMES_PING:
		if (s->closing_ms != 0)
			break;
		put(s, FRAME_PONG, s->in.p, s->in.n);
		peer_queued(&s->peer);
		break;
	case FRAMES_CLOSE:
		closed(s, s->in.code);
		break;
	case FRAMES_BROKEN:
		s->broken = true;
		socket_close(s, s->in.code);
		break;
	default:		/* a pong: that something came is all it says */
		break;
	}
}

/* Whatever has come, up to a message. The socket may be gone afterwards. */
static void
read_on(struct socket *s)
{
	enum frames_got	what;
	char		rest[4096];

	s->budget = READ_MOST;
	while (!s->job && !s->peer.ending &&
	    (what = frames_next(s->frames, &s->in)) != FRAMES_NONE)
		got(s, what);
	while (!s->job && (s->broken || s->peer.ending) && take(s, rest, sizeof(rest)) > 0)
		continue;
	if (s->eof && !s->job)
		peer_leave(&s->peer);
}

static void
on_come(struct peer *p, uint32_t events)
{
	struct socket	*s = socket_of(p);

	(void)events;
	if (!s->job) {
		read_on(s);
		return;
	}
	/* Only that it was cut off can come now; its turn may be about to join. */
	s->lost = true;
	peer_unheed(p);
}

/* ---- turns and jobs -------------------------------------------------------------------------- */

/* Its turn has ended. */
static void
on_rest(struct peer *p)
{
	struct socket	*s = socket_of(p);

	p->buf.cap = WAITING_MOST;	/* stored answers have another */
	socket_turn_over(s, false);
	if (s->all->retiring && socket_idle(s))
		socket_close(s, CLOSE_LEAVING);
}

/* It may not be any more. */
static bool
is_out(const struct said *said, enum req_for why)
{
	return said->why == F_UNAUTHORIZED || (said->why == F_FORBIDDEN && why == REQ_STILL);
}

void
socket_worked(void *arg)
{
	struct socket	*s = arg;
	bool		 out = is_out(&s->said, s->why);

	s->job = false;
	if (s->why == REQ_OPEN) {
		socket_answer(s);
		return;
	}
	if (s->ended) {
		socket_free(s);
		return;
	}
	if (s->lost) {
		peer_leave(&s->peer);
		return;
	}
	s->heard_ms += loop_now(s->all->loop) - s->job_ms;	/* so long nothing was read */
	/* Whoever was not asked anything hears of nothing but that it is over. */
	if (s->said.body.len > 0 && (s->why != REQ_STILL || out))
		peer_message(&s->peer, s->said.body.p, s->said.body.len, 0, 0);
	str_free(&s->said.body);
	str_free(&s->said.headers);
	if (out)
		socket_close(s, CLOSE_POLICY);
	else if (s->all->retiring && socket_idle(s))
		socket_close(s, CLOSE_LEAVING);
	peer_heed(&s->peer, HEEDS);
	read_on(s);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void
on_finish(struct peer *p, bool gone)
{
	struct socket	*s = socket_of(p);
	struct sockets	*all = s->all;

	(void)gone;
	if (atomic_load(&s->streaming))
		socket_turn_over(s, true);
	places_leave(&s->places);
	figure_add(FIG_SOCKETS, -1);
	*s->prev = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	close(p->fd);
	socket_over(s);
	if (s->job)
		s->ended = true;
	else
		socket_free(s);
	atomic_fetch_sub(&all->open, 1);
}

static const struct peer_ops	ops = {
	.begin = on_begin,
	.frame = on_frame,
	.ping = on_ping,
	.write = on_write,
	.finish = on_finish,
	.come = on_come,
	.rest = on_rest,
};

void
socket_free(struct socket *s)
{
	frames_free(s->frames);
	str_free(&s->early);
	str_free(&s->said.body);
	str_free(&s->said.headers);
	arena_free(s->a);
	free(s);
}

void
socket_open(struct socket *s, int fd, const void *early, size_t n)
{
	struct sockets	*all = s->all;
	bool		 asks = false;

	for (char *const *p = s->params; *p != NULL; p++)
		asks |= strncmp(*p, "QUERY_STRING=", 13) == 0 && (*p)[13] != '\0';
	atomic_fetch_add(&all->open, 1);
	figure_add(FIG_SOCKETS, 1);
	s->frames = frames_new(take, s);
	s->code = CLOSE_LOST;
	s->heard_ms = s->pinged_ms = s->checked_ms = loop_now(all->loop);
	if (n > 0)
		str_put(&s->early, early, n);
	s->next = all->first;
	s->prev = &all->first;
	if (all->first != NULL)
		all->first->prev = &s->next;
	all->first = s;
	s->peer.ops = &ops;
	s->peer.fd = fd;
	s->peer.buf.cap = WAITING_MOST;
	peer_join(all->peers, &s->peer);
	if (asks) {
		socket_work(s, REQ_FIRST);
		peer_heed(&s->peer, 0);
		return;
	}
	if (all->retiring)
		socket_close(s, CLOSE_LEAVING);
	peer_heed(&s->peer, HEEDS);
	read_on(s);
}

/* Who may be has to be asked again: it was long ago, or his token has just ended. */
static bool
is_due(const struct socket *s, int64_t now, int64_t ping)
{
	return now - s->checked_ms >= (ping < CHECK_MOST ? ping : CHECK_MOST) ||
	    (s->until_ms != 0 && clock_ms() > s->until_ms);
}

void
socket_tick(struct socket *s, int64_t now)
{
	int64_t	period = 2000 * (int64_t)s->all->conf->ping;
	int64_t	wait = s->closing_ms != 0 ? CLOSE_WAIT : 2 * period;

	if (s->job)
		return;
	if (now - s->heard_ms >= wait) {
		peer_leave(&s->peer);
		return;
	}
	if (s->closing_ms != 0)
		return;
	if (now - s->pinged_ms >= period) {
		s->pinged_ms = now;
		put(s, FRAME_PING, NULL, 0);
		peer_queued(&s->peer);
	}
	if (is_due(s, now, period)) {
		s->checked_ms = now;
		socket_work(s, REQ_STILL);
		peer_heed(&s->peer, 0);
	}
}
