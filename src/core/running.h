/*
 * running: what the parts of core that run turns share. Private to core; on the relay
 * loop unless it says otherwise.
 */
#ifndef PARLEY_RUNNING_H
#define PARLEY_RUNNING_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/conf.h"
#include "base/loop.h"
#include "base/out.h"
#include "base/peer.h"
#include "core/attempt.h"
#include "core/closer.h"
#include "core/engine.h"
#include "core/spool.h"
#include "core/turn.h"
#include "store/turn.h"
#include "upstream/ask.h"

struct engine {
	const struct conf	*conf;
	int64_t			 id;		/* turn.worker, and the name of the spool */
	struct loop		*loop;
	pthread_t		 thread;
	struct peers		*peers;
	struct asker		*asker;
	struct attempts		*attempts;
	struct spool		*spool;
	struct closer		*closer;
	struct turn		*turns;		/* all that are not done and saved */
	atomic_int		 running;
	struct out		 out;		/* where every voice writes */
	struct turn		*telling;	/* whose message that is, */
	const struct lane	*telling_lane;	/* and whose lane's; NULL: the whole turn's */
	int64_t			 swept_ms;	/* when the spool was last swept */
	int64_t			 told;		/* deltas of this round, see measure.c */
	bool			 cancel_gone;	/* on_disconnect = cancel */
	bool			 failing;	/* after engine_fail_all: what begins fails too */
};

/* tell.c: messages to the spool and to whoever listens. */
void	 tell_begin(struct turn *);
void	 tell_delta(struct lane *, const struct delta *);
void	 tell_end(struct lane *);		/* end or fail, then cite */
void	 tell_done(struct turn *);		/* done; the peer is let go */
/* The turn's peer joins the loop and gets its headers */
void	 tell_join(struct turn *);
void	 tell_message(void *engine, const char *, size_t);	/* what engine.out writes to */

/* lane.c: a lane's way from asked to told. */
void	 lane_ask(struct lane *);
void	 lane_asked(struct lane *);		/* its model is about to be: notes which */
/* Ends it with this status ("stop", "stopped", …) unless it has ended; it goes to the closer. */
void	 lane_end(struct lane *, const char *status, enum fail_kind why);
/* The same, its upstream cut off */
void	 lane_stop(struct lane *, const char *status, enum fail_kind why);
/*
 * The closer has persisted it (durably spooled, or saved in the database):
 * posted to the loop, arg is the lane.
 */
void	 lane_persisted(void *lane);
void	 lane_saved(void *lane);

/* turn_run.c: the turn as a whole. */
void	 turn_lane_ended(struct turn *);	/* one of its lanes did: is it time for fusion? */
void	 turn_lane_told(struct turn *);		/* one was told: was it the last? */
void	 turn_fail(struct turn *);		/* its running lanes end as F_UNAVAILABLE */
void	 turn_forget(struct turn *);		/* done and saved: frees it */

/* One that never ran, or is linked nowhere any more */
void	 turn_free(struct turn *);

/* turn.c: what the asking needs of a model, in another arena. */
struct model	*turn_model(struct arena *, const struct model *);

/*
 * context.c, on a request thread. Where and within which limits the lane's model and its fallbacks
 * are asked; no url: it cannot be (its key).
 */
void	 context_address(struct ctx *, struct lane *);
/* What it is asked, from what it has heard and said before. */
void	 context_ask(struct ctx *, struct lane *, const struct turn_spec *, const struct said *,
	    size_t n);
/* The request of the fusing lane, from the drafts of the others. On the loop. */
void	 context_fuse(struct lane *);

#endif
