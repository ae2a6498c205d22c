/* What the website asks for, put into the assistant's question: each member of the body. */
#include "visitor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/conf.h"
#include "base/strict.h"
#include "base/utf8.h"
#include "core/assistant.h"
#include "core/attach.h"
#include "core/who.h"
#include "store/document.h"
#include "store/intent.h"
#include "store/model.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define TOKENS_MAX	1e6

enum handler { HANDLER_CUSTOM, HANDLER_FIX, HANDLER_SEARCH };

static const char *const	handlers[] = {
	[HANDLER_CUSTOM] = "custom", [HANDLER_FIX] = "fix", [HANDLER_SEARCH] = "web_search",
};

/* In which form is it answered? What the model is told of that. */
static const struct {
	const char	*name, *told[2];
} formats[] = {
	{ "text", { [LANG_ZH] = "请用纯文本作答, 不要使用 Markdown 或 HTML 标记。",
	    [LANG_EN] = "Answer in plain text, without any Markdown or HTML." } },
	{ "html", { [LANG_ZH] = "请用一段 HTML 作答, 不要 Markdown, 不要脚本, 也不要整个网页。",
	    [LANG_EN] = "Answer with a piece of HTML: no Markdown, no scripts, no whole page." } },
	{ "markdown", { [LANG_ZH] = "请用 Markdown 作答。", [LANG_EN] = "Answer in Markdown." } },
};

static bool
is_given(const char *s)
{
	return s != NULL && *s != '\0';
}

/* ---- the body alone -------------------------------------------------------------------------- */

/* Which handler; HANDLER_CUSTOM where none is said. -1: none of them. */
static int
handler_of(const struct visitor_ask *in)
{
	if (!is_given(in->handler))
		return HANDLER_CUSTOM;
	for (size_t i = 0; i < COUNT(handlers); i++)
		if (strcmp(handlers[i], in->handler) == 0)
			return (int)i;
	return -1;
}

/* The first where none is said; -1: none of them. */
static int
format_of(const struct visitor_ask *in)
{
	if (!is_given(in->format))
		return 0;
	for (size_t i = 0; i < COUNT(formats); i++)
		if (strcmp(formats[i].name, in->format) == 0)
			return (int)i;
	return -1;
}

/*
 * A number of that range, given as such or as a string, goes to *v; NULL and "" leave it as it is.
 */
static int
read_number(struct ctx *cx, const char *field, const char *json, double min, double max, double *v)
{
	const bool	 text = json != NULL && *json == '"';
	size_t		 n;
	double		 d;
	bool		 whole;

	if (json == NULL || strcmp(json, "\"\"") == 0)
		return 0;
	n = strlen(json) - (text ? 2 : 0);
	if (strict_number(json + text, n, &whole) != n)
		return fail(cx, F_TYPE, "%s", field);
	d = strtod(json + text, NULL);
	if (!isfinite(d) || d < min || d > max)
		return fail(cx, F_RANGE, "%s", field);
	*v = d;
	return 0;
}

static int
read_numbers(struct ctx *cx, const struct visitor_ask *in, double *temperature, double *max_tokens)
{
	*temperature = -1;
	*max_tokens = 0;
	if (read_number(cx, "temperature", in->temperature, 0, 2, temperature) == -1 ||
	    read_number(cx, "max_tokens", in->max_tokens, 1, TOKENS_MAX, max_tokens) == -1)
		return -1;
	return trunc(*max_tokens) == *max_tokens ? 0 : fail(cx, F_TYPE, "max_tokens");
}

/* What is asked, decoded. */
static const char *
question_of(struct ctx *cx, const struct visitor_ask *in)
{
	const size_t	 len = strlen(in->content);
	char		*text = in->content;
	ssize_t		 n = (ssize_t)len;

	if (is_given(in->encoding) && strcmp(in->encoding, "base64") != 0)
		return fail_null(cx, F_VALUE, "content_encoding");
	if (is_given(in->encoding)) {
		text = arena_get(cx->a, BASE64_BYTES(len) + 1);
		if ((n = base64_read(text, in->content, len)) == -1)
			return fail_null(cx, F_VALUE, "content");
		text[n] = '\0';
		if (!utf8_valid(text, (size_t)n))
			return fail_null(cx, F_UTF8, "content");
		if (strlen(text) != (size_t)n)
			return fail_null(cx, F_VALUE, "content");
	}
	if (text[strspn(text, " \t\r\n")] == '\0')
		return fail_null(cx, F_MISSING, "content");
	return text;
}

int
visitor_check(struct ctx *cx, const struct visitor_ask *in)
{
	double	 temperature, max_tokens;

	if (question_of(cx, in) == NULL || read_numbers(cx, in, &temperature, &max_tokens) == -1)
		return -1;
	if (format_of(in) == -1)
		return fail(cx, F_VALUE, "return_format");
	if (handler_of(in) == -1)
		return fail(cx, F_VALUE, "handler_type");
	if (handler_of(in) == HANDLER_FIX && !is_given(in->fixed))
		return fail(cx, F_MISSING, "fix_content");
	return 0;
}

/* ---- what it names --------------------------------------------------------------------------- */

static struct model *
model_of(struct ctx *cx, const struct visitor_ask *in, const struct assistant_version *v)
{
	const bool	 named = is_given(in->model);
	struct model	*m = named ? model_get(cx, in->model) : model_by_id(cx, v->model);

	if (m == NULL || (m->enabled && strcmp(m->kind, "chat") == 0))
		return m;
	return named ? fail_null(cx, F_NOT_FOUND, "model %s", in->model) :
	    fail_null(cx, F_UNAVAILABLE, "%s", m->name);
}

static int
take_tools(struct ctx *cx, const struct list *names, struct plan_spec *plan)
{
	char		**name = names->p;
	struct tool	*all = arena_array(cx->a, names->n, sizeof(*all)), *one;

	for (size_t i = 0; i < names->n; i++) {
		if ((one = tool_get(cx, name[i])) == NULL)
			return -1;
		all[i] = *one;
	}
	if (names->n > 0)
		assistant_equip(cx, all, names->n, plan);
	return 0;
}

static int
take_intents(struct ctx *cx, const struct list *names, struct plan_spec *plan)
{
	char		**name = names->p;
	struct intent	*all = arena_array(cx->a, names->n, sizeof(*all)), *one;

	for (size_t i = 0; i < names->n; i++) {
		if ((one = intent_get(cx, name[i])) == NULL)
			return -1;
		all[i] = *one;
	}
	if (names->n > 0)
		assistant_intend(cx, all, names->n, plan);
	return 0;
}

/*
 * The dataset of the key's user that is named, or else the assistant's own, but where the web is
 * searched instead.
 */
static int
take_knowledge(struct ctx *cx, const struct visitor_ask *in, const struct assistant_version *v,
    struct turn_spec *spec)
{
	struct document	*list;
	int64_t		 id;
	size_t		 n;

	if (!is_given(in->knowledge))
		return handler_of(in) == HANDLER_SEARCH ? 0 : assistant_ground(cx, v, spec);
	if (visitor_id(cx, "knowledge", in->knowledge, &id) == -1 ||
	    dataset_get(cx, cx->who->id, id) == NULL ||
	    document_of_dataset(cx, id, &list, &n) == -1)
		return -1;
	return attach_knowledge(cx, list, n, spec);
}

static int
take_search(struct ctx *cx, const struct visitor_ask *in, struct plan_spec *plan)
{
	if (!in->search && handler_of(in) != HANDLER_SEARCH)
		return 0;
	if (*cx->conf->search_url == '\0')
		return fail(cx, F_UNAVAILABLE, "search_url");
	plan->search_url = cx->conf->search_url;
	return 0;
}

/* ---- the question ---------------------------------------------------------------------------- */

/* What the model is told of itself, and of the form of its answers. */
static void
instruct(struct ctx *cx, const struct visitor_ask *in, struct turn_spec *spec)
{
	const char	*form = formats[format_of(in)].told[cx->lang];

	if (is_given(in->system))
		spec->system = in->system;
	spec->system = spec->system == NULL ? form :
	    arena_printf(cx->a, "%s\n\n%s", spec->system, form);
}

static int
limit(struct ctx *cx, const struct visitor_ask *in, struct turn_spec *spec)
{
	double	 temperature, max_tokens;

	if (read_numbers(cx, in, &temperature, &max_tokens) == -1)
		return -1;
	spec->max_tokens = (int)max_tokens;
	if (temperature >= 0)
		spec->extra = arena_printf(cx->a, "\"temperature\":%.15g", temperature);
	return 0;
}

static bool
is_empty(const struct plan_spec *p)
{
	return p->reply == NULL && p->nintents == 0 && p->search_url == NULL && p->ntools == 0 &&
	    !p->resume;
}

int
visitor_prepare(struct ctx *cx, const struct visitor_ask *in, const struct assistant_version *v,
    struct turn_seat *seat, struct turn_spec *spec, struct plan_spec *plan)
{
	if ((spec->question = question_of(cx, in)) == NULL ||
	    (seat->model = model_of(cx, in, v)) == NULL ||
	    assistant_instruct(cx, v, spec, plan) == -1)
		return -1;
	if (handler_of(in) == HANDLER_FIX) {
		*plan = (struct plan_spec){ .reply = in->fixed };
		spec->plan = plan;
		return 0;
	}
	plan->suggest = false;		/* nobody would be told */
	instruct(cx, in, spec);
	if (limit(cx, in, spec) == -1 || take_tools(cx, &in->tools, plan) == -1 ||
	    take_intents(cx, &in->intents, plan) == -1 || take_search(cx, in, plan) == -1 ||
	    take_knowledge(cx, in, v, spec) == -1)
		return -1;
	spec->plan = is_empty(plan) ? NULL : plan;
	return 0;
}
