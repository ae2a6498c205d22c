/* POST /v1/chat/completions: a stream or one reply, stored or not. */
#include "openai.h"

#include <inttypes.h>
#include <string.h>

#include "api/handlers.h"
#include "api/streams.h"
#include "core/calls.h"
#include "core/chat.h"
#include "core/follow.h"
#include "core/session.h"
#include "core/who.h"
#include "store/turn.h"

#define UNSTORED_S	1	/* until what the spool alone has may be in the database */

struct asked {			/* what the reply needs when the turn is over */
	int64_t		 turn;
	const char	*model;
};

static void *
note(struct arena *a, int64_t turn, const char *model)
{
	struct asked	*asked = arena_get(a, sizeof(*asked));

	*asked = (struct asked){ .turn = turn, .model = model };
	return asked;
}

/* It ended before anything was said. */
static int
refuse(struct req *r, void *arg)
{
	const struct asked	*asked = arg;

	fail(&r->cx, r->why_not != F_NONE ? r->why_not : F_UNAVAILABLE, "%s", asked->model);
	r->cx.fail.retry_after = r->retry_after;
	return -1;
}

/* The voice has written the reply. */
static int
reply_heard(struct req *r, void *arg)
{
	if (r->why_not != F_NONE || r->heard.len == 0)
		return refuse(r, arg);
	return reply(r, 200, REPLY_JSON, r->heard.p, r->heard.len);
}

/* The answer as it is stored. */
static int
reply_answer(struct req *r, const struct turn_row *t, const struct answer_told *a,
    const char *model)
{
	struct toolcalls	calls = { 0 };
	struct str		s = STR_INIT(0);
	struct jw		w;
	int			rv;

	if ((rv = calls_load(&r->cx, a->answer, &calls)) == 0) {
		jw_open(&w, &s);
		openai_write(&w, &(struct openai_answer){ .turn = t->id,
		    .created_ms = t->created_ms, .model = model, .status = a->status,
		    .text = a->text != NULL && *a->text != '\0' ? a->text : NULL,
		    .reasoning = a->reasoning, .calls = &calls,
		    .prompt_tokens = a->prompt_tokens,
		    .completion_tokens = a->completion_tokens });
		reply(r, 200, REPLY_JSON, s.p, s.len);
	}
	str_free(&s);
	toolcalls_free(&calls);
	return rv;
}

/* The turn is over and in the database. */
static int
reply_stored(struct req *r, void *arg)
{
	struct ctx		*cx = &r->cx;
	const struct asked	*asked = arg;
	const struct turn_row	*t;
	struct answer_told	*a;
	size_t			 n;

	if ((t = turn_get(cx, cx->who->id, asked->turn)) == NULL)
		return cx->fail.kind != F_NONE ? -1 : refuse(r, arg);
	if (turn_told(cx, asked->turn, &a, &n) == -1)
		return -1;
	if (n == 0 || strcmp(a->status, "running") == 0) {
		cx->fail.retry_after = UNSTORED_S;
		return fail(cx, F_UNAVAILABLE, "%s", asked->model);
	}
	if (a->error != NULL) {
		cx->fail.retry_after = r->retry_after;
		return fail(cx, fail_of_name(a->error), "%s", asked->model);
	}
	return reply_answer(r, t, a, asked->model);
}

/* A conversation of its own, which begins with it. */
static void
keep(struct req *r, struct turn_spec *spec)
{
	const struct model	*m = spec->seats->model;
	const struct talk	*talk = chat_make(&r->cx, m->id);
	struct turn_seat	*seat = arena_get(r->cx.a, sizeof(*seat));

	*seat = (struct turn_seat){ .model = m, .pri_id = talk->lanes->pri_id };
	spec->seats = seat;
	spec->session = talk->session;
	spec->fresh = talk->lanes;
	spec->nfresh = talk->nlanes;
	spec->entitle = true;
	spec->choice = m;
	spec->idem_key = r->idem_key;
	spec->idem_body = r->idem_body;
}

static struct peer *
listener(struct req *r, const struct openai_ask *in, int64_t turn)
{
	void	*asked = note(r->cx.a, turn, in->model);

	if (in->stream)
		return req_hold(r, openai_voice.prefix, refuse, asked);
	return in->store ? req_wait(r, reply_stored, asked) :
	    req_wait_last(r, reply_heard, asked);
}

/* POST /v1/chat/completions */
int
openai_chat(struct req *r)
{
	struct openai_ask	 in = { 0 };
	struct turn_spec	 spec = { 0 };
	struct turn		*t;

	if (openai_read(r, &in, &spec) == -1)
		return -1;
	spec.voice = in.stream || in.store ? &openai_voice : &openai_reply_voice;
	if (in.store)
		keep(r, &spec);
	if ((t = turn_open(&r->cx, r->engine, &spec)) == NULL)
		return -1;
	turn_run(t, listener(r, &in, t->id));
	return 0;
}

int
openai_again(struct req *r, int64_t turn)
{
	struct openai_ask	 in = { 0 };
	struct follow		*f;

	if (req_read(r, &in) == -1)
		return -1;
	if (in.stream)
		return streams_tell(r, turn, 0);
	/* It hears of nothing but the end, be that past already. */
	if ((f = follow_find(&r->cx, r->engine, turn, FOLLOW_STORED_EVENT)) == NULL)
		return -1;
	follow_run(f, req_wait(r, reply_stored, note(r->cx.a, turn, in.model)));
	return 0;
}
