/*
 * node: the hosts of a cluster: who has which number, and whose turns nobody runs any more. A host
 * is known by its state directory: the same one takes its number back at once, another one when the
 * lease has run out. All times are by the clock of the database.
 */
#ifndef PARLEY_STORE_NODE_H
#define PARLEY_STORE_NODE_H

#include <stdbool.h>

#include "store/db.h"

#define NODE_LEASE_MS	15000	/* how long a lease runs */

struct node_row {
	int	 node;
	int64_t	 state;		/* random id of the state directory that has it */
	char	*name;		/* of the host */
	int64_t	 until_ms;
};

/*
 * Takes the number for the state directory: it was free, ran out, or is that directory's already.
 * 0, or -1: F_CONFLICT, *holder is who has it; any other failure: the database.
 */
int	 node_take(struct ctx *, int node, int64_t state, const char *name,
	    struct node_row **holder);
/* From now on again, also when it had run out or is gone: 1; 0: it is another's; -1 failed. */
int	 node_renew(struct ctx *, int node, int64_t state, const char *name);
/* The host leaves: who comes next need not wait. */
int	 node_release(struct ctx *, int node, int64_t state);

/*
 * Workers that run turns as far as the database knows, but cannot: the lease of their node, not
 * `self`, has run out, or another state directory has taken the number since. By node.
 */
struct lost_worker {
	int64_t	 worker;
	int	 node;
};
int	 node_lost(struct ctx *, int self, struct lost_worker **, size_t *n);
/*
 * The state directory closes what that node left, nobody else meanwhile, until it says so or for
 * 60 s: 1, or 0: another one does already; -1 failed.
 */
int	 node_inherit(struct ctx *, int node, int64_t state);
int	 node_inherited(struct ctx *, int node, int64_t state);

#endif
