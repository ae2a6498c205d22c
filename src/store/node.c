#include "store/node.h"

#include "base/ident.h"
#include "store/rows.h"

#define HEIR_MS		60000

int
node_take(struct ctx *cx, int node, int64_t state, const char *name, struct node_row **holder)
{
	int64_t	 taken;

	*holder = NULL;
	if ((taken = db_exec(cx, SQL_NODE_TAKE, V(state), V(ident_new()), V(state), V(name),
	    V(NODE_LEASE_MS), V(node), V(state))) != 0)
		return taken == -1 ? -1 : 0;
	if (db_do(cx, SQL_NODE_ADD, V(node), V(state), V(name), V(NODE_LEASE_MS)) == 0)
		return 0;
	if (cx->fail.kind != F_CONFLICT)
		return -1;
	fail_clear(cx);
	if ((*holder = db_one(cx, SQL_NODE_GET, V(node))) == NULL)
		return -1;
	return fail(cx, F_CONFLICT, "node %d is another host's: %s", node, (*holder)->name);
}

int
node_renew(struct ctx *cx, int node, int64_t state, const char *name)
{
	int64_t	 renewed;

	if ((renewed = db_exec(cx, SQL_NODE_RENEW, V(NODE_LEASE_MS), V(node), V(state))) != 0)
		return (int)renewed;
	if (db_do(cx, SQL_NODE_ADD, V(node), V(state), V(name), V(NODE_LEASE_MS)) == 0)
		return 1;
	if (cx->fail.kind != F_CONFLICT)
		return -1;
	fail_clear(cx);
	return 0;
}

int
node_release(struct ctx *cx, int node, int64_t state)
{
	return db_do(cx, SQL_NODE_RELEASE, V(node), V(state));
}

int
node_lost(struct ctx *cx, int self, struct lost_worker **list, size_t *n)
{
	return db_many(cx, SQL_NODE_LOST, list, n, V(self));
}

int
node_inherit(struct ctx *cx, int node, int64_t state)
{
	return (int)db_exec(cx, SQL_NODE_INHERIT, V(state), V(HEIR_MS), V(node));
}

int
node_inherited(struct ctx *cx, int node, int64_t state)
{
	return db_do(cx, SQL_NODE_INHERITED, V(node), V(state));
}
