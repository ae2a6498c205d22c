/* The order of a plan's steps, and what its requests for the answer are told. */
#include "core/plan.h"

#include <string.h>

#include "base/jw.h"
#include "base/log.h"
#include "core/plan_steps.h"

/* ---- made, on a request thread ---- */

static struct plan_intent *
copy_intents(struct arena *a, const struct plan_intent *from, size_t n)
{
	struct plan_intent	*to = arena_array(a, n, sizeof *to);

	for (size_t i = 0; i < n; i++) {
		const char	**examples = arena_array(a, from[i].nexamples, sizeof *examples);

		for (size_t k = 0; k < from[i].nexamples; k++)
			examples[k] = arena_strdup(a, from[i].examples[k]);
		to[i] = (struct plan_intent){ .name = arena_strdup(a, from[i].name),
		    .examples = examples, .nexamples = from[i].nexamples,
		    .reply = arena_strdup(a, from[i].reply),
		    .system = arena_strdup(a, from[i].system) };
	}
	return to;
}

static struct plan_tool *
copy_tools(struct arena *a, const struct plan_tool *from, size_t n)
{
	struct plan_tool	*to = arena_array(a, n, sizeof *to);

	for (size_t i = 0; i < n; i++)
		to[i] = (struct plan_tool){ .name = arena_strdup(a, from[i].name),
		    .description = arena_strdup(a, from[i].description),
		    .parameters = arena_strdup(a, from[i].parameters),
		    .method = arena_strdup(a, from[i].method),
		    .url = arena_strdup(a, from[i].url),
		    .headers = arena_strdup(a, from[i].headers),
		    .secret = arena_strdup(a, from[i].secret),
		    .timeout_s = from[i].timeout_s };
	return to;
}

static void
copy_spec(struct plan *p, const struct plan_spec *from)
{
	struct arena	*a = p->lane->turn->a;

	p->spec = *from;
	p->spec.reply = arena_strdup(a, from->reply);
	p->spec.intents = copy_intents(a, from->intents, from->nintents);
	p->spec.search_url = arena_strdup(a, from->search_url);
	p->spec.tools = copy_tools(a, from->tools, from->ntools);
	if (from->ntools == 0)
		return;
	p->calls = arena_get(a, sizeof *p->calls);
	p->tools = plan_tools_json(a, p->spec.tools, from->ntools);
	if (p->extra != NULL)
		p->tools = arena_printf(a, "%s,%s", p->extra, p->tools);
}

static void
copy_addresses(struct plan *p)
{
	struct lane	*l = p->lane;

	p->nwho = l->nfallbacks + 1;
	p->who = arena_array(l->turn->a, p->nwho, sizeof *p->who);
	p->asked = arena_array(l->turn->a, p->nwho, sizeof *p->asked);
	p->who[0] = (struct fallback){ .model = l->model, .spec = l->spec };
	for (size_t i = 1; i < p->nwho; i++)
		p->who[i] = l->fallbacks[i - 1];
	l->nfallbacks = 0;
}

void
plan_prepare(struct lane *l, const struct turn_spec *spec, const struct message *m, size_t n)
{
	struct arena	*a = l->turn->a;
	struct plan	*p = arena_get(a, sizeof *p);

	p->lane = l;
	p->question = arena_strdup(a, spec->question != NULL ? spec->question : "");
	if (spec->extra != NULL && *spec->extra != '\0')
		p->extra = arena_strdup(a, spec->extra);
	p->max_tokens = spec->max_tokens;
	for (size_t i = 0; i < n; i++) {
		plan_add(p, &(struct message){ .role = m[i].role,
		    .text = arena_strdup(a, m[i].text), .image = arena_strdup(a, m[i].image),
		    .raw = arena_strdup(a, m[i].raw) });
		if (m[i].role == ROLE_SYSTEM && p->nsystems == i)
			p->nsystems++;
	}
	copy_spec(p, spec->plan);
	copy_addresses(p);
	l->plan = p;
}

void
plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	str_free(&p->text);
	str_free(&p->heard);
	if (p->calls == NULL)
		return;
	for (size_t i = 0; p->runs != NULL && i < p->calls->n; i++)
		tool_call_free(&p->runs[i].call);
	toolcalls_free(p->calls);
}

/* ---- what is heard ---- */

static void
make_room(struct plan *p)
{
	struct message	*m;

	if (p->n < p->room)
		return;
	p->room = p->room > 0 ? 2 * p->room : 16;
	m = arena_array(p->lane->turn->a, p->room, sizeof *m);
	if (p->n > 0)
		memcpy(m, p->m, p->n * sizeof *m);
	p->m = m;
}

void
plan_add(struct plan *p, const struct message *one)
{
	make_room(p);
	p->m[p->n++] = *one;
}

void
plan_add_system(struct plan *p, const char *text)
{
	make_room(p);
	memmove(p->m + p->nsystems + 1, p->m + p->nsystems,
	    (p->n++ - p->nsystems) * sizeof *p->m);
	p->m[p->nsystems++] = (struct message){ .role = ROLE_SYSTEM, .text = text };
}

const char *
plan_text(const struct plan *p, const char *zh, const char *en)
{
	return p->lane->turn->lang == LANG_ZH ? zh : en;
}

void
plan_write(struct plan *p, const struct message *m, size_t n, const char *extra, int max_tokens)
{
	struct lane	*l = p->lane;

	memcpy(p->asked, p->who, p->nwho * sizeof *p->who);
	for (size_t i = 0; i < p->nwho; i++) {
		const struct model	*to = p->who[i].model;
		struct ask_spec		*spec = &p->asked[i].spec;

		spec->prompt_estimate = prompt_write(&spec->body, &(struct prompt){
		    .model = to->upstream_name, .m = m, .n = n,
		    .context_tokens = to->context_tokens,
		    .max_tokens = max_tokens > 0 ? max_tokens : to->max_tokens, .extra = extra });
	}
	l->model = p->asked[0].model;
	l->spec = p->asked[0].spec;
	l->fallbacks = p->asked + 1;
	l->nfallbacks = p->nwho - 1;
}

/* ---- the steps ---- */

void
plan_reply(struct plan *p, const char *text)
{
	struct lane	*l = p->lane;

	p->step = PLAN_OVER;
	lane_say(l, &(struct delta){ .text = text, .len = strlen(text),
	    .at_ms = loop_wall(l->turn->engine->loop) });
	lane_end(l, "stop", F_NONE);
}

void
plan_run(struct lane *l)
{
	if (l->plan->spec.reply != NULL)
		plan_reply(l->plan, l->plan->spec.reply);
	else if (l->plan->spec.nintents > 0)
		plan_intent(l->plan);
	else
		plan_search(l->plan);
}

void
plan_search(struct plan *p)
{
	if (p->spec.search_url != NULL)
		plan_search_begin(p);
	else
		plan_answer(p);
}

void
plan_answer(struct plan *p)
{
	p->step = PLAN_ANSWER;
	p->round_at = p->text.len;
	plan_write(p, p->m, p->n, p->rounds < PLAN_ROUNDS && p->tools != NULL ? p->tools : p->extra,
	    p->max_tokens);
	lane_ask_models(p->lane);
}

/* Will a later request need what was said? */
static bool
keeps_text(const struct plan *p)
{
	return p->spec.suggest || p->spec.resume || p->calls != NULL;
}

bool
plan_heard(struct lane *l, const struct delta *d)
{
	struct plan	*p = l->plan;

	if (d->flags & DELTA_TOOLS) {
		if (p->calls == NULL)
			return false;
		plan_tools_heard(p, d);
		return true;
	}
	if (!(d->flags & DELTA_REASONING) && keeps_text(p))
		str_put(&p->text, d->text, d->len);
	return false;
}

/* Where the answer goes on; JSON, as it is stored. */
static void
note_seam(struct plan *p)
{
	struct lane	*l = p->lane;
	const int64_t	 at = (int64_t)l->said.bytes;

	l->seams = jw_numbers(l->turn->a, &at, 1);
	if (l->turn->stored)
		lane_note(l, SPOOL_SEAMS, l->seams, strlen(l->seams));
}

/* The model, or one in its place, is given what was said in this round and asked for the rest. */
static void
go_on(struct plan *p)
{
	struct lane	*l = p->lane;
	const char	*said = arena_strndup(l->turn->a, p->text.p + p->round_at,
	    p->text.len - p->round_at);
	struct message	*m = arena_array(l->turn->a, p->n + 2, sizeof *m);
	struct message	 more = { .role = ROLE_ASSISTANT };

	/* A user's, but one turn with the question: that must not be left out. */
	more.text = plan_text(p,
	    "你的回答中断了。请从中断处紧接着继续, 不要重复已说的内容, 也不要任何说明。",
	    "Your answer was cut off. Go on exactly where it broke off, without repeating "
	    "anything and without a word about it.");
	more.raw = arena_printf(l->turn->a, "{\"role\":\"user\",\"content\":\"%s\"}", more.text);
	memcpy(m, p->m, p->n * sizeof *m);
	m[p->n] = (struct message){ .role = ROLE_ASSISTANT, .text = said };
	m[p->n + 1] = more;
	plan_write(p, m, p->n + 2, p->rounds < PLAN_ROUNDS && p->tools != NULL ? p->tools :
	    p->extra, p->max_tokens);
	note_seam(p);
	lane_ask_models(l);
}

/* Its answer broke off, and neither it nor somebody stopped it. */
static bool
may_resume(const struct plan *p, const struct ask_end *e)
{
	return p->spec.resume && !p->resumed && e->heard && e->fault != FAULT_LONG &&
	    e->fault != FAULT_LEFT;
}

static void
resume(struct plan *p)
{
	struct lane	*l = p->lane;

	log_warn("an answer that broke off is asked to go on", LOG_S("rid", l->turn->rid),
	    LOG_I("turn", l->turn->id), LOG_S("model", l->model->code));
	p->resumed = true;
	lane_close_thought(l);
	if (p->calls != NULL)
		toolcalls_free(p->calls);
	if (p->text.len > p->round_at)
		go_on(p);
	else
		plan_answer(p);		/* it had only thought */
}

static bool
wants_tools(const struct plan *p, const struct ask_end *e)
{
	return p->calls != NULL && p->calls->n > 0 && p->rounds < PLAN_ROUNDS &&
	    e->finish != FINISH_LENGTH && e->finish != FINISH_FILTER;
}

bool
plan_asked(struct lane *l, const struct ask_end *e)
{
	struct plan	*p = l->plan;

	if (p->calls != NULL && !e->usage)
		l->completion_tokens += toolcalls_tokens(p->calls);
	if (e->why != F_NONE && may_resume(p, e)) {
		resume(p);
		return true;
	}
	if (e->why == F_NONE && p->garbled) {
		log_warn("a model calls tools in no known way", LOG_S("rid", l->turn->rid),
		    LOG_S("model", l->model->code));
		p->step = PLAN_OVER;
		lane_end(l, "error", F_UPSTREAM);
		return true;
	}
	if (e->why == F_NONE && wants_tools(p, e)) {
		plan_tools_run(p);
		return true;
	}
	if (e->why == F_NONE && p->spec.suggest && p->text.len > 0) {
		lane_settle(l, lane_status(e), F_NONE);
		lane_note_spent(l, 0);
		plan_suggest(p);
		return true;
	}
	p->step = PLAN_OVER;
	return false;
}

void
plan_cancel(struct lane *l)
{
	struct plan	*p = l->plan;

	switch (p->step) {
	case PLAN_ASIDE:
		plan_aside_cancel(p);
		break;
	case PLAN_SEARCH:
		plan_search_cancel(p);
		break;
	case PLAN_TOOL:
		plan_tools_cancel(p);
		break;
	default:
		break;
	}
	p->step = PLAN_OVER;
}
