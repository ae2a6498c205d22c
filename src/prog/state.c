#include "state.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/figures.h"
#include "base/ident.h"
#include "base/limit.h"
#include "base/slot.h"
#include "base/wake.h"
#include "core/registry.h"
#include "store/db.h"
#include "store/migrate.h"
#include "store/node.h"
#include "upstream/health.h"

/* The state id for which this master has its node's lease; the directory may have changed since. */
static int64_t	leased;

static struct ctx
ctx_open(const struct conf *c)
{
	return (struct ctx){ .a = arena_new(0), .conf = c, .db = db_new(c), .lang = LANG_EN,
	    .now = clock_ms() };
}

static void
ctx_close(struct ctx *cx)
{
	db_free(cx->db);
	arena_free(cx->a);
}

static int
schema_check(struct ctx *cx, struct str *err)
{
	int	rc = 0;

	if (db_ping(cx) == -1)
		rc = EX_UNAVAILABLE;
	else if (migrate_check(cx) == -1)
		rc = EX_CONFIG;
	if (rc != 0)
		str_puts(err, fail_text(cx->a, &cx->fail, cx->lang));
	return rc;
}

/* What the workers share. -1: errno. */
static int
shared_open(const struct conf *c)
{
	if (ident_open(c->state_dir, c->node) == -1 || slot_open(c->state_dir) == -1 ||
	    registry_open(c->state_dir) == -1)
		return -1;
	if (figures_open(c->state_dir) == -1 || limit_open(c->state_dir) == -1 ||
	    wake_open(c->state_dir) == -1)
		return -1;
	return health_open(c->state_dir);
}

static int
dir_open(const struct conf *c, struct str *err)
{
	if (shared_open(c) == 0)
		return 0;
	str_printf(err, "state_dir %s: %s", c->state_dir,
	    errno == EBADMSG ? "its files are not ours" : strerror(errno));
	return errno == EACCES || errno == EPERM ? EX_NOPERM : EX_CANTCREAT;
}

/* For the state directory that is open. */
static int
lease_take(struct ctx *cx, struct str *err)
{
	const struct conf	*c = cx->conf;
	struct node_row		*holder;
	char			 host[256] = "", until[20];

	gethostname(host, sizeof(host) - 1);
	if (node_take(cx, c->node, ident_state_id(), host, &holder) == 0) {
		leased = ident_state_id();
		return 0;
	}
	if (holder == NULL) {
		str_puts(err, fail_text(cx->a, &cx->fail, cx->lang));
		return EX_UNAVAILABLE;
	}
	clock_format(until, sizeof(until), holder->until_ms, c->timezone);
	str_printf(err, "node %d is taken, by another state_dir on host %s, until %s or longer:"
	    " give this host another node, or end that one and wait", c->node, holder->name,
	    until);
	return EX_TEMPFAIL;
}

int
state_take(const struct conf *c, struct str *err)
{
	struct ctx	cx = ctx_open(c);
	int		rc;

	if ((rc = schema_check(&cx, err)) == 0 && (rc = dir_open(c, err)) == 0)
		rc = lease_take(&cx, err);
	ctx_close(&cx);
	return rc;
}

int
state_change(const struct conf *now, const struct conf *next, struct str *err)
{
	struct ctx	cx = ctx_open(next);
	int64_t		before = ident_state_id();
	int		rc;

	/* Another state id also where the old directory was removed: its lease is not ours. */
	if ((rc = schema_check(&cx, err)) == 0 && (rc = dir_open(next, err)) == 0 &&
	    (next->node != now->node || ident_state_id() != before))
		rc = lease_take(&cx, err);
	ctx_close(&cx);
	if (rc != 0)
		state_back(now);
	return rc;
}

void
state_back(const struct conf *c)
{
	shared_open(c);
}

void
state_release(const struct conf *c)
{
	struct ctx	cx = ctx_open(c);

	db_patience(cx.db, 1);
	node_release(&cx, c->node, leased);	/* or it runs out by itself */
	ctx_close(&cx);
}
