/* POST /v1/openapi/chat: a website's assistant is asked. */
#include "visitor.h"

#include <inttypes.h>
#include <string.h>

#include "api/answered.h"
#include "api/handlers.h"
#include "api/streams.h"
#include "core/plan.h"
#include "core/visit.h"
#include "core/who.h"
#include "store/turn.h"

/* ---- what answers rest on -------------------------------------------------------------------- */

/*
 * A citation: a hit of a search (plan.h), a passage of a document (passages.h), or what an upstream
 * calls one.
 */
struct cited {
	char	*link, *url;
	char	*snippet, *text, *content;
	char	*title, *file_name;
};

static const struct field cited_f[] = {
	FIELD(cited, T_STR, MAY, link, 0, 0, NULL),
	FIELD(cited, T_STR, MAY, url, 0, 0, NULL),
	FIELD(cited, T_STR, MAY, snippet, 0, 0, NULL),
	FIELD(cited, T_STR, MAY, text, 0, 0, NULL),
	FIELD(cited, T_STR, MAY, content, 0, 0, NULL),
	FIELD(cited, T_STR, MAY, title, 0, 0, NULL),
	FIELD_AS(cited, T_STR, MAY, file_name, "fileName", 0, 0, NULL),
};
static FIELDS(cited, "VisitorCited");

static char *
first_of(struct arena *a, char *one, char *other, char *third)
{
	return one != NULL ? one : other != NULL ? other : third != NULL ? third :
	    arena_strdup(a, "");
}

/* What cannot be read is as good as nothing, but keeps its number. */
struct list
visitor_sources(struct arena *a, char *const *citations, size_t n)
{
	struct visitor_source	*list = arena_array(a, n, sizeof(*list));
	struct cited		 c;
	struct json		*j;

	for (size_t i = 0; i < n; i++) {
		struct ctx	 cx = { .a = a };

		c = (struct cited){ 0 };
		if ((j = json_parse(&cx, citations[i], strlen(citations[i]))) != NULL)
			json_read(&cx, j, &cited_fields, &c);
		json_free(j);
		list[i] = (struct visitor_source){ .link = first_of(a, c.link, c.url, NULL),
		    .snippet = first_of(a, c.snippet, c.text, c.content),
		    .title = first_of(a, c.title, c.file_name, NULL) };
	}
	return (struct list){ list, n };
}

/* ---- one reply ------------------------------------------------------------------------------- */

/* What an answer that is over says, from the database. */
static int
reply_answer(struct req *r, int64_t turn, const struct answer_told *a)
{
	struct ctx		*cx = &r->cx;
	const struct turn_row	*t;
	const struct session	*s;
	struct citation_row	*cited;
	char			**bodies;
	struct visitor_usage	 usage = { a->cost };
	struct visitor_reply	 out = { .desc = a->text, .usage = &usage };
	size_t			 n;

	if ((t = turn_get(cx, cx->who->id, turn)) == NULL)
		return cx->fail.kind != F_NONE ? -1 :
		    fail(cx, F_NOT_FOUND, "turn %" PRId64, turn);
	if ((s = session_get(cx, cx->who->id, t->session)) == NULL ||
	    turn_citations(cx, turn, &cited, &n) == -1)
		return -1;
	bodies = arena_array(cx->a, n, sizeof(*bodies));
	for (size_t i = 0; i < n; i++)
		bodies[i] = cited[i].body;
	out.msg_key = s->msg_key;
	out.visitor = s->visitor;
	out.source = visitor_sources(cx->a, bodies, n);
	out.stopped = strcmp(a->status, "stopped") == 0;
	return reply_fields(r, &visitor_reply_fields, &out);
}

int
visitor_again(struct req *r, int64_t turn)
{
	struct visitor_ask	 in = { 0 };

	if (req_read(r, &in) == -1)
		return -1;
	return in.stream ? streams_tell(r, turn, 0) : answered_again(r, turn, reply_answer);
}

/* ---- the question ---------------------------------------------------------------------------- */

/* Whom it is for: who is named, else the key's. */
static struct assistant_version *
assistant_of(struct ctx *cx, const struct visitor_ask *in)
{
	int64_t	 id = cx->who->assistant;

	if (in->assistant != NULL && *in->assistant != '\0') {
		if (visitor_id(cx, "ibotID", in->assistant, &id) == -1)
			return NULL;
	} else if (id == 0)
		return fail_null(cx, F_MISSING, "ibotID");
	return assistant_current(cx, cx->who->tenant, id);
}

/* The website knows its visitor from now on, and what it says of him. */
static int
meet(struct ctx *cx, const struct visitor_ask *in, const char *visitor)
{
	const struct visitor_item	 none = { 0 }, *item = in->item != NULL ? in->item : &none;

	if (visitor == NULL)
		return 0;
	return contact_meet(cx, &(struct contact){ .owner = cx->who->id,
	    .userid = (char *)visitor, .name = item->name, .mobile = item->mobile,
	    .email = item->email, .avatar = item->avatar, .company = item->company });
}

/* Opens it in the visitor's conversation, or in a new one. */
static struct turn *
open_in(struct req *r, const struct assistant_version *v, const char *visitor,
    struct turn_spec *spec, struct turn_seat *seat, bool *fresh)
{
	struct talk	*talk;

	if ((talk = visit_open(&r->cx, v, visitor, fresh)) == NULL)
		return NULL;
	spec->session = talk->session;
	spec->fresh = *fresh ? talk->lanes : NULL;
	spec->nfresh = *fresh ? talk->nlanes : 0;
	seat->lane = talk->lanes->lane;
	seat->pri_id = talk->lanes->pri_id;
	return turn_open(&r->cx, r->engine, spec);
}

/* The same; where an equal was first by a moment to begin a conversation, in that. */
static struct turn *
open_turn(struct req *r, const struct assistant_version *v, const char *visitor,
    struct turn_spec *spec, struct turn_seat *seat)
{
	struct turn	*t;
	bool		 fresh;

	t = open_in(r, v, visitor, spec, seat, &fresh);
	if (t != NULL || !fresh || r->cx.fail.kind != F_CONFLICT)
		return t;
	fail_clear(&r->cx);
	return open_in(r, v, visitor, spec, seat, &fresh);
}

/* POST /v1/openapi/chat */
int
visitor_chat(struct req *r)
{
	struct ctx			*cx = &r->cx;
	struct visitor_ask		 in = { 0 };
	struct turn_seat		 seat = { 0 };
	struct turn_spec		 spec = {
		.voice = &visitor_voice, .entitle = true, .seats = &seat, .nseats = 1,
		.idem_key = r->idem_key, .idem_body = r->idem_body,
	};
	struct plan_spec		 plan;
	const struct assistant_version	*v;
	const char			*visitor;
	struct turn			*t;

	if (req_read(r, &in) == -1 || visitor_check(cx, &in) == -1 ||
	    (v = assistant_of(cx, &in)) == NULL ||
	    visitor_prepare(cx, &in, v, &seat, &spec, &plan) == -1)
		return -1;
	visitor = in.visitor != NULL && *in.visitor != '\0' ? in.visitor : NULL;
	if (meet(cx, &in, visitor) == -1 ||
	    (t = open_turn(r, v, visitor, &spec, &seat)) == NULL)
		return -1;
	turn_run(t, in.stream ? req_stream(r, visitor_voice.prefix) :
	    answered_wait(r, t->id, reply_answer));
	return 0;
}
