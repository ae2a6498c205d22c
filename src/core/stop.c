/* Stopping a turn from outside of its worker's loop. */
#include <stdio.h>

#include "base/arena.h"
#include "core/post.h"
#include "core/running.h"

/* The letter may be lost, or the worker be another host's: the note in the database is not. */
static void
write_to(struct ctx *cx, struct engine *e, int64_t worker, int64_t turn)
{
	if (e != NULL)
		post_send(e->post, worker, POST_STOP, &turn, 1);
	else
		post_once(arena_printf(cx->a, "%s/spool", cx->conf->state_dir), worker, POST_STOP,
		    &turn, 1);
}

int
engine_stop_turn(struct ctx *cx, struct engine *e, int64_t turn, int64_t owner)
{
	const struct standing	*s;
	int			 asked;

	if ((s = turn_find(cx, owner, turn)) == NULL)
		return -1;
	if (s->ended_ms != 0)
		return 0;
	if ((asked = turn_stop_note(cx, turn)) == 1)
		write_to(cx, e, s->worker, turn);
	return asked;
}
