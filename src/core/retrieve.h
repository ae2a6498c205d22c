/*
 * retrieve: call records found for a question: what the models are told of them, and how answers
 * cite them.
 */
#ifndef PARLEY_RETRIEVE_H
#define PARLEY_RETRIEVE_H

#include "store/call.h"

#define RETRIEVE_MOST	8

struct found {
	const char	 *knowledge;	/* a system message in the ctx's language; NULL: nothing */
	/* {id, summary, start_time, duration, callnumber, callednumber, labels}, best first */
	char		**citations;
	size_t		  n;
};

/*
 * The best records of the tenant for the question, begun within [from_ms, to_ms] (0: open). 0, or
 * -1 (database).
 */
int	 retrieve_calls(struct ctx *, int64_t tenant, const char *question, int64_t from_ms,
	    int64_t to_ms, struct found *);
/*
 * Adds or replaces (by ref) the record and indexes its summary; sets its tokens. 0, or -1 with the
 * ctx failed.
 */
int	 retrieve_index_call(struct ctx *, int64_t tenant, struct call_record *);

#endif
