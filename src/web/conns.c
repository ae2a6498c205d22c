#include "conns.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"

#define MOST	(1 << 20)	/* descriptors, whatever the limit says */
#define KEPT	32		/* turns without conns_let after which a thread may rest */
#define ARMED	1u

struct conns {
	int			 ep;
	int			 wake;		/* a semaphore */
	int			 size;
	atomic_int		 taken;
	atomic_uint		 last;		/* ticket */

	pthread_mutex_t		 lock;		/* of the watch */
	pthread_cond_t		 call;
	int			 watching, resting;	/* threads */
	int			 called;	/* of those that watch: still on their way */

	/*
	 * By descriptor: the ticket with which it rests, 0 while it is taken. An event brings its
	 * ticket; who exchanges it for 0 has the connection. A late event of a number that was used
	 * again so finds another ticket. The lowest bit, ARMED, is added when the epoll has the
	 * connection: until then nobody but an event may take it, or it could be closed, and its
	 * number be another's, before the epoll is told.
	 */
	_Atomic uint32_t	*ticket;
};

struct conns *
conns_new(void)
{
	struct epoll_event	 e = { .events = EPOLLIN, .data.u64 = UINT64_MAX };
	struct rlimit		 limit = { .rlim_cur = 1024 };
	struct conns		*c = xcalloc(1, sizeof(*c));

	getrlimit(RLIMIT_NOFILE, &limit);
	c->size = limit.rlim_cur < MOST ? (int)limit.rlim_cur : MOST;
	c->ticket = xcalloc((size_t)c->size, sizeof(*c->ticket));
	c->wake = -1;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->call, NULL);
	if ((c->ep = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    (c->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE)) == -1 ||
	    epoll_ctl(c->ep, EPOLL_CTL_ADD, c->wake, &e) == -1) {
		conns_free(c);
		return NULL;
	}
	return c;
}

void
conns_free(struct conns *c)
{
	if (c == NULL)
		return;
	if (c->wake != -1)
		close(c->wake);
	if (c->ep != -1)
		close(c->ep);
	pthread_cond_destroy(&c->call);
	pthread_mutex_destroy(&c->lock);
	free(c->ticket);
	free(c);
}

int
conns_size(const struct conns *c)
{
	return c->size;
}

bool
conns_add(struct conns *c, int fd)
{
	if (fd >= c->size)
		return false;
	atomic_fetch_add(&c->taken, 1);
	return true;
}

/* Counted as taken before it is, so that the count never misses one. */
static bool
take(struct conns *c, int fd, uint32_t ticket)
{
	atomic_fetch_add(&c->taken, 1);
	if (atomic_compare_exchange_strong(&c->ticket[fd], &ticket, 0))
		return true;
	atomic_fetch_sub(&c->taken, 1);
	return false;
}

void
conns_rest(struct conns *c, int fd)
{
	struct epoll_event	e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT };
	uint32_t		ticket, resting;
	int			saved;

	do
		ticket = atomic_fetch_add(&c->last, 2) + 2;
	while (ticket == 0);
	e.data.u64 = (uint64_t)ticket << 32 | (uint32_t)fd;
	atomic_store(&c->ticket[fd], ticket);
	atomic_fetch_sub(&c->taken, 1);
	if (epoll_ctl(c->ep, EPOLL_CTL_MOD, fd, &e) == 0 ||
	    (errno == ENOENT && epoll_ctl(c->ep, EPOLL_CTL_ADD, fd, &e) == 0)) {
		resting = ticket;	/* unless an event was faster */
		atomic_compare_exchange_strong(&c->ticket[fd], &resting, ticket | ARMED);
		return;
	}
	saved = errno;
	take(c, fd, ticket);		/* nobody else can */
	log_error("epoll_ctl", LOG_I("fd", fd), LOG_S("error", strerror(saved)));
	conns_drop(c, fd);
	close(fd);
}

bool
conns_take(struct conns *c, int fd)
{
	uint32_t	ticket = atomic_load(&c->ticket[fd]);

	return (ticket & ARMED) && take(c, fd, ticket);
}

void
conns_drop(struct conns *c, int fd)
{
	/*
	 * Closing is not enough where another process got the connection: the epoll would still
	 * hold it.
	 */
	if (fd != -1)
		epoll_ctl(c->ep, EPOLL_CTL_DEL, fd, NULL);
	atomic_fetch_sub(&c->taken, 1);
}

int
conns_taken(const struct conns *c)
{
	return atomic_load(&c->taken);
}

/* The thread watches; before that it may rest. */
static void
watch(struct conns *c, struct conns_watch *w)
{
	if (w->on && ++w->kept < KEPT)
		return;
	pthread_mutex_lock(&c->lock);
	if (!w->on)
		c->watching++;
	else if (c->watching > 1) {
		c->watching--;
		c->resting++;
		while (c->called == 0)
			pthread_cond_wait(&c->call, &c->lock);
		c->called--;
	}
	pthread_mutex_unlock(&c->lock);
	*w = (struct conns_watch){ .on = true };
}

void
conns_let(struct conns *c, struct conns_watch *w)
{
	bool	call;

	if (!w->on)
		return;
	w->on = false;
	w->kept = 0;
	pthread_mutex_lock(&c->lock);
	call = --c->watching == 0 && c->resting > 0;
	if (call) {		/* it counts from now on, so that it is called but once */
		c->watching++;
		c->resting--;
		c->called++;
	}
	pthread_mutex_unlock(&c->lock);
	if (call)
		pthread_cond_signal(&c->call);
}

int
conns_wait(struct conns *c, struct conns_watch *w)
{
	struct epoll_event	e;
	uint64_t		count;
	uint32_t		ticket;
	int			fd;

	watch(c, w);
	for (;;) {
		if (epoll_wait(c->ep, &e, 1, -1) < 1)
			continue;
		if (e.data.u64 == UINT64_MAX) {
			if (read(c->wake, &count, sizeof(count)) == sizeof(count))
				return -1;
			continue;	/* another thread was faster */
		}
		fd = (int)(uint32_t)e.data.u64;
		ticket = (uint32_t)(e.data.u64 >> 32);
		if (take(c, fd, ticket) || take(c, fd, ticket | ARMED))
			return fd;
	}
}

void
conns_wake(struct conns *c, unsigned n)
{
	const uint64_t	count = n;

	if (write(c->wake, &count, sizeof(count)) != sizeof(count))
		log_error("eventfd", LOG_S("error", strerror(errno)));
}
