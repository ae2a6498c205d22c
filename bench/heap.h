/*
 * heap: who is due first, and when. The entries are embedded in what they stand for.
 */
#ifndef BENCH_HEAP_H
#define BENCH_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct due {
	uint64_t	 at;		/* ns */
	size_t		 slot;		/* the heap's: where it stands, from 1; 0: not in it */
};

struct heap {			/* zeroed at the start */
	struct due	**v;		/* from 1 */
	size_t		  len, cap;
};

void		 heap_add(struct heap *, struct due *);
void		 heap_del(struct heap *, struct due *);		/* no harm if it is not there */
void		 heap_moved(struct heap *, struct due *);	/* after its time was changed */
/* The first that is due; NULL: none. */
struct due	*heap_first(const struct heap *);

#endif
