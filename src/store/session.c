#include "store/session.h"

#include <inttypes.h>

#include "base/clock.h"

struct session_new {
	const struct session	*s;
	const struct lane_row	*lanes;
	size_t			 n;
};

static int	session_insert(struct ctx *, void *);

int
session_add(struct ctx *cx, const struct session *s, const struct lane_row *lanes, size_t n)
{
	struct session_new	 new = { s, lanes, n };

	return db_txn(cx, session_insert, &new);
}

static int
session_insert(struct ctx *cx, void *arg)
{
	const struct session_new	*new = arg;
	const struct session		*s = new->s;

	if (db_exec(cx, SQL_SESSION_ADD, V(s->id), V(s->tenant), V(s->owner), V_ID(s->task),
	    V(s->title), V(s->created_ms), V_ID(s->assistant), V_ID(s->version), V_ID(s->app),
	    V(s->msg_key), V(s->visitor)) == -1)
		return -1;
	for (size_t i = 0; i < new->n; i++) {
		const struct lane_row	*l = &new->lanes[i];

		if (db_exec(cx, SQL_LANE_ADD, V(s->id), V(l->lane), V(l->model), V(l->mask),
		    V(l->pri_id)) == -1)
			return -1;
	}
	return 0;
}

static struct session *
get(struct ctx *cx, enum sql_id how, int64_t owner, int64_t id)
{
	struct session	*s;

	if ((s = db_maybe(cx, how, V(id), V(owner))) == NULL)
		return fail_null(cx, F_NOT_FOUND, "session %" PRId64, id);
	return s;
}

struct session *
session_get(struct ctx *cx, int64_t owner, int64_t id)
{
	return get(cx, SQL_SESSION_GET, owner, id);
}

struct session *
session_of_key(struct ctx *cx, int64_t owner, const char *msg_key)
{
	struct session	*s;

	if ((s = db_maybe(cx, SQL_SESSION_OF_KEY, V(msg_key), V(owner))) == NULL)
		return fail_null(cx, F_NOT_FOUND, "session %s", msg_key);
	return s;
}

int64_t
session_visited(struct ctx *cx, int64_t owner, int64_t assistant, const char *visitor)
{
	return db_number(cx, SQL_SESSION_VISITED, V(owner), V(assistant), V(visitor));
}

struct session *
session_by_id(struct ctx *cx, int64_t id)
{
	return db_one(cx, SQL_SESSION_BY_ID, V(id));
}

struct session *
session_lock(struct ctx *cx, int64_t owner, int64_t id)
{
	return get(cx, SQL_SESSION_LOCK, owner, id);
}

int
session_lanes(struct ctx *cx, int64_t session, struct lane_row **list, size_t *n)
{
	return db_many(cx, SQL_SESSION_LANES, list, n, V(session));
}

struct lane_row *
session_lane(struct ctx *cx, int64_t owner, const char *pri_id)
{
	struct lane_row	*l;

	if ((l = db_maybe(cx, SQL_SESSION_LANE, V(pri_id), V(owner))) == NULL)
		return fail_null(cx, F_NOT_FOUND, "priId %s", pri_id);
	return l;
}

int
session_rename(struct ctx *cx, int64_t owner, int64_t id, const char *title)
{
	return db_found(cx, db_exec(cx, SQL_SESSION_RENAME, V(title), V(id), V(owner)),
	    "session %" PRId64, id);
}

int
session_delete(struct ctx *cx, int64_t owner, int64_t id)
{
	const int64_t	 now = clock_ms();

	return db_found(cx, db_exec(cx, SQL_SESSION_DELETE, V(now), V(id), V(owner)),
	    "session %" PRId64, id);
}

int
session_title(struct ctx *cx, int64_t id, const char *from, const char *title)
{
	return db_do(cx, SQL_SESSION_TITLE, V(title), V(id), V(from));
}

int
session_choose(struct ctx *cx, int64_t id, int64_t model)
{
	return db_do(cx, SQL_SESSION_CHOOSE, V(model), V(id));
}

int
session_ask(struct ctx *cx, int64_t id, int64_t version)
{
	return db_do(cx, SQL_SESSION_ASK, V(version), V(id));
}

int
session_reveal(struct ctx *cx, int64_t id, int64_t now_ms)
{
	return db_do(cx, SQL_SESSION_REVEAL, V(now_ms), V(id));
}
