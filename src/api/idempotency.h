/*
 * idempotency: requests that may be sent again. One with an Idempotency-Key begins its turn once:
 * who sends the same again, within a day, gets that turn's stream from its first event on.
 */
#ifndef PARLEY_IDEMPOTENCY_H
#define PARLEY_IDEMPOTENCY_H

#include "web/req.h"

/*
 * Answers a request whose row has R_TURN: by its handler, or by what an equal request began before.
 * -1: F_VALUE, the header is none; F_CONFLICT, the key came with another request; else as the
 * handler.
 */
int	 idempotency_serve(struct req *);

#endif
