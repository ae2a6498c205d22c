/*
 * Every message of a turn goes the same way: the voice writes it, the spool keeps it, and whoever
 * listens gets it. A client that is slow stops getting messages as they come; what it lacks is
 * read back from the spool when it has caught up.
 */
#include <string.h>

#include "base/log.h"
#include "core/running.h"

/* Gives message number n to the peer, unless it is behind or just fell behind. */
static void
pass_on(struct turn *t, const char *msg, size_t len)
{
	if (t->peer == NULL)
		return;
	if (t->stored && (t->sent < t->events - 1 || peer_is_high(t->peer)))
		return;			/* refill() brings it later */
	peer_message(t->peer, msg, len, t->stored ? t->id : 0, t->events);
	t->sent = t->events;
	if (!t->stored && !t->paused && peer_is_high(t->peer)) {
		t->paused = true;
		for (int i = 0; i < t->nlanes; i++)
			if (t->lanes[i].ask != NULL)
				ask_pause(t->lanes[i].ask, true);
	}
}

/*
 * One more event is in the spool, or need not be. Every TURN_MARK-th is marked, so
 * that reading back starts near.
 */
static void
count_event(struct turn *t)
{
	size_t	 n;

	if (++t->events % TURN_MARK != 0 || !t->stored)
		return;
	n = (size_t)(t->events / TURN_MARK);
	t->marks = xrealloc(t->marks, n * sizeof *t->marks);
	t->marks[n - 1] = t->spool_last;
}

static void
keep(struct turn *t, const struct lane *l, enum spool_kind kind, int flags, int64_t at_ms,
    const char *p, size_t n)
{
	if (!t->stored)
		return;
	spool_add(t->engine->spool, &(struct spool_record){ .turn = t->id,
	    .lane = l != NULL ? l->n : 0, .kind = kind, .flags = flags, .at_ms = at_ms,
	    .data = p, .len = n }, &t->spool_last);
}

void
tell_message(void *arg, const char *msg, size_t len)
{
	struct engine	*e = arg;
	struct turn	*t = e->telling;

	keep(t, e->telling_lane, SPOOL_MESSAGE, 0, loop_wall(e->loop), msg, len);
	count_event(t);
	pass_on(t, msg, len);
}

/* A delta is spooled as what it is, not as what the voice makes of it. */
static void
delta_message(void *arg, const char *msg, size_t len)
{
	struct engine	*e = arg;

	count_event(e->telling);
	pass_on(e->telling, msg, len);
}

static struct out *
speak(struct turn *t, const struct lane *l)
{
	struct engine	*e = t->engine;

	e->telling = t;
	e->telling_lane = l;
	e->out.message = tell_message;
	return &e->out;
}

void
tell_begin(struct turn *t)
{
	if (t->voice->begin != NULL)
		t->voice->begin(speak(t, NULL), t);
}

void
tell_delta(struct lane *l, const struct delta *d)
{
	struct turn	*t = l->turn;
	struct out	*o = speak(t, l);

	keep(t, l, SPOOL_DELTA, d->flags, d->at_ms, d->text, d->len);
	if (t->peer == NULL || (t->stored && (t->sent < t->events || peer_is_high(t->peer)))) {
		count_event(t);		/* nobody to encode it for */
		return;
	}
	o->message = delta_message;
	t->voice->delta(o, l, d);
}

void
tell_end(struct lane *l)
{
	struct turn		*t = l->turn;
	const struct voice	*v = t->voice;
	bool			 failed = l->why != F_NONE;

	if (failed && v->fail != NULL)
		v->fail(speak(t, l), l);
	if (!failed && v->end != NULL)
		v->end(speak(t, l), l);
	if (v->cite != NULL)
		v->cite(speak(t, l), l);
}

/* Lets the peer go when it has everything. */
static void
release_peer(struct turn *t)
{
	struct peer	*p = t->peer;

	if (p == NULL || !t->done || (t->stored && t->sent < t->events))
		return;
	t->peer = NULL;
	peer_end(p);
}

void
tell_done(struct turn *t)
{
	if (t->voice->done != NULL)
		t->voice->done(speak(t, NULL), t);
	t->done = true;
	release_peer(t);
}

/* Is the record one of the messages a client counts? */
static bool
is_event(const struct spool_record *r)
{
	return r->kind == SPOOL_DELTA || r->kind == SPOOL_MESSAGE;
}

static struct lane *
lane_of(struct turn *t, int n)
{
	for (int i = 0; i < t->nlanes; i++)
		if (t->lanes[i].n == n)
			return &t->lanes[i];
	return NULL;
}

/* A spooled delta, encoded again for the peer: message number t->sent. */
static void
again_message(void *arg, const char *msg, size_t len)
{
	struct turn	*t = ((struct engine *)arg)->telling;

	peer_message(t->peer, msg, len, t->id, t->sent);
}

static void
replay(struct turn *t, const struct spool_record *r)
{
	struct lane	*l = lane_of(t, r->lane);
	struct out	*o = speak(t, l);

	if (r->kind == SPOOL_MESSAGE)
		peer_message(t->peer, r->data, r->len, t->id, t->sent);
	else if (l != NULL) {
		o->message = again_message;
		t->voice->delta(o, l, &(struct delta){ .text = r->data, .len = r->len,
		    .flags = r->flags, .at_ms = r->at_ms });
	}
}

/*
 * The peer has room again: the next events after t->sent, up to the next mark or the end, as many
 * as fit. Reading goes backwards along the turn's chain, so the positions are collected first. -1:
 * one of them cannot be read.
 */
static int
refill(struct turn *t)
{
	struct spool_record	 r;
	uint64_t		 pos[TURN_MARK] = { 0 }, at = t->spool_last;
	int64_t			 to = (t->sent / TURN_MARK + 1) * TURN_MARK, n;
	struct arena		*a = arena_new(4096);
	int			 rv = 0;

	if (to <= t->events)
		at = t->marks[to / TURN_MARK - 1];
	else
		to = t->events;
	for (n = to; n > t->sent && spool_read(t->engine->spool, at, a, &r) == 0; at = r.prev)
		if (is_event(&r))
			pos[n-- % TURN_MARK] = at;
	while (rv == 0 && t->sent < to && !peer_is_high(t->peer)) {
		rv = spool_read(t->engine->spool, pos[(t->sent + 1) % TURN_MARK], a, &r);
		if (rv == 0) {
			t->sent++;
			replay(t, &r);
		}
	}
	arena_free(a);
	return rv;
}

/* What stands between its last event and the next is lost: better none than one left out. */
static void
give_up(struct turn *t)
{
	log_error("a slow client cannot get its events: the spool is damaged or its disk full",
	    LOG_S("rid", t->rid), LOG_I("turn", t->id), LOG_I("event", t->sent + 1));
	peer_leave(t->peer);
}

static void
on_drained(struct peer *p, void *arg)
{
	struct turn	*t = arg;

	if (t->paused) {
		t->paused = false;
		/* What curl had kept comes at once, and may be enough for the next pause. */
		for (int i = 0; i < t->nlanes && !t->paused; i++)
			if (t->lanes[i].ask != NULL)
				ask_pause(t->lanes[i].ask, false);
	}
	if (t->stored)
		spool_write(t->engine->spool);
	while (t->stored && t->sent < t->events && !peer_is_high(p))
		if (refill(t) == -1) {
			give_up(t);
			return;		/* the turn may be gone */
		}
	release_peer(t);
	turn_forget(t);
}

static void
on_gone(struct peer *p, void *arg)
{
	struct turn	*t = arg;

	(void)p;
	t->peer = NULL;
	t->paused = false;
	if (!t->done && (!t->stored || t->engine->cancel_gone))
		turn_stop(t);
	turn_forget(t);
}

void
tell_join(struct turn *t)
{
	struct peer	*p = t->peer;

	if (p == NULL)
		return;
	p->owner = t;
	p->on_gone = on_gone;
	p->on_drained = on_drained;
	peer_join(t->engine->peers, p);
	if (t->peer != NULL)
		peer_begin(p, t->stored ? t->id : 0);
}
