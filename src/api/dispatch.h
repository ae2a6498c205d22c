/*
 * dispatch: from a request that has arrived to its reply: what the row's columns demand is done
 * here, the work by the row's handler, and a failure is told in the envelope of the path's dialect.
 */
#ifndef PARLEY_DISPATCH_H
#define PARLEY_DISPATCH_H

#include "core/voice.h"
#include "web/req.h"

/* Answers the request (worker_opts.serve): by a reply, or by handing its connection to a stream. */
void			 dispatch(struct req *);

/* The rows of routes.def. */
const struct route	*routes_table(size_t *n);

/* Every dialect's voice that stored turns are told in, ended by NULL. */
const struct voice	*const *voices_table(void);

#endif
