/*
 * follow_remote: followers of turns that run on other hosts, or did a while ago. Their records come
 * from the checkpoints (store/checkpoint.h) that those hosts write once a second: the housekeeper
 * asks the database for all followers of the worker at once, the loop hands them what came, as fast
 * as their peers take it. Private to core.
 */
#ifndef PARLEY_FOLLOW_REMOTE_H
#define PARLEY_FOLLOW_REMOTE_H

#include "base/ctx.h"
#include "store/turn.h"

struct engine;
struct follow;
struct remote;			/* the followers of one worker */

struct remote	*remote_new(struct engine *);
/* After the last rounds of loop and housekeeper. NULL is fine. */
void		 remote_free(struct remote *);

/*
 * On a request thread: can the turn be told from checkpoints? 1: f knows whether it is over, and
 * how many events it has then. 0: no; -1: ctx failed.
 */
int		 follow_remote_find(struct ctx *, struct follow *, const struct turn_row *);
/* On the loop: records come from now on (follow_record, in the end follow_end). */
void		 follow_remote_add(struct follow *);
/* On the loop: it goes; from within follow_record and follow_end too. */
void		 follow_remote_drop(struct follow *);
/* On the loop: its peer takes more again. The follower may be gone afterwards. */
void		 follow_remote_more(struct follow *);

/* On the housekeeper's thread, once a second: asks, and posts to the loop. -1: ctx failed. */
int		 remote_round(struct ctx *, struct remote *);

#endif
