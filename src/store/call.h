/* call (call_record): imported call records and the postings they are searched by. */
#ifndef PARLEY_STORE_CALL_H
#define PARLEY_STORE_CALL_H

#include "store/db.h"
#include "store/posting.h"

struct call_record {
	int64_t	 id;
	char	*ref;			/* the importer's id; unique per tenant */
	char	*summary;
	int64_t	 start_ms;
	int64_t	 duration;		/* seconds */
	char	*callnumber, *callednumber;
	char	*labels;		/* "a|b" */
	int64_t	 tokens;		/* length in index tokens */
	double	 score;			/* of a search; 0 otherwise */
};

/* Adds or replaces (by ref) a record and its postings in one transaction; postings sorted by h. */
int	 call_put(struct ctx *, int64_t tenant, struct call_record *, const struct posting *,
	    size_t n);
/*
 * The best `most` records of the tenant by BM25 (k1 1.2, b 0.75; Robertson et al.,
 * Okapi at TREC-3) over the given token hashes (at most 64 are used), begun within
 * [from_ms, to_ms] (0: open), best first.
 */
int	 call_search(struct ctx *, int64_t tenant, const int64_t *h, size_t nh,
	    int64_t from_ms, int64_t to_ms, int most, struct call_record **, size_t *n);
int64_t	 call_count(struct ctx *, int64_t tenant);

#endif
