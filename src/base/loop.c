#include "loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "clock.h"
#include "log.h"

#define EVENTS	32	/* of one round: the last of them waits for all before it */
#define OWNERS	8
#define TICK	100	/* ms */

struct call {
	void	(*fn)(void *);
	void	*arg;
};

struct calls {
	struct call	*v;
	size_t		 n, size;
};

struct loop {
	int			 ep;
	bool			 stopped;
	int64_t			 now, now_us, wall;

	struct epoll_event	 event[EVENTS];	/* of this round */
	int			 at, n;		/* the one being served, how many */

	struct call		 tick[OWNERS], round[OWNERS];
	int			 nticks, nrounds;
	int64_t			 tick_at;
	struct call		 alarm;		/* fn NULL: none */
	int64_t			 alarm_at;

	struct watch		 wake;		/* an eventfd: `posted` is no more empty */
	pthread_mutex_t		 lock;		/* of `posted` */
	struct calls		 posted, running;
};

static void __attribute__((noreturn))
loop_die(const char *what, int fd)
{
	log_error("loop", LOG_S("call", what), LOG_I("fd", fd), LOG_S("error", strerror(errno)));
	abort();
}

static void
loop_clock(struct loop *l)
{
	l->now_us = clock_mono_us();
	l->now = l->now_us / 1000;
	l->wall = clock_ms();
}

/*
 * Runs what was posted. A function posted meanwhile finds an empty list, so it wakes the next
 * round.
 */
static void
loop_wake(struct watch *w, uint32_t events)
{
	struct loop	*l = (struct loop *)((char *)w - offsetof(struct loop, wake));
	struct calls	 swap;
	uint64_t	 count;
	size_t		 i;

	(void)events;
	if (read(w->fd, &count, sizeof(count)) == -1 && errno != EAGAIN)
		loop_die("read eventfd", w->fd);
	pthread_mutex_lock(&l->lock);
	swap = l->posted;
	l->posted = l->running;
	l->running = swap;
	pthread_mutex_unlock(&l->lock);
	for (i = 0; i < l->running.n; i++)
		l->running.v[i].fn(l->running.v[i].arg);
	l->running.n = 0;
}

struct loop *
loop_new(void)
{
	struct loop	*l = xcalloc(1, sizeof(*l));

	if ((l->ep = epoll_create1(EPOLL_CLOEXEC)) == -1)
		loop_die("epoll_create1", -1);
	if ((l->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) == -1)
		loop_die("eventfd", -1);
	l->wake.fn = loop_wake;
	pthread_mutex_init(&l->lock, NULL);
	loop_clock(l);
	loop_add(l, &l->wake, EPOLLIN);
	return l;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	close(l->wake.fd);
	close(l->ep);
	pthread_mutex_destroy(&l->lock);
	free(l->posted.v);
	free(l->running.v);
	free(l);
}

void
loop_add(struct loop *l, struct watch *w, uint32_t events)
{
	struct epoll_event	e = { .events = events, .data.ptr = w };

	if (epoll_ctl(l->ep, EPOLL_CTL_ADD, w->fd, &e) == 0)
		return;
	if (errno != EEXIST || epoll_ctl(l->ep, EPOLL_CTL_MOD, w->fd, &e) == -1)
		loop_die("epoll_ctl add", w->fd);
}

void
loop_mod(struct loop *l, struct watch *w, uint32_t events)
{
	struct epoll_event	e = { .events = events, .data.ptr = w };

	if (epoll_ctl(l->ep, EPOLL_CTL_MOD, w->fd, &e) == 0)
		return;
	if (errno != ENOENT || epoll_ctl(l->ep, EPOLL_CTL_ADD, w->fd, &e) == -1)
		loop_die("epoll_ctl mod", w->fd);
}

void
loop_del(struct loop *l, struct watch *w)
{
	struct epoll_event	unused = { 0 };
	int			i;

	if (epoll_ctl(l->ep, EPOLL_CTL_DEL, w->fd, &unused) == -1 && errno != ENOENT &&
	    errno != EBADF)
		loop_die("epoll_ctl del", w->fd);
	for (i = l->at + 1; i < l->n; i++)
		if (l->event[i].data.ptr == w)
			l->event[i].data.ptr = NULL;
}

void
loop_post(struct loop *l, void (*fn)(void *), void *arg)
{
	const uint64_t	one = 1;
	struct calls	*c = &l->posted;
	bool		 first;

	pthread_mutex_lock(&l->lock);
	first = c->n == 0;
	if (c->n == c->size) {
		c->size = c->size == 0 ? 16 : c->size * 2;
		c->v = xrealloc(c->v, c->size * sizeof(*c->v));
	}
	c->v[c->n++] = (struct call){ fn, arg };
	pthread_mutex_unlock(&l->lock);
	if (first && write(l->wake.fd, &one, sizeof(one)) == -1)
		loop_die("write eventfd", l->wake.fd);
}

void
loop_alarm(struct loop *l, int64_t ms, void (*fn)(void *), void *arg)
{
	if (ms < 0) {
		l->alarm.fn = NULL;
		return;
	}
	l->alarm = (struct call){ fn, arg };
	l->alarm_at = clock_mono_ms() + ms;	/* after a long round `now` is early */
}

static void
owner_add(struct call *v, int *n, void (*fn)(void *), void *arg)
{
	if (*n == OWNERS) {
		errno = ENOSPC;
		loop_die("too many owners", -1);
	}
	v[(*n)++] = (struct call){ fn, arg };
}

void
loop_on_tick(struct loop *l, void (*fn)(void *), void *arg)
{
	if (l->nticks == 0)
		l->tick_at = clock_mono_ms() + TICK;
	owner_add(l->tick, &l->nticks, fn, arg);
}

void
loop_on_round(struct loop *l, void (*fn)(void *), void *arg)
{
	owner_add(l->round, &l->nrounds, fn, arg);
}

int64_t
loop_now(const struct loop *l)
{
	return l->now;
}

int64_t
loop_now_us(const struct loop *l)
{
	return l->now_us;
}

int64_t
loop_wall(const struct loop *l)
{
	return l->wall;
}

/* For epoll_wait: -1 when neither alarm nor tick is set. */
static int
loop_patience(const struct loop *l)
{
	int64_t	at = INT64_MAX, left;

	if (l->alarm.fn != NULL)
		at = l->alarm_at;
	if (l->nticks > 0 && l->tick_at < at)
		at = l->tick_at;
	if (at == INT64_MAX)
		return -1;
	left = at - clock_mono_ms();
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static void
loop_round(struct loop *l)
{
	struct watch	*w;
	struct call	 alarm;
	int		 i;

	l->n = epoll_wait(l->ep, l->event, EVENTS, loop_patience(l));
	if (l->n == -1) {
		if (errno != EINTR)
			loop_die("epoll_wait", l->ep);
		l->n = 0;
	}
	loop_clock(l);
	for (l->at = 0; l->at < l->n; l->at++)
		if ((w = l->event[l->at].data.ptr) != NULL)
			w->fn(w, l->event[l->at].events);
	l->n = 0;
	if (l->alarm.fn != NULL && l->alarm_at <= l->now) {
		alarm = l->alarm;
		l->alarm.fn = NULL;		/* it may set the next one */
		alarm.fn(alarm.arg);
	}
	if (l->nticks > 0 && l->tick_at <= l->now) {
		l->tick_at = l->now + TICK;
		for (i = 0; i < l->nticks; i++)
			l->tick[i].fn(l->tick[i].arg);
	}
	for (i = 0; i < l->nrounds; i++)
		l->round[i].fn(l->round[i].arg);
}

void
loop_run(struct loop *l)
{
	l->stopped = false;
	while (!l->stopped)
		loop_round(l);
}

void
loop_stop(struct loop *l)
{
	l->stopped = true;
}
