#include "core/reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/reason.h"
#include "base/scratch.h"
#include "core/kind.h"
#include "core/passages.h"
#include "core/text.h"
#include "store/document.h"
#include "upstream/fetch.h"

#define FETCH_MS	120000	/* a whole file may take */
#define CONNECT_MS	10000
#define QUIET_S		20	/* a server may take to answer, or to go on */
#define FETCH_TRIES	3	/* somebody waits: the pauses between so many are under a minute */
#define READ_S		60	/* and taking its text out */

/* A document on its way: what is known of it, and its content in a file. */
struct reading {
	struct job_try	*try;
	struct document	*d;
	int		 fd;	/* -1: not there yet */
	int64_t		 size;	/* of what was fetched */
};

static enum job_end
hopeless(struct job_try *t, enum reason why)
{
	t->why = reason_name(why);
	return JOB_HOPELESS;
}

static enum job_end
again(struct job_try *t, enum reason why)
{
	t->why = reason_name(why);
	return JOB_AGAIN;
}

/*
 * What a database failure means: it may be back later, but what it refuses once it refuses again.
 * A document that is gone needs no reading.
 */
static enum job_end
failed(struct ctx *cx, struct job_try *t)
{
	switch (cx->fail.kind) {
	case F_NOT_FOUND:
		return JOB_ENDED;
	case F_UNAVAILABLE:
		return again(t, REASON_NO_DATABASE);
	default:
		return again(t, REASON_NOT_STORED);
	}
}

/* ---- the content ----------------------------------------------------------------------------- */

/* Part of a transaction, which may run again. */
static int
store_content(struct ctx *cx, void *arg)
{
	const struct reading	*r = arg;
	char			*buf = arena_get(cx->a, DOCUMENT_PART);
	long			 n;

	if (document_fetched(cx, r->d->id, r->d->type, r->d->media_type, r->size) == -1)
		return -1;
	for (int i = 0;; i++) {
		n = scratch_get(r->fd, buf, DOCUMENT_PART, (long long)i * DOCUMENT_PART);
		if (n == -1)
			return fail(cx, F_INTERNAL, "content");
		if (n == 0)
			return 0;
		if (document_part_add(cx, r->d->id, i, buf, (size_t)n) == -1)
			return -1;
	}
}

/* What came is of another kind perhaps than its name or address let think. */
static enum job_end
take_fetched(struct ctx *cx, struct reading *r, const struct fetched *got)
{
	const struct kind	*kind;
	char			 head[KIND_HEAD];
	long			 n;

	if ((n = scratch_get(r->fd, head, sizeof(head), 0)) == -1)
		return again(r->try, REASON_NO_ROOM);
	if ((kind = kind_fetched(r->d->file_name, got->media_type, head, (size_t)n)) == NULL)
		return hopeless(r->try, text_why(TEXT_UNKNOWN));
	r->d->type = arena_strdup(cx->a, kind->type);
	r->d->media_type = arena_strdup(cx->a, kind->media_type);
	r->size = got->size;
	return db_txn(cx, store_content, r) == 0 ? JOB_ENDED : failed(cx, r->try);
}

static enum job_end
fetch_content(struct ctx *cx, struct reading *r)
{
	const struct fetch	 f = {
		.url = r->d->url, .allow = cx->conf->fetch_allow, .dir = cx->conf->state_dir,
		.most = DOCUMENT_MAX, .connect_ms = CONNECT_MS, .total_ms = FETCH_MS,
		.quiet_s = QUIET_S, .go_on = r->try->go_on, .arg = r->try->arg,
	};
	struct fetched		 got;
	const enum fetch_end	 end = fetch(&f, &got);

	switch (end) {
	case FETCH_DONE:
		r->fd = got.fd;
		return take_fetched(cx, r, &got);
	case FETCH_AGAIN:
	case FETCH_FAILED:
		r->try->why = got.status == 0 ? reason_name(got.why) :
		    arena_printf(cx->a, "%s %d", reason_name(got.why), got.status);
		return end == FETCH_AGAIN && r->try->job->tries - r->try->job->lost < FETCH_TRIES ?
		    JOB_AGAIN : JOB_HOPELESS;
	case FETCH_STOPPED:
		break;
	}
	return JOB_STOPPED;
}

/* The parts, one after the other, into a file. */
static enum job_end
load_content(struct ctx *cx, struct reading *r)
{
	struct arena		*whole = cx->a;
	const struct part	*part;
	bool			 more = true;
	int			 rc = 0;

	if ((r->fd = scratch_open(cx->conf->state_dir)) == -1)
		return again(r->try, REASON_NO_ROOM);
	for (int i = 0; more && rc == 0; i++) {
		cx->a = arena_new(0);
		if ((part = document_part(cx, r->d->id, i)) == NULL)
			more = false;
		else
			rc = scratch_put(r->fd, part->body, (size_t)part->len);
		arena_free(cx->a);
	}
	cx->a = whole;
	if (cx->fail.kind != F_NONE) {
		cx->fail.what = "content";	/* what it was is in an arena that is gone */
		return failed(cx, r->try);
	}
	if (rc == 0)
		return JOB_ENDED;
	log_error("a document cannot be put into state_dir", LOG_S("error", strerror(errno)));
	return again(r->try, REASON_NO_ROOM);
}

/* Content, in r->fd. JOB_ENDED: it is there. */
static enum job_end
get_content(struct ctx *cx, struct reading *r)
{
	const int64_t	 len = document_length(cx, r->d->id);

	if (len == -1)
		return failed(cx, r->try);
	return len == 0 && r->d->url != NULL ? fetch_content(cx, r) : load_content(cx, r);
}

/* ---- the text -------------------------------------------------------------------------------- */

/* Part of the transaction that stores the text: nothing is stored twice, or after it was taken. */
static int
end_job(struct ctx *cx, void *arg)
{
	const struct job_try	*t = arg;
	int			 done;

	if ((done = job_done(cx, t->job->id, t->holder)) == 0)
		fail(cx, F_NOT_FOUND, "job");
	return done == 1 ? 0 : -1;
}

/* An image is kept, and there is no text in it. */
static int
ready_without_text(struct ctx *cx, void *arg)
{
	const struct reading	*r = arg;

	if (document_fail(cx, r->d->id, NULL) == -1)
		return -1;
	return end_job(cx, r->try);
}

static enum job_end
index_text(struct ctx *cx, struct reading *r, const struct str *text)
{
	if (!r->try->go_on(r->try->arg))
		return JOB_STOPPED;
	if (passages_index(cx, r->d->id, text->p, text->len, end_job, r->try) == 0)
		return JOB_ENDED;
	return failed(cx, r->try);
}

static enum job_end
read_text(struct ctx *cx, struct reading *r)
{
	struct str	 text = STR_INIT(0);
	enum text_end	 end;
	enum job_end	 rv;

	if (strcmp(r->d->type, "image") == 0)
		return db_txn(cx, ready_without_text, r) == 0 ? JOB_ENDED : failed(cx, r->try);
	end = text_read(r->d->type, r->fd, READ_S, r->try->go_on, r->try->arg, &text);
	switch (end) {
	case TEXT_OK:
		rv = index_text(cx, r, &text);
		break;
	case TEXT_STOPPED:
		rv = JOB_STOPPED;
		break;
	case TEXT_NONE:
		rv = again(r->try, text_why(end));
		break;
	default:
		rv = hopeless(r->try, text_why(end));
	}
	str_free(&text);
	return rv;
}

static enum job_end
read_document(struct ctx *cx, struct job_try *t)
{
	struct reading	 r = { .try = t, .fd = -1 };
	enum job_end	 end;

	if ((r.d = document_get(cx, 0, t->job->ref)) == NULL) {
		if (cx->fail.kind != F_NOT_FOUND)
			return failed(cx, t);
		fail_clear(cx);
		return job_done(cx, t->job->id, t->holder) == -1 ? failed(cx, t) : JOB_ENDED;
	}
	if ((end = get_content(cx, &r)) == JOB_ENDED && cx->fail.kind == F_NONE)
		end = read_text(cx, &r);
	if (r.fd != -1)
		close(r.fd);
	return end;
}

const struct job_kind	reader_job = {
	.name = JOB_READ,
	.run = read_document,
	.give_up = document_fail,
};

/* It was read before, and is found as it was. */
static int
leave_as_it_is(struct ctx *cx, int64_t document, const char *why)
{
	(void)cx, (void)document, (void)why;
	return 0;
}

const struct job_kind	reader_index_job = {
	.name = JOB_INDEX,
	.run = read_document,
	.give_up = leave_as_it_is,
};
