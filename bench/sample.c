#include "sample.h"

#include <err.h>
#include <stdlib.h>
#include <sysexits.h>

void
sample_add(struct sample *s, uint64_t ns)
{
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 65536 : s->cap * 2;
		s->v = reallocarray(s->v, s->cap, sizeof(*s->v));
		if (s->v == NULL)
			err(EX_OSERR, "samples");
	}
	s->v[s->n++] = ns / 100 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / 100);
}

static int
compare(const void *a, const void *b)
{
	uint32_t	 x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void
sample_sort(struct sample *s)
{
	if (s->n > 0)
		qsort(s->v, s->n, sizeof(*s->v), compare);
}

double
sample_at(const struct sample *s, double share)
{
	size_t	 i = (size_t)(share * (double)s->n);

	if (s->n == 0)
		return 0;
	return s->v[i < s->n ? i : s->n - 1] / 10.0;
}

double
sample_within(const struct sample *s, double lo, double hi)
{
	size_t	 i, hits = 0;

	for (i = 0; i < s->n; i++)
		hits += s->v[i] / 10.0 >= lo && s->v[i] / 10.0 <= hi;
	return s->n > 0 ? (double)hits / (double)s->n : 0;
}
