#include "api/answered.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "core/follow.h"
#include "upstream/health.h"

#define UNSTORED_S	1	/* until what the spool alone has may be in the database */

struct awaited {
	int64_t		 turn;
	answered_reply	 reply;
};

/*
 * When to come again after such an answer: as its turn knew, where this request has waited for it,
 * else for as long as its model should be left alone.
 */
static int
seconds_to_wait(const struct req *r, const struct answer_told *a)
{
	if (r->retry_after > 0 || fail_of_name(a->error) != F_UNAVAILABLE)
		return r->retry_after;
	return (int)((health_wait(a->model, clock_mono_ms()) + 999) / 1000);
}

static int
reply_whole(struct req *r, void *arg)
{
	struct ctx		*cx = &r->cx;
	const struct awaited	*w = arg;
	struct answer_told	*a;
	size_t			 n;

	if (turn_told(cx, w->turn, &a, &n) == -1)
		return -1;
	if (n == 0 || strcmp(a->status, "running") == 0) {
		cx->fail.retry_after = UNSTORED_S;
		return fail(cx, F_UNAVAILABLE, "turn %" PRId64, w->turn);
	}
	if (a->error != NULL) {
		cx->fail.retry_after = seconds_to_wait(r, a);
		return fail(cx, fail_of_name(a->error), "%s", a->model_name);
	}
	return w->reply(r, w->turn, a);
}

struct peer *
answered_wait(struct req *r, int64_t turn, answered_reply say)
{
	struct awaited	*w = arena_get(r->cx.a, sizeof(*w));

	*w = (struct awaited){ .turn = turn, .reply = say };
	return req_wait(r, reply_whole, w);
}

int
answered_again(struct req *r, int64_t turn, answered_reply say)
{
	struct follow	*f;

	/* It hears of nothing but the end, be that past already. */
	if ((f = follow_find(&r->cx, r->engine, turn, FOLLOW_STORED_EVENT)) == NULL)
		return -1;
	follow_run(f, answered_wait(r, turn, say));
	return 0;
}
