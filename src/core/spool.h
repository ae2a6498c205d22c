/*
 * spool: what turns say, on disk before anybody hears it, so that no
 * dying process loses what was sent.
 *
 * One directory per worker: append-only segment files (64 MiB), written once per loop round for
 * all turns, through a mapped window, never synced (the page cache outlives a killed process).
 * The directory is flocked by its worker; only an unlocked one is recovered. Deltas hold their
 * text and time, every other message its encoded form, so that it can be told again byte for
 * byte. A turn's records are chained backwards: each knows the position of the one before.
 *
 * All of it belongs to one thread, but spool_sync and spool_full.
 */
#ifndef PARLEY_SPOOL_H
#define PARLEY_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum spool_kind {
	/* First of a turn: what its voice must know of it, JSON (retell.h) */
	SPOOL_BEGIN = 1,
	/*
	 * A lane is asked, or what it costs has changed: struct spool_asked. The last counts
	 */
	SPOOL_LANE,
	SPOOL_DELTA,		/* an event: text; flags are DELTA_ */
	SPOOL_MESSAGE,		/* an event: the encoded message */
	SPOOL_CITE,		/* one citation of the lane, as JSON; no event */
	/*
	 * The upstream is done with the lane's answer: struct spool_ended; no event. Of several the
	 * last counts: what follows the answer costs, too
	 */
	SPOOL_END,
	SPOOL_STORED,		/* the turn is in the database; no event, no payload */
	SPOOL_DONE,		/* all was told: no event follows; no payload */
	/* After every SPOOL_MARK_EVERY-th event: where the mark before is (uint64_t); no event */
	SPOOL_MARK,
	SPOOL_TOOL,		/* a tool has run for the lane, as JSON; no event */
	SPOOL_QUESTIONS,	/* what may be asked next (turn.h), as JSON; no event */
	SPOOL_SEAMS,		/* where the answer went on (turn.h), as JSON; no event */
};

#define SPOOL_MARK_EVERY	256

#define SPOOL_NO_LANE	0xffff	/* lane of what is said of the turn as a whole */

/* Both grow at their end: who reads them takes what is there. */
struct spool_asked {
	int64_t	 answer;
	int64_t	 prompt_tokens;		/* what is asked now estimated, */
	int64_t	 model;			/* that is asked: not the lane's own where that failed */
	int64_t	 completion_tokens;	/* of earlier requests to it, like their prompts */
	double	 spent;			/* lane.spent */
};

#define SPOOL_ASKED_LEAST	16	/* bytes of it that were always there */
#define SPOOL_ENDED_LEAST	64	/* and of the other */

struct spool_ended {
	int64_t	 prompt_tokens, completion_tokens;
	int64_t	 first_ms, last_ms, ended_ms;
	int32_t	 estimated;
	int32_t	 why;			/* enum fail_kind */
	char	 status[16];
	double	 spent;			/* lane.spent */
	double	 cost;			/* lane.cost */
};

struct spool_record {
	int64_t		 turn;
	uint64_t	 prev;		/* position of the turn's record before; 0: none */
	int64_t		 at_ms;
	uint32_t	 event;		/* events of the turn so far, this one included */
	int		 lane;
	enum spool_kind	 kind;
	int		 flags;
	const char	*data;
	size_t		 len;
};

/* A turn's chain of records, kept by its writer: begins as zeros. */
struct spool_chain {
	uint64_t	first, last;	/* positions; 0: none yet */
	uint64_t	mark;		/* of its last mark */
	uint32_t	events;
};

struct spool;

/* Opens (makes) dir/<id in hex> for writing. keep_ms: how long ended turns stay. NULL: errno. */
struct spool	*spool_open(const char *dir, int64_t id, int64_t keep_ms);
/*
 * Closes it. The directory stays while a turn in it is needed, as a dead worker's, and while one
 * was less than keep_ms ago, as one that is recovered; else it goes.
 */
void		 spool_close(struct spool *);
/*
 * Queues a record behind the chain's last (prev and event are the spool's to set) and, after every
 * SPOOL_MARK_EVERY-th event, a mark. It is on disk after the next spool_write.
 */
void		 spool_add(struct spool *, const struct spool_record *, struct spool_chain *);
/*
 * Writes what is queued. -1: errno (ENOSPC: nothing is lost, it stays queued for the next round).
 * Disk is reserved SPOOL_AHEAD bytes ahead, so that a disk that runs full is noticed
 * (spool_full) while what runs can still end.
 */
int		 spool_write(struct spool *);
/* Nothing new should begin: no disk, or its directory was removed. From any thread. */
bool		 spool_full(const struct spool *);
/*
 * A turn that began here, or one who reads it (spool_hold), needs its records no more: once nobody
 * does they stay keep_ms.
 */
void		 spool_turn_done(struct spool *, uint64_t first);
/* One more needs the records of the turn that began there, until spool_turn_done. */
void		 spool_hold(struct spool *, uint64_t first);
/* Removes segments whose time has come. About once a second. */
void		 spool_sweep(struct spool *, int64_t now_ms);
/* Forces what was written to the disk. From any thread. */
int		 spool_sync(struct spool *);
uint64_t	 spool_bytes(const struct spool *);	/* on disk */

/*
 * What dead workers left. Every directory of `dir` that nobody has locked is locked: one whose
 * turns were all recovered more than keep_ms ago is removed, one that was not recovered is given to
 * fn with its id; where fn returns 0 it counts as recovered from now on. The number of directories
 * fn was called for. gone(arg, id), unless NULL, hears of those that are removed.
 */
int	 spool_orphans(const char *dir, int64_t keep_ms, int (*fn)(void *arg, const char *path,
	    int64_t id), void (*gone)(void *arg, int64_t id), void *arg);
/*
 * Every sound record of a directory with its position, in the order written; stops at the first
 * that is damaged. -1: errno, or fn returned -1.
 */
int	 spool_scan(const char *path, int (*fn)(void *arg, uint64_t pos,
	    const struct spool_record *), void *arg);
/*
 * Opens a dead worker's directory, whose lock the caller has (inside spool_orphans), to add to it
 * behind the last sound record: spool_add, spool_write, then spool_close, which leaves all of it
 * there. NULL: errno.
 */
struct spool	*spool_adopt(const char *path);

#endif
