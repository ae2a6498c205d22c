/*
 * A turn on the relay loop: from the hand-over of its request to the
 * moment nobody needs it any more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/running.h"

static void
link_turn(struct turn *t)
{
	struct engine	*e = t->engine;

	t->next = e->turns;
	t->prev = &e->turns;
	if (e->turns != NULL)
		e->turns->prev = &t->next;
	e->turns = t;
}

static void
begin(void *arg)
{
	struct turn	*t = arg;
	struct engine	*e = t->engine;
	char		 head[64];
	int		 n;

	link_turn(t);
	n = snprintf(head, sizeof head, "%s %d %s", t->voice->name, t->voice->version,
	    t->lang == LANG_ZH ? "zh" : "en");
	spool_add(e->spool, &(struct spool_record){ .turn = t->id, .kind = SPOOL_BEGIN,
	    .at_ms = t->created_ms, .data = head, .len = (size_t)n }, &t->spool_last);
	t->spool_first = t->spool_last;
	tell_join(t);
	tell_begin(t);
	for (int i = 0; i < t->nlanes; i++)
		if (&t->lanes[i] != t->fuse)
			lane_ask(&t->lanes[i]);
	if (e->failing)
		turn_fail(t);
}

void
turn_run(struct turn *t, struct peer *peer)
{
	struct engine	*e = t->engine;

	t->peer = peer;
	atomic_fetch_add(&e->running, 1);
	loop_post(e->loop, begin, t);
}

void
turn_stop(struct turn *t)
{
	t->stopped = true;
	for (int i = 0; i < t->nlanes; i++)
		lane_stop(&t->lanes[i], "stopped", F_NONE);
}

void
turn_fail(struct turn *t)
{
	/* The last first: a fusing lane shall not be asked about what ends here. */
	for (int i = t->nlanes; i-- > 0;)
		lane_stop(&t->lanes[i], "error", F_UNAVAILABLE);
}

void
turn_lane_ended(struct turn *t)
{
	bool	 any = false;

	if (t->fuse == NULL || t->fuse->state != LANE_WAITING || t->stopped)
		return;
	for (int i = 0; i < t->nlanes; i++) {
		if (&t->lanes[i] == t->fuse)
			continue;
		if (t->lanes[i].state < LANE_CLOSING)
			return;
		any |= t->lanes[i].text.len > 0;
	}
	if (any) {
		context_fuse(t->fuse);
		lane_ask(t->fuse);
	} else
		lane_end(t->fuse, "error", F_UNAVAILABLE);
}

void
turn_lane_told(struct turn *t)
{
	for (int i = 0; i < t->nlanes; i++)
		if (!t->lanes[i].told)
			return;
	tell_done(t);
}

void
turn_free(struct turn *t)
{
	for (int i = 0; i < t->nlanes; i++) {
		str_free(&t->lanes[i].text);
		str_free(&t->lanes[i].reasoning);
		str_free(&t->lanes[i].spec.body);
	}
	free(t->marks);
	arena_free(t->a);
}

void
turn_forget(struct turn *t)
{
	struct engine	*e = t->engine;

	if (!t->done)
		return;
	for (int i = 0; i < t->nlanes; i++)
		if (!t->lanes[i].saved)
			return;
	for (int i = 0; i < t->nlanes; i++) {	/* who still listens reads the spool */
		str_free(&t->lanes[i].text);
		str_free(&t->lanes[i].reasoning);
	}
	if (t->peer != NULL)
		return;
	spool_add(e->spool, &(struct spool_record){ .turn = t->id, .kind = SPOOL_STORED,
	    .at_ms = loop_wall(e->loop) }, &t->spool_last);
	spool_turn_done(e->spool, t->spool_first);
	*t->prev = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	turn_free(t);
	atomic_fetch_sub(&e->running, 1);
}
