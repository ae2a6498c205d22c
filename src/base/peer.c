#include "peer.h"

#include <sys/epoll.h>

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>

#include "arena.h"
#include "figures.h"
#include "log.h"

#define LEFT	(EPOLLRDHUP | EPOLLHUP | EPOLLERR)

struct peers {
	struct loop	 *loop;
	struct peer	**dirty;	/* to be written at the round's end; NULL: went meanwhile */
	size_t		  n, size;
	bool		  flushing;
};

static void	peer_event(struct watch *, uint32_t);
static void	peers_flush(void *);

struct peers *
peers_new(struct loop *l)
{
	struct peers	*all = xcalloc(1, sizeof(*all));

	all->loop = l;
	loop_on_round(l, peers_flush, all);
	return all;
}

void
peers_free(struct peers *all)
{
	if (all == NULL)
		return;
	free(all->dirty);
	free(all);
}

void
peer_join(struct peers *all, struct peer *p)
{
	if (p->all != NULL)		/* it has stayed */
		return;
	p->all = all;
	p->queued_at = loop_now(all->loop);
	p->heeds = EPOLLRDHUP;
	p->watch = (struct watch){ .fd = p->fd, .fn = peer_event };
	loop_add(all->loop, &p->watch, p->heeds);
}

void
peer_heed(struct peer *p, uint32_t events)
{
	p->heeds = events;
	loop_mod(p->all->loop, &p->watch, p->waiting ? events | EPOLLOUT : events);
}

void
peer_unheed(struct peer *p)
{
	p->heeds = 0;
	loop_del(p->all->loop, &p->watch);
}

static void
peer_wait(struct peer *p)
{
	p->waiting = true;
	loop_mod(p->all->loop, &p->watch, p->heeds | EPOLLOUT);
}

/* There is something to do for the peer once its socket has room. */
static void
peer_touch(struct peer *p)
{
	struct peers	*all = p->all;

	if (p->dirty || p->waiting)
		return;
	if (all->flushing) {		/* the next round will see it */
		peer_wait(p);
		return;
	}
	if (all->n == all->size) {
		all->size = all->size == 0 ? 64 : all->size * 2;
		all->dirty = xrealloc(all->dirty, all->size * sizeof(struct peer *));
	}
	p->dirty = true;
	p->slot = all->n++;
	all->dirty[p->slot] = p;
}

/* Out of the loop and the list; the peer is freed by its finish(). */
static void
peer_finish(struct peer *p)
{
	loop_del(p->all->loop, &p->watch);
	if (p->dirty)
		p->all->dirty[p->slot] = NULL;
	if (p->high)
		figure_add(FIG_SLOW_CLIENTS, -1);
	str_free(&p->buf);
	p->ops->finish(p, p->gone);
}

void
peer_leave(struct peer *p)
{
	if (p->gone)			/* its owner says so from within on_gone */
		return;
	p->gone = true;
	if (p->on_gone != NULL)
		p->on_gone(p, p->owner);
	peer_finish(p);
}

static void
peer_event(struct watch *w, uint32_t events)
{
	struct peer	*p = (struct peer *)((char *)w - offsetof(struct peer, watch));

	if ((events & LEFT) && p->ops->come == NULL) {
		peer_leave(p);
		return;
	}
	if (events & EPOLLOUT) {
		p->waiting = false;
		loop_mod(p->all->loop, w, p->heeds);
		peer_touch(p);
	}
	if (events & (LEFT | EPOLLIN))
		p->ops->come(p, events);
}

void
peer_queued(struct peer *p)
{
	p->queued_at = loop_now(p->all->loop);
	if (!p->high && peer_is_high(p)) {
		p->high = true;
		figure_add(FIG_SLOW_CLIENTS, 1);
	}
	peer_touch(p);
}

void
peer_begin(struct peer *p, int64_t stream_id)
{
	if (p->gone || p->ending)
		return;
	p->ops->begin(p, stream_id);
	peer_queued(p);
}

void
peer_message(struct peer *p, const char *msg, size_t len, int64_t stream_id, int64_t n)
{
	if (p->gone || p->ending)
		return;
	p->ops->frame(p, msg, len, stream_id, n);
	peer_queued(p);
}

void
peer_ping(struct peer *p)
{
	if (p->gone || p->ending)
		return;
	p->ops->ping(p);
	peer_queued(p);
}

bool
peer_is_high(const struct peer *p)
{
	return p->buf.len > PEER_HIGH;
}

void
peer_end(struct peer *p)
{
	if (p->gone)
		return;
	p->on_gone = p->on_drained = NULL;
	p->owner = NULL;
	if (p->ops->rest != NULL)
		p->ops->rest(p);
	else
		peer_close(p);
}

void
peer_close(struct peer *p)
{
	void	(*gone)(struct peer *, void *) = p->on_gone;

	p->on_gone = NULL;
	p->on_drained = NULL;
	if (gone != NULL)
		gone(p, p->owner);
	p->owner = NULL;
	p->ending = true;
	peer_touch(p);
}

/* Ending writes a little more, and blocks where there is no room: is there? */
static bool
peer_writable(const struct peer *p)
{
	struct pollfd	pfd = { .fd = p->fd, .events = POLLOUT };

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLOUT);
}

/* Writes what the socket takes. The peer may be gone afterwards. */
static void
peer_write(struct peer *p)
{
	struct peers	*all = p->all;
	size_t		 slot = p->slot, n = p->buf.len < PEER_CHUNK ? p->buf.len : PEER_CHUNK;
	ssize_t		 taken = 0;

	if (p->buf.full || (n > 0 && (taken = p->ops->write(p, p->buf.p, n)) == -1)) {
		peer_leave(p);
		return;
	}
	if (taken > 0)
		str_cut(&p->buf, (size_t)taken);
	if (p->buf.len == 0 && p->buf.size > PEER_KEEP)
		str_free(&p->buf);
	if (p->high && p->buf.len < PEER_HIGH / 4) {
		p->high = false;
		figure_add(FIG_SLOW_CLIENTS, -1);
		if (p->on_drained != NULL)
			p->on_drained(p, p->owner);	/* it may queue, end or leave */
		if (all->dirty[slot] == NULL)
			return;
	}
	if (p->ending && p->buf.len == 0 && peer_writable(p))
		peer_finish(p);
}

static void
peers_flush(void *arg)
{
	struct peers	*all = arg;
	struct peer	*p;
	size_t		 i;

	all->flushing = true;
	for (i = 0; i < all->n; i++) {
		if ((p = all->dirty[i]) == NULL)
			continue;
		peer_write(p);
		if ((p = all->dirty[i]) == NULL)
			continue;
		p->dirty = false;
		if (p->buf.len > 0 || p->ending)
			peer_wait(p);
	}
	all->flushing = false;
	all->n = 0;
}
