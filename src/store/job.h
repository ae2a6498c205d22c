/*
 * job: work for the background, one row each: claimed by a conditional UPDATE, gone once it is
 * done. Who dies in the middle loses its claim after a while, and another begins again.
 */
#ifndef PARLEY_STORE_JOB_H
#define PARLEY_STORE_JOB_H

#include "store/db.h"

#define JOB_READ	"read"		/* a document: fetch, read and index it */

struct job {
	int64_t	 id;
	char	*kind;
	int64_t	 ref;
	int64_t	 tries;		/* this one too */
};

/* Asks for it, unless it is asked for already: part of the transaction that makes it needed. */
int		 job_add(struct ctx *, const char *kind, int64_t ref);
/* Nobody needs it any more: part of the transaction that deletes what it is about. */
int		 job_forget(struct ctx *, const char *kind, int64_t ref);
/*
 * The oldest that nobody does, claimed for lease_ms by holder, a random id. NULL: there is none, or
 * ctx failed.
 */
struct job	*job_claim(struct ctx *, int64_t holder, int64_t lease_ms);
/* Goes on with it for lease_ms more: 1; 0: it was lost to somebody else, or forgotten; -1. */
int		 job_renew(struct ctx *, int64_t job, int64_t holder, int64_t lease_ms);
/* It is done: part of the transaction that stores what it made. 1, 0 (as above) or -1. */
int		 job_done(struct ctx *, int64_t job, int64_t holder);
/* It could not be done now: others leave it alone for ms. */
int		 job_put_off(struct ctx *, int64_t job, int64_t holder, int64_t ms);

#endif
