/*
 * limit: how often somebody may call and how many streams he may have open at once, over all
 * workers of the host, in memory that they share. Nothing is locked and nobody is waited for; who
 * comes and goes leaves nothing behind.
 *
 * Whom: a number for each user and address. 0 is nobody, who is never limited; nor is anybody
 * without limit_open, or at streams in a process without a slot.
 */
#ifndef PARLEY_LIMIT_H
#define PARLEY_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Maps state_dir/limits; before the workers fork, and after slot_open. Once more: of another
 * directory. -1: errno.
 */
int		 limit_open(const char *state_dir);

uint64_t	 limit_user(int64_t id);	/* 0: nobody */
uint64_t	 limit_sockets(int64_t id);	/* the same, as holder of WebSockets */
uint64_t	 limit_key(int64_t id);		/* an API key; 0: none */
/* REMOTE_ADDR; an IPv6 address is its network of 64 bits. 0: that is no address. */
uint64_t	 limit_address(const char *remote);

/*
 * Another call at this moment (monotonic microseconds), of `rate` per second, that many at once
 * where none came before. 0: it may, else how many microseconds it comes too early; then it does
 * not count.
 */
int64_t		 limit_call(uint64_t whom, int rate, int64_t now_us);

/*
 * The same, strictly: at most `rate` (1 to LIMIT_WINDOW_MOST) within a second from the first, so
 * the next one within it is too early, however evenly they come.
 */
#define LIMIT_WINDOW_MOST	65535
int64_t		 limit_window(uint64_t whom, int rate, int64_t now_us);

/*
 * Takes one of that many places, which limit_leave gives back, or the end of the process. false:
 * all are taken. Of two who come at the same moment for the last one both may be refused.
 */
bool		 limit_enter(uint64_t whom, int places);
void		 limit_leave(uint64_t whom);

#endif
