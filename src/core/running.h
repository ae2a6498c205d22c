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
#include "core/follow.h"
#include "core/post.h"
#include "core/registry.h"
#include "core/spool.h"
#include "core/spool_reader.h"
#include "core/turn.h"
#include "store/turn.h"
#include "upstream/ask.h"

#define TABLE_BITS	12
#define TABLE_SIZE	(1 << TABLE_BITS)

struct housekeeper;
struct remote;
struct remote_reader;

struct engine {
	const struct conf	*conf;
	const struct voice	*const *voices;
	int64_t			 id;		/* turn.worker, and the name of the spool */
	char			*spool_dir;	/* with the spools of all workers */
	struct loop		*loop;
	pthread_t		 thread;
	struct peers		*peers;
	struct asker		*asker;
	struct attempts		*attempts;
	struct spool		*spool;
	struct spool_reader	*reader;	/* the loop's */
	struct post		*post;
	struct closer		*closer;
	struct remote		*remote;	/* followers of other hosts' turns */
	struct housekeeper	*housekeeper;
	_Atomic(struct turns *)	 unbegun;	/* from the loop to the housekeeper; or NULL */
	struct turn		*turns;		/* all that are not done and saved */
	struct turn		*turn_table[TABLE_SIZE];	/* the same by id */
	struct turn		*dirty;		/* those with records that nobody was told of */
	struct lane		*ended;		/* whose end is queued for the spool */
	struct follow		*follows;	/* all that run */
	struct follow		*follow_table[TABLE_SIZE];	/* the same by turn */
	atomic_int		 running;
	struct out		 out;		/* where every voice writes */
	struct turn		*telling;	/* whose message that is, */
	const struct lane	*telling_lane;	/* and whose lane's; NULL: the whole turn's */
	struct follow		*following;	/* or to whom it is told again */
	int64_t			 swept_ms;	/* when the spool was last swept */
	int64_t			 told;		/* deltas of this round, see measure.c */
	bool			 cancel_gone;	/* on_disconnect = cancel */
	bool			 failing;	/* after engine_fail_all: what begins fails too */
};

/* Where a turn's id stands in the tables. */
static inline size_t
table_slot(int64_t id)
{
	return (size_t)((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> (64 - TABLE_BITS));
}

/* tell.c: messages to the spool and to whoever listens. */
/* A record of the turn, or of the lane (NULL: of the turn as a whole). */
void	 tell_record(struct turn *, const struct lane *, enum spool_kind, int flags, int64_t at_ms,
	    const void *, size_t);
void	 tell_begin(struct turn *);
void	 tell_delta(struct lane *, const struct delta *);
/* Has a lane's voice say its end or failure to `out`; and then its citations. */
void	 tell_outcome(const struct lane *, struct out *);
void	 tell_last(const struct lane *, struct out *);
void	 tell_end(struct lane *);		/* the same, to the spool and who listens */
void	 tell_done(struct turn *);		/* done; the peer is let go */
/* The turn's peer joins the loop and gets its headers */
void	 tell_join(struct turn *);

/* news.c: who is told that there are new records, once they are in the spool. */
void	 news_note(struct turn *);		/* it has new records */
void	 news_round(void *engine);		/* writes the spool and tells of it */
void	 news_letter(void *engine, const struct post_letter *);

/* lane.c: a lane's way from asked to told. */
void	 lane_ask(struct lane *);
void	 lane_ask_models(struct lane *);	/* its models, as spec and fallbacks say */
void	 lane_asked(struct lane *);		/* its model is about to be: notes which */
/* A record of it that is no event. */
void	 lane_note(struct lane *, enum spool_kind, const void *, size_t);
/* Tells a piece of its answer. -1: it would be too long. */
int	 lane_say(struct lane *, const struct delta *);
/* A citation, JSON in the turn's arena, which it has once. */
void	 lane_cite(struct lane *, char *);
/* A reader waits for the end of its reasoning. */
void	 lane_close_thought(struct lane *);
/*
 * A request for its answer has ended: adds its tokens. out -1: nobody counted, the estimate of what
 * it has said since.
 */
void	 lane_charge(struct lane *, int64_t in, int64_t out);
/* Adds what tokens of a model cost to what it has spent. */
void	 lane_spend(struct lane *, const struct model *, int64_t in, int64_t out);
/* Notes what it has spent, and what more a request under way may cost. */
void	 lane_note_spent(struct lane *, double more);
/* What a request's end is for its answer: "stop", "error", … */
const char *lane_status(const struct ask_end *);
/* Its answer has ended so, and only what follows it is to come. */
void	 lane_settle(struct lane *, const char *status, enum fail_kind why);
/*
 * Ends it, as it was settled or else with this status ("stop", "stopped", …), unless it has ended;
 * it goes to the closer.
 */
void	 lane_end(struct lane *, const char *status, enum fail_kind why);
/* The same, its upstream cut off */
void	 lane_stop(struct lane *, const char *status, enum fail_kind why);
/* A delta is among what it said: counts it. */
void	 lane_count(struct lane *, const struct delta *);
int64_t	 lane_tokens(const struct lane *);	/* estimate of all it said */
/* What its SPOOL_END says. */
struct spool_ended lane_ended(const struct lane *);
/*
 * The closer has persisted it (durably spooled, or saved in the database):
 * posted to the loop, arg is the lane.
 */
void	 lane_persisted(void *lane);
void	 lane_saved(void *lane);
void	 lane_forget(struct lane *);		/* gives back the memory of what it said */

/* turn_run.c: the turn as a whole. */
struct turn *turn_running_here(const struct engine *, int64_t id);	/* NULL: none */
struct lane *turn_lane(struct turn *, int n);		/* by its number; NULL: none */
void	 turn_lane_ended(struct turn *);	/* one of its lanes did: is it time for fusion? */
void	 turn_lane_told(struct turn *);		/* one was told: was it the last? */
void	 turn_fail(struct turn *);		/* its running lanes end as F_UNAVAILABLE */
void	 turn_forget(struct turn *);		/* done, saved and published: frees it */

/* One that never ran, or is linked nowhere any more */
void	 turn_free(struct turn *);

/* turn.c: what the asking needs of a model, in another arena. */
struct model	*turn_model(struct arena *, const struct model *);

/*
 * follow_tell.c: followers while they run.
 */
enum follow_source {
	FOLLOW_SPOOL,		/* of a worker of this host */
	FOLLOW_STORED,		/* the database: what is stored of a turn that is over */
	FOLLOW_REMOTE,		/* the database: records that another host put there */
};

struct follow {
	struct engine		*engine;
	int64_t			 turn;		/* its id */
	int64_t			 worker;	/* who runs it, or did */
	enum follow_source	 source;
	const struct voice	*voice;
	/* The turn made again (retell.h); FOLLOW_REMOTE: NULL until its first record has come */
	struct turn		*told;
	struct peer		*peer;
	uint32_t		 after;		/* the peer has so many events */
	uint32_t		 events;	/* of a turn that is over: how many it has */
	/* Position of its first record, where our spool keeps them for it (spool_hold); or 0 */
	uint64_t		 first;
	uint64_t		 last;		/* of the newest that it knows */
	/* Positions of its next events, which were looked up at once; NULL: none */
	uint64_t		*ahead;
	size_t			 nahead, next_ahead;
	bool			 over;		/* no more records will come */
	bool			 asker;		/* its client is the one who asked */
	int			 step;		/* FOLLOW_STORED: what is told next */
	struct remote_reader	*reader;	/* FOLLOW_REMOTE: what it gets (follow_remote.h) */
	struct follow		*next, **prev;	/* the engine's list */
	struct follow		*same;		/* in its table */
};

/* The peer of a turn that is stored is slow: it hears the rest as a follower. */
void	 follow_give(struct turn *);
/* A turn has records up to `last` in that worker's spool; over: they are all. */
void	 follow_news(struct engine *, int64_t turn, uint64_t last, bool over);
/* It may have: looks into the registry. */
void	 follow_look(struct engine *, int64_t turn);
/* Is anybody here following the turn? */
bool	 follow_any(const struct engine *, int64_t turn);
void	 follow_tick(struct engine *);		/* once a second */
void	 follow_fail_all(struct engine *);	/* those that do not end with what runs here */
void	 follow_free_all(struct engine *);	/* after the loop's last round */

/*
 * A follower of another host's turn, while it runs. Its records come from the housekeeper, in
 * order and from the first on; what the peer has of them is passed over.
 */
bool	 follow_wants(const struct follow *);	/* false while its peer is slow */
void	 follow_record(struct follow *, const struct spool_record *);
/* No more come: the turn is over, or nobody knows. The follower is gone. */
void	 follow_end(struct follow *);

/*
 * context.c, on a request thread. Where and within which limits the lane's model and its fallbacks
 * are asked; no url: it cannot be (its key).
 */
void	 context_address(struct ctx *, struct lane *);
/* What it is asked, from what it has heard and said before, of which some is dropped. */
void	 context_ask(struct ctx *, struct lane *, const struct turn_spec *, struct said *,
	    size_t n);
/* The request of the fusing lane, from the drafts of the others. On the loop. */
void	 context_fuse(struct lane *);

#endif
