/* jobs_process: the process that does the work of the background, from its fork to its end. */
#ifndef PARLEY_JOBS_PROCESS_H
#define PARLEY_JOBS_PROCESS_H

#include <sys/types.h>

#include "base/conf.h"

/*
 * Works until it is told to leave: HUP lets it end the job it is at, TERM, INT and QUIT have it
 * give that back, for others to begin at once. Its pid goes to ready_fd once it works. The exit
 * status. The signals it takes are blocked already.
 */
int	 jobs_process_run(const struct conf *, int number, pid_t master, int ready_fd);

#endif
