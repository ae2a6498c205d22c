/* Between requests for the answer: the tools that the model calls, all of a round at once. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/jw.h"
#include "base/log.h"
#include "core/plan_steps.h"

char *
plan_tools_json(struct arena *a, const struct plan_tool *tools, size_t n)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;

	str_puts(&s, "\"tools\":");
	jw_open(&w, &s);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "type", "function");
		jw_obj(&w, "function");
		jw_str(&w, "name", tools[i].name);
		if (tools[i].description != NULL)
			jw_str(&w, "description", tools[i].description);
		if (tools[i].parameters != NULL)
			jw_raw(&w, "parameters", tools[i].parameters, strlen(tools[i].parameters));
		jw_end(&w);
		jw_end(&w);
	}
	jw_close(&w);
	return str_keep(&s, a);
}

void
plan_tools_heard(struct plan *p, const struct delta *d)
{
	if (toolcalls_add_text(p->calls, d->text, d->len) == -1)
		p->garbled = true;
}

static const struct plan_tool *
tool_of(const struct plan *p, const struct toolcall *c)
{
	for (size_t i = 0; i < p->spec.ntools; i++)
		if (c->name.len > 0 && strcmp(p->spec.tools[i].name, c->name.p) == 0)
			return &p->spec.tools[i];
	return NULL;
}

/* Results are told by the ids of their calls; some servers give none. */
static void
give_ids(struct plan *p)
{
	for (size_t i = 0; i < p->calls->n; i++)
		if (p->calls->v[i].id.len == 0)
			str_printf(&p->calls->v[i].id, "call_%d_%zu", p->rounds, i);
}

/* ---- what became of them ---- */

static void
write_str(struct jw *w, const char *name, const struct str *s)
{
	jw_strn(w, name, s->len > 0 ? s->p : "", s->len);
}

/* As an object where they are one, else as their text. */
static void
write_arguments(struct jw *w, const struct str *s, struct arena *a)
{
	struct json_parser	*p = json_parser_new();
	struct json		*j = s->len > 0 ? json_parser_parse(p, s->p, s->len) : NULL;
	char			*text;

	if (json_is_object(j)) {
		text = json_dump(a, j);
		jw_raw(w, "arguments", text, strlen(text));
	} else
		write_str(w, "arguments", s);
	json_free(j);
	json_parser_free(p);
}

/* For the record, in the order in which they end. */
static void
note(const struct tool_run *r)
{
	struct plan	*p = r->plan;
	struct lane	*l = p->lane;
	struct arena	*a = l->turn->a;
	struct str	 s = STR_INIT(0);
	struct jw	 w;
	char		*text;

	if (l->tools == NULL)
		l->tools = arena_array(a, (size_t)PLAN_ROUNDS * TOOLCALLS_MAX, sizeof *l->tools);
	jw_open(&w, &s);
	jw_obj(&w, NULL);
	jw_i64(&w, "round", p->rounds);
	write_str(&w, "id", &r->wanted->id);
	write_str(&w, "name", &r->wanted->name);
	write_arguments(&w, &r->wanted->arguments, a);
	jw_i64(&w, "status", r->call.status);
	jw_str(&w, "result", r->call.result);
	jw_i64(&w, "ms", r->call.ms);
	jw_close(&w);
	text = str_keep(&s, a);
	l->tools[l->ntools++] = text;
	if (l->turn->stored)
		lane_note(l, SPOOL_TOOL, text, strlen(text));
}

/* What the model said in this round, and called. */
static void
add_calls(struct plan *p)
{
	struct arena	*a = p->lane->turn->a;
	struct str	 s = STR_INIT(0);
	struct jw	 w;
	char		*text;

	jw_open(&w, &s);
	jw_obj(&w, NULL);
	jw_str(&w, "role", "assistant");
	if (p->text.len > p->round_at)
		jw_strn(&w, "content", p->text.p + p->round_at, p->text.len - p->round_at);
	else
		jw_null(&w, "content");
	toolcalls_write(p->calls, &w, "tool_calls");
	jw_close(&w);
	text = str_keep(&s, a);
	plan_add(p, &(struct message){ .role = ROLE_ASSISTANT, .text = text, .raw = text });
}

static void
add_result(struct plan *p, const struct tool_run *r)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;
	char		*text;

	jw_open(&w, &s);
	jw_obj(&w, NULL);
	jw_str(&w, "role", "tool");
	write_str(&w, "tool_call_id", &r->wanted->id);
	jw_str(&w, "content", r->call.result);
	jw_close(&w);
	text = str_keep(&s, p->lane->turn->a);
	plan_add(p, &(struct message){ .role = ROLE_ASSISTANT, .text = r->call.result,
	    .raw = text });
}

/* One less is open; the last lets the model go on. */
static void
close_one(struct plan *p)
{
	if (--p->open > 0)
		return;
	add_calls(p);
	for (size_t i = 0; i < p->calls->n; i++)
		add_result(p, &p->runs[i]);
	p->runs = NULL;
	toolcalls_free(p->calls);
	plan_answer(p);
}

/* It has a result. */
static void
on_over(struct tool_call *c)
{
	const struct tool_run	*r = (const struct tool_run *)c;

	note(r);
	close_one(r->plan);
}

static struct tool_run
run_of(struct plan *p, const struct toolcall *wanted)
{
	struct turn	*t = p->lane->turn;

	return (struct tool_run){ .plan = p, .wanted = wanted, .call = {
		.engine = t->engine, .a = t->a, .rid = t->rid,
		.connect_ms = p->who[0].spec.connect_ms, .tool = tool_of(p, wanted),
		.arguments = wanted->arguments.p, .arguments_len = wanted->arguments.len,
		.over = on_over,
	} };
}

void
plan_tools_run(struct plan *p)
{
	const size_t	 n = p->calls->n;

	p->step = PLAN_TOOL;
	p->rounds++;
	give_ids(p);
	lane_close_thought(p->lane);
	lane_note_spent(p->lane, 0);	/* the tokens of this round are known */
	p->runs = arena_array(p->lane->turn->a, n, sizeof *p->runs);
	p->open = n + 1;		/* and this function: none of them is the last in it */
	for (size_t i = 0; i < n; i++) {
		p->runs[i] = run_of(p, &p->calls->v[i]);
		if (i < PLAN_TOOLS)
			tool_call_start(&p->runs[i].call);
		else
			tool_call_refuse(&p->runs[i].call, "too many tools are called at once");
	}
	close_one(p);
}

void
plan_tools_cancel(struct plan *p)
{
	for (size_t i = 0; i < p->calls->n; i++)
		tool_call_cancel(&p->runs[i].call);
}
