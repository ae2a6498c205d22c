/* process: a worker process from its fork to its end. */
#ifndef PARLEY_PROCESS_H
#define PARLEY_PROCESS_H

#include <sys/types.h>

#include "base/conf.h"
#include "web/route.h"

struct process {
	const struct conf	*conf;
	const struct routes	*routes;
	int			 number;	/* of the worker, from 1 */
	pid_t			 master;
	int			 listen_fd;
	int			 ws_fd;		/* for WebSockets; -1: none */
	int			 handoff[2];	/* of connections: receives, sends */
	int			 ready_fd;	/* its pid goes there once it serves */
};

/*
 * Serves until it is told to leave: HUP passes the kept connections on and stays until the last
 * stream has ended; TERM waits as long as the setting `drain` for that, INT and QUIT not at all:
 * what still runs then is failed in band. The exit status. The signals it takes are blocked
 * already.
 */
int	 process_run(const struct process *);

#endif
