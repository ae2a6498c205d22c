/*
 * Segments stay until all of their turns are old, and the last of a quiet worker for long: what was
 * said cannot wait for that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/jw.h"
#include "base/log.h"
#include "core/forget.h"
#include "core/registry.h"
#include "core/spool_file.h"

#define BATCH	1000	/* turns that the database is asked about at once */

struct turns {			/* ids, to be freed */
	int64_t	*v;
	size_t	 n, size;
};

struct search {
	struct turns	 begun;		/* in the spools */
	struct turns	 running;	/* on this host: their last records are still to come */
	struct turns	 wordless;	/* that are to be blanked */
};

static void
add(struct turns *t, int64_t id)
{
	if (t->n == t->size) {
		t->size = t->size > 0 ? 2 * t->size : 1024;
		t->v = xrealloc(t->v, t->size * sizeof(*t->v));
	}
	t->v[t->n++] = id;
}

static int
by_id(const void *a, const void *b)
{
	const int64_t	x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
sort(struct turns *t)
{
	if (t->n > 0)
		qsort(t->v, t->n, sizeof(*t->v), by_id);
}

static bool
has(const struct turns *t, int64_t id)
{
	return t->n > 0 && bsearch(&id, t->v, t->n, sizeof(*t->v), by_id) != NULL;
}

static void
note_running(void *arg, const struct registry_found *f)
{
	add(&((struct search *)arg)->running, f->turn);
}

static int
note_begun(void *arg, uint64_t pos, const struct spool_record *r)
{
	(void)pos;
	if (r->kind == SPOOL_BEGIN)
		add(&((struct search *)arg)->begun, r->turn);
	return 0;
}

/* A directory whose time has come meanwhile is none of ours any more. */
static int
look(void *arg, const char *path, int64_t worker)
{
	(void)worker;
	return spool_scan(path, note_begun, arg) == -1 && errno != ENOENT ? -1 : 0;
}

/* Of those in the spools. */
static int
ask(struct ctx *cx, struct search *s)
{
	struct ctx	 sub = *cx;
	int64_t		*ids;
	size_t		 some, n;
	int		 rv = 0;

	for (size_t at = 0; rv == 0 && at < s->begun.n; at += some) {
		some = s->begun.n - at < BATCH ? s->begun.n - at : BATCH;
		sub.a = arena_new(0);
		rv = erase_wordless(&sub, jw_numbers(sub.a, s->begun.v + at, some), &ids, &n);
		for (size_t i = 0; rv == 0 && i < n; i++)
			if (!has(&s->running, ids[i]))
				add(&s->wordless, ids[i]);
		fail_pass(cx, &sub);
		arena_free(sub.a);
	}
	sort(&s->wordless);
	return rv;
}

static int
blank(void *arg, const char *path, int64_t worker)
{
	const struct search	*s = arg;

	(void)worker;
	return spool_blank(path, s->wordless.v, s->wordless.n);
}

static int
unreadable(struct ctx *cx, const char *dir)
{
	log_error("the spools cannot be blanked", LOG_S("dir", dir),
	    LOG_S("error", strerror(errno)));
	return fail(cx, F_INTERNAL, "spool");
}

int
forget_spool(struct ctx *cx)
{
	const char	*dir = arena_printf(cx->a, "%s/spool", cx->conf->state_dir);
	struct search	 s = { .begun = { .v = NULL } };
	int		 rv;

	/* First these: one that begins later is none of which there are no words. */
	registry_list(cx->conf->state_dir, note_running, &s);
	sort(&s.running);
	if (spool_each(dir, look, &s) == -1)
		rv = unreadable(cx, dir);
	else if ((rv = ask(cx, &s)) == 0 && s.wordless.n > 0 && spool_each(dir, blank, &s) == -1)
		rv = unreadable(cx, dir);
	free(s.begun.v);
	free(s.running.v);
	free(s.wordless.v);
	return rv;
}
