/* Conversations: beginning one, and asking all of its lanes or one. */
#include "arena.h"

#include <string.h>

#include "api/handlers.h"
#include "core/masks.h"

/*
 * What the user said first, or who else spoke where the user did not: a system's message is no
 * title as long as there is another. NULL when nothing was said.
 */
static const char *
first_said(const struct chat_req *in)
{
	const struct chat_message	*m = in->messages.p;
	const char			*first = NULL;

	for (size_t i = 0; i < in->messages.n; i++) {
		if (!arena_given(m[i].content))
			continue;
		if (!arena_given(m[i].role) || role_parse(m[i].role) == ROLE_USER)
			return m[i].content;
		if (first == NULL)
			first = m[i].content;
	}
	return first;
}

/* The session that the body names, or one that `begin` begins. */
static int
talk_of(struct ctx *cx, const struct chat_req *in, struct talk *talk,
    int (*begin)(struct ctx *, const char *, const char *, struct talk *))
{
	if (arena_given(in->session_id))
		return arena_open(cx, "session_id", in->session_id, talk);
	if (begin(cx, in->task_id, first_said(in), talk) == -1)
		return arena_missing(cx, "taskId", in->task_id);
	return 0;
}

/* POST /conv/create */
int
arena_conv_create(struct req *r)
{
	struct chat_req		 in = { 0 };
	struct talk		 talk;
	struct conv_created	 created = { 0 };
	struct result_created	 result = {
		.code = 200, .msg = arena_success(&r->cx), .data = &created,
	};
	struct named_str	*m;

	if (req_read(r, &in) == -1 || talk_of(&r->cx, &in, &talk, session_begin) == -1)
		return -1;
	created.session_id = arena_ref(r->cx.a, talk.session->id);
	created.mapping.p = m = arena_array(r->cx.a, talk.nlanes, sizeof(*m));
	created.mapping.n = talk.nlanes;
	for (size_t i = 0; i < talk.nlanes; i++)
		m[i] = (struct named_str){ talk.lanes[i].mask, talk.lanes[i].pri_id };
	return reply_fields(r, &result_created_fields, &result);
}

/* Asks the talk's lanes the question that spec holds. */
static int
ask(struct req *r, const struct chat_req *in, const struct talk *talk, struct turn_spec *spec)
{
	struct ctx	*cx = &r->cx;

	if (arena_knowledge(cx, in, spec) == -1)
		return -1;
	if ((spec->seats = masks_seat(cx, talk->lanes, talk->nlanes, &spec->nseats)) == NULL)
		return -1;
	spec->voice = &arena_voice;
	spec->session = talk->session;
	if (!spec->private && spec->fresh == NULL &&
	    session_retitle(cx, talk->session, spec->question) == -1)
		return -1;
	return arena_stream(r, spec);
}

/* POST /conv/chat - all lanes at once; without session_id a session begins */
int
arena_conv_chat(struct req *r)
{
	struct chat_req	 in = { 0 };
	struct turn_spec spec = { 0 };
	struct talk	 talk;

	if (req_read(r, &in) == -1 || arena_question(&r->cx, &in, &spec) == -1)
		return -1;
	if (talk_of(&r->cx, &in, &talk, session_make) == -1)
		return -1;
	if (!arena_given(in.session_id)) {
		spec.fresh = talk.lanes;
		spec.nfresh = talk.nlanes;
	}
	return ask(r, &in, &talk, &spec);
}

/*
 * The one lane of priId, with the question in spec; a session_id, where given, has to be that
 * lane's.
 */
static int
ask_lane(struct req *r, struct turn_spec *spec)
{
	struct chat_req	 in = { 0 };
	struct talk	 talk;

	if (req_read(r, &in) == -1 || arena_question(&r->cx, &in, spec) == -1)
		return -1;
	if (!arena_given(in.pri_id))
		return fail(&r->cx, F_MISSING, "priId");
	if (arena_open_lane(&r->cx, in.pri_id, &talk) == -1)
		return -1;
	if (arena_given(in.session_id) &&
	    strcmp(in.session_id, arena_ref(r->cx.a, talk.session->id)) != 0)
		return arena_missing(&r->cx, "session_id", in.session_id);
	return ask(r, &in, &talk, spec);
}

/* POST /conv/chat/pri - one lane, in private */
int
arena_conv_pri(struct req *r)
{
	struct turn_spec	 spec = { .private = true };

	return ask_lane(r, &spec);
}

/* POST /conv/chat/single - one lane, in public; joins the newest question where it is the same */
int
arena_conv_single(struct req *r)
{
	struct turn_spec	 spec = { .join = true };

	return ask_lane(r, &spec);
}

/* GET /conv/rename?sessionId&title */
int
arena_conv_rename(struct req *r)
{
	struct conv_rename	 in = { 0 };
	struct talk		 talk;

	if (req_read(r, &in) == -1 || arena_open(&r->cx, "sessionId", in.session_id, &talk) == -1)
		return -1;
	if (session_rename(&r->cx, talk.session->owner, talk.session->id, in.title) == -1)
		return arena_missing(&r->cx, "sessionId", in.session_id);
	return arena_done(r);
}

/* GET /conv/del?sessionId */
int
arena_conv_del(struct req *r)
{
	struct conv_del	 in = { 0 };
	struct talk	 talk;

	if (req_read(r, &in) == -1 || arena_open(&r->cx, "sessionId", in.session_id, &talk) == -1)
		return -1;
	if (session_delete(&r->cx, talk.session->owner, talk.session->id) == -1)
		return arena_missing(&r->cx, "sessionId", in.session_id);
	return arena_done(r);
}
