/*
 * loop: one thread, one epoll: descriptors, posted functions, a tick. Whatever runs on it must
 * never block. Only loop_post may be called from other threads.
 */
#ifndef PARLEY_LOOP_H
#define PARLEY_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct watch {			/* embed it; lives until loop_del */
	int	  fd;
	void	(*fn)(struct watch *, uint32_t events);		/* EPOLLIN… */
};

/*
 * A round: wait, read the clock, descriptors (posted functions among them), alarm, tick, the
 * functions of loop_on_round. Watches may be added, changed and deleted from within any of them.
 * What the kernel refuses (other than a descriptor that is gone already) ends the process: it is
 * out of memory or we are wrong.
 */
struct loop	*loop_new(void);
void		 loop_free(struct loop *);	/* NULL is fine; functions still posted never run */
/*
 * Adding what is watched already changes it, and the other way round: curl reuses numbers before it
 * tells us.
 */
void		 loop_add(struct loop *, struct watch *, uint32_t events);
void		 loop_mod(struct loop *, struct watch *, uint32_t events);
/*
 * After it no event reaches the watch any more, even one of this round. The descriptor stays open.
 */
void		 loop_del(struct loop *, struct watch *);

/* Runs fn(arg) on the loop in this round or the next, in the order posted. From any thread. */
void		 loop_post(struct loop *, void (*fn)(void *), void *arg);
/*
 * One alarm for the owner of the timer (curl): fn(arg) once after ms; -1 takes it back, another
 * call moves it.
 */
void		 loop_alarm(struct loop *, int64_t ms, void (*fn)(void *), void *arg);
/* fn(arg) about every 100 ms, from any number of owners (at most 8). */
void		 loop_on_tick(struct loop *, void (*fn)(void *), void *arg);
/* fn(arg) at the end of every round, in the order given (at most 8). */
void		 loop_on_round(struct loop *, void (*fn)(void *), void *arg);
/* Monotonic and wall milliseconds, read once per round. */
int64_t		 loop_now(const struct loop *);
int64_t		 loop_wall(const struct loop *);
int64_t		 loop_now_us(const struct loop *);	/* loop_now, in microseconds */

void		 loop_run(struct loop *);	/* until loop_stop */
void		 loop_stop(struct loop *);	/* on the loop; from elsewhere post it */

#endif
