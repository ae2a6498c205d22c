/*
 * What a client asks for, taken apart as far as it concerns us: its messages and most members go to
 * the model as they came. What cannot be had is refused, not passed over.
 */
#include "openai.h"

#include <string.h>

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define STOPS_MAX	4
#define TOOLS_MAX	128

/* ---- members that are passed on -------------------------------------------------------------- */

static bool
is_string(const struct json *j)
{
	const char	*s;
	size_t		 n;

	return json_get_str(j, &s, &n);
}

/* Is it one of these strings? */
static bool
is_word(const struct json *j, const char *const *words)
{
	const char	*s;
	size_t		 n;

	if (!json_get_str(j, &s, &n))
		return false;
	while (*words != NULL && (strlen(*words) != n || memcmp(*words, s, n) != 0))
		words++;
	return *words != NULL;
}

static bool
is_stop(const struct json *j)
{
	if (is_string(j))
		return true;
	if (!json_is_array(j) || json_count(j) == 0 || json_count(j) > STOPS_MAX)
		return false;
	for (size_t i = 0; i < json_count(j); i++)
		if (!is_string(json_elem(j, i)))
			return false;
	return true;
}

static bool
is_tools(const struct json *j)
{
	static const char *const	 types[] = { "function", NULL };

	if (!json_is_array(j) || json_count(j) == 0 || json_count(j) > TOOLS_MAX)
		return false;
	for (size_t i = 0; i < json_count(j); i++)
		if (!is_word(json_at(json_elem(j, i), "type"), types) ||
		    !is_string(json_at(json_elem(j, i), "function.name")))
			return false;
	return true;
}

static bool
is_tool_choice(const struct json *j)
{
	static const char *const	 words[] = { "none", "auto", "required", NULL };

	return json_is_object(j) || is_word(j, words);
}

static bool
is_response_format(const struct json *j)
{
	static const char *const	 types[] = { "text", "json_object", "json_schema", NULL };

	return json_is_object(j) && is_word(json_member(j, "type"), types);
}

static bool
is_logit_bias(const struct json *j)
{
	const struct json	*v;
	const char		*name;
	const void		*at = NULL;
	double			 bias;

	if (!json_is_object(j))
		return false;
	while (json_next(j, &at, &name, &v))
		if (!json_get_f64(v, &bias) || bias < -100 || bias > 100)
			return false;
	return true;
}

/* Those without a function have been read by the table of fields. */
static const struct {
	const char	*name;
	bool		(*good)(const struct json *);
	bool		 with_tools;	/* where there are none it makes no sense */
} passed[] = {
	{ "temperature", NULL, false },
	{ "top_p", NULL, false },
	{ "presence_penalty", NULL, false },
	{ "frequency_penalty", NULL, false },
	{ "seed", NULL, false },
	{ "stop", is_stop, false },
	{ "tools", is_tools, false },
	{ "tool_choice", is_tool_choice, true },
	{ "parallel_tool_calls", NULL, true },
	{ "response_format", is_response_format, false },
	{ "logit_bias", is_logit_bias, false },
	{ "user", NULL, false },
	{ "reasoning_effort", NULL, false },
};

/* turn_spec.extra. */
static int
read_passed(struct ctx *cx, const struct json *body, struct turn_spec *spec)
{
	const bool		 tools = json_member(body, "tools") != NULL;
	struct str		 s = STR_INIT(0);
	const struct json	*j;

	for (size_t i = 0; i < COUNT(passed); i++) {
		if ((j = json_member(body, passed[i].name)) == NULL)
			continue;
		if ((passed[i].good != NULL && !passed[i].good(j)) ||
		    (passed[i].with_tools && !tools)) {
			str_free(&s);
			return fail(cx, F_VALUE, "%s", passed[i].name);
		}
		str_printf(&s, "%s\"%s\":%s", s.len > 0 ? "," : "", passed[i].name,
		    json_dump(cx->a, j));
	}
	if (s.len > 0)
		spec->extra = arena_strndup(cx->a, s.p, s.len);
	str_free(&s);
	return 0;
}

/* Members that ask for what we have not. */
static int
refuse_others(struct ctx *cx, const struct json *body, const struct openai_ask *in)
{
	static const char *const	 never[] = { "audio", "functions", "function_call" };
	static const char *const	 text[] = { "text", NULL };
	const struct json		*j = json_member(body, "modalities");

	for (size_t i = 0; i < COUNT(never); i++)
		if (json_member(body, never[i]) != NULL)
			return fail(cx, F_VALUE, "%s", never[i]);
	for (size_t i = 0; i < json_count(j); i++)
		if (!is_word(json_elem(j, i), text))
			return fail(cx, F_VALUE, "modalities");
	if (j != NULL && !json_is_array(j))
		return fail(cx, F_TYPE, "modalities");
	if (in->n > 1)
		return fail(cx, F_VALUE, "n");
	if (in->logprobs || in->top_logprobs > 0)
		return fail(cx, F_VALUE, in->logprobs ? "logprobs" : "top_logprobs");
	return 0;
}

/* ---- messages -------------------------------------------------------------------------------- */

static const struct {
	const char	*name;
	enum role	 role;		/* as the window is trimmed by */
	bool		 kept;		/* in a conversation, as said before its first question */
} roles[] = {
	{ "system", ROLE_SYSTEM, true },
	{ "developer", ROLE_SYSTEM, true },
	{ "user", ROLE_USER, true },
	{ "assistant", ROLE_ASSISTANT, true },
	{ "tool", ROLE_ASSISTANT, false },
};

struct reading {
	struct ctx	*cx;
	struct message	*told, *kept;
	size_t		 n, nkept;
	/* Of the last that a user said; kept holds what came before, once it was read */
	const char	*question;
	size_t		 nbefore;
};

/* What a part of a content says, appended. */
static int
read_part(struct reading *v, size_t i, size_t k, const struct json *part, struct str *text)
{
	static const char *const	 texts[] = { "text", NULL }, *const images[] = {
		"image_url", NULL }, *const refusals[] = { "refusal", NULL };
	const struct json		*type = json_member(part, "type"), *j;
	const char			*member = "text", *s;
	size_t				 n;

	if (is_word(type, images)) {
		member = "image_url.url";
	} else if (is_word(type, refusals)) {
		member = "refusal";
	} else if (!is_word(type, texts))
		return fail(v->cx, F_VALUE, "messages[%zu].content[%zu].type", i, k);
	j = json_at(part, member);
	if (j == NULL)
		return fail(v->cx, F_MISSING, "messages[%zu].content[%zu].%s", i, k, member);
	if (!json_get_str(j, &s, &n))
		return fail(v->cx, F_TYPE, "messages[%zu].content[%zu].%s", i, k, member);
	if (memchr(s, '\0', n) != NULL)
		return fail(v->cx, F_VALUE, "messages[%zu].content[%zu].%s", i, k, member);
	if (is_word(type, images))
		v->told[i].image = arena_strndup(v->cx->a, s, n);
	else {
		if (text->len > 0)
			str_putc(text, '\n');
		str_put(text, s, n);
	}
	return 0;
}

/* The text of a message; *text "" where it has none. */
static int
read_content(struct reading *v, size_t i, const struct json *m, const char **text)
{
	const struct json	*content = json_member(m, "content");
	struct str		 all = STR_INIT(0);
	const char		*s;
	size_t			 n;
	int			 rv = 0;

	*text = "";
	if (content == NULL && json_member(m, "tool_calls") == NULL)
		return fail(v->cx, F_MISSING, "messages[%zu].content", i);
	if (content == NULL)
		return 0;
	if (json_get_str(content, &s, &n)) {
		if (memchr(s, '\0', n) != NULL)
			return fail(v->cx, F_VALUE, "messages[%zu].content", i);
		*text = arena_strndup(v->cx->a, s, n);
		return 0;
	}
	if (!json_is_array(content))
		return fail(v->cx, F_TYPE, "messages[%zu].content", i);
	for (size_t k = 0; rv == 0 && k < json_count(content); k++)
		rv = read_part(v, i, k, json_elem(content, k), &all);
	*text = str_keep(&all, v->cx->a);
	return rv;
}

static int
check_calls(struct reading *v, size_t i, const struct json *m, const char *role)
{
	const struct json	*calls = json_member(m, "tool_calls");

	if (calls != NULL && (strcmp(role, "assistant") != 0 || !json_is_array(calls)))
		return fail(v->cx, F_VALUE, "messages[%zu].tool_calls", i);
	if (strcmp(role, "tool") == 0 && !is_string(json_member(m, "tool_call_id")))
		return fail(v->cx, F_MISSING, "messages[%zu].tool_call_id", i);
	return 0;
}

static int
read_message(struct reading *v, size_t i, const struct json *m, const char *role)
{
	struct message	*told = &v->told[i];
	const char	*text;
	size_t		 k = 0;

	while (k < COUNT(roles) && strcmp(roles[k].name, role) != 0)
		k++;
	if (k == COUNT(roles))
		return fail(v->cx, F_VALUE, "messages[%zu].role", i);
	if (check_calls(v, i, m, role) == -1 || read_content(v, i, m, &text) == -1)
		return -1;
	told->role = roles[k].role;
	told->raw = json_dump(v->cx->a, m);
	/* What calls say is worth its tokens, too. */
	told->text = json_member(m, "tool_calls") != NULL ? told->raw : text;
	if (roles[k].role == ROLE_USER) {
		v->question = text;
		v->nbefore = v->nkept;
	}
	if (roles[k].kept && *text != '\0')
		v->kept[v->nkept++] = (struct message){ .role = roles[k].role, .text = text };
	return 0;
}

static int
read_messages(struct ctx *cx, const struct json *body, const struct openai_ask *in,
    struct turn_spec *spec)
{
	const struct openai_message	*m = in->messages.p;
	struct reading			 v = { .cx = cx, .n = in->messages.n };
	const struct json		*all = json_member(body, "messages");

	v.told = arena_array(cx->a, v.n, sizeof(*v.told));
	v.kept = arena_array(cx->a, v.n, sizeof(*v.kept));
	for (size_t i = 0; i < v.n; i++)
		if (read_message(&v, i, json_elem(all, i), m[i].role) == -1)
			return -1;
	spec->told = v.told;
	spec->ntold = v.n;
	if (!in->store)
		return 0;
	if (v.question == NULL || v.question[strspn(v.question, " \t\r\n")] == '\0')
		return fail(cx, F_VALUE, "messages");
	spec->question = v.question;
	spec->before = v.kept;
	spec->nbefore = v.nbefore;
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int
read_body(struct ctx *cx, const struct json *body, struct openai_ask *in, struct turn_spec *spec)
{
	struct turn_seat	*seat = arena_get(cx->a, sizeof(*seat));

	if (json_read(cx, body, &openai_ask_fields, in) == -1 ||
	    refuse_others(cx, body, in) == -1 || read_passed(cx, body, spec) == -1 ||
	    read_messages(cx, body, in, spec) == -1 ||
	    (seat->model = openai_model(cx, in->model)) == NULL)
		return -1;
	spec->seats = seat;
	spec->nseats = 1;
	spec->max_tokens = in->max_completion_tokens > 0 ? in->max_completion_tokens :
	    in->max_tokens;
	spec->ref = openai_ref(cx->a, in->model,
	    in->stream_options != NULL && in->stream_options->include_usage);
	return 0;
}

int
openai_read(struct req *r, struct openai_ask *in, struct turn_spec *spec)
{
	json_auto	*body = json_parse(&r->cx, r->body, r->body_len);

	return body != NULL ? read_body(&r->cx, body, in, spec) : -1;
}
