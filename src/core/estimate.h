/*
 * estimate: what an answer may cost at most, as far as that can be told before it is asked: the
 * tokens of all that its model will hear, and as many as it may write.
 */
#ifndef PARLEY_ESTIMATE_H
#define PARLEY_ESTIMATE_H

#include "core/turn.h"
#include "store/turn.h"

#define ESTIMATE_TOKENS	1024	/* of an answer, where nobody has set a limit */

/*
 * Of a lane that hears what was said in its session (nsaid 0: nothing, or nothing is stored yet,
 * and the spec's earlier messages count). The fusing lane hears the others' drafts. In the unit of
 * the prices.
 */
double	 estimate_lane(const struct turn_spec *, const struct lane *, const struct said *,
	    size_t nsaid);

#endif
