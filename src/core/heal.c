#include "core/heal.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/registry.h"
#include "core/retell.h"
#include "core/running.h"
#include "core/spool.h"
#include "core/spool_reader.h"

struct half {			/* a turn that is not told to its end, as far as it was read */
	struct turn	*turn;
	/* Messages that stand there already, by lane; past them those of the turn as a whole */
	uint32_t	*said;
	struct half	*same;
};

struct healing {
	int64_t			 worker;
	const struct voice	*const *voices;
	int64_t			 now_ms;
	struct half		*table[TABLE_SIZE];	/* by turn */
	int			 n;
	struct spool		*spool;
	struct spool_reader	*reader;
	struct half		*telling;	/* whose messages come, */
	const struct lane	*lane;		/* and of which lane */
};

static struct half **
find(struct healing *h, int64_t turn)
{
	struct half	**p = &h->table[table_slot(turn)];

	while (*p != NULL && (*p)->turn->id != turn)
		p = &(*p)->same;
	return p;
}

static void
add(struct healing *h, const struct spool_record *r)
{
	struct half	**slot, *f;
	struct turn	*t = retell_read(r, h->voices);

	if (t == NULL)
		return;
	if (!t->stored || *(slot = find(h, t->id)) != NULL) {
		turn_free(t);		/* of what is not stored nothing was kept to be told */
		return;
	}
	f = xcalloc(1, sizeof *f);
	f->turn = t;
	f->said = arena_array(t->a, (size_t)t->nlanes + 1, sizeof *f->said);
	*slot = f;
	h->n++;
}

static void
drop(struct healing *h, struct half **slot)
{
	struct half	*f = *slot;

	*slot = f->same;
	h->n--;
	turn_free(f->turn);
	free(f);
}

/* The turn is over, and its last record there. */
static void
register_over(const struct turn *t, int64_t worker, uint64_t last, int64_t at_ms)
{
	struct registry_found	 found;

	if (!registry_find(t->id, &found) || found.done_ms == 0)
		registry_done(registry_add(t->id, worker, t->owner), last, at_ms);
}

static uint32_t *
said_of(struct half *f, const struct lane *l)
{
	return &f->said[l != NULL ? l - f->turn->lanes : f->turn->nlanes];
}

/* Reading: each turn's state as its worker had it at the record. */
static int
read_record(void *arg, uint64_t pos, const struct spool_record *r)
{
	struct healing		*h = arg;
	struct half		**slot;
	struct spool_chain	*c;

	if (r->kind == SPOOL_BEGIN)
		add(h, r);
	slot = find(h, r->turn);
	if (*slot == NULL)
		return 0;
	c = &(*slot)->turn->chain;
	if (r->kind == SPOOL_BEGIN)
		c->first = pos;
	if (r->kind == SPOOL_MARK)
		c->mark = pos;
	c->last = pos;
	c->events = r->event;
	if (r->kind == SPOOL_DONE) {
		register_over((*slot)->turn, h->worker, pos, r->at_ms);
		drop(h, slot);
	} else if (r->kind == SPOOL_MESSAGE)
		++*said_of(*slot, turn_lane((*slot)->turn, r->lane));
	else
		retell_note((*slot)->turn, r);
	return 0;
}

static void
put(struct healing *h, enum spool_kind kind, int flags, const void *p, size_t n)
{
	struct turn	*t = h->telling->turn;

	spool_add(h->spool, &(struct spool_record){ .turn = t->id, .kind = kind, .flags = flags,
	    .lane = h->lane != NULL ? h->lane->n : SPOOL_NO_LANE, .at_ms = h->now_ms,
	    .data = p, .len = n }, &t->chain);
}

static void
on_message(void *arg, const char *msg, size_t len)
{
	struct healing	*h = arg;
	uint32_t	*said = said_of(h->telling, h->lane);

	if (*said > 0)
		--*said;		/* it stands there */
	else
		put(h, SPOOL_MESSAGE, 0, msg, len);
}

static void
end_lane(struct healing *h, struct lane *l)
{
	struct spool_ended	 ended;

	if (l->thinking)		/* a reader waits for the reasoning's end */
		put(h, SPOOL_DELTA, DELTA_CLOSES, NULL, 0);
	l->status = "error";
	l->why = F_UNAVAILABLE;
	l->estimated = true;
	lane_charge(l, 0, -1);
	l->ended_ms = h->now_ms;
	ended = lane_ended(l);
	put(h, SPOOL_END, 0, &ended, sizeof ended);
}

/*
 * The end of a lane, told by a voice that wants the text: `last` is the turn's last record that
 * stands there.
 */
static void
tell_with_text(struct healing *h, struct lane *l, uint64_t last, struct out *out)
{
	if (spool_reader_said(h->reader, h->worker, last, l->n, &l->text, &l->reasoning) == -1)
		log_error("an answer cannot be told as it was said: the spool is damaged",
		    LOG_S("rid", l->turn->rid), LOG_I("turn", l->turn->id), LOG_I("lane", l->n));
	tell_last(l, out);
	lane_forget(l);
}

static void
tell_rest(struct healing *h, struct half *f)
{
	struct turn		*t = f->turn;
	const struct voice	*v = t->voice;
	struct out		 out = { .message = on_message, .arg = h };
	const uint64_t		 last = t->chain.last;

	h->telling = f;
	h->lane = NULL;
	if (v->begin != NULL && (!v->late || *said_of(f, NULL) > 0))
		v->begin(&out, t);
	for (int i = 0; i < t->nlanes; i++) {
		h->lane = &t->lanes[i];
		if (h->lane->state < LANE_CLOSING)
			end_lane(h, &t->lanes[i]);
		if (v->wants_text)
			tell_with_text(h, &t->lanes[i], last, &out);
		else
			tell_last(h->lane, &out);
	}
	h->lane = NULL;
	if (v->done != NULL)
		v->done(&out, t);
	put(h, SPOOL_DONE, 0, NULL, 0);
	str_free(&out.buf);
}

static int
tell_all(struct healing *h, const char *path)
{
	char	*dir;
	int	 rv, e;

	if ((h->spool = spool_adopt(path)) == NULL)
		return -1;
	dir = xprintf("%s/..", path);
	h->reader = spool_reader_new(dir);
	free(dir);
	for (size_t i = 0; i < TABLE_SIZE; i++)
		for (struct half *f = h->table[i]; f != NULL; f = f->same)
			tell_rest(h, f);
	rv = spool_write(h->spool);
	e = errno;
	for (size_t i = 0; rv == 0 && i < TABLE_SIZE; i++)
		for (struct half *f = h->table[i]; f != NULL; f = f->same)
			register_over(f->turn, h->worker, f->turn->chain.last, h->now_ms);
	spool_close(h->spool);
	spool_reader_free(h->reader);
	errno = e;
	return rv;
}

int
heal_spool(const char *path, int64_t worker, const struct voice *const *voices, int64_t now_ms)
{
	struct healing	*h = xcalloc(1, sizeof *h);
	int		 rv, e;

	h->worker = worker;
	h->voices = voices;
	h->now_ms = now_ms;
	rv = spool_scan(path, read_record, h);
	if (rv == 0 && h->n > 0)
		rv = tell_all(h, path);
	e = errno;
	for (size_t i = 0; i < TABLE_SIZE; i++)
		while (h->table[i] != NULL)
			drop(h, &h->table[i]);
	free(h);
	errno = e;
	return rv;
}

/* ---- the registry ---- */

struct search {
	int64_t			 worker;
	const struct voice	*const *voices;
	struct spool_reader	*reader;
	bool			 begun;
};

static int
find_over(void *arg, uint64_t pos, const struct spool_record *r)
{
	struct search		*s = arg;
	struct spool_record	 first;
	struct registry_found	 found;
	struct turn		*t;

	if (r->kind != SPOOL_DONE)
		return 0;
	if (!s->begun && registry_find(r->turn, &found))
		return -1;		/* then it has all of them */
	s->begun = true;
	if (spool_reader_first(s->reader, s->worker, pos, &first) == 0 &&
	    (t = retell_read(&first, s->voices)) != NULL) {
		register_over(t, s->worker, pos, r->at_ms);
		turn_free(t);
	}
	return 0;
}

void
heal_registry(const char *spool_dir, const struct voice *const *voices)
{
	struct search	 s = { .voices = voices };
	struct dirent	*e;
	char		 path[PATH_MAX], *end;
	DIR		*d;

	if ((d = opendir(spool_dir)) == NULL)
		return;
	s.reader = spool_reader_new(spool_dir);
	while ((e = readdir(d)) != NULL) {
		s.worker = strtoll(e->d_name, &end, 16);
		if (e->d_name[0] == '.' || *end != '\0' || s.worker <= 0)
			continue;
		s.begun = false;
		snprintf(path, sizeof path, "%s/%s", spool_dir, e->d_name);
		spool_scan(path, find_over, &s);
	}
	spool_reader_free(s.reader);
	closedir(d);
}
