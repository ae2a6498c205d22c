/*
 * cut: a text in segments, each small enough to be found for what it says and long enough to be
 * understood alone. They end where paragraphs do; a paragraph that is too long is cut at the end of
 * a sentence, and then the next segment repeats the end of the one before. A heading stays with
 * what follows it.
 */
#ifndef PARLEY_CUT_H
#define PARLEY_CUT_H

#include <stddef.h>

#include "base/arena.h"

#define CUT_MOST	1500		/* bytes of a segment: so many Latin letters, 500 Han */

struct cut {
	const char	*p;		/* into the text */
	size_t		 len;
};

/* Of valid UTF-8: its segments in order, in the arena. *n 0: there are but blanks. */
struct cut	*cut_text(struct arena *, const char *text, size_t len, size_t *n);

#endif
