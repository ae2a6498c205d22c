/* parley import calls */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "bar.h"
#include "call_file.h"
#include "cmd.h"
#include "core/retrieve.h"
#include "store/user.h"

struct import_opts {
	const char	*tenant;
};

static const struct opt import_options[] = {
	OPT(import_opts, OPT_STR, MAY_COME, tenant, "tenant", "TENANT", 0, 0,
	    "whose records they are (default)"),
	OPT_END
};

struct import {
	struct run		*run;
	const char		*path;
	int64_t			 tenant;
	struct call_file	 file;
	int64_t			 stored, bad;
	struct bar		 bar;
};

static void
draw(struct import *im)
{
	const double	rate = (double)im->stored / bar_seconds(&im->bar);

	if (im->bad > 0)
		bar_draw(&im->bar, call_file_at(&im->file), im->file.size,
		    "%" PRId64 " records, %.0f/s, %" PRId64 " bad", im->stored, rate, im->bad);
	else
		bar_draw(&im->bar, call_file_at(&im->file), im->file.size,
		    "%" PRId64 " records, %.0f/s", im->stored, rate);
}

static void
skipped(struct import *im, const char *why)
{
	im->bad++;
	bar_clear(&im->bar);
	fprintf(stderr, "%s:%" PRId64 ": skipped: %s\n", im->path, im->file.line, why);
}

/* Is it the record that the failure is about, or is it the database? */
static bool
is_of_record(enum fail_kind kind)
{
	return kind != F_INTERNAL && kind != F_UNAVAILABLE;
}

/* One record in an arena of its own. An exit status; more: whether there is another. */
static int
one(struct import *im, struct ctx *cx, bool *more)
{
	struct call_record	 rec;
	const char		*why;

	switch (call_file_next(&im->file, cx, &rec, &why)) {
	case CALL_READ_ERROR:
		bar_clear(&im->bar);
		return cmd_error(im->run, EX_IOERR, "%s: %s", im->path, strerror(errno));
	case CALL_READ_END:
		*more = false;
		return EX_OK;
	case CALL_READ_BAD:
		skipped(im, why);
		return EX_OK;
	case CALL_READ:
		break;
	}
	if (retrieve_index_call(cx, im->tenant, &rec) == 0)
		im->stored++;
	else if (is_of_record(cx->fail.kind))
		skipped(im, fail_text(cx->a, &cx->fail, cx->lang));
	else {
		bar_clear(&im->bar);
		im->run->cx.fail = cx->fail;
		return cmd_error(im->run, cmd_status(cx->fail.kind),
		    "%s, at %s:%" PRId64 " after %" PRId64 " records; run it again",
		    cmd_why(im->run), im->path, im->file.line, im->stored);
	}
	return EX_OK;
}

static int
all(struct import *im)
{
	struct ctx	cx = im->run->cx;
	bool		more = true;
	int		status = EX_OK;

	bar_begin(&im->bar);
	while (more && status == EX_OK) {
		cx.a = arena_new(0);
		fail_clear(&cx);
		status = one(im, &cx, &more);
		draw(im);
		arena_free(cx.a);
	}
	bar_clear(&im->bar);
	if (status != EX_OK)
		return status;
	printf("%s: %" PRId64 " records imported", im->path, im->stored);
	if (im->bad > 0)
		printf(", %" PRId64 " bad lines skipped", im->bad);
	putchar('\n');
	return im->bad > 0 ? EX_DATAERR : EX_OK;
}

static int
import_calls(struct run *r, const void *opts)
{
	const struct import_opts	*o = opts;
	struct import			 im = { .run = r, .path = r->operand[0] };
	const char			*why;
	int				 status;

	im.tenant = TENANT_DEFAULT;
	if (o->tenant != NULL && (im.tenant = tenant_by_name(&r->cx, o->tenant)) == -1)
		return cmd_failed(r);
	if (im.tenant == 0)
		return cmd_error(r, EX_NOINPUT, "there is no tenant %s", o->tenant);
	switch (call_file_open(&im.file, r->cx.a, im.path, &why)) {
	case CALL_READ:
		status = all(&im);
		break;
	case CALL_READ_ERROR:
		status = cmd_error(r, EX_NOINPUT, "%s: %s", im.path, why);
		break;
	default:
		status = cmd_error(r, EX_DATAERR, "%s: %s", im.path, why);
	}
	call_file_close(&im.file);
	return status;
}

const struct cmd cmd_import_calls = {
	.name = "import calls",
	.operands = "FILE.csv|FILE.jsonl",
	.least = 1, .most = 1,
	.help = "imports call records, which answers then cite",
	.more =
	    "CSV (RFC 4180, UTF-8) with a header line, or one JSON object per line. Columns\n"
	    "or members: id, summary, start_time, duration, callnumber, callednumber,\n"
	    "labels (a|b); the first three are required, others are left alone. A record\n"
	    "whose id is there already is replaced, so a file can be imported again, and an\n"
	    "import that was cut off is simply repeated. A bad line is reported with its\n"
	    "number and skipped; the exit code is then 65.\n",
	.flags = CMD_SCHEMA | CMD_IDS,
	.opts = import_options,
	.size = sizeof(struct import_opts),
	.fn = import_calls,
};
