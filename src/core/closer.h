/*
 * closer: one thread with its own connection that writes the ends of lanes: text, usage,
 * citations, cost and status in one transaction, several lanes per commit where several wait.
 * What it is given it keeps trying until it is stored: a lane that cannot be written is tried
 * alone and again, and while the database is away for long its end is forced to the spool's disk
 * instead, so that its last messages can go out.
 */
#ifndef PARLEY_CLOSER_H
#define PARLEY_CLOSER_H

#include "base/conf.h"
#include "core/turn.h"

struct closer;

/* The engine's spool directory and voices are set. */
struct closer	*closer_start(struct engine *, const struct conf *);
/* From the loop. The lane is not touched by others until lane_saved. */
void		 closer_put(struct closer *, struct lane *);
/*
 * Ends the thread when all is saved, or, with the database away, at once: the spool has the rest.
 */
void		 closer_stop(struct closer *);

#endif
