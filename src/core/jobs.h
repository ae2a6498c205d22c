/*
 * jobs: does the work that waits in the table job (store/job.h), one after the other, in a thread
 * with a connection of its own. What a job needs at its end is in one transaction with its end, so
 * a job is done once, wherever it breaks off.
 *
 * The claim is kept up by whoever started the thread, who calls jobs_keep about once a second: work
 * that blocks must not lose it.
 */
#ifndef PARLEY_JOBS_H
#define PARLEY_JOBS_H

#include <stdbool.h>

#include "store/job.h"

struct jobs;

/*
 * ident_open must have been called, and wake_open if anybody is to be heard at once. counts: it is
 * this one that tells (figures.h) how much waits.
 */
struct jobs	*jobs_start(const struct conf *, bool counts);
void		 jobs_keep(struct jobs *);
/* Takes nothing more. at_once: also gives back what it is doing, for others to begin at once. */
void		 jobs_leave(struct jobs *, bool at_once);
bool		 jobs_over(struct jobs *);	/* after jobs_leave: the thread is through */
void		 jobs_free(struct jobs *);	/* waits for that */

/* How an attempt at a job ended. */
enum job_end {
	JOB_ENDED,		/* done, its row is gone; or nobody needs it any more */
	JOB_AGAIN,		/* not now; after some attempts it is given up with `why` */
	JOB_HOPELESS,		/* never, because of `why` */
	JOB_STOPPED,		/* go_on said no */
};

struct job_try {
	const struct job	*job;
	int64_t			 holder;
	bool			(*go_on)(void *);	/* asked several times a second */
	void			*arg;
	/* For JOB_AGAIN and JOB_HOPELESS: a reason (base/reason.h) as it is kept. */
	const char		*why;
};

struct job_kind {
	const char	*name;		/* JOB_… */
	enum job_end	(*run)(struct ctx *, struct job_try *);
	/* It is given up, `why` is the reason: part of the transaction that ends the job. */
	int		(*give_up)(struct ctx *, int64_t ref, const char *why);
};

#endif
