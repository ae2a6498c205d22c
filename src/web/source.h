/* source: a thread that waits in a blocking call for connections, and gives each away. */
#ifndef PARLEY_SOURCE_H
#define PARLEY_SOURCE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct source {
	/* The owner's: who gets each connection, on that thread; */
	void			(*take)(void *arg, int fd);
	void			*arg;
	/* and where it says that no more shall come. */
	const atomic_bool	*over;

	int			 sock;		/* -1: there is no such thread */
	int			(*next)(int sock);
	pthread_t		 thread;
	atomic_bool		 left;
};

/*
 * Start it, for a listening socket or one that connections of other processes come through
 * (handoff.h). -1 is no socket and no thread. They return -1 with errno.
 */
int	 source_listen(struct source *, int sock);
int	 source_receive(struct source *, int sock);
/* *over has been set: waits until the thread has gone. It need not have been started. */
void	 source_end(struct source *);

#endif
