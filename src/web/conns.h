/*
 * conns: the connections of a process. One is either idle, waiting in the epoll for its next
 * request, or taken by the thread that serves it (or by its stream). Idle ones belong to whoever
 * takes them first.
 */
#ifndef PARLEY_CONNS_H
#define PARLEY_CONNS_H

#include <stdbool.h>

struct conns;

struct conns	*conns_new(void);		/* NULL: errno */
void		 conns_free(struct conns *);	/* closes none; NULL is fine */
int		 conns_size(const struct conns *);	/* descriptors are below it */

/* A new one, taken by the caller. false: it was not added, its number is too high. */
bool		 conns_add(struct conns *, int fd);
/* A taken one is idle from now on: not ours to touch any more. */
void		 conns_rest(struct conns *, int fd);
/* false: it is not idle, or conns_rest has yet to come back: its caller looks again then. */
bool		 conns_take(struct conns *, int fd);
/* A taken one that is leaving: it is forgotten, not closed. -1: one that is closed already. */
void		 conns_drop(struct conns *, int fd);
int		 conns_taken(const struct conns *);	/* how many */

/*
 * A thread's part in watching the connections; zero before its first conns_wait. From then on it
 * watches, also while it serves what it was given, until conns_let.
 *
 * A request wakes one of those that wait. Where requests are served in less time than waking takes
 * that is a waste: so who has kept the watch for many turns rests, as long as another watches.
 */
struct conns_watch {
	bool		 on;
	unsigned	 kept;		/* turns */
};

/*
 * Blocks until there is something to read from an idle connection (its descriptor, taken) or
 * conns_wake (-1).
 */
int		 conns_wait(struct conns *, struct conns_watch *);
/*
 * This thread does not watch until it waits again: due before anything that may block. When nobody
 * else does, one that rests is called.
 */
void		 conns_let(struct conns *, struct conns_watch *);
void		 conns_wake(struct conns *, unsigned n);	/* n conns_wait return -1 */

#endif
