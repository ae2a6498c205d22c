/* POST /studio/rag/data/v1/release:chat: a published assistant is asked. */
#include "release.h"

#include <inttypes.h>
#include <string.h>

#include "api/answered.h"
#include "api/handlers.h"
#include "api/streams.h"
#include "api/think.h"
#include "base/ident.h"
#include "base/utf8.h"
#include "core/assistant.h"
#include "core/chat.h"
#include "core/session.h"
#include "core/who.h"
#include "store/turn.h"

#define NAMED_MAX	64	/* characters of an id that an error repeats */

/* ---- one reply ------------------------------------------------------------------------------- */

/* What an answer that is over says, from the database. */
static int
load_reply(struct ctx *cx, int64_t turn, const struct answer_told *a, struct release_reply *out)
{
	const struct turn_asked	*asked;
	const struct turn_row	*t;
	struct citation_row	*cited;
	char			**bodies;
	struct str		 s = STR_INIT(0);
	size_t			 n;

	if ((t = turn_get(cx, cx->who->id, turn)) == NULL ||
	    (asked = turn_question(cx, turn)) == NULL)
		return cx->fail.kind != F_NONE ? -1 :
		    fail(cx, F_NOT_FOUND, "turn %" PRId64, turn);
	if (turn_citations(cx, turn, &cited, &n) == -1)
		return -1;
	bodies = arena_array(cx->a, n, sizeof(*bodies));
	for (size_t i = 0; i < n; i++)
		bodies[i] = cited[i].body;
	think_whole(&s, a->reasoning, a->text);
	*out = (struct release_reply){
		.conversation_id = release_conversation(cx->a, t->session, asked->author),
		.seq = asked->round, .message = arena_strndup(cx->a, s.len > 0 ? s.p : "", s.len),
		.delta = arena_strdup(cx->a, ""), .finish_reason = release_finish(a->status),
		.knowledge_base_results = release_results(cx->a, bodies, n),
		.history_id = arena_printf(cx->a, "%" PRId64, asked->group_id),
		.prompt_questions = release_questions(cx->a, a->questions),
		.stopped = strcmp(a->status, "stopped") == 0,
	};
	str_free(&s);
	return 0;
}

static int
reply_whole(struct req *r, int64_t turn, const struct answer_told *a)
{
	struct release_reply	 out;

	if (load_reply(&r->cx, turn, a, &out) == -1)
		return -1;
	return reply_fields(r, &release_reply_fields, &out);
}

static bool
wants_stream(struct req *r, const struct release_ask *in)
{
	return in->stream || req_accepts(r, "text/event-stream");
}

int
release_again(struct req *r, int64_t turn)
{
	struct release_ask	 in = { 0 };

	if (req_read(r, &in) == -1)
		return -1;
	return wants_stream(r, &in) ? streams_tell(r, turn, 0) :
	    answered_again(r, turn, reply_whole);
}

/* ---- the question ---------------------------------------------------------------------------- */

/* The published version, and who asks it: where it is public somebody without identity, too. */
static struct assistant_version *
admit(struct req *r, const char *release_key)
{
	struct ctx			*cx = &r->cx;
	struct assistant_version	*v;

	if ((v = assistant_released(cx, release_key)) == NULL)
		return NULL;
	if (cx->who->id != 0)
		return v->tenant == cx->who->tenant ? v :
		    fail_null(cx, F_NOT_FOUND, "release_key");
	if (!v->public)
		return fail_null(cx, F_UNAUTHORIZED, "token");
	r->sealed = true;
	return who_become_public(cx, v->tenant, v->assistant) == 0 ? v : NULL;
}

/* The caller's conversation with the assistant, by what it was called. */
static int
find_talk(struct req *r, const char *name, const struct assistant_version *v, struct talk *talk)
{
	struct ctx	*cx = &r->cx;
	int64_t		 id;

	if (!(r->sealed ? ident_unseal("conversation", name, &id) : ident_parse(name, &id)) ||
	    session_open(cx, id, talk) == -1 || talk->session->assistant != v->assistant) {
		if (cx->fail.kind != F_NONE && cx->fail.kind != F_NOT_FOUND)
			return -1;
		fail_clear(cx);
		return fail(cx, F_NOT_FOUND, "conversation_id %.*s",
		    (int)utf8_cut(name, strlen(name), NAMED_MAX), name);
	}
	return 0;
}

static struct model *
model_of(struct ctx *cx, const struct assistant_version *v)
{
	struct model	*m = model_by_id(cx, v->model);

	if (m == NULL || (m->enabled && strcmp(m->kind, "chat") == 0))
		return m;
	return fail_null(cx, F_UNAVAILABLE, "%s", m->name);
}

static bool
is_blank(const char *s)
{
	return s == NULL || s[strspn(s, " \t\r\n")] == '\0';
}

/* Where it is asked, and what: what was said, or the last question once more. */
static int
place(struct req *r, const struct release_ask *in, const struct assistant_version *v,
    struct turn_spec *spec, struct turn_seat *seat)
{
	struct ctx		*cx = &r->cx;
	const bool		 new = in->conversation_id == NULL || *in->conversation_id == '\0';
	const struct turn_row	*last;
	struct talk		 found, *talk = &found;

	if (new) {
		talk = chat_make(cx, v->model);
		talk->session->assistant = v->assistant;
		talk->session->version = v->id;
		spec->fresh = talk->lanes;
		spec->nfresh = talk->nlanes;
	} else if (find_talk(r, in->conversation_id, v, talk) == -1)
		return -1;
	spec->session = talk->session;
	seat->lane = talk->lanes->lane;
	seat->pri_id = talk->lanes->pri_id;
	if (in->action != RELEASE_AGAIN) {
		spec->question = in->content;
		return 0;
	}
	if ((last = turn_newest_group(cx, talk->session->id)) == NULL)
		return cx->fail.kind != F_NONE ? -1 : fail(cx, F_VALUE, "action");
	spec->group = last->group_id;
	spec->question = last->question;
	return 0;
}

static int
check(struct ctx *cx, const struct release_ask *in)
{
	if (in->action != RELEASE_AGAIN)
		return is_blank(in->content) ? fail(cx, F_MISSING, "content") : 0;
	return is_blank(in->conversation_id) ? fail(cx, F_MISSING, "conversation_id") : 0;
}

/* POST /studio/rag/data/v1/release:chat */
int
release_chat(struct req *r)
{
	struct ctx			*cx = &r->cx;
	struct release_ask		 in = { 0 };
	struct turn_seat		 seat = { 0 };
	struct turn_spec		 spec = {
		.voice = &release_voice, .entitle = true, .seats = &seat, .nseats = 1,
		.idem_key = r->idem_key, .idem_body = r->idem_body,
	};
	struct plan_spec		 plan;
	const struct assistant_version	*v;
	struct turn			*t;

	if (req_read(r, &in) == -1 || check(cx, &in) == -1 ||
	    (v = admit(r, in.release_key)) == NULL || (seat.model = model_of(cx, v)) == NULL ||
	    place(r, &in, v, &spec, &seat) == -1 ||
	    assistant_prepare(cx, v, &spec, &plan) == -1 ||
	    release_source(cx, v->id, &spec) == -1 ||
	    (t = turn_open(cx, r->engine, &spec)) == NULL)
		return -1;
	turn_run(t, wants_stream(r, &in) ? req_stream(r, release_voice.prefix) :
	    answered_wait(r, t->id, reply_whole));
	return 0;
}
