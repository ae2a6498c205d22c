/* jobs_process: the life of a process that does the work of the background. */
#ifndef PARLEY_JOBS_PROCESS_H
#define PARLEY_JOBS_PROCESS_H

#include "process.h"

/*
 * Works until it is told to leave: HUP lets it end the job it is at, TERM, INT and QUIT have it
 * give that back, for others to begin at once. The exit status.
 */
int	 jobs_process_run(const struct process *);

#endif
