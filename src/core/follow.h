/*
 * follow: tells a turn to somebody who was not there from its first event on, or who reads slower
 * than it is told: from its records, byte for byte as they were or would have been sent, then on to
 * its end. Who comes after the records are gone gets the stored answers.
 *
 * Every follower reads the spool by itself, whoever runs the turn; the turn's worker only says that
 * there is news. From another host (cluster) the records come from the database.
 */
#ifndef PARLEY_FOLLOW_H
#define PARLEY_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"
#include "base/peer.h"
#include "core/engine.h"
#include "core/voice.h"

struct follow;

/*
 * A turn of the caller's that can be told again, its first `after` events left out. NULL: ctx
 * failed (F_NOT_FOUND: unknown, not the caller's, deleted or nothing of it stored; F_UNAVAILABLE:
 * the worker that ran it is dead and what it left not recovered yet). On a request thread.
 */
struct follow	*follow_find(struct ctx *, struct engine *, int64_t turn, int64_t after);
const struct voice	*follow_voice(const struct follow *);
bool		 follow_stored(const struct follow *);	/* it will tell the stored answers */
bool		 follow_over(const struct follow *);	/* the turn ended, and nothing is left */
/* Hands it to the loop, which frees it: the peer joins and hears it. From any thread. */
void		 follow_run(struct follow *, struct peer *);
void		 follow_free(struct follow *);		/* one that was not run */

/*
 * Number of the last event of what is stored, in id: lines (those before it have none): past any
 * that a turn can have, so that a client that comes back with it has everything.
 */
#define FOLLOW_STORED_EVENT	INT64_C(999999999)

#endif
