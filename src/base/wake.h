/*
 * wake: one process of the host tells others that there is something to do, for those that wait for
 * it: a counter in state_dir/wake, which they share. Nothing is lost between a look and the wait.
 */
#ifndef PARLEY_WAKE_H
#define PARLEY_WAKE_H

#include <stdint.h>

/*
 * Maps the counter. Once more: of another directory. -1: errno. Without it nobody is woken, and
 * waiting takes its time.
 */
int		 wake_open(const char *state_dir);
/* From any thread, after what is to be found is there. */
void		 wake_send(void);
uint32_t	 wake_count(void);
/* Until the counter is another than `seen` (taken before the look), at most so long. */
void		 wake_wait(uint32_t seen, int ms);

#endif
