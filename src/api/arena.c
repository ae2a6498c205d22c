#include "arena.h"

#include <string.h>

#include "base/ident.h"
#include "base/utf8.h"
#include "core/masks.h"
#include "core/retrieve.h"
#include "core/who.h"

#define PREFIX		"chat_"
#define PRI_HEX		32
#define NAMED_MAX	64		/* characters of a value that an error repeats */

static void
arena_fail(struct jw *w, int status, const char *sentence)
{
	jw_obj(w, NULL);
	jw_i64(w, "code", status);
	jw_str(w, "msg", sentence);
	jw_null(w, "data");
	jw_end(w);
}

static const struct field failure_f[] = {
	{ "code", T_INT, MAY, 0, 0, 0, NULL, "the HTTP status" },
	{ "msg", T_STR, MAY, 0, 0, 0, NULL, "what was wrong, naming the field or id" },
	{ "data", T_ANY, MAY, 0, 0, 0, NULL, "null" },
};
static const struct fields failure_fields = { "ResultDTOFailure", 0, failure_f, 3 };

static const struct dialect_note notes[] = {
	{ "/task/", "任务相关接口", NULL },
	{ "/conv/", "会话相关接口", NULL },
	{ "/combine/", "ai融合接口", &combine_query_fields },
	{ "", "OpenAPI", NULL },
};

const struct dialect dialect_arena = {
	.name = "arena", .fail = arena_fail, .failure = &failure_fields, .voice = &arena_voice,
	.notes = notes,
};

char *
arena_success(const struct ctx *cx)
{
	return arena_strdup(cx->a, cx->lang == LANG_EN ? "Success" : "执行成功!");
}

int
arena_done(struct req *r)
{
	struct result_bool	 result = {
		.code = 200, .msg = arena_success(&r->cx), .data = true,
	};

	return reply_fields(r, &result_bool_fields, &result);
}

bool
arena_given(const char *s)
{
	return s != NULL && *s != '\0';
}

char *
arena_ref(struct arena *a, int64_t session)
{
	return arena_printf(a, PREFIX "%lld", (long long)session);
}

int
arena_missing(struct ctx *cx, const char *field, const char *value)
{
	if (cx->fail.kind != F_NONE && cx->fail.kind != F_NOT_FOUND)
		return -1;
	fail_clear(cx);
	return fail(cx, F_NOT_FOUND, "%s %.*s", field,
	    (int)utf8_cut(value, strlen(value), NAMED_MAX), value);
}

/* A session that another dialect began has no masks: here its lanes wear those of their numbers. */
static void
dress(struct ctx *cx, struct talk *talk)
{
	for (size_t i = 0; i < talk->nlanes; i++)
		if (talk->lanes[i].mask == NULL)
			talk->lanes[i].mask = arena_strdup(cx->a, mask_code(talk->lanes[i].lane));
}

int
arena_open(struct ctx *cx, const char *field, const char *ref, struct talk *talk)
{
	int64_t	 id;

	if (strncmp(ref, PREFIX, strlen(PREFIX)) != 0 || !ident_parse(ref + strlen(PREFIX), &id) ||
	    session_open(cx, id, talk) == -1)
		return arena_missing(cx, field, ref);
	dress(cx, talk);
	return 0;
}

int
arena_open_lane(struct ctx *cx, const char *pri_id, struct talk *talk)
{
	if (strlen(pri_id) != PRI_HEX || strspn(pri_id, "0123456789abcdef") != PRI_HEX ||
	    session_open_lane(cx, pri_id, talk) == -1)
		return arena_missing(cx, "priId", pri_id);
	dress(cx, talk);
	return 0;
}

static bool
is_blank(const char *s)
{
	return s == NULL || s[strspn(s, " \t\r\n")] == '\0';
}

int
arena_question(struct ctx *cx, const struct chat_req *in, struct turn_spec *spec)
{
	const struct chat_message	*m = in->messages.p;
	struct message			*said = arena_array(cx->a, in->messages.n, sizeof(*said));
	size_t				 last = in->messages.n, n = 0;
	int				 role;

	for (size_t i = 0; i < in->messages.n; i++) {
		if ((role = arena_given(m[i].role) ? role_parse(m[i].role) : ROLE_USER) == -1)
			return fail(cx, F_VALUE, "messages[%zu].role", i);
		said[i] = (struct message){ .role = role, .text = m[i].content };
		if (role == ROLE_USER)
			last = i;
	}
	if (last == in->messages.n)
		return fail(cx, F_MISSING, "messages");
	if (is_blank(m[last].content))
		return fail(cx, F_MISSING, "messages[%zu].content", last);
	spec->question = m[last].content;
	for (size_t i = 0; i < last; i++)
		if (!is_blank(said[i].text))
			said[n++] = said[i];
	spec->before = said;
	spec->nbefore = n;
	return 0;
}

int
arena_knowledge(struct ctx *cx, const struct chat_req *in, struct turn_spec *spec)
{
	struct found	 f;

	if (retrieve_calls(cx, cx->who->tenant, spec->question, in->start_time, in->end_time,
	    &f) == -1)
		return -1;
	spec->knowledge = f.knowledge;
	spec->citations = f.citations;
	spec->ncitations = f.n;
	return 0;
}

int
arena_stream(struct req *r, struct turn_spec *spec)
{
	struct turn	*t;

	spec->idem_key = r->idem_key;
	spec->idem_body = r->idem_body;
	if ((t = turn_open(&r->cx, r->engine, spec)) == NULL)
		return -1;
	turn_run(t, req_stream(r, spec->voice->prefix));
	return 0;
}
