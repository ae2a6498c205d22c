/* streams: telling a turn to somebody who comes later than its first event. */
#ifndef PARLEY_API_STREAMS_H
#define PARLEY_API_STREAMS_H

#include "web/req.h"

/*
 * Answers with the caller's turn without its first `after` events, in the dialect in which it
 * began: what was told, then what is told, to its end; 204 where nothing is left. -1: F_NOT_FOUND,
 * F_UNAVAILABLE.
 */
int	 streams_tell(struct req *, int64_t turn, int64_t after);
/*
 * What the header Last-Event-ID says the client has: a turn, and how many events of it. 1; 0: there
 * is none, and both stay as they are; -1: F_VALUE.
 */
int	 streams_last_event(struct req *, int64_t *turn, int64_t *after);

#endif
