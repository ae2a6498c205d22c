/* parley import sessions */
#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "bar.h"
#include "base/ident.h"
#include "cmd.h"
#include "input.h"
#include "lines.h"
#include "session_line.h"
#include "store/user.h"

#define LINE_MOST	((size_t)256 << 20)

struct import_opts {
	const char	*tenant;
};

static const struct opt import_options[] = {
	OPT(import_opts, OPT_STR, MAY_COME, tenant, "tenant", "TENANT", 0, 0,
	    "whose users they go to, in place of the tenant that a line names"),
	OPT_END
};

struct import {
	struct run	*run;
	const char	*path;
	struct lines	 lines;
	int64_t		 size;		/* of the file, in bytes */
	int64_t		 tenant;	/* 0: what the line says */
	int64_t		 now;		/* an id of just now */
	int64_t		 stored, there, missing, bad;
	struct bar	 bar;
};

static void
draw(struct import *im)
{
	bar_draw(&im->bar, ftello(im->lines.in), im->size, "%" PRId64 " sessions, %.0f/s, %" PRId64
	    " bad", im->stored, (double)im->stored / bar_seconds(&im->bar), im->bad);
}

static void
skipped(struct import *im, const char *why)
{
	im->bad++;
	bar_clear(&im->bar);
	fprintf(stderr, "%s:%" PRId64 ": skipped: %s\n", im->path, im->lines.line, why);
}

/* Is it the line that the failure is about, or is it the database? */
static bool
is_of_line(enum fail_kind kind)
{
	return kind != F_INTERNAL && kind != F_UNAVAILABLE;
}

/* Whose it will be. -1: F_NOT_FOUND. */
static int64_t
tenant_of(const struct import *im, struct ctx *cx, const struct archive_session *s)
{
	int64_t	 id;

	if (im->tenant != 0)
		return im->tenant;
	if ((id = tenant_by_name(cx, s->tenant)) == 0)
		return fail(cx, F_NOT_FOUND, "tenant %s", s->tenant);
	return id;
}

/* -1: ctx failed. */
static int
store(struct import *im, struct ctx *cx)
{
	const struct archive_session	*s;
	int64_t				 tenant;
	int				 missing;

	if ((s = session_line_read(cx, im->lines.text.p, im->lines.text.len, im->now)) == NULL ||
	    (tenant = tenant_of(im, cx, s)) == -1)
		return -1;
	switch (archive_put(cx, tenant, s, &missing)) {
	case ARCHIVE_FAILED:
		return -1;
	case ARCHIVE_THERE:
		im->there++;
		break;
	case ARCHIVE_PUT:
		im->stored++;
		im->missing += missing;
		break;
	}
	return 0;
}

/* The line in an arena of its own. An exit status. */
static int
one(struct import *im)
{
	struct ctx	cx = im->run->cx;
	int		status = EX_OK;

	cx.a = arena_new(0);
	if (store(im, &cx) == -1) {
		if (is_of_line(cx.fail.kind))
			skipped(im, fail_text(cx.a, &cx.fail, cx.lang));
		else {
			bar_clear(&im->bar);
			fail_pass(&im->run->cx, &cx);
			status = cmd_error(im->run, cmd_status(cx.fail.kind),
			    "%s, at %s:%" PRId64 "; run it again", cmd_why(im->run), im->path,
			    im->lines.line);
		}
	}
	arena_free(cx.a);
	return status;
}

static int
report(const struct import *im)
{
	printf("%s: %" PRId64 " sessions imported", im->path, im->stored);
	if (im->there > 0)
		printf(", %" PRId64 " were there already", im->there);
	if (im->missing > 0)
		printf(", %" PRId64 " of their documents and datasets are not here", im->missing);
	if (im->bad > 0)
		printf(", %" PRId64 " bad lines skipped", im->bad);
	putchar('\n');
	return im->bad > 0 ? EX_DATAERR : EX_OK;
}

static int
all(struct import *im)
{
	enum lines_read	 got;
	int		 status = EX_OK;

	bar_begin(&im->bar);
	while (status == EX_OK && (got = lines_next(&im->lines)) != LINES_END) {
		if (got == LINES_ERROR) {
			bar_clear(&im->bar);
			return cmd_error(im->run, EX_IOERR, "%s: %s", im->path, strerror(errno));
		}
		if (got == LINES_LONG)
			skipped(im, "it is too long");
		else
			status = one(im);
		draw(im);
	}
	bar_clear(&im->bar);
	return status == EX_OK ? report(im) : status;
}

static int
import_sessions(struct run *r, const void *opts)
{
	const struct import_opts	*o = opts;
	struct import			 im = { .run = r, .path = r->operand[0] };
	struct stat			 st;
	FILE				*in;
	int				 status;

	if (o->tenant != NULL && (status = input_tenant(r, o->tenant, &im.tenant)) != EX_OK)
		return status;
	if ((in = fopen(im.path, "re")) == NULL || fstat(fileno(in), &st) == -1)
		status = cmd_error(r, EX_NOINPUT, "%s: %s", im.path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		status = cmd_error(r, EX_DATAERR, "%s: it is no regular file", im.path);
	else {
		im.size = st.st_size;
		im.now = ident_new();
		lines_open(&im.lines, in, LINE_MOST);
		status = all(&im);
		lines_close(&im.lines);
	}
	if (in != NULL)
		fclose(in);
	return status;
}

const struct cmd cmd_import_sessions = {
	.name = "import sessions",
	.operands = "FILE.jsonl",
	.least = 1, .most = 1,
	.help = "imports conversations that export sessions has written",
	.more =
	    "Models, assistants and apps that a line names must be here under the same name;\n"
	    "users and tasks are made where they are not. Datasets and documents are found by\n"
	    "name, and left out where the user has none: import those first. A conversation\n"
	    "that is there already stays as it is, so an import that was cut off is simply run\n"
	    "again. A bad line is reported with its number and skipped; the exit code is then\n"
	    "65.\n",
	.flags = CMD_SCHEMA | CMD_IDS,
	.opts = import_options,
	.size = sizeof(struct import_opts),
	.fn = import_sessions,
};
