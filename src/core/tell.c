/*
 * Every message of a turn goes the same way: the voice writes it, the spool keeps it, and whoever
 * listens gets it. A client that is slow stops getting messages as they come: it becomes a
 * follower, who reads them from the spool as fast as it can.
 */
#include "core/running.h"

#define OUT_KEPT	65536	/* bytes; what a long answer's last message took goes back */

static void
pause_asks(struct turn *t)
{
	t->paused = true;
	for (int i = 0; i < t->nlanes; i++)
		if (t->lanes[i].ask != NULL)
			ask_pause(t->lanes[i].ask, true);
}

static void
pass_on(struct turn *t, const char *msg, size_t len)
{
	struct peer	*p = t->peer;

	if (p == NULL || !t->begun)
		return;
	peer_message(p, msg, len, t->stored ? t->id : 0, t->chain.events);
	if (!peer_is_high(p))
		return;
	if (t->stored)
		follow_give(t);
	else if (!t->paused)
		pause_asks(t);
}

void
tell_record(struct turn *t, const struct lane *l, enum spool_kind kind, int flags, int64_t at_ms,
    const void *p, size_t n)
{
	spool_add(t->engine->spool, &(struct spool_record){ .turn = t->id,
	    .lane = l != NULL ? l->n : SPOOL_NO_LANE, .kind = kind, .flags = flags, .at_ms = at_ms,
	    .data = p, .len = n }, &t->chain);
	if (t->stored)
		news_note(t);
}

static void
tell_message(void *arg, const char *msg, size_t len)
{
	struct engine	*e = arg;
	struct turn	*t = e->telling;

	if (t->stored)
		tell_record(t, e->telling_lane, SPOOL_MESSAGE, 0, loop_wall(e->loop), msg, len);
	pass_on(t, msg, len);
}

/* A delta is spooled as what it is, not as what the voice makes of it. */
static void
delta_message(void *arg, const char *msg, size_t len)
{
	pass_on(((struct engine *)arg)->telling, msg, len);
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

/* Once. */
static void
begin(struct turn *t)
{
	if (t->begun)
		return;
	t->begun = true;
	if (t->peer != NULL)
		peer_begin(t->peer, t->stored ? t->id : 0);
	if (t->voice->begin != NULL)
		t->voice->begin(speak(t, NULL), t);
}

void
tell_begin(struct turn *t)
{
	if (!t->voice->late)
		begin(t);
}

void
tell_delta(struct lane *l, const struct delta *d)
{
	struct turn	*t = l->turn;
	struct out	*o;

	begin(t);
	o = speak(t, l);
	if (t->stored)
		tell_record(t, l, SPOOL_DELTA, d->flags, d->at_ms, d->text, d->len);
	if (t->peer == NULL || t->voice->delta == NULL)
		return;			/* nobody to encode it for */
	o->message = delta_message;
	t->voice->delta(o, l, d);
}

void
tell_outcome(const struct lane *l, struct out *o)
{
	const struct voice	*v = l->turn->voice;

	if (l->why != F_NONE && v->fail != NULL)
		v->fail(o, l);
	if (l->why == F_NONE && v->end != NULL)
		v->end(o, l);
}

void
tell_last(const struct lane *l, struct out *o)
{
	tell_outcome(l, o);
	if (l->turn->voice->cite != NULL)
		l->turn->voice->cite(o, l);
}

void
tell_end(struct lane *l)
{
	struct out	*o;

	if (l->why == F_NONE)
		begin(l->turn);
	o = speak(l->turn, l);
	tell_last(l, o);
	if (o->buf.size > OUT_KEPT)
		str_free(&o->buf);
}

/* Why the first of the lanes that failed did, and the longest that an upstream has asked for. */
static void
explain(const struct turn *t, struct peer *p)
{
	for (const struct lane *l = t->lanes; l < t->lanes + t->nlanes; l++) {
		if (p->why == F_NONE)
			p->why = l->why;
		if (l->retry_after > p->retry_after)
			p->retry_after = l->retry_after;
	}
}

void
tell_done(struct turn *t)
{
	struct peer	*p;

	if (t->voice->done != NULL)
		t->voice->done(speak(t, NULL), t);
	if (t->stored)
		tell_record(t, NULL, SPOOL_DONE, 0, loop_wall(t->engine->loop), NULL, 0);
	t->done = true;
	if ((p = t->peer) == NULL)
		return;
	t->peer = NULL;
	explain(t, p);
	peer_end(p);
}

/* Of a turn that is not stored: its upstreams go on. */
static void
on_drained(struct peer *p, void *arg)
{
	struct turn	*t = arg;

	(void)p;
	if (!t->paused)
		return;
	t->paused = false;
	/* What curl had kept comes at once, and may be enough for the next pause. */
	for (int i = 0; i < t->nlanes && !t->paused; i++)
		if (t->lanes[i].ask != NULL)
			ask_pause(t->lanes[i].ask, false);
}

static void
on_gone(struct peer *p, void *arg)
{
	struct turn	*t = arg;

	(void)p;
	t->peer = NULL;
	t->paused = false;
	if (!t->stored || t->engine->cancel_gone)
		turn_stop(t);
}

void
tell_join(struct turn *t)
{
	struct peer	*p = t->peer;

	if (p == NULL)
		return;
	if (t->voice->wants_text || t->lanes[0].spec.kind != ASK_STREAM)
		p->buf.cap = 0;		/* an answer in one message: answers have a cap */
	p->owner = t;
	p->on_gone = on_gone;
	p->on_drained = on_drained;
	peer_join(t->engine->peers, p);
}
