/*
 * breaker: whether a model may be asked at all. Closed while it answers; open, when most of its
 * calls of late have failed, for a time that doubles; then half-open: one trial at a time, which
 * closes it again or opens it for longer.
 *
 * It lies in memory that processes share and is only ever changed by single atomic steps, so that
 * a process may die anywhere. All zeros: closed. Times are monotonic ms of the host, given by the
 * caller.
 */
#ifndef PARLEY_BREAKER_H
#define PARLEY_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BREAKER_BUCKET_MS	5000
#define BREAKER_BUCKETS		6		/* of which 30 s are looked back */
#define BREAKER_LEAST		5		/* failures that open it, if they are half of all */
#define BREAKER_OPEN_MS		10000		/* the first time; then twice as long, */
#define BREAKER_OPEN_MOST_MS	300000		/* and so on until here; +-20 % */
#define BREAKER_TRIAL_MS	60000		/* so long a trial keeps others out at most, */
#define BREAKER_SOON_MS		2000		/* who are told to come again then */

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker {
	_Atomic uint64_t	state;		/* packed: see breaker.c */
	_Atomic int64_t		floor;		/* not to be asked before: Retry-After */
	_Atomic uint64_t	window[BREAKER_BUCKETS];
};

/* One call that it let through: zeros before breaker_enter. */
struct breaker_call {
	uint64_t	trial;		/* the state word it is the trial of; 0: it is none */
	bool		good;		/* counted as good already */
};

/*
 * 0: the call may be made, by process `who` (0 to 254). Else ms until it is worth asking again, at
 * least 1.
 */
int64_t	 breaker_enter(struct breaker *, struct breaker_call *, int who, int64_t now);
/* The model answers: its first token, or the end of an answer without one. */
void	 breaker_good(struct breaker *, struct breaker_call *, int64_t now);
/*
 * The call failed, even if after breaker_good. wait_ms: the model wants to be left alone for so
 * long; noise: any random number, for the jitter. True: this has opened it.
 */
bool	 breaker_bad(struct breaker *, struct breaker_call *, int64_t wait_ms, uint32_t noise,
	    int64_t now);
/* The call ended and says nothing about the model. */
void	 breaker_neither(struct breaker *, struct breaker_call *);
/* Process `who` is dead: its trial is given up. */
void	 breaker_died(struct breaker *, int who);
/* Half-open too where the next call would be the trial. wait_ms, unless NULL: as breaker_enter. */
enum breaker_state breaker_look(const struct breaker *, int64_t now, int64_t *wait_ms);
/* ms for which the model should be left alone, by it or because it is open; 0: none. */
int64_t	 breaker_wait(const struct breaker *, int64_t now);
void	 breaker_forget(struct breaker *);	/* closed, and all its calls forgotten */

#endif
