/* process: a child of the master from its fork to its end, and what the log says of that. */
#ifndef PARLEY_PROCESS_H
#define PARLEY_PROCESS_H

#include <sys/types.h>

#include <signal.h>

#include "base/conf.h"
#include "children.h"
#include "web/route.h"

/* What the master leaves to a child. */
struct process {
	const struct conf	*conf;
	const struct routes	*routes;
	int			 number;	/* of its kind, from 1 */
	pid_t			 master;
	int			 listen_fd;
	int			 ws_fd;		/* for WebSockets; -1: none */
	int			 handoff[2];	/* of connections: receives, sends */
	int			 ready_fd;	/* its pid goes there once it works */
};

/* Makes the set of signals that a process takes; the master blocks them before it has children. */
void	 process_signals(sigset_t *);
/* In the child: becomes one of that kind and works until it is told to leave. The exit status. */
int	 process_run(enum child_kind, const struct process *);
/* In the master: how one ended that waitpid gave with this status. */
void	 process_ended(const struct child *, int status);

/* What the kinds of processes have in common. */

/* It works: the master hears so. Closes ready_fd. */
void	 process_ready(const struct process *);
/*
 * Waits so many milliseconds (-1: for ever) for a signal that says how to leave. -1: none came, or
 * one that was dealt with here.
 */
int	 process_wait(int ms);

#endif
