#include "core/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/terms.h"

#define TERMS_MOST	64		/* of a question; more do not make it clearer */
#define POSTINGS_MOST	50000		/* that are looked at: common terms are left out beyond */
#define FLOOR		0.05
#define TF_GIVES	2.2		/* what a term gives at most: k1 + 1 of BM25 */

static int
by_rarity(const void *a, const void *b)
{
	const struct segment_term	*x = a, *y = b;

	if (x->segments != y->segments)
		return x->segments > y->segments ? 1 : -1;
	return (x->h > y->h) - (x->h < y->h);
}

/* What the question asks for, weighed by how rare it is in the scope; the rarest first. */
static int
weigh(struct ctx *cx, const struct segment_scope *scope, const char *question,
    struct segment_term **terms, size_t *n)
{
	const struct posting	*p;
	size_t			 length;
	double			 with, without;

	p = terms_of(cx->a, question, strlen(question), n, &length);
	if (*n > TERMS_MOST)
		*n = TERMS_MOST;
	*terms = arena_array(cx->a, *n, sizeof(**terms));
	for (size_t i = 0; i < *n; i++)
		(*terms)[i].h = p[i].h;
	if (segment_count(cx, scope, *terms, *n) == -1)
		return -1;
	for (size_t i = 0; i < *n; i++) {
		with = (double)(*terms)[i].segments + 0.5;
		without = (double)scope->segments - (double)(*terms)[i].segments + 0.5;
		(*terms)[i].weight = log1p(without / with);
	}
	qsort(*terms, *n, sizeof(**terms), by_rarity);
	return 0;
}

/*
 * The first of those terms that stand anywhere, *n of them, without the common ones where that
 * would be too much work. *best gets the weight of all terms together.
 */
static struct segment_term *
choose(struct segment_term *t, size_t *n, double *best)
{
	size_t	 absent = 0, chosen = 0;
	int64_t	 postings = 0;

	*best = 0;
	for (size_t i = 0; i < *n; i++) {
		*best += t[i].weight;
		absent += t[i].segments == 0;
	}
	for (t += absent, *n -= absent; chosen < *n; chosen++) {
		postings += t[chosen].segments;
		if (postings > POSTINGS_MOST && chosen > 0)
			break;
	}
	*n = chosen;
	return t;
}

int
rank_segments(struct ctx *cx, const int64_t *documents, size_t n, const char *question, int most,
    struct segment **list, size_t *found)
{
	struct segment_scope	 scope;
	struct segment_term	*terms;
	size_t			 nterms;
	double			 best;

	*found = 0;
	if (n == 0)
		return 0;
	if (segment_scope(cx, documents, n, &scope) == -1 ||
	    weigh(cx, &scope, question, &terms, &nterms) == -1)
		return -1;
	terms = choose(terms, &nterms, &best);
	if (nterms == 0)
		return 0;
	if (segment_search(cx, &scope, terms, nterms, most, list, found) == -1)
		return -1;
	for (size_t i = 0; i < *found; i++) {
		(*list)[i].score /= best * TF_GIVES;
		if ((*list)[i].score < FLOOR)
			*found = i;
	}
	return 0;
}
