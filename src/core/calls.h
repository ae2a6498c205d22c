/*
 * calls: of tools, that whoever asked runs himself (voices with takes_tools). They are kept with
 * the answer beside those that ran here, but have neither status nor result.
 */
#ifndef PARLEY_CALLS_H
#define PARLEY_CALLS_H

#include "base/ctx.h"
#include "core/turn.h"
#include "upstream/toolcalls.h"

/* The lane ends: where its turn is stored closer and spool get its calls. */
void	 calls_keep(struct lane *);
/* Adds the calls of a stored answer; for toolcalls_free. 0 or -1. */
int	 calls_load(struct ctx *, int64_t answer, struct toolcalls *);

#endif
