/* worker_process: the life of a process that serves requests. */
#ifndef PARLEY_WORKER_PROCESS_H
#define PARLEY_WORKER_PROCESS_H

#include "process.h"

/*
 * Serves until it is told to leave: HUP passes the kept connections on and stays until the last
 * stream has ended; TERM waits as long as the setting `drain` for that, INT and QUIT not at all:
 * what still runs then is failed in band. The exit status.
 */
int	 worker_process_run(const struct process *);

#endif
