/*
 * segment (segment_posting): the text of documents in pieces, and the postings that they are
 * searched by.
 */
#ifndef PARLEY_STORE_SEGMENT_H
#define PARLEY_STORE_SEGMENT_H

#include "store/db.h"

struct segment {
	int64_t	 document;
	int64_t	 n;		/* order in the document, from 0 */
	char	*text;
	int64_t	 tokens;	/* length in index tokens */
	char	*file_name;	/* the document's; of a search */
	double	 score;		/* of a search; 0 otherwise */
};

struct segment_posting {	/* a token in a segment */
	int64_t	 h;		/* its hash */
	int	 segment;	/* n */
	int	 tf;		/* how often, at most 255 */
};

/*
 * Puts these in place of what the document had, and it is ready: part of a transaction. The
 * postings are sorted by h and segment. -1: F_NOT_FOUND where the document is gone.
 */
int	 segment_replace(struct ctx *, int64_t document, const struct segment *, size_t n,
	    const struct segment_posting *, size_t nposting);
/*
 * Forgets all segments and postings of the document: part of the transaction that has deleted its
 * row, or holds it, so that nobody indexes it meanwhile.
 */
int	 segment_drop(struct ctx *, int64_t document);

struct segment_scope {		/* the documents that a search is among */
	const char	*documents;
	int64_t		 segments, tokens;	/* that they have together */
};
struct segment_term {		/* what is searched for */
	int64_t		 h;
	int64_t		 segments;		/* of the scope, in which it stands */
	double		 weight;
};

int	 segment_scope(struct ctx *, const int64_t *documents, size_t n, struct segment_scope *);
/* Sets terms[].segments. */
int	 segment_count(struct ctx *, const struct segment_scope *, struct segment_term *, size_t n);
/*
 * The best `most` segments of the scope, best first: sums of the terms' weights by BM25 (Robertson
 * et al., Okapi at TREC-3; k1 1.2, and b 0.4, since segments are nearly of one size).
 */
#define SEGMENT_TF_MOST	2.2		/* what a term gives at most, times its weight: k1 + 1 */
int	 segment_search(struct ctx *, const struct segment_scope *, const struct segment_term *,
	    size_t n, int most, struct segment **, size_t *found);

#endif
