/*
 * slot: the number of a worker process among all that share a state directory, from 0. What a
 * worker holds in shared memory (calls that run, streams that are open) stands under its slot, so
 * that what a dead one held can be given back.
 *
 * A slot is a lock on one byte of the file `slots`, which the kernel lets go with its process.
 */
#ifndef PARLEY_SLOT_H
#define PARLEY_SLOT_H

#include <stdbool.h>

#define SLOTS	128

/* Opens (makes) state_dir/slots. Once more: of another directory. -1: errno. */
int	 slot_open(const char *state_dir);
/*
 * fn(slot) is called before a slot has a new owner and when its owner is found dead: what stands
 * under it is set to nothing. At most 8; of processes that fork, before they do.
 */
void	 slot_on_free(void (*fn)(int slot));
/* Takes a free slot for this process, until it ends. -1: errno, EAGAIN when all are taken. */
int	 slot_take(void);
int	 slot_self(void);		/* -1: this process has none */
bool	 slot_any(void);		/* any process has one; where that cannot be told, yes */
/* Frees what dead processes held. The master's, when a child died. */
void	 slot_sweep(void);

#endif
