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
 * All of it belongs to one thread, but spool_sync.
 */
#ifndef PARLEY_SPOOL_H
#define PARLEY_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum spool_kind {
	/* First of a turn: voice name, version and language as text "arena 1 zh" */
	SPOOL_BEGIN = 1,
	SPOOL_LANE,		/* a lane is asked: struct spool_asked */
	SPOOL_DELTA,		/* an event: text; flags are DELTA_ */
	SPOOL_MESSAGE,		/* an event: the encoded message */
	SPOOL_CITE,		/* one citation of the lane, as JSON; no event */
	/* The upstream is done with the lane: struct spool_ended; no event */
	SPOOL_END,
	SPOOL_STORED,		/* the turn is in the database; no event, no payload */
};

struct spool_asked {
	int64_t	 answer;
	int64_t	 prompt_tokens;		/* estimated */
	int64_t	 model;			/* that is asked: not the lane's own where that failed */
};

struct spool_ended {
	int64_t	 prompt_tokens, completion_tokens;
	int64_t	 first_ms, last_ms, ended_ms;
	int32_t	 estimated;
	int32_t	 why;			/* enum fail_kind */
	char	 status[16];
};

struct spool_record {
	int64_t		 turn;
	uint64_t	 prev;		/* position of the turn's record before; 0: none */
	int64_t		 at_ms;
	int		 lane;
	enum spool_kind	 kind;
	int		 flags;
	const char	*data;
	size_t		 len;
};

struct spool;

/* Opens (makes) dir/<id in hex> for writing. keep_ms: how long ended turns stay. NULL: errno. */
struct spool	*spool_open(const char *dir, int64_t id, int64_t keep_ms);
/* Closes it; the directory goes too when nothing in it is needed any more. */
void		 spool_close(struct spool *);
/* Queues a record behind *last and moves *last to it. It is on disk after the next spool_write. */
void		 spool_add(struct spool *, const struct spool_record *, uint64_t *last);
/*
 * Writes what is queued. -1: errno (ENOSPC: nothing is lost, it stays queued for the next round).
 */
int		 spool_write(struct spool *);
/*
 * A turn that began here needs its records no more, but for those who
 * still read: they stay keep_ms.
 */
void		 spool_turn_done(struct spool *, uint64_t first);
/* Removes segments whose time has come. About once a second. */
void		 spool_sweep(struct spool *, int64_t now_ms);
/* Forces what was written to the disk. From any thread. */
int		 spool_sync(struct spool *);
/*
 * The record at a position, its data in the arena. -1: there is none, or it is damaged. Only of
 * this spool's segments; what is queued must be written first.
 */
int		 spool_read(struct spool *, uint64_t pos, struct arena *, struct spool_record *);
uint64_t	 spool_bytes(const struct spool *);	/* on disk */

/*
 * Reading what a dead worker left. Every directory of `dir` that nobody has locked is locked and
 * given to fn with its id; fn returns 0 when everything in it is stored (then it is removed). The
 * number of directories fn was called for.
 */
int	 spool_orphans(const char *dir, int (*fn)(void *arg, const char *path, int64_t id),
	    void *arg);
/*
 * Every sound record of a directory in the order written; stops at the
 * first that is damaged. -1: errno.
 */
int	 spool_scan(const char *path, int (*fn)(void *arg, const struct spool_record *), void *arg);

#endif
