#include "core/terms.h"

#include <stdlib.h>
#include <string.h>

#include "base/ident.h"
#include "core/tokens.h"
#include "core/words.h"

#define TF_MAX	255

struct bag {			/* a text's tokens as hashes */
	struct arena	*a;
	enum terms	 kind;
	int64_t		*h;
	size_t		 n, size;
};

static void
bag_add(void *arg, const char *token, size_t len)
{
	struct bag	*b = arg;
	int64_t		*grown;

	if (b->n == b->size) {
		b->size = b->size > 0 ? 2 * b->size : 64;
		grown = arena_array(b->a, b->size, sizeof(*grown));
		if (b->n > 0)
			memcpy(grown, b->h, b->n * sizeof(*grown));
		b->h = grown;
	}
	if (b->kind == TERMS_STEMS)
		len = words_stem(token, len);
	b->h[b->n++] = ident_hash64(token, len);
}

static int
by_hash(const void *a, const void *b)
{
	int64_t	 x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

struct posting *
terms_of(struct arena *a, enum terms kind, const char *text, size_t len, size_t *n,
    size_t *length)
{
	struct bag	 bag = { .a = a, .kind = kind };
	struct posting	*p;

	*length = tokens_each(a, text, len, kind == TERMS_STEMS, bag_add, &bag);
	if (bag.n > 0)
		qsort(bag.h, bag.n, sizeof(*bag.h), by_hash);
	p = arena_array(a, bag.n, sizeof(*p));
	*n = 0;
	for (size_t i = 0; i < bag.n; i++) {
		if (*n == 0 || p[*n - 1].h != bag.h[i])
			p[(*n)++] = (struct posting){ .h = bag.h[i], .tf = 1 };
		else if (p[*n - 1].tf < TF_MAX)
			p[*n - 1].tf++;
	}
	return p;
}

int64_t *
terms_hashes(struct arena *a, const struct posting *p, size_t n)
{
	int64_t	*h = arena_array(a, n, sizeof(*h));

	for (size_t i = 0; i < n; i++)
		h[i] = p[i].h;
	return h;
}

/* Questions. */

struct question {
	struct asked	*asked;
	size_t		 n, most;
};

static void
ask(void *arg, const char *token, size_t len)
{
	struct question		*q = arg;
	const struct asked	 new = {
		ident_hash64(token, words_stem(token, len)), words_pair(token, len)
	};

	if (q->n == q->most || words_filler(token, len))
		return;
	for (size_t i = 0; i < q->n; i++)
		if (q->asked[i].h == new.h)
			return;
	q->asked[q->n++] = new;
}

struct asked *
terms_asked(struct arena *a, const char *question, size_t most, size_t *n)
{
	struct question	 q = { .asked = arena_array(a, most, sizeof(*q.asked)), .most = most };

	tokens_each(a, question, strlen(question), false, ask, &q);
	*n = q.n;
	return q.asked;
}
