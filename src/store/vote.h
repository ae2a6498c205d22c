/* vote: likes on answers and ratings of lanes. */
#ifndef PARLEY_STORE_VOTE_H
#define PARLEY_STORE_VOTE_H

#include "store/db.h"

/*
 * The lane's last finished public answer: its id, 0 when there is none, -1
 * failed. *group gets its group.
 */
int64_t	 vote_target(struct ctx *, int64_t session, int lane, int64_t *group);
/*
 * Idempotent. after_reveal: the turn was asked after the masks were off (such votes do
 * not count for the leaderboard).
 */
int	 vote_like(struct ctx *, int64_t user, int64_t answer, int64_t session, int64_t group,
	    int lane, int64_t now_ms);
int	 vote_unlike(struct ctx *, int64_t user, int64_t answer);
/* One row per user and lane, the last rating counts. scores: a JSON object; remark may be NULL. */
int	 vote_rate(struct ctx *, int64_t user, int64_t session, int lane, const char *scores,
	    const char *remark, int64_t now_ms);

#endif
