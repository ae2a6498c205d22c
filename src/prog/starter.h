/*
 * starter: who has started serve, and is told how it fares: systemd, and the parent that waits
 * where we go into the background.
 */
#ifndef PARLEY_STARTER_H
#define PARLEY_STARTER_H

/*
 * Into the background: returns in a child, where *tell leads to the parent, which ends with the
 * status that starter_tell gives. -1: told on standard error.
 */
int	 starter_leave(int *tell);
/* The first time only: *tell is -1 afterwards, which is nobody. */
void	 starter_tell(int *tell, int status);
/* To systemd: READY=1 and what else sd_notify(3) knows. */
void	 starter_notify(const char *state);

#endif
