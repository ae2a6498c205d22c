/*
 * answer: what the upstream answers: deltas at a pace, then the end, in ordinary frames.
 */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include "conn.h"

struct pace {
	uint32_t	 rate;		/* deltas a second */
	uint32_t	 count;		/* how many */
	uint32_t	 burst;		/* that many more before them, as fast as they are taken */
	uint32_t	 cut;		/* the connection ends after so many; 0: it does not */
	uint32_t	 refuse;	/* this status in place of an answer; 0: none */
};

/*
 * The last word of the form r20n1500 in text, which has a NUL behind its len; b, c and e may follow
 * with the burst, the cut and the status: r20n1500b4000, r2n40c7, r2n40e503.
 */
bool	 answer_pace(const char *text, size_t len, struct pace *);
/* Begins to answer on c. */
void	 answer_begin(struct upstream *, struct conn *, const struct pace *);
/* c stands first in the heap and is due: its next delta, or after the last one its end. */
void	 answer_step(struct upstream *, struct conn *, uint64_t now);
/* Goes on after its reader was slow, at its pace from now. */
void	 answer_resume(struct upstream *, struct conn *);

#endif
