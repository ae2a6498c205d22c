/*
 * attempt: a lane's way to a model that answers. Its candidates are its own model, then that
 * model's fallbacks in order; the lane's model and spec are always those of the one that is asked.
 * Private to core; on the relay loop.
 *
 * A candidate whose breaker is open, or that has as many calls as it may, is passed over. Where
 * some are full and no other takes the call it waits in a short queue for the first that has room.
 * Until the first token a failure leads to the next candidate at once, where fault.def says
 * elsewhere; where there is none, to the same one again, where it says again: at most twice, after
 * a pause that grows. After the first token nothing is tried again. All of it within the total
 * limit of the lane's first model. Whoever hears the lane is not told.
 */
#ifndef PARLEY_ATTEMPT_H
#define PARLEY_ATTEMPT_H

#include "base/loop.h"
#include "core/turn.h"
#include "upstream/ask.h"

#define ATTEMPT_RETRIES		2
#define ATTEMPT_WAIT_MS		10000	/* longest wait in a model's queue, */
#define ATTEMPT_WAITING		64	/* and most that wait in it, in this worker */
#define ATTEMPT_PATIENCE_S	3	/* a longer Retry-After is not waited for */

struct attempts;		/* per loop: all that wait for a place or to try again */

struct fallback {		/* a model that may be asked in another's place */
	const struct model	*model;
	struct ask_spec		 spec;
};

struct attempt_ops {			/* the lane's; arg is the lane */
	void		(*asked)(struct lane *);	/* the lane's model is about to be */
	/* As of one ask: end comes exactly once, unless cancelled, maybe from within */
	struct ask_ops	 ask;
};

struct attempts	*attempts_new(struct loop *, struct asker *);
void		 attempts_free(struct attempts *);
/* Begins to ask for the lane, whose attempt it becomes; with its end it is gone. */
void		 attempt_start(struct attempts *, struct lane *, const struct attempt_ops *);
/* Ends the lane's attempt without a word. Was a model being asked? */
bool		 attempt_cancel(struct lane *);

#endif
