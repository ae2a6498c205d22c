/*
 * visit: what visitors of websites say to assistants, under a key of the website's. Each visitor
 * has one conversation with each assistant; who is not named begins another one every time.
 */
#ifndef PARLEY_VISIT_H
#define PARLEY_VISIT_H

#include "core/session.h"
#include "store/assistant.h"

#define VISIT_KEY	41	/* bytes of what a conversation is called: api_, a UUID, NUL */

/*
 * The caller's conversation of that visitor (NULL: nobody in particular) with the assistant.
 * *fresh: it is a new one, which is not stored yet (turn_spec.fresh); where another request stores
 * the same visitor's first, that is F_CONFLICT. NULL: ctx failed.
 */
struct talk	*visit_open(struct ctx *, const struct assistant_version *, const char *visitor,
		    bool *fresh);

#endif
