/* vote: what the owner of a session thinks of its lanes. */
#ifndef PARLEY_VOTE_H
#define PARLEY_VOTE_H

#include "core/session.h"

/*
 * Likes the last public answer of the talk's one lane, and takes the session's masks off; again:
 * nothing changes. F_CONFLICT: the lane has not answered yet.
 */
int	 vote_cast(struct ctx *, const struct talk *);
/* Takes the like back; the masks stay off. F_CONFLICT as above. */
int	 vote_take_back(struct ctx *, const struct talk *);

#endif
