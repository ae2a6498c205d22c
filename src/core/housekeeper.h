/*
 * housekeeper: one thread per worker, with its own connection, for what is done by the clock:
 * renewing the node's lease, hearing which turns were asked to stop, and, with cluster = on, giving
 * other hosts the records of this worker's turns, getting theirs, and closing what lost hosts left.
 * With the database away it waits. Private to core.
 */
#ifndef PARLEY_HOUSEKEEPER_H
#define PARLEY_HOUSEKEEPER_H

#include <stdbool.h>

struct engine;
struct housekeeper;

struct housekeeper	*housekeeper_start(struct engine *);
/* Ends the thread; what it had not shared yet is shared first, where the database is there. */
void			 housekeeper_stop(struct housekeeper *);	/* NULL is fine */
/* Another state directory has our node's number: this worker must leave. From any thread. */
bool			 housekeeper_outcast(const struct housekeeper *);

#endif
