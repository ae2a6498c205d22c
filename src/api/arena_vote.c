/* Votes and ratings. */
#include "arena.h"

#include <string.h>

#include "api/handlers.h"
#include "base/utf8.h"
#include "core/vote.h"
#include "core/who.h"
#include "store/vote.h"

static int
vote(struct req *r, int (*how)(struct ctx *, const struct talk *))
{
	struct pri_query	 in = { 0 };
	struct talk		 talk;

	if (req_read(r, &in) == -1 || arena_open_lane(&r->cx, in.pri_id, &talk) == -1)
		return -1;
	if (how(&r->cx, &talk) == -1)
		return -1;
	return arena_done(r);
}

/* GET /conv/like?priId - and the masks come off */
int
arena_conv_like(struct req *r)
{
	return vote(r, vote_cast);
}

/* GET /conv/unlike?priId */
int
arena_conv_unlike(struct req *r)
{
	return vote(r, vote_take_back);
}

static bool
scores_fit(const struct list *scores)
{
	const struct named_f64	*s = scores->p;

	for (size_t i = 0; i < scores->n; i++)
		if (utf8_length(s[i].name, strlen(s[i].name)) > RATING_NAME)
			return false;
	return scores->n <= RATING_SCORES;
}

static char *
scores_json(struct arena *a, const struct list *scores)
{
	const struct named_f64	*s = scores->p;
	struct str		 text = STR_INIT(0);
	struct jw		 w;
	char			*json;

	jw_open(&w, &text);
	jw_obj(&w, NULL);
	for (size_t i = 0; i < scores->n; i++)
		jw_f64(&w, s[i].name, s[i].value);
	jw_close(&w);
	json = arena_strndup(a, text.p, text.len);
	str_free(&text);
	return json;
}

/* POST /conv/rating - {priId, scores: {name: 0..10, …}, remark} */
int
arena_conv_rating(struct req *r)
{
	struct rating	 in = { 0 };
	struct talk	 talk;

	if (req_read(r, &in) == -1)
		return -1;
	if (in.scores.n == 0)
		return fail(&r->cx, F_MISSING, "scores");
	if (!scores_fit(&in.scores))
		return fail(&r->cx, F_RANGE, "scores");
	if (arena_open_lane(&r->cx, in.pri_id, &talk) == -1)
		return -1;
	if (vote_rate(&r->cx, r->cx.who->id, talk.session->id, talk.lanes[0].lane,
	    scores_json(r->cx.a, &in.scores), in.remark, r->cx.now) == -1)
		return -1;
	return arena_done(r);
}
