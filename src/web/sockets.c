/* All connections of a process: how they come, and what is done to each of them. */
#include "sockets.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "socket.h"
#include "worker.h"

#define TICK	1000		/* ms; a scan of all costs less than a timer for each */

/* ---- handshakes ------------------------------------------------------------------------------ */

/* They are needed for as long as it lives, the handshake's memory is not. */
static char *const *
copy(struct arena *a, char *const *params)
{
	char	**v;
	size_t	  n = 0;

	while (params[n] != NULL)
		n++;
	v = arena_array(a, n + 1, sizeof(*v));
	for (size_t i = 0; i < n; i++)
		v[i] = arena_strdup(a, params[i]);
	return v;
}

void
socket_answer(struct socket *s)
{
	struct said	said = s->said;

	s->said = (struct said){ 0 };
	if (s->admitted)
		handshake_accept(s->handshake, said.headers.p);
	else
		handshake_refuse(s->handshake, said.status, said.type, said.headers.p, said.body.p,
		    said.body.len);
	str_free(&said.body);		/* the socket may be gone */
	str_free(&said.headers);
}

static void
on_come(void *arg, struct handshake *h)
{
	struct sockets	*all = arg;
	struct socket	*s = xcalloc(1, sizeof(*s));

	s->all = all;
	s->worker = all->worker;
	s->peer.fd = -1;
	s->handshake = h;
	s->a = arena_new(512);
	s->params = copy(s->a, h->params);
	h->owner = s;
	socket_work(s, REQ_OPEN);
}

static void
on_open(struct handshake *h, int fd, const void *early, size_t n)
{
	struct socket	*s = h->owner;

	h->owner = NULL;
	s->handshake = NULL;
	socket_open(s, fd, early, n);
}

/* It never became one. */
static void
on_gone(struct handshake *h)
{
	struct socket	*s = h->owner;

	if (s == NULL)
		return;
	if (s->admitted)
		socket_over(s);
	places_leave(&s->places);
	socket_free(s);
}

static void
on_left(void *arg)
{
	struct sockets	*all = arg;

	atomic_fetch_sub(&all->open, 1);
}

static const struct handshake_ops	handshake_ops = {
	.come = on_come, .open = on_open, .gone = on_gone, .left = on_left,
};

/* ---- all ------------------------------------------------------------------------------------- */

struct coming {
	struct sockets	*all;
	struct worker	*worker;
	int		 fd;
};

static void
come(void *arg)
{
	struct coming	*c = arg;

	c->all->worker = c->worker;
	handshakes_take(c->all->handshakes, c->fd);
	free(c);
}

void
sockets_take(struct sockets *all, struct worker *w, int fd)
{
	struct coming	*c = xmalloc(sizeof(*c));

	*c = (struct coming){ .all = all, .worker = w, .fd = fd };
	atomic_fetch_add(&all->open, 1);
	loop_post(all->loop, come, c);
}

static void
retire(void *arg)
{
	struct sockets	*all = arg;

	all->retiring = true;
	for (struct socket *s = all->first; s != NULL; s = s->next)
		if (socket_idle(s))
			socket_close(s, CLOSE_LEAVING);
}

void
sockets_retire(struct sockets *all)
{
	loop_post(all->loop, retire, all);
}

int
sockets_open(const struct sockets *all)
{
	return atomic_load(&all->open);
}

static void
tick(void *arg)
{
	struct sockets	*all = arg;
	struct socket	*s, *next;
	int64_t		 now = loop_now(all->loop);

	if (now - all->ticked_ms < TICK)
		return;
	all->ticked_ms = now;
	handshakes_tick(all->handshakes);
	for (s = all->first; s != NULL; s = next) {
		next = s->next;
		socket_tick(s, now);
	}
}

struct sockets *
sockets_new(const struct conf *conf, struct loop *loop, struct peers *peers)
{
	struct sockets	*all = xcalloc(1, sizeof(*all));

	all->conf = conf;
	all->loop = loop;
	all->peers = peers;
	if ((all->handshakes = handshakes_new(loop, &handshake_ops, all)) == NULL) {
		log_error("libmicrohttpd does not start");
		free(all);
		return NULL;
	}
	loop_on_tick(loop, tick, all);
	return all;
}

void
sockets_free(struct sockets *all)
{
	if (all == NULL)
		return;
	handshakes_free(all->handshakes);
	free(all);
}
