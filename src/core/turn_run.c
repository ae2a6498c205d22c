/*
 * A turn on the relay loop: from the hand-over of its request to the
 * moment nobody needs it any more.
 */
#include <stdlib.h>
#include <unistd.h>

#include "core/plan.h"
#include "core/retell.h"
#include "core/running.h"

static void
link_turn(struct turn *t)
{
	struct engine	*e = t->engine;
	struct turn	**slot = &e->turn_table[table_slot(t->id)];

	t->same = *slot;
	*slot = t;
	t->next = e->turns;
	t->prev = &e->turns;
	if (e->turns != NULL)
		e->turns->prev = &t->next;
	e->turns = t;
}

static void
unlink_turn(struct turn *t)
{
	struct turn	**p = &t->engine->turn_table[table_slot(t->id)];

	while (*p != t)
		p = &(*p)->same;
	*p = t->same;
	*t->prev = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
}

struct turn *
turn_running_here(const struct engine *e, int64_t id)
{
	struct turn	*t = e->turn_table[table_slot(id)];

	while (t != NULL && t->id != id)
		t = t->same;
	return t;
}

struct lane *
turn_lane(struct turn *t, int n)
{
	for (int i = 0; i < t->nlanes; i++)
		if (t->lanes[i].n == n)
			return &t->lanes[i];
	return NULL;
}

static void
begin(void *arg)
{
	struct turn	*t = arg;
	struct engine	*e = t->engine;
	struct str	 first = STR_INIT(0);

	link_turn(t);
	retell_write(&first, t);
	tell_record(t, NULL, SPOOL_BEGIN, 0, t->created_ms, first.p, first.len);
	str_free(&first);
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
		any |= t->lanes[i].said.bytes > 0;
	}
	if (any) {
		context_fuse(t->fuse);
		for (int i = 0; i < t->nlanes; i++)
			str_free(&t->lanes[i].text);
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
		lane_forget(&t->lanes[i]);
		if (t->lanes[i].calls != NULL)
			toolcalls_free(t->lanes[i].calls);
		free(t->lanes[i].calls);
		plan_free(t->lanes[i].plan);
		str_free(&t->lanes[i].spec.body);
	}
	if (t->file != NULL)
		close(t->file->fd);
	free(t->heard);
	arena_free(t->a);
}

void
turn_forget(struct turn *t)
{
	struct engine	*e = t->engine;

	if (!t->done || t->dirty)
		return;
	for (int i = 0; i < t->nlanes; i++)
		if (!t->lanes[i].saved)
			return;
	spool_add(e->spool, &(struct spool_record){ .turn = t->id, .lane = SPOOL_NO_LANE,
	    .kind = SPOOL_STORED, .at_ms = loop_wall(e->loop) }, &t->chain);
	spool_turn_done(e->spool, t->chain.first);
	unlink_turn(t);
	turn_free(t);
	atomic_fetch_sub(&e->running, 1);
}
