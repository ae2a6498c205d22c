#include "core/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/terms.h"

#define TERMS_MOST	64		/* of a question; more do not make it clearer */
#define POSTINGS_MOST	20000		/* that are scored: common terms are left out beyond */
/*
 * Few segments tell little about how rare a word is: each scope is taken for so many more, in which
 * no term of the question stands.
 */
#define BACKGROUND	1000
#define PAIR		0.5		/* of a run of Han characters every other pair is a word */
#define FLOOR		0.135		/* of tests/recall/unrelated.tsv five in six stay below */

static int
by_rarity(const void *a, const void *b)
{
	const struct segment_term	*x = a, *y = b;

	if (x->segments != y->segments)
		return x->segments > y->segments ? 1 : -1;
	return (x->h > y->h) - (x->h < y->h);
}

/*
 * What the question asks for, weighed by how rare it is in the scope; the rarest first. *best gets
 * the weight of all together.
 */
static int
weigh(struct ctx *cx, const struct segment_scope *scope, const char *question,
    struct segment_term **terms, size_t *n, double *best)
{
	const struct asked	*asked = terms_asked(cx->a, question, TERMS_MOST, n);
	struct segment_term	*t = arena_array(cx->a, *n, sizeof(*t));
	double			 with, without;

	for (size_t i = 0; i < *n; i++)
		t[i].h = asked[i].h;
	if (segment_count(cx, scope, t, *n) == -1)
		return -1;
	*best = 0;
	for (size_t i = 0; i < *n; i++) {
		with = (double)t[i].segments + 0.5;
		without = (double)(BACKGROUND + scope->segments - t[i].segments) + 0.5;
		t[i].weight = log1p(without / with);
		*best += t[i].weight * (asked[i].pair ? PAIR : 1);
	}
	qsort(t, *n, sizeof(*t), by_rarity);
	*terms = t;
	return 0;
}

/*
 * The first of those terms that stand anywhere, *n of them: without the common ones, where that
 * would be too much work.
 */
static struct segment_term *
choose(struct segment_term *t, size_t *n)
{
	size_t	 chosen = 0;
	int64_t	 postings = 0;

	for (; *n > 0 && t->segments == 0; (*n)--)
		t++;
	for (; chosen < *n; chosen++) {
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
	    weigh(cx, &scope, question, &terms, &nterms, &best) == -1)
		return -1;
	terms = choose(terms, &nterms);
	if (nterms == 0)
		return 0;
	if (segment_search(cx, &scope, terms, nterms, most, list, found) == -1)
		return -1;
	for (size_t i = 0; i < *found; i++) {
		(*list)[i].score = fmin(1, (*list)[i].score / (best * SEGMENT_TF_MOST));
		if ((*list)[i].score < FLOOR)
			*found = i;
	}
	return 0;
}
