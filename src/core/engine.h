/*
 * engine: what one worker process runs turns with: relay loop, peers, upstream calls,
 * spool and closer. One per process.
 */
#ifndef PARLEY_ENGINE_H
#define PARLEY_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/ctx.h"
#include "base/loop.h"
#include "base/peer.h"

struct engine;

struct voice;

/*
 * Closes, as failed, what dead workers left in their spools; then makes all of it, whose loop does
 * not run yet: who else lives on that is added now. voices: every voice there is, ended by NULL;
 * lives on. NULL: logged.
 */
struct engine	*engine_new(const struct conf *, const struct voice *const *voices);
void		 engine_start(struct engine *);	/* the loop runs, in a thread of its own */
struct peers	*engine_peers(struct engine *);
struct loop	*engine_loop(struct engine *);
int64_t		 engine_id(const struct engine *);	/* of this worker's spool: turn.worker */
/* Turns that have not ended, or whose end is not stored yet. From any thread. */
int		 engine_running(const struct engine *);
/*
 * Another host has our node's number now: all workers must leave. The process gets SIGTERM when
 * that is found. From any thread.
 */
bool		 engine_outcast(const struct engine *);
/* The disk of state_dir is full: no turn should begin. From any thread. */
bool		 engine_full(const struct engine *);
/*
 * Asks for the turn, which the caller may stop, to be stopped, whoever runs it: a note in the
 * database, which its worker reads within a second, and a letter to it where it is of this host. 1;
 * 0: the turn is over already; -1: ctx failed (F_NOT_FOUND: unknown, not the owner's, deleted).
 * owner 0: whoever's. engine NULL: from a process that runs no turns.
 */
int		 engine_stop_turn(struct ctx *, struct engine *, int64_t turn, int64_t owner);
/*
 * Fails what still runs in band (F_UNAVAILABLE); the text is stored. From any thread;
 * running falls to 0 soon after.
 */
void		 engine_fail_all(struct engine *);
/*
 * Once started: ends the threads and frees it; running must be 0, or what runs is left
 * to the next worker's recovery.
 */
void		 engine_stop(struct engine *);

#endif
