/* parley purge */
#include <inttypes.h>
#include <sysexits.h>

#include "bar.h"
#include "cmd.h"
#include "core/forget.h"
#include "input.h"

struct purge_opts {
	int		 older_than;
	const char	*tenant;
};

static const struct opt purge_options[] = {
	OPT(purge_opts, OPT_SPAN, MUST_COME, older_than, "older-than", "TIME", 1, 0,
	    "such as 90, 5m, 2h, 180d"),
	OPT(purge_opts, OPT_STR, MAY_COME, tenant, "tenant", "TENANT", 0, 0, "only that one's"),
	OPT_END
};

struct purge {
	struct bar	 bar;
	struct erased	 erased;
};

static void
draw(void *arg, int64_t at, int64_t from, int64_t to)
{
	struct purge	*p = arg;

	bar_draw(&p->bar, at < to ? at - from : to - from, to - from, "%" PRId64 " sessions",
	    p->erased.sessions);
}

static int
report(struct run *r, const struct erased *e)
{
	struct str	 out = STR_INIT(0);

	str_printf(&out, "%" PRId64 " sessions are purged, with %" PRId64 " questions and %" PRId64
	    " answers\n", e->sessions, e->questions, e->answers);
	return cmd_print(r, &out);
}

static int
purge(struct run *r, const void *opts)
{
	const struct purge_opts	*o = opts;
	struct purge		 p = { .erased = { 0 } };
	int64_t			 tenant = 0;
	int			 rv, status;

	if (o->tenant != NULL && (status = input_tenant(r, o->tenant, &tenant)) != EX_OK)
		return status;
	bar_begin(&p.bar);
	rv = forget_old(&r->cx, tenant, r->cx.now - (int64_t)o->older_than * 1000, draw, &p,
	    &p.erased);
	bar_clear(&p.bar);
	return rv == -1 ? cmd_failed(r) : report(r, &p.erased);
}

const struct cmd cmd_purge = {
	.name = "purge",
	.operands = "",
	.help = "removes conversations in which nothing was asked for so long",
	.more =
	    "With all that was said in them; what it cost stays in the books, without a word\n"
	    "or a name. Documents, datasets, tasks, keys and users stay. A purge that was cut\n"
	    "off is simply run again.\n"
	    "\n"
	    "  parley purge --older-than 180d\n",
	.flags = CMD_SCHEMA | CMD_IDS,
	.opts = purge_options,
	.size = sizeof(struct purge_opts),
	.fn = purge,
};
