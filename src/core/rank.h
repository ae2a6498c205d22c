/* rank: which segments of documents answer a question best. */
#ifndef PARLEY_RANK_H
#define PARLEY_RANK_H

#include "store/segment.h"

/*
 * At most so many, best first. Their score is how much they have of all that the question's words
 * could give, from 0 to 1; with less than a floor a segment has nothing to do with the question and
 * is left out. *found 0: nothing. 0, or -1 (database).
 */
int	 rank_segments(struct ctx *, const int64_t *documents, size_t n, const char *question,
	    int most, struct segment **, size_t *found);

#endif
