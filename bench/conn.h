/*
 * conn: a connection of the upstream's, and the upstream, which all of them belong to.
 */
#ifndef BENCH_CONN_H
#define BENCH_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap.h"

#define ABORTS		16384

struct conn {
	struct due	 due;			/* of the next delta; stands first */
	int		 fd;			/* -1: dead */
	bool		 streaming, blocked;
	char		*in;			/* the request so far */
	size_t		 in_len, in_cap;
	char		*out;			/* what the socket did not take */
	size_t		 out_len, out_off;
	uint64_t	 id, period, first;
	uint32_t	 seq, count, burst, cut;
	struct conn	*next;			/* among the dead of this round */
};

struct abort {
	uint64_t	 first, when;
	uint32_t	 sent;
};

struct upstream {			/* zeroed at the start, but ep */
	int		 ep;
	struct heap	 heap;			/* streams that can go on */
	struct conn	*dead;
	uint64_t	 conns, streams, opened, deltas, late, missed, blocks,
			 cuts, refused;
	struct abort	 aborts[ABORTS];
	size_t		 aborts_len;
};

/* Tells epoll what c waits for now; op as epoll_ctl's. */
void	 conn_watch(struct upstream *, struct conn *, int op);
/* Closes it; a stream is noted among the aborts. Its memory lives until conn_reap. */
void	 conn_close(struct upstream *, struct conn *);
/* Frees what was closed, at the end of a round: till then its events may still name it. */
void	 conn_reap(struct upstream *);
/*
 * Sends; what the socket does not take now is kept, and c is blocked. False: the reader is gone
 * and c closed. Not on a blocked one.
 */
bool	 conn_send(struct upstream *, struct conn *, const char *, size_t);
/* A blocked c can be written: sends the rest. True when that is all and c is blocked no more. */
bool	 conn_flush(struct upstream *, struct conn *);

#endif
