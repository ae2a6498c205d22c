#include "core/heir.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/ident.h"
#include "base/log.h"
#include "core/recover.h"
#include "core/spool_file.h"
#include "store/checkpoint.h"
#include "store/node.h"
#include "store/turn.h"

#define AT_ONCE	16		/* rows of a turn */

/*
 * A turn's records go behind each other as in any spool. Where one is missing the rest is of no use
 * to anybody: it ends there.
 */
static void
add_records(struct spool *s, const struct checkpoint *c, struct spool_chain *chain)
{
	struct spool_record	r;
	uint64_t		off = SPOOL_MAGIC_LEN;
	ssize_t			n;

	while ((n = spool_decode(c->body, (size_t)c->len, off, &r)) > 0) {
		const bool	event = r.kind == SPOOL_DELTA || r.kind == SPOOL_MESSAGE;

		off += (uint64_t)n;
		if (r.turn != c->turn || r.event != chain->events + event ||
		    (r.kind == SPOOL_BEGIN) != (chain->last == 0))
			continue;
		spool_add(s, &r, chain);
	}
}

static int
rebuild_turn(struct ctx *cx, struct spool *s, int64_t turn)
{
	struct spool_chain	 chain = { 0 };
	struct checkpoint	*c;
	size_t			 n;
	int			 from = 0;

	do {
		if (checkpoint_list(cx, turn, from, AT_ONCE, &c, &n) == -1)
			return -1;
		for (size_t i = 0; i < n; i++)
			add_records(s, &c[i], &chain);
		if (spool_write(s) == -1)
			return fail(cx, F_UNAVAILABLE, "state_dir");
		from += AT_ONCE;
	} while (n > 0);
	return 0;
}

static int
rebuild_turns(struct ctx *cx, struct spool *s, const struct orphan *o, size_t n)
{
	/* By answer, so the lanes of a turn follow each other. */
	for (size_t i = 0; i < n; i++)
		if ((i == 0 || o[i].turn != o[i - 1].turn) &&
		    rebuild_turn(cx, s, o[i].turn) == -1)
			return -1;
	return 0;
}

/*
 * The lost worker's spool once more, among those of this host: recovery then finds it like any
 * other. One that is there already was rebuilt before, and not recovered yet.
 */
static int
rebuild(struct ctx *cx, const char *spool_dir, int64_t worker)
{
	const char	*path = arena_printf(cx->a, SPOOL_DIR, spool_dir,
	    (unsigned long long)worker);
	struct orphan	*o;
	struct spool	*s;
	size_t		 n;
	int		 rv;

	if (turn_orphans(cx, worker, &o, &n) == -1)
		return -1;
	if ((s = spool_open(spool_dir, worker, 0)) == NULL)
		return errno == EEXIST || errno == ENOTEMPTY ? 0 :
		    fail(cx, F_UNAVAILABLE, "state_dir");
	rv = rebuild_turns(cx, s, o, n);
	spool_close(s);
	if (rv == -1)
		spool_remove(path);
	else if (mkdir(path, 0700) == -1 && errno != EEXIST)	/* it had nothing to say */
		return fail(cx, F_UNAVAILABLE, "state_dir");
	return rv;
}

/* The workers of one node, n of them. */
static int
inherit(struct ctx *cx, const struct voice *const *voices, const char *spool_dir,
    const struct lost_worker *w, size_t n)
{
	int	got;

	if ((got = node_inherit(cx, w->node, ident_state_id())) != 1)
		return got;
	log_warn("a host is lost: its turns are closed here", LOG_I("node", w->node),
	    LOG_I("workers", (int64_t)n));
	for (size_t i = 0; i < n; i++)
		if (rebuild(cx, spool_dir, w[i].worker) == -1)
			return -1;
	if (recover_spools(cx, voices, spool_dir) == -1)
		return -1;
	return node_inherited(cx, w->node, ident_state_id());
}

int
heir_round(struct ctx *cx, const struct voice *const *voices, const char *spool_dir)
{
	struct lost_worker	*w;
	size_t			 n, end;

	if (node_lost(cx, cx->conf->node, &w, &n) == -1)
		return -1;
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && w[end].node == w[i].node; end++)
			;
		if ((cx->conf->cluster || w[i].node == cx->conf->node) &&
		    inherit(cx, voices, spool_dir, w + i, end - i) == -1)
			return -1;
	}
	return 0;
}
