#include "store/vote.h"

#include "store/rows.h"

int64_t
vote_target(struct ctx *cx, int64_t session, int lane, int64_t *group)
{
	const struct target	*t;

	if ((t = db_maybe(cx, SQL_VOTE_TARGET, V(session), V(lane))) == NULL)
		return cx->fail.kind == F_NONE ? 0 : -1;
	*group = t->group_id;
	return t->id;
}

int
vote_like(struct ctx *cx, int64_t user, int64_t answer, int64_t session, int64_t group, int lane,
    int64_t now_ms)
{
	return db_do(cx, SQL_VOTE_LIKE, V(user), V(answer), V(session), V(group), V(lane),
	    V(now_ms));
}

int
vote_unlike(struct ctx *cx, int64_t user, int64_t answer)
{
	return db_do(cx, SQL_VOTE_UNLIKE, V(user), V(answer));
}

int
vote_rate(struct ctx *cx, int64_t user, int64_t session, int lane, const char *scores,
    const char *remark,
    int64_t now_ms)
{
	return db_do(cx, SQL_VOTE_RATE, V(user), V(session), V(lane), V(scores), V(remark),
	    V(now_ms));
}
