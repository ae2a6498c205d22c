/*
 * engine: what one worker process runs turns with: relay loop, peers, upstream calls,
 * spool and closer. One per process.
 */
#ifndef PARLEY_ENGINE_H
#define PARLEY_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/loop.h"
#include "base/peer.h"

struct engine;

/*
 * Starts the loop and closer threads; first closes, as failed, what dead workers left
 * in their spools. NULL: logged.
 */
struct engine	*engine_start(const struct conf *);
struct peers	*engine_peers(struct engine *);
struct loop	*engine_loop(struct engine *);
int64_t		 engine_id(const struct engine *);	/* of this worker's spool: turn.worker */
/* Turns that have not ended, or whose end is not stored yet. From any thread. */
int		 engine_running(const struct engine *);
/*
 * Fails what still runs in band (F_UNAVAILABLE); the text is stored. From any thread;
 * running falls to 0 soon after.
 */
void		 engine_fail_all(struct engine *);
/*
 * Ends the threads and frees it; running must be 0, or what runs is left
 * to the next worker's recovery.
 */
void		 engine_stop(struct engine *);

#endif
