#include "chat_socket.h"

#include <inttypes.h>
#include <string.h>

#include "api/chat_talk.h"
#include "base/json.h"
#include "core/engine.h"
#include "core/follow.h"
#include "core/who.h"
#include "store/turn.h"
#include "web/socket.h"

#define EVENTS_MAX	(INT64_C(1) << 53)

struct chat_order {
	bool	 stop;
	int64_t	 resume, after;		/* a turn, or 0; how many of its events the client has */
};

static const struct field chat_order_f[] = {
	FIELD(chat_order, T_BOOL, MAY, stop, 0, 0, "ends the running turn"),
	FIELD(chat_order, T_ID, MAY, resume, 0, 0, "tells this turn again"),
	FIELD(chat_order, T_I64, MAY, after, 0, EVENTS_MAX, "from here on"),
};
static FIELDS(chat_order, "ChatOrder");

void
chat_socket_fail(struct jw *w, const struct req *r, int status, const char *sentence)
{
	jw_obj(w, NULL);
	jw_arr(w, "parts");
	jw_end(w);
	jw_bool(w, "finished", !socket_streaming(r->socket));
	jw_obj(w, "error");
	jw_i64(w, "code", status);
	jw_str(w, "msg", sentence);
	jw_end(w);
	jw_end(w);
}

/* Nothing is said to it: what the turn says is the answer. */
static int
silence(struct req *r)
{
	return reply(r, 204, NULL, "", 0);
}

static int
stop(struct req *r)
{
	int64_t	turn = socket_turn(r->socket);

	if (turn != 0 && engine_stop_turn(&r->cx, r->engine, turn, r->cx.who->id) == -1)
		return -1;
	return silence(r);
}

static int
resume(struct req *r, const struct chat_order *o)
{
	static const char	 over[] = "{\"parts\":[],\"finished\":true}";
	struct follow		*f;

	if ((f = follow_find(&r->cx, r->engine, o->resume, o->after)) == NULL)
		return -1;
	if (follow_over(f)) {
		follow_free(f);
		return reply(r, 200, REPLY_JSON, over, sizeof(over) - 1);
	}
	follow_run(f, req_stream(r, follow_voice(f)->prefix));
	return 0;
}

static int
ask(struct req *r, const struct json *tree, const struct fields *table)
{
	struct chat_question	q = { 0 };

	return json_read(&r->cx, tree, table, &q) == -1 ? -1 : chat_talk(r, &q);
}

/* What the handshake's query asks. It is read as a question is: what cannot be must be heard of. */
static int
first(struct req *r)
{
	json_auto		*tree = json_from_form(&r->cx, r->query, strlen(r->query));
	const struct json	*text;
	const char		*s;
	size_t			 n;

	if (tree == NULL)
		return -1;
	text = json_at(tree, "text");
	if (text == NULL || (json_get_str(text, &s, &n) && n == 0))
		return silence(r);
	return ask(r, tree, &chat_question_query_fields);
}

/* A turn is streaming: nothing else is told meanwhile. Always -1. */
static int
refuse(struct req *r)
{
	struct ctx		*cx = &r->cx;
	const struct turn_row	*t = turn_get(cx, cx->who->id, socket_turn(r->socket));

	if (t == NULL)		/* it has not told its id yet, or the database is away */
		return fail(cx, F_BUSY, "WebSocket");
	return fail(cx, F_BUSY, "session %" PRId64, t->session);
}

int
chat_socket_message(struct req *r)
{
	struct chat_order	o = { 0 };
	json_auto		*tree = NULL;

	if (r->why == REQ_FIRST)
		return first(r);
	if ((tree = json_parse(&r->cx, r->body, r->body_len)) == NULL)
		return -1;
	if (!json_is_object(tree))
		return fail(&r->cx, F_TYPE, "message");
	if (json_read(&r->cx, tree, &chat_order_fields, &o) == -1)
		return -1;
	if (o.stop)
		return stop(r);
	if (socket_streaming(r->socket))
		return refuse(r);
	return o.resume != 0 ? resume(r, &o) : ask(r, tree, &chat_question_fields);
}
