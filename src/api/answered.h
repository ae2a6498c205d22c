/*
 * answered: the answer of a stored turn of one lane as one reply, in whatever dialect: for who asks
 * for no stream, and for who asks the same again.
 */
#ifndef PARLEY_API_ANSWERED_H
#define PARLEY_API_ANSWERED_H

#include "store/turn.h"
#include "web/req.h"

/* Replies with an answer that ended well or was stopped. */
typedef int	(*answered_reply)(struct req *, int64_t turn, const struct answer_told *);

/*
 * Who waits (req_wait) for the turn to be over and in the database. An answer that failed fails the
 * request as it did, with the seconds after which asking again makes sense; what is not in the
 * database yet is F_UNAVAILABLE.
 */
struct peer	*answered_wait(struct req *, int64_t turn, answered_reply);
/* The same of a turn that an equal request has begun, be it over or not. 0 or -1. */
int		 answered_again(struct req *, int64_t turn, answered_reply);

#endif
