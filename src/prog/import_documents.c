/* parley import documents */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "bar.h"
#include "base/clock.h"
#include "base/ident.h"
#include "base/reason.h"
#include "base/scratch.h"
#include "base/url.h"
#include "base/utf8.h"
#include "base/wake.h"
#include "cmd.h"
#include "core/kind.h"
#include "import_same.h"
#include "store/document.h"
#include "store/user.h"

#define PAGE	200	/* rows of a search */

struct import_opts {
	const char	*user, *tenant, *dataset;
	bool		 wait;
};

static const struct opt import_options[] = {
	OPT(import_opts, OPT_STR, MUST_COME, user, "user", "SUBJECT", 0, 0,
	    "whose documents they are: the subject of the tokens"),
	OPT(import_opts, OPT_STR, MAY_COME, tenant, "tenant", "TENANT", 0, 0,
	    "of the user (default)"),
	OPT(import_opts, OPT_STR, MAY_COME, dataset, "dataset", "NAME", 0, 0,
	    "puts them into this dataset of the user's, which is made if need be"),
	OPT(import_opts, OPT_FLAG, MAY_COME, wait, "wait", NULL, 0, 0,
	    "until all are read, or cannot be"),
	OPT_END
};

enum outcome { FAILED, ADDED, CHANGED, KNOWN, AGAIN, OUTCOMES };

struct file {
	const char	*path;
	int64_t		 size;
	enum outcome	 outcome;
	int64_t		 document;	/* 0: none yet, or it was left out */
	bool		 left;		/* out: it cannot be read, for all that can be told */
	bool		 ended;		/* ready or failed */
};

struct import {
	struct run	*run;
	int64_t		 tenant, owner, dataset;
	const char	*dataset_name;	/* NULL: none */
	struct file	*files;
	size_t		 n;
	int64_t		 count[OUTCOMES];
	struct bar	 bar;
	struct import_file at;		/* the one that is at it */
};

/* ---- what there is --------------------------------------------------------------------------- */

static void
left_out(struct import *im, const char *path, const char *why)
{
	im->count[FAILED]++;
	bar_clear(&im->bar);
	fprintf(stderr, "%s: %s\n", path, why);
}

static void
found(struct import *im, const char *path, int64_t size)
{
	if ((im->n & (im->n - 1)) == 0)		/* full at every power of two */
		im->files = xrealloc(im->files, (im->n > 0 ? im->n * 2 : 1) * sizeof(*im->files));
	im->files[im->n++] = (struct file){ .path = arena_strdup(im->run->cx.a, path),
		.size = size };
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* All files below the operands, but for those whose names begin with a dot. */
static int
look(struct import *im)
{
	FTS	*tree;
	FTSENT	*e;

	if ((tree = fts_open(im->run->operand, FTS_COMFOLLOW | FTS_PHYSICAL | FTS_NOCHDIR,
	    by_name)) == NULL)
		return cmd_error(im->run, EX_OSERR, "%s", strerror(errno));
	while ((e = fts_read(tree)) != NULL) {
		if (e->fts_level > 0 && *e->fts_name == '.')
			fts_set(tree, e, FTS_SKIP);
		else if (e->fts_info == FTS_F)
			found(im, e->fts_path, e->fts_statp->st_size);
		else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR ||
		    e->fts_info == FTS_NS)
			left_out(im, e->fts_path, strerror(e->fts_errno));
		else if (e->fts_level == 0 && e->fts_info == FTS_DEFAULT)
			left_out(im, e->fts_path, "it is no file");
	}
	fts_close(tree);
	return EX_OK;
}

/* ---- one file -------------------------------------------------------------------------------- */

static const char *
name_of(const char *path)
{
	const char	*slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int
add_content(struct ctx *cx, const struct document *d, void *arg)
{
	struct import	*im = arg;
	long		 n;

	for (int i = 0; (int64_t)i * DOCUMENT_PART < d->size; i++) {
		n = scratch_get(im->at.fd, im->at.buf, DOCUMENT_PART, (long long)i * DOCUMENT_PART);
		if (n <= 0)
			return fail(cx, F_CONFLICT, "it changed while it was read");
		if (document_part_add(cx, d->id, i, im->at.buf, (size_t)n) == -1)
			return -1;
	}
	return 0;
}

static bool
has_failed(const struct document *d)
{
	return strcmp(d->status, "failed") == 0;
}

/* The document that the file makes, for its user; id 0: a new one. */
static int64_t
store(struct import *im, struct ctx *cx, int64_t id, const struct kind *k)
{
	const struct document	d = {
		.id = id != 0 ? id : ident_new(), .tenant = im->tenant, .owner = im->owner,
		.file_name = arena_strdup(cx->a, im->at.name),
		.type = arena_strdup(cx->a, k->type),
		.media_type = arena_strdup(cx->a, k->media_type), .size = im->at.size,
		.status = arena_strdup(cx->a, "pending"), .created_ms = clock_ms(),
	};

	if ((id != 0 ? document_replace(cx, &d, add_content, im) :
	    document_add(cx, &d, 1, add_content, im)) == -1)
		return -1;
	wake_send();
	return d.id;
}

/* What could not be read may be readable by now: the program may know more, or have more room. */
static int
try_again(struct ctx *cx, int64_t document)
{
	if (document_retry(cx, document) == -1)
		return -1;
	wake_send();
	return 0;
}

/* What is wrong with it before it is stored; NULL: nothing, and *k is its kind. */
static const char *
refused(struct import *im, const struct kind **k)
{
	const char	*name = im->at.name;
	char		 head[KIND_HEAD];
	long		 n;

	if (!url_text(name, strlen(name)) || utf8_length(name, strlen(name)) > DOCUMENT_NAME)
		return "its name is not UTF-8, or too long";
	if (im->at.size > DOCUMENT_MAX)
		return "it is larger than 20 MB";
	if ((n = scratch_get(im->at.fd, head, sizeof(head), 0)) == -1)
		return strerror(errno);
	if ((*k = kind_of(name, head, (size_t)n)) == NULL)
		return "files of its type are not read, or its name says another one";
	return NULL;
}

/* It is there, as that document. -1: the ctx failed. */
static int
is_there(struct import *im, struct ctx *cx, struct file *f, const struct document *d)
{
	f->outcome = has_failed(d) ? AGAIN : KNOWN;
	if (f->outcome == AGAIN && try_again(cx, d->id) == -1)
		return -1;
	im->count[f->outcome]++;
	f->document = d->id;
	return 0;
}

/* Whichever of them no file is: 0: each is one. */
static int64_t
nobodys(const struct import *im, const struct document *d, size_t n)
{
	size_t	k;

	for (size_t i = 0; i < n; i++) {
		for (k = 0; k < im->n && im->files[k].document != d[i].id; k++)
			;
		if (k == im->n)
			return d[i].id;
	}
	return 0;
}

/* The first round, in a dataset: what is there and has not changed. -1: the ctx failed. */
static int
recognise(struct import *im, struct ctx *cx, struct file *f)
{
	struct document	*d, same;
	size_t		 n;

	if (!url_text(im->at.name, strlen(im->at.name)))
		return 0;			/* refused in the second */
	if (document_named_in(cx, im->dataset, im->owner, im->at.name, &d, &n) == -1 ||
	    import_same(cx, &im->at, d, n, &same) == -1)
		return -1;
	return same.id != 0 ? is_there(im, cx, f, &same) : 0;
}

/*
 * The second: what it is in place of, or else anew. Files of one name may be in several
 * directories: those that have changed take the places that those that have not have left.
 */
static int
take(struct import *im, struct ctx *cx, struct file *f)
{
	const char		*why;
	const struct kind	*k = NULL;
	struct document		*d = NULL, same = { .id = 0 };
	int64_t			 old;
	size_t			 n = 0;

	if ((why = refused(im, &k)) != NULL) {
		left_out(im, f->path, why);
		return 0;
	}
	if (im->dataset != 0 &&
	    document_named_in(cx, im->dataset, im->owner, im->at.name, &d, &n) == -1)
		return -1;
	old = nobodys(im, d, n);
	if (old == 0 && import_same_of(cx, &im->at, im->owner, &same) == -1)
		return -1;
	if (same.id != 0) {
		if (is_there(im, cx, f, &same) == -1)
			return -1;
	} else {
		if ((f->document = store(im, cx, old, k)) == -1)
			return -1;
		f->outcome = old != 0 ? CHANGED : ADDED;
		im->count[f->outcome]++;
	}
	return im->dataset == 0 ? 0 :
	    dataset_attach(cx, im->owner, im->dataset, &f->document, 1);
}

/* Each file has an arena of its own. An exit status. */
static int
one(struct import *im, struct file *f, int (*round)(struct import *, struct ctx *, struct file *))
{
	struct ctx	cx = im->run->cx;
	int		status = EX_OK;

	im->at.name = name_of(f->path);
	im->at.size = f->size;
	if ((im->at.fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1) {
		left_out(im, f->path, strerror(errno));
		f->left = true;
		return EX_OK;
	}
	cx.a = arena_new(0);
	if (round(im, &cx, f) == -1) {
		f->document = 0;
		if (cx.fail.kind == F_CONFLICT) {
			left_out(im, f->path, fail_text(cx.a, &cx.fail, cx.lang));
			f->left = true;
		} else {
			bar_clear(&im->bar);
			im->run->cx.fail = cx.fail;
			status = cmd_error(im->run, cmd_status(cx.fail.kind),
			    "%s, at %s; run it again", cmd_why(im->run), f->path);
		}
	}
	arena_free(cx.a);
	close(im->at.fd);
	return status;
}

/* ---- whose, and where to --------------------------------------------------------------------- */

/* The owner's dataset of exactly that name, made where there is none. 0, or -1 (ctx failed). */
static int
get_dataset(struct import *im)
{
	struct ctx	*cx = &im->run->cx;
	struct dataset	*d, made;
	int64_t		 skip = 0, total;
	size_t		 n;

	do {
		if (dataset_search(cx, im->owner, im->dataset_name, skip, PAGE, &d, &n,
		    &total) == -1)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (strcmp(d[i].name, im->dataset_name) == 0) {
				im->dataset = d[i].id;
				return 0;
			}
		skip += PAGE;
	} while (n == PAGE);
	made = (struct dataset){ .id = ident_new(), .tenant = im->tenant, .owner = im->owner,
		.name = arena_strdup(cx->a, im->dataset_name), .created_ms = clock_ms() };
	im->dataset = made.id;
	return dataset_add(cx, &made, NULL, 0);
}

static int
get_owner(struct import *im, const struct import_opts *o)
{
	struct ctx	*cx = &im->run->cx;
	struct user	*user;

	im->tenant = TENANT_DEFAULT;
	if (o->tenant != NULL && (im->tenant = tenant_by_name(cx, o->tenant)) == -1)
		return cmd_failed(im->run);
	if (im->tenant == 0)
		return cmd_error(im->run, EX_NOINPUT, "there is no tenant %s", o->tenant);
	if ((user = user_ensure(cx, im->tenant, o->user, NULL, NULL)) == NULL)
		return cmd_failed(im->run);
	im->owner = user->id;
	im->dataset_name = o->dataset;
	return o->dataset != NULL && get_dataset(im) == -1 ? cmd_failed(im->run) : EX_OK;
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* Has its reading ended by now? A document that was deleted meanwhile has. */
static int
look_after(struct import *im, struct ctx *cx, struct file *f)
{
	const struct document	*d;

	if ((d = document_get(cx, 0, f->document)) == NULL) {
		if (cx->fail.kind != F_NOT_FOUND)
			return -1;
		fail_clear(cx);
		f->ended = true;
		return 0;
	}
	f->ended = strcmp(d->status, "pending") != 0;
	if (has_failed(d)) {
		im->count[f->outcome]--;
		left_out(im, f->path, d->error != NULL ? reason_text(cx->a, d->error, LANG_EN) :
		    "failed");
	}
	return 0;
}

static int
wait_all(struct import *im)
{
	const struct timespec	 moment = { .tv_nsec = 200000000 };
	struct ctx		 cx = im->run->cx;
	size_t			 ended;
	int			 rc = 0;

	bar_begin(&im->bar);
	do {
		cx.a = arena_new(0);
		ended = 0;
		for (size_t i = 0; rc == 0 && i < im->n; i++) {
			if (im->files[i].document != 0 && !im->files[i].ended)
				rc = look_after(im, &cx, &im->files[i]);
			ended += im->files[i].document == 0 || im->files[i].ended;
		}
		if (rc == -1) {
			bar_clear(&im->bar);
			im->run->cx.fail = cx.fail;
			rc = cmd_failed(im->run);
		}
		arena_free(cx.a);
		bar_draw(&im->bar, (int64_t)ended, (int64_t)im->n, "%zu of %zu read", ended, im->n);
		if (rc == 0 && ended < im->n)
			nanosleep(&moment, NULL);
	} while (rc == 0 && ended < im->n);
	bar_clear(&im->bar);
	return rc;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int
all(struct import *im)
{
	int64_t	bytes = 0, done = 0;
	int	status = EX_OK;

	for (size_t i = 0; i < im->n; i++)
		bytes += im->files[i].size;
	for (size_t i = 0; im->dataset != 0 && status == EX_OK && i < im->n; i++) {
		status = one(im, &im->files[i], recognise);
		bar_draw(&im->bar, (int64_t)i + 1, (int64_t)im->n, "%zu of %zu files compared",
		    i + 1, im->n);
	}
	for (size_t i = 0; status == EX_OK && i < im->n; i++) {
		if (im->files[i].document == 0 && !im->files[i].left)
			status = one(im, &im->files[i], take);
		done += im->files[i].size;
		bar_draw(&im->bar, done, bytes, "%zu of %zu files", i + 1, im->n);
	}
	bar_clear(&im->bar);
	return status;
}

/* Each file once, as what became of it; what none was, is left out. */
static void
sum_up(const struct import *im)
{
	static const struct {
		const char	*one, *more;
	} words[OUTCOMES] = {
		[ADDED] = { "document added", "documents added" },
		[CHANGED] = { "changed", "changed" },
		[KNOWN] = { "was there already", "were there already" },
		[AGAIN] = { "is read again", "are read again" },
		[FAILED] = { "failed", "failed" },
	};
	static const enum outcome	 order[] = { ADDED, CHANGED, KNOWN, AGAIN, FAILED };

	for (size_t i = 0; i < OUTCOMES; i++) {
		const int64_t	 n = im->count[order[i]];

		if (i == 0 || n > 0)
			printf("%s%" PRId64 " %s", i > 0 ? ", " : "", n,
			    n == 1 ? words[order[i]].one : words[order[i]].more);
	}
	putchar('\n');
}

static int
import_documents(struct run *r, const void *opts)
{
	const struct import_opts	*o = opts;
	struct import			 im = { .run = r };
	int				 status;

	im.at.buf = arena_get(r->cx.a, DOCUMENT_PART);
	wake_open(r->cx.conf->state_dir);	/* or they are found a second later */
	bar_begin(&im.bar);
	if ((status = look(&im)) == EX_OK && (status = get_owner(&im, o)) == EX_OK)
		status = all(&im);
	if (status == EX_OK && o->wait)
		status = wait_all(&im);
	free(im.files);
	if (status != EX_OK)
		return status;
	sum_up(&im);
	return im.count[FAILED] > 0 ? EX_DATAERR : EX_OK;
}

const struct cmd cmd_import_documents = {
	.name = "import documents",
	.operands = "FILE|DIR…",
	.least = 1, .most = 10000,
	.help = "imports files that answers of logged-in chats can rest on",
	.more =
	    "Text, Markdown, HTML, PDF, DOCX and images, of directories all files below them\n"
	    "whose names do not begin with a dot. The service reads them in the background.\n"
	    "What the user has already, with that name and content, is not added again: an\n"
	    "import that was cut off is simply repeated; what could not be read is read again.\n"
	    "With --dataset, a file whose name is in it and whose content has changed replaces\n"
	    "what the document had.\n"
	    "Each file that fails is one line; the exit code is then 65.\n",
	.flags = CMD_SCHEMA | CMD_IDS,
	.opts = import_options,
	.size = sizeof(struct import_opts),
	.fn = import_documents,
};
