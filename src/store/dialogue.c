#include "store/dialogue.h"

#include <inttypes.h>

int
dialogue_list(struct ctx *cx, int64_t owner, const char *voice, int64_t assistant,
    const struct dialogue_page *p, struct dialogue_row **list, size_t *n, int64_t *total)
{
	*total = db_number(cx, SQL_DIALOGUE_COUNT, V(owner), V(assistant), V(voice));
	if (*total == -1)
		return -1;
	return db_many(cx, p->rising ? SQL_DIALOGUE_RISING : SQL_DIALOGUE_FALLING, list, n,
	    V((int64_t)p->by), V((int64_t)p->by), V(owner), V(assistant), V(voice), V(p->size),
	    V(p->skip));
}

struct dialogue_state *
dialogue_state(struct ctx *cx, int64_t session)
{
	return db_one(cx, SQL_DIALOGUE_STATE, V(session));
}

int
dialogue_messages(struct ctx *cx, int64_t session, struct message_row **list, size_t *n)
{
	return db_many(cx, SQL_DIALOGUE_MESSAGES, list, n, V(session));
}

int
dialogue_running(struct ctx *cx, int64_t session, int64_t **turns, size_t *n)
{
	return db_many(cx, SQL_DIALOGUE_RUNNING, turns, n, V(session));
}

int
dialogue_has(struct ctx *cx, int64_t session, int64_t message)
{
	return (int)db_number(cx, SQL_DIALOGUE_HAS, V(session), V(message), V(session),
	    V(message));
}

int
run_list(struct ctx *cx, int64_t owner, int64_t app, const struct dialogue_page *p,
    struct run_row **list, size_t *n, int64_t *total)
{
	if ((*total = db_number(cx, SQL_RUN_COUNT, V(owner), V(app))) == -1)
		return -1;
	return db_many(cx, p->rising ? SQL_RUN_RISING : SQL_RUN_FALLING, list, n,
	    V((int64_t)DIALOGUE_SHOWN), V((int64_t)p->by), V((int64_t)p->by), V(owner), V(app),
	    V(p->size), V(p->skip));
}

struct run_row *
run_get(struct ctx *cx, int64_t owner, int64_t turn)
{
	struct run_row	*r;

	if ((r = db_maybe(cx, SQL_RUN_GET, V(INT64_MAX), V(turn), V(owner))) == NULL)
		return fail_null(cx, F_NOT_FOUND, "turn %" PRId64, turn);
	return r;
}
