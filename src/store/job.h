/*
 * job: work for the background, one row each: claimed by a conditional UPDATE, gone once it is
 * done. Who dies in the middle loses its claim after a while, and another begins again. Times are
 * by the clock of the database.
 */
#ifndef PARLEY_STORE_JOB_H
#define PARLEY_STORE_JOB_H

#include "store/db.h"

#define JOB_READ	"read"		/* a document: fetch, read and index it */
#define JOB_INDEX	"index"		/* one that is ready: read and index it once more */

struct job {
	int64_t	 id;
	char	*kind;
	int64_t	 ref;
	int64_t	 tries;		/* this one too */
	int64_t	 lost;		/* of them: who did it was not heard of again */
	int64_t	 until_ms;	/* private to job.c */
};

/*
 * Asks for it, unless it is asked for already: part of the transaction that makes it needed. After
 * its commit wake_send (base/wake.h) has it begun at once; else it is found within a second.
 */
int		 job_add(struct ctx *, const char *kind, int64_t ref);
/* Nobody needs it any more: part of the transaction that deletes what it is about. */
int		 job_forget(struct ctx *, const char *kind, int64_t ref);
/*
 * The one that has waited longest and that nobody does, claimed for lease_ms by holder, a random
 * id. NULL: there is none, or ctx failed.
 */
struct job	*job_claim(struct ctx *, int64_t holder, int64_t lease_ms);
/* Goes on with it for lease_ms more: 1; 0: it was lost to somebody else, or forgotten; -1. */
int		 job_renew(struct ctx *, int64_t job, int64_t holder, int64_t lease_ms);
/* It is done: part of the transaction that stores what it made. 1, 0 (as above) or -1. */
int		 job_done(struct ctx *, int64_t job, int64_t holder);
/* It could not be done now: others leave it alone for ms. 1, 0 (as above) or -1. */
int		 job_put_off(struct ctx *, int64_t job, int64_t holder, int64_t ms);
/* It is left undone, whoever wants it may begin at once; not a try. 1, 0 (as above) or -1. */
int		 job_give_back(struct ctx *, int64_t job, int64_t holder);

struct job_row {
	int64_t	 id;
	char	*kind;
	int64_t	 ref;
	char	*about;		/* the name of the document; NULL: it is gone */
	bool	 running;
	int64_t	 tries, lost;
	int64_t	 created_ms;
	int64_t	 wait_ms;	/* until it may be taken; 0: it may now */
};
/* What waits or is being done, in the order in which it is taken, at most so many. */
int		 job_list(struct ctx *, int most, struct job_row **, size_t *n);
int64_t		 job_count(struct ctx *);	/* of all of them; or -1 */

#endif
