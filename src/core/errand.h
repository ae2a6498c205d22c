/*
 * errand: a tool that is run for somebody who waits for its result, by no model's wish. Nothing of
 * it is stored.
 */
#ifndef PARLEY_ERRAND_H
#define PARLEY_ERRAND_H

#include "base/ctx.h"
#include "base/peer.h"
#include "core/tool_call.h"

struct errand {
	struct tool_call	 call;		/* first: it is the errand. What came of it */
	struct peer		*peer;		/* who waits; NULL: nobody any more */
};

/*
 * An errand in the ctx's arena. The tool (plan.h, with its secret) and the arguments, text of a
 * JSON object, live there too.
 */
struct errand	*errand_new(struct ctx *, struct engine *, const struct plan_tool *,
		    const char *arguments);
/*
 * Runs it on the loop, which has the arena until it ends the peer: then the call is over. A peer
 * that leaves ends the call. From any thread.
 */
void		 errand_run(struct errand *, struct peer *);

#endif
