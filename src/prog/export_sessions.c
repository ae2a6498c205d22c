/* parley export sessions */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bar.h"
#include "base/clock.h"
#include "cmd.h"
#include "input.h"
#include "session_line.h"

#define PAGE	200	/* conversations that are looked for at once */

struct export_opts {
	const char	*user, *tenant, *since;
};

static const struct opt export_options[] = {
	OPT(export_opts, OPT_STR, MAY_COME, user, "user", "SUBJECT", 0, 0, "only theirs"),
	OPT(export_opts, OPT_STR, MAY_COME, tenant, "tenant", "TENANT", 0, 0,
	    "only that one's users"),
	OPT(export_opts, OPT_STR, MAY_COME, since, "since", "DATE", 0, 0,
	    "only what began or went on since; 2026-01-31, or with a time"),
	OPT_END
};

struct export {
	struct run	*run;
	const char	*user;
	int64_t		 tenant, since_ms;
	int64_t		 at, newest;	/* ids */
	int64_t		 written;
	struct bar	 bar;
};

static int
write_error(struct export *ex)
{
	const int	e = errno;

	bar_clear(&ex->bar);
	return cmd_error(ex->run, EX_IOERR, "standard output: %s", strerror(e));
}

/* One that was deleted meanwhile is left out. An exit status. */
static int
one(struct export *ex, struct ctx *cx, int64_t id)
{
	const struct archive_session	*s;
	struct str			 line = STR_INIT(0);
	bool				 written;

	if ((s = archive_get(cx, id)) == NULL)
		return cx->fail.kind == F_NONE ? EX_OK : EX_UNAVAILABLE;
	session_line_write(&line, s);
	written = fwrite(line.p, 1, line.len, stdout) == line.len;
	str_free(&line);
	if (!written)
		return write_error(ex);
	ex->written++;
	return EX_OK;
}

/* A conversation has an arena of its own, for it may be large. */
static int
one_alone(struct export *ex, int64_t id)
{
	struct ctx	cx = ex->run->cx;
	int		status;

	cx.a = arena_new(0);
	status = one(ex, &cx, id);
	if (cx.fail.kind != F_NONE) {
		bar_clear(&ex->bar);
		fail_pass(&ex->run->cx, &cx);
		status = cmd_failed(ex->run);
	}
	arena_free(cx.a);
	return status;
}

static int
all(struct export *ex)
{
	struct ctx	*cx = &ex->run->cx;
	int64_t		*ids;
	size_t		 n;
	int		 status = EX_OK;

	do {
		if (archive_find(cx, ex->at, ex->tenant, ex->user, ex->since_ms, PAGE, &ids,
		    &n) == -1)
			return cmd_failed(ex->run);
		for (size_t i = 0; status == EX_OK && i < n; i++) {
			status = one_alone(ex, ids[i]);
			ex->at = ids[i];
			bar_draw(&ex->bar, ex->at, ex->newest, "%" PRId64 " sessions",
			    ex->written);
		}
	} while (status == EX_OK && n == PAGE);
	bar_clear(&ex->bar);
	if (status == EX_OK && fflush(stdout) == EOF)
		return write_error(ex);
	return status;
}

static int
export_sessions(struct run *r, const void *opts)
{
	const struct export_opts	*o = opts;
	struct export			 ex = { .run = r, .user = o->user };
	int				 status;

	if (o->tenant != NULL && (status = input_tenant(r, o->tenant, &ex.tenant)) != EX_OK)
		return status;
	if (o->since != NULL &&
	    clock_parse(o->since, r->cx.conf->timezone, &ex.since_ms) == -1)
		return cmd_error(r, EX_USAGE, "--since takes a date such as 2026-01-31, not `%s`",
		    o->since);
	if ((ex.newest = archive_newest(&r->cx)) == -1)
		return cmd_failed(r);
	bar_begin(&ex.bar);
	ex.bar.on &= !isatty(STDOUT_FILENO);
	return all(&ex);
}

const struct cmd cmd_export_sessions = {
	.name = "export sessions",
	.operands = "",
	.help = "writes conversations as JSON lines, one each",
	.more =
	    "A line holds all of a conversation: its owner, title and times, the models by\n"
	    "their codes, questions, answers with tokens and cost, citations, runs of tools,\n"
	    "votes, ratings, and the names of its documents. What was deleted, and turns that\n"
	    "still run, are left out. Oldest first; import sessions takes it.\n"
	    "\n"
	    "  parley export sessions --since 2026-01-01 >sessions.jsonl\n",
	.flags = CMD_SCHEMA,
	.opts = export_options,
	.size = sizeof(struct export_opts),
	.fn = export_sessions,
};
