/*
 * health: what all workers of the host know of each model: its breaker, the calls in flight, and
 * what became of its calls. Shared memory in state_dir/health (base/mapped.h), changed by single
 * atomic steps; what a worker held goes back when its slot is freed (base/slot.h).
 *
 * Of at most 256 models; any further one is asked without limit and not counted. Times are
 * monotonic ms. From any thread.
 */
#ifndef PARLEY_HEALTH_H
#define PARLEY_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "upstream/breaker.h"
#include "upstream/fault.h"

#define HEALTH_MODELS	256

enum health_verdict {
	HEALTH_GO,		/* counted as in flight, until health_leave */
	HEALTH_OPEN,		/* its breaker lets nothing through */
	HEALTH_FULL,		/* as many calls as it may have are in flight */
};

enum health_note {		/* counted for the report */
	HEALTH_RETRIED,		/* a call that failed is made again */
	HEALTH_FAILED_OVER,	/* another model is asked in its place */
	HEALTH_REFUSED,		/* not asked because its breaker was open */
	HEALTH_QUEUED,		/* a call has to wait because it was full */
	HEALTH_CROWDED,		/* and was not made: too many waited, or too long */
	HEALTH_OPENED,		/* its breaker opened */
	HEALTH_NOTES
};

struct health_call {		/* one that may be made: its entry's result, for its ends */
	int			 row;		/* -1: not counted */
	bool			 flying;
	struct breaker_call	 breaker;
};

struct health_report {
	int64_t			 model;
	enum breaker_state	 breaker;
	int64_t			 wait_ms;	/* until an open one lets a trial through */
	int			 in_flight;
	uint64_t		 asked;
	uint64_t		 ended[FAULT_KINDS];	/* FAULT_NONE: well */
	uint64_t		 notes[HEALTH_NOTES];
	uint64_t		 firsts;	/* calls whose first token came, */
	uint64_t		 first_ms;	/* and the sum of the times it took */
};

/*
 * Opens (makes) state_dir/health; where no process holds a slot of state_dir, as nothing known. The
 * master's, after slot_open, before it forks; once more: of another directory. -1: errno. Before
 * it, and in processes without it, every model may be asked and nothing is counted.
 */
int	 health_open(const char *state_dir);

/*
 * May the model be asked? concurrency: its limit; 0: none. wait_ms is set with HEALTH_OPEN: ms
 * until it is worth asking again.
 */
enum health_verdict health_enter(struct health_call *, int64_t model, int concurrency,
	    int64_t now, int64_t *wait_ms);
/* Its first token came, after so long. */
void	 health_heard(struct health_call *, int64_t took_ms, int64_t now);
/* How it ended; retry_after: s that the upstream asked for, 0: none. Once more: nothing. */
void	 health_leave(struct health_call *, enum fault, int retry_after, int64_t now);
void	 health_note(int64_t model, enum health_note);

/* A model never asked is closed. */
enum breaker_state health_state(int64_t model, int64_t now);
/* ms for which it should not be asked: it wants that, or its breaker is open; 0: none. */
int64_t	 health_wait(int64_t model, int64_t now);
/* Closes the model's breaker and forgets its failures. Without such a file nothing. -1: errno. */
int	 health_forget(const char *state_dir, int64_t model);

/*
 * Every model that was asked since the start, at most HEALTH_MODELS; from any process that may read
 * the file. -1: errno, ENOENT: there is no file yet.
 */
int	 health_list(const char *state_dir, void (*fn)(void *arg, const struct health_report *),
	    void *arg);
const char *health_note_name(enum health_note);		/* [a-z_] */
const char *breaker_state_name(enum breaker_state);	/* "closed", "open", "half-open" */

#endif
