#include "vote.h"

#include "masks.h"
#include "store/vote.h"
#include "who.h"

struct ballot {
	const struct talk	*talk;
	int64_t			 answer, group;
};

static int
find_target(struct ctx *cx, struct ballot *b)
{
	const struct lane_row	*l = &b->talk->lanes[0];

	if ((b->answer = vote_target(cx, l->session, l->lane, &b->group)) > 0)
		return 0;
	return b->answer == -1 ? -1 : fail(cx, F_CONFLICT, cx->lang == LANG_EN ?
	    "%s has not answered yet" : "%s还没有回答", mask_name(l->mask));
}

static int
cast(struct ctx *cx, void *arg)
{
	const struct ballot	*b = arg;
	const struct lane_row	*l = &b->talk->lanes[0];

	if (vote_like(cx, cx->who->id, b->answer, l->session, b->group, l->lane, cx->now) == -1)
		return -1;
	return session_reveal(cx, l->session, cx->now);
}

int
vote_cast(struct ctx *cx, const struct talk *talk)
{
	struct ballot	 b = { .talk = talk };

	return find_target(cx, &b) == -1 ? -1 : db_txn(cx, cast, &b);
}

int
vote_take_back(struct ctx *cx, const struct talk *talk)
{
	struct ballot	 b = { .talk = talk };

	return find_target(cx, &b) == -1 ? -1 : vote_unlike(cx, cx->who->id, b.answer);
}
