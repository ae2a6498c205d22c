/* /v1/streams: resuming and stopping turns by their id. */
#include "streams.h"

#include <inttypes.h>
#include <string.h>

#include "api/handlers.h"
#include "api/native.h"
#include "base/ident.h"
#include "base/utf8.h"
#include "core/engine.h"
#include "core/follow.h"
#include "core/who.h"
#include "store/turn.h"

#define NAMED_MAX	64	/* characters of an id that an error repeats */
#define EVENTS_MAX	(INT64_C(1) << 53)

static const struct field resume_query_f[] = {
	FIELD(resume_query, T_I64, MAY, after, 0, EVENTS_MAX,
	    "how many events the client has; the header Last-Event-ID goes before"),
};
FIELDS(resume_query, "StreamResume");

static const struct field stopped_f[] = {
	FIELD(stopped, T_BOOL, MUST, stopped, 0, 0, "false: it was over already"),
};
FIELDS(stopped, "StreamStopped");

/* Of a turn whose asker had no identity the MAC in its id is the right. */
static int
become_owner(struct ctx *cx, int64_t turn)
{
	struct who	*w = arena_get(cx->a, sizeof(*w));

	if ((w->id = turn_owner(cx, turn)) == -1)
		return -1;
	if (w->id == 0)
		return fail(cx, F_NOT_FOUND, "turn %" PRId64, turn);
	w->tenant = cx->who->tenant;
	cx->who = w;
	return 0;
}

/* The path's turn; what is no id, and whatever somebody without identity names, does not exist. */
static int
turn_of(struct req *r, int64_t *turn)
{
	const char	*id = r->hit.args[0];

	if (ident_unseal(REQ_STREAM_SEAL, id, turn)) {
		r->sealed = true;
		return become_owner(&r->cx, *turn);
	}
	if (r->cx.who->id == 0 || !ident_parse(id, turn))
		return fail(&r->cx, F_NOT_FOUND, "turn %.*s",
		    (int)utf8_cut(id, strlen(id), NAMED_MAX), id);
	return 0;
}

/* "<turn>-<n>" */
static bool
event_id(const char *s, int64_t *turn, int64_t *n)
{
	const char	*dash = strchr(s, '-');
	char		 id[24];

	if (dash == NULL || (size_t)(dash - s) >= sizeof(id))
		return false;
	memcpy(id, s, (size_t)(dash - s));
	id[dash - s] = '\0';
	if (!ident_parse(id, turn))
		return false;
	*n = 0;
	return strcmp(dash, "-0") == 0 || ident_parse(dash + 1, n);
}

int
streams_last_event(struct req *r, int64_t *turn, int64_t *after)
{
	const char	*last = req_header(r, "Last-Event-ID");

	if (req_header_bad(r, "Last-Event-ID") || (last != NULL && !event_id(last, turn, after)))
		return fail(&r->cx, F_VALUE, "Last-Event-ID");
	return last != NULL;
}

/*
 * How many events the client has. A header goes before the query: EventSource sends it with every
 * new attempt, and cannot change its address.
 */
static int
events_had(struct req *r, int64_t turn, int64_t *after)
{
	struct resume_query	 in = { 0 };
	int64_t			 of = turn;

	if (req_read(r, &in) == -1)
		return -1;
	*after = in.after;
	if (streams_last_event(r, &of, after) == -1)
		return -1;
	return of == turn ? 0 : fail(&r->cx, F_VALUE, "Last-Event-ID");
}

int
streams_tell(struct req *r, int64_t turn, int64_t after)
{
	struct follow	*f;

	if ((f = follow_find(&r->cx, r->engine, turn, after)) == NULL)
		return -1;
	if (follow_over(f)) {
		follow_free(f);
		reply_header(r, "Cache-Control", "no-store");
		return reply(r, 204, NULL, "", 0);
	}
	if (follow_stored(f))
		reply_header(r, "X-Stream-Replay", "stored");
	if (r->method == M_HEAD) {
		follow_free(f);
		return req_stream_head(r, turn);
	}
	follow_run(f, req_stream(r, follow_voice(f)->prefix));
	return 0;
}

/* GET /v1/streams/{turn} */
int
streams_resume(struct req *r)
{
	int64_t	 turn, after;

	if (turn_of(r, &turn) == -1 || events_had(r, turn, &after) == -1)
		return -1;
	return streams_tell(r, turn, after);
}

/* POST /v1/streams/{turn}/stop */
int
streams_stop(struct req *r)
{
	struct stopped	 stopped;
	int64_t		 turn;
	int		 asked;

	if (turn_of(r, &turn) == -1 ||
	    (asked = engine_stop_turn(&r->cx, r->engine, turn, r->cx.who->id)) == -1)
		return -1;
	stopped.stopped = asked == 1;
	return reply_fields(r, &stopped_fields, &stopped);
}
