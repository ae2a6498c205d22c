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

struct attempts	*attempts_new(struct loop *, struct asker *);
void		 attempts_free(struct attempts *);
/*
 * Begins to ask for the lane, whose attempt it becomes. ops are the lane's, as of one ask: arg is
 * the lane; end comes exactly once, unless cancelled, maybe from within; the attempt is gone then.
 */
void		 attempt_start(struct attempts *, struct lane *, const struct ask_ops *ops);
/* Ends the lane's attempt without a word. Was a model being asked? */
bool		 attempt_cancel(struct lane *);

#endif
