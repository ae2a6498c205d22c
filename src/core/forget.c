#include "core/forget.h"

#include <inttypes.h>
#include <time.h>

#include "base/clock.h"
#include "base/ident.h"
#include "core/engine.h"
#include "core/registry.h"
#include "store/document.h"

#define PAGE		200	/* conversations or documents that are looked for at once */
#define ROUNDS		10	/* so often somebody may come back while being forgotten */
#define PATIENCE_MS	15000	/* for turns to stop */
#define LOOK_MS		20
#define SHARED_MS	3000	/* by then what a turn said is shared with other hosts (share.h) */

/* ---- what runs ------------------------------------------------------------------------------- */

struct wait {			/* for these turns to be over */
	int64_t	*turns;
	size_t	 n;
	bool	 runs;		/* one of them still does */
};

static void
note_running(void *arg, const struct registry_found *f)
{
	struct wait	*w = arg;

	for (size_t i = 0; i < w->n && !w->runs; i++)
		w->runs = w->turns[i] == f->turn;
}

/* Asks what runs to stop. Is all of it over, the frames after the last commit too? 1, 0 or -1. */
static int
stop_some(struct ctx *cx, int64_t user, struct wait *w)
{
	int64_t	*turns;
	size_t	 n;

	if (erase_running(cx, user, &turns, &n) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (engine_stop_turn(cx, NULL, turns[i], 0) == -1)
			return -1;
	if (n > 0)
		*w = (struct wait){ .turns = turns, .n = n, .runs = true };
	else {
		w->runs = false;
		registry_list(cx->conf->state_dir, note_running, w);
	}
	return !w->runs;
}

static void
pause_ms(int64_t ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* With cluster = on the workers write what a turn said into the database, a moment later. */
static int
wait_shared(struct ctx *cx, int64_t user)
{
	int64_t	 ended, left;

	if (!cx->conf->cluster)
		return 0;
	if ((ended = erase_ended(cx, user)) == -1)
		return -1;
	if ((left = ended + SHARED_MS - clock_ms()) > 0)
		pause_ms(left < SHARED_MS ? left : SHARED_MS);
	return 0;
}

static int
stop_all(struct ctx *cx, int64_t user)
{
	const int64_t	 until = clock_mono_ms() + PATIENCE_MS;
	struct wait	 w = { .n = 0 };
	int		 over;

	while ((over = stop_some(cx, user, &w)) == 0) {
		if (clock_mono_ms() > until)
			return fail(cx, F_TIMEOUT, "the worker of turn %" PRId64, w.turns[0]);
		pause_ms(LOOK_MS);
	}
	if (over == -1)
		return -1;
	return wait_shared(cx, user);
}

/* ---- a user ---------------------------------------------------------------------------------- */

/* Gone meanwhile is as good. */
static int
dropped(struct ctx *cx, int rv, int64_t *count)
{
	if (rv == 0)
		++*count;
	else if (cx->fail.kind == F_NOT_FOUND)
		fail_clear(cx);
	else
		return -1;
	return 0;
}

static int
drop_document(struct ctx *cx, int64_t user, int64_t id, struct erased *e)
{
	return dropped(cx, document_delete(cx, user, id), &e->documents);
}

static int
drop_dataset(struct ctx *cx, int64_t user, int64_t id, struct erased *e)
{
	return dropped(cx, dataset_delete(cx, user, id), &e->datasets);
}

/* Somebody who asks just now is stopped once more. */
static int
drop_session(struct ctx *cx, int64_t user, int64_t id, struct erased *e)
{
	if (erase_session(cx, id, 0, e) != -1)
		return 0;
	if (cx->fail.kind != F_BUSY)
		return -1;
	fail_clear(cx);
	return stop_all(cx, user) == -1 || erase_session(cx, id, 0, e) == -1 ? -1 : 0;
}

static const struct kind {
	int	(*find)(struct ctx *, int64_t, size_t, int64_t **, size_t *);
	int	(*drop)(struct ctx *, int64_t, int64_t, struct erased *);
} kinds[] = {
	{ erase_sessions,	drop_session },
	{ erase_datasets,	drop_dataset },
	{ erase_documents,	drop_document },
};

/* How many of them went, at most PAGE; -1 failed. */
static int
drop_some(struct ctx *cx, int64_t user, const struct kind *k, struct erased *e)
{
	int64_t	*ids;
	size_t	 n;

	if (k->find(cx, user, PAGE, &ids, &n) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (k->drop(cx, user, ids[i], e) == -1)
			return -1;
	return (int)n;
}

/* The same in an arena of its own. */
static int
drop_page(struct ctx *cx, int64_t user, const struct kind *k, struct erased *e)
{
	struct ctx	 sub = *cx;
	int		 n;

	sub.a = arena_new(0);
	n = drop_some(&sub, user, k, e);
	fail_pass(cx, &sub);
	arena_free(sub.a);
	return n;
}

static int
drop_all(struct ctx *cx, int64_t user, struct erased *e)
{
	int	n;

	if (erase_revoke(cx, user) == -1 || stop_all(cx, user) == -1)
		return -1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		do
			n = drop_page(cx, user, &kinds[i], e);
		while (n == PAGE);
		if (n == -1)
			return -1;
	}
	return erase_rest(cx, user, e);
}

int
forget_user(struct ctx *cx, int64_t user, struct erased *e)
{
	int	rv = -1;

	for (int i = 0; rv == -1 && i < ROUNDS; i++) {
		fail_clear(cx);
		if (drop_all(cx, user, e) == -1)
			return -1;
		if ((rv = erase_user(cx, user)) == -1 && cx->fail.kind != F_CONFLICT)
			return -1;
	}
	if (rv == -1) {
		fail_clear(cx);
		return fail(cx, F_CONFLICT, "the user goes on asking: run it again");
	}
	return forget_spool(cx);
}

/* ---- what is old ----------------------------------------------------------------------------- */

struct old {
	int64_t		 tenant, older_ms;
	int64_t		 at, from, to;		/* ids */
	void		(*progress)(void *, int64_t, int64_t, int64_t);
	void		*arg;
	struct erased	*erased;
};

/* How many were found, at most PAGE; -1 failed. */
static int
drop_old(struct ctx *cx, struct old *o)
{
	int64_t	*ids;
	size_t	 n;

	if (erase_old(cx, o->at, o->older_ms, o->tenant, PAGE, &ids, &n) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (erase_session(cx, ids[i], o->older_ms, o->erased) == -1)
			return -1;
		o->at = ids[i];
		if (o->progress != NULL)
			o->progress(o->arg, o->at, o->from, o->to);
	}
	return (int)n;
}

int
forget_old(struct ctx *cx, int64_t tenant, int64_t older_ms, void (*progress)(void *, int64_t,
    int64_t, int64_t), void *arg, struct erased *e)
{
	struct old	 o = { .tenant = tenant, .older_ms = older_ms, .progress = progress,
		.arg = arg, .erased = e };
	struct ctx	 sub = *cx;
	int		 n;

	if ((o.from = erase_oldest(cx)) == -1)
		return -1;
	o.to = ident_from(older_ms) > o.from ? ident_from(older_ms) : o.from + 1;
	do {
		sub.a = arena_new(0);
		n = drop_old(&sub, &o);
		fail_pass(cx, &sub);
		arena_free(sub.a);
	} while (n == PAGE);
	return n == -1 ? -1 : forget_spool(cx);
}
