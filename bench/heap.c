#include "heap.h"

#include <err.h>
#include <stdlib.h>
#include <sysexits.h>

static void
put(struct heap *h, size_t slot, struct due *d)
{
	h->v[slot] = d;
	d->slot = slot;
}

void
heap_moved(struct heap *h, struct due *d)
{
	size_t	 at = d->slot, child;

	for (; at > 1 && h->v[at / 2]->at > d->at; at /= 2)
		put(h, at, h->v[at / 2]);
	for (; (child = at * 2) <= h->len; at = child) {
		if (child < h->len && h->v[child + 1]->at < h->v[child]->at)
			child++;
		if (h->v[child]->at >= d->at)
			break;
		put(h, at, h->v[child]);
	}
	put(h, at, d);
}

void
heap_add(struct heap *h, struct due *d)
{
	if (h->len + 1 >= h->cap) {
		h->cap = h->cap == 0 ? 1024 : h->cap * 2;
		h->v = reallocarray(h->v, h->cap, sizeof(*h->v));
		if (h->v == NULL)
			err(EX_OSERR, "heap");
	}
	put(h, ++h->len, d);
	heap_moved(h, d);
}

void
heap_del(struct heap *h, struct due *d)
{
	struct due	*last;
	size_t		 slot = d->slot;

	if (slot == 0)
		return;
	d->slot = 0;
	last = h->v[h->len--];
	if (last == d)
		return;
	put(h, slot, last);
	heap_moved(h, last);
}

struct due *
heap_first(const struct heap *h)
{
	return h->len > 0 ? h->v[1] : NULL;
}
