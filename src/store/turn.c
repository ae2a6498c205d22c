#include "store/turn.h"

#include <inttypes.h>
#include <string.h>

#include "store/rows.h"

#define SOME	1000	/* rows of a statement */

/* Opening. */

int
turn_add(struct ctx *cx, const struct turn_row *t)
{
	return db_do(cx, SQL_TURN_ADD, V(t->id), V(t->tenant), V_ID(t->owner), V_ID(t->session),
	    V(t->group_id), V(t->worker), V(t->private), V(t->voice), V(t->question),
	    V(t->content_type != NULL ? t->content_type : "text"), V(t->file_url),
	    V(t->unread), V(t->context), V_ID(t->api_key), V_ID(t->parent), V(t->created_ms));
}

int
answer_add(struct ctx *cx, const struct answer_row *a)
{
	if (db_exec(cx, SQL_ANSWER_ADD, V(a->id), V(a->turn), V_ID(a->session), V(a->lane),
	    V(a->model), V(a->created_ms)) != -1)
		return 0;
	if (cx->fail.kind == F_CONFLICT) {
		fail_clear(cx);
		fail(cx, F_BUSY, "the lane");
	}
	return -1;
}

int64_t
turn_running(struct ctx *cx, int64_t session, int lane)
{
	if (lane == -1)
		return db_number(cx, SQL_TURN_RUNNING_ANY, V(session));
	return db_number(cx, SQL_TURN_RUNNING, V(session), V(lane));
}

struct turn_row *
turn_newest_group(struct ctx *cx, int64_t session)
{
	return db_maybe(cx, SQL_TURN_NEWEST_GROUP, V(session));
}

int64_t
turn_group_has(struct ctx *cx, int64_t session, int64_t group, int lane)
{
	return db_number(cx, SQL_TURN_GROUP_HAS, V(session), V(group), V(lane));
}

struct tally *
turn_tally(struct ctx *cx, int64_t session, int64_t group)
{
	return db_one(cx, SQL_TURN_TALLY, V(group), V(session));
}

struct turn_row *
turn_of_group(struct ctx *cx, int64_t session, int64_t group)
{
	return db_maybe(cx, SQL_TURN_OF_GROUP, V(session), V(group));
}

int
turn_said(struct ctx *cx, int64_t session, int lane, bool private, int64_t before,
    struct said **list, size_t *n)
{
	return db_many(cx, SQL_TURN_SAID, list, n, V(session), V(lane), V(private),
	    V(before != 0 ? before : INT64_MAX));
}

int
turn_path(struct ctx *cx, int64_t session, int lane, int64_t message, struct said **list, size_t *n)
{
	struct said	*path, *rest;
	size_t		 npath, nrest;

	if (db_many(cx, SQL_TURN_PATH, &path, &npath, V(session), V(message), V(session),
	    V(message), V(session), V(session)) == -1)
		return -1;
	nrest = 0;
	if (npath > 0 && path->parent == 0 &&
	    turn_said(cx, session, lane, false, path->group_id, &rest, &nrest) == -1)
		return -1;
	*n = nrest + npath;
	*list = arena_array(cx->a, *n, sizeof(**list));
	if (nrest > 0)
		memcpy(*list, rest, nrest * sizeof(*rest));
	if (npath > 0)
		memcpy(*list + nrest, path, npath * sizeof(*path));
	return 0;
}

/* Closing. */

int
answer_close(struct ctx *cx, const struct answer_row *a)
{
	int64_t	 closed;

	closed = db_exec(cx, SQL_ANSWER_CLOSE, V(a->model), V(a->status), V(a->text),
	    V(a->reasoning), V(a->error), V(a->questions), V(a->seams), V(a->prompt_tokens),
	    V(a->completion_tokens), V(a->estimated), V(a->cost != NULL ? a->cost : "0"),
	    V_ID(a->first_ms),
	    V_ID(a->last_ms), V_ID(a->ended_ms), V(a->id));
	if (closed != 1)
		return (int)closed;
	return db_exec(cx, SQL_ANSWER_FIRST, V(a->ended_ms), V(a->id)) == -1 ? -1 : 1;
}

int
citation_add(struct ctx *cx, const struct citation_row *c)
{
	return db_do(cx, SQL_CITATION_ADD, V(c->answer), V(c->position), V(c->body));
}

int
citation_drop(struct ctx *cx, int64_t document)
{
	int64_t	 gone;

	do
		gone = db_exec(cx, SQL_CITATION_DROP, V(document), V(SOME));
	while (gone == SOME);
	return gone == -1 ? -1 : 0;
}

int
tool_run_add(struct ctx *cx, const struct tool_run_row *t)
{
	return db_do(cx, SQL_TOOL_RUN_ADD, V(t->answer), V(t->position), V(t->body));
}

int
tool_run_list(struct ctx *cx, int64_t answer, char ***bodies, size_t *n)
{
	return db_many(cx, SQL_TOOL_RUN_LIST, bodies, n, V(answer));
}

int
turn_close(struct ctx *cx, int64_t turn, int64_t now_ms)
{
	int64_t	 open;

	/*
	 * Of two lanes that end at once neither sees the other's end before its commit. The row's
	 * lock lets them look one after the other, so that the second does.
	 */
	if ((open = db_number(cx, SQL_TURN_LOCK, V(turn))) <= 0)
		return (int)open;
	return (int)db_exec(cx, SQL_TURN_CLOSE, V(now_ms), V(turn));
}

char *
answer_status(struct ctx *cx, int64_t answer)
{
	struct text	*t;

	t = db_maybe(cx, SQL_ANSWER_STATUS, V(answer));
	return t != NULL ? t->text : NULL;
}

int
turn_orphans(struct ctx *cx, int64_t worker, struct orphan **list, size_t *n)
{
	return db_many(cx, SQL_TURN_ORPHANS, list, n, V(worker));
}

/* Stopping. */

struct standing *
turn_find(struct ctx *cx, int64_t owner, int64_t turn)
{
	struct standing	*s;

	if (owner == 0)
		s = db_maybe(cx, SQL_TURN_FIND_ANY, V(turn));
	else
		s = db_maybe(cx, SQL_TURN_FIND, V(turn), V(owner));
	if (s == NULL)
		return fail_null(cx, F_NOT_FOUND, "turn %" PRId64, turn);
	return s;
}

int
turn_stop_note(struct ctx *cx, int64_t turn)
{
	return (int)db_exec(cx, SQL_TURN_STOP, V(cx->now), V(turn));
}

int
turn_stops(struct ctx *cx, int64_t worker, int64_t **ids, size_t *n)
{
	struct number	*list;

	if (db_many(cx, SQL_TURN_STOPS, &list, n, V(worker)) == -1)
		return -1;
	*ids = arena_array(cx->a, *n, sizeof(**ids));
	for (size_t i = 0; i < *n; i++)
		(*ids)[i] = list[i].n;
	return 0;
}

int
turn_ends(struct ctx *cx, int64_t turn, struct lane_end **list, size_t *n)
{
	return db_many(cx, SQL_TURN_ENDS, list, n, V(turn));
}

/* Reading. */

int
turn_history(struct ctx *cx, int64_t user, int64_t session, int lane, struct past **list, size_t *n)
{
	if (lane == -1)
		return db_many(cx, SQL_TURN_HISTORY, list, n, V(user), V(session));
	return db_many(cx, SQL_TURN_HISTORY_LANE, list, n, V(user), V(session), V(lane));
}

int64_t
turn_owner(struct ctx *cx, int64_t turn)
{
	return db_number(cx, SQL_TURN_OWNER, V(turn));
}

struct turn_row *
turn_get(struct ctx *cx, int64_t owner, int64_t turn)
{
	return db_maybe(cx, SQL_TURN_GET, V(turn), V(owner));
}

struct turn_asked *
turn_question(struct ctx *cx, int64_t turn)
{
	return db_maybe(cx, SQL_TURN_QUESTION, V(turn));
}

int
turn_told(struct ctx *cx, int64_t turn, struct answer_told **list, size_t *n)
{
	return db_many(cx, SQL_TURN_TOLD, list, n, V(turn));
}

int
turn_citations(struct ctx *cx, int64_t turn, struct citation_row **list, size_t *n)
{
	return db_many(cx, SQL_TURN_CITATIONS, list, n, V(turn));
}

int
citation_list(struct ctx *cx, int64_t session, struct citation_row **list, size_t *n)
{
	return db_many(cx, SQL_CITATION_LIST, list, n, V(session));
}
