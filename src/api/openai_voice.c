/*
 * How the dialect "openai" tells a turn: chunks, the role first, then what is said as it comes,
 * then why it ended, the usage where that was asked for, and [DONE].
 */
#include "openai.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECOND	1000	/* ms */

char *
openai_ref(struct arena *a, const char *model, bool usage)
{
	return arena_printf(a, "%c%s", usage ? '+' : '-', model);
}

static const char *
model_of(const struct turn *t)
{
	return t->ref != NULL && *t->ref != '\0' ? t->ref + 1 : "";
}

static bool
tells_usage(const struct turn *t)
{
	return t->ref != NULL && *t->ref == '+';
}

/* Of a turn that runs it came with the question; of one that is over only the model is known. */
static char *
voice_ref(struct arena *a, const struct turn *t, const struct question *q)
{
	if (t->ref != NULL)
		return (char *)t->ref;
	return openai_ref(a, q->nmodels > 0 ? q->models[0]->code : "", false);
}

/* Its calls make it one of calls; who was stopped has said what he had to say. */
static const char *
reason(const char *status, bool calls)
{
	if (strcmp(status, "length") == 0 || strcmp(status, "content_filter") == 0)
		return status;
	return calls && strcmp(status, "stop") == 0 ? "tool_calls" : "stop";
}

static bool
has_calls(const struct lane *l)
{
	return l->calls != NULL && l->calls->n > 0;
}

static void
write_head(struct jw *w, const struct turn *t)
{
	char	 id[40];

	snprintf(id, sizeof(id), "chatcmpl-%" PRId64, t->id);
	jw_obj(w, NULL);
	jw_str(w, "id", id);
	jw_str(w, "object", "chat.completion.chunk");
	jw_i64(w, "created", t->created_ms / SECOND);
	jw_str(w, "model", model_of(t));
}

/* A chunk up to the inside of its delta. */
static void
open_chunk(struct out *o, struct jw *w, const struct turn *t)
{
	msg_open(o);
	jw_open(w, &o->buf);
	write_head(w, t);
	jw_arr(w, "choices");
	jw_obj(w, NULL);
	jw_i64(w, "index", 0);
	jw_obj(w, "delta");
}

static void
close_chunk(struct out *o, struct jw *w, const struct turn *t, const char *finish)
{
	jw_end(w);
	jw_str(w, "finish_reason", finish);
	jw_end(w);
	jw_end(w);
	if (tells_usage(t))
		jw_null(w, "usage");
	jw_close(w);
	msg_close(o);
}

static void
voice_begin(struct out *o, const struct turn *t)
{
	struct jw	 w;

	open_chunk(o, &w, t);
	jw_str(&w, "role", "assistant");
	jw_str(&w, "content", "");
	close_chunk(o, &w, t, NULL);
}

static void
voice_delta(struct out *o, const struct lane *l, const struct delta *d)
{
	struct jw	 w;

	open_chunk(o, &w, l->turn);
	if (d->flags & DELTA_TOOLS)
		jw_raw(&w, "tool_calls", d->text, d->len);
	else
		jw_strn(&w, d->flags & DELTA_REASONING ? "reasoning_content" : "content",
		    d->len > 0 ? d->text : "", d->len);
	close_chunk(o, &w, l->turn, NULL);
}

/* The calls as one piece each. */
static void
write_calls(struct jw *w, const struct toolcalls *calls)
{
	jw_arr(w, "tool_calls");
	for (size_t i = 0; i < calls->n; i++) {
		const struct toolcall	*c = &calls->v[i];

		jw_obj(w, NULL);
		jw_i64(w, "index", (int64_t)i);
		jw_str(w, "id", c->id.len > 0 ? c->id.p : "");
		jw_str(w, "type", "function");
		jw_obj(w, "function");
		jw_str(w, "name", c->name.len > 0 ? c->name.p : "");
		jw_str(w, "arguments", c->arguments.len > 0 ? c->arguments.p : "");
		jw_end(w);
		jw_end(w);
	}
	jw_end(w);
}

static void
voice_whole(struct out *o, const struct lane *l)
{
	struct jw	 w;

	open_chunk(o, &w, l->turn);
	if (l->reasoning.len > 0)
		jw_strn(&w, "reasoning_content", l->reasoning.p, l->reasoning.len);
	jw_strn(&w, "content", l->text.len > 0 ? l->text.p : "", l->text.len);
	if (has_calls(l))
		write_calls(&w, l->calls);
	close_chunk(o, &w, l->turn, NULL);
}

static void
write_usage(struct jw *w, const struct lane *l)
{
	jw_obj(w, "usage");
	jw_i64(w, "prompt_tokens", l->prompt_tokens);
	jw_i64(w, "completion_tokens", l->completion_tokens);
	jw_i64(w, "total_tokens", l->prompt_tokens + l->completion_tokens);
	jw_end(w);
}

static void
voice_end(struct out *o, const struct lane *l)
{
	struct jw	 w;

	open_chunk(o, &w, l->turn);
	close_chunk(o, &w, l->turn, reason(l->status, has_calls(l)));
	if (!tells_usage(l->turn))
		return;
	msg_open(o);
	jw_open(&w, &o->buf);
	write_head(&w, l->turn);
	jw_arr(&w, "choices");
	jw_end(&w);
	write_usage(&w, l);
	jw_close(&w);
	msg_close(o);
}

static void
voice_fail(struct out *o, const struct lane *l)
{
	const struct fail	 why = { .kind = l->why, .what = model_of(l->turn) };
	struct arena		*a = arena_new(0);
	struct jw		 w;

	msg_open(o);
	jw_open(&w, &o->buf);
	openai_error(&w, l->why, NULL, fail_text(a, &why, l->turn->lang));
	msg_close(o);
	arena_free(a);
}

static void
voice_done(struct out *o, const struct turn *t)
{
	(void)t;
	msg_text(o, "[DONE]");
}

const struct voice openai_voice = {
	.name = "openai",
	.version = 1,
	.prefix = "data: ",
	.ref = voice_ref,
	.takes_tools = true,
	.late = true,
	.begin = voice_begin,
	.delta = voice_delta,
	.whole = voice_whole,
	.end = voice_end,
	.fail = voice_fail,
	.done = voice_done,
};

void
openai_write(struct jw *w, const struct openai_answer *from)
{
	const bool			 called = from->calls != NULL && from->calls->n > 0;
	char				 id[40];
	struct str			 calls = STR_INIT(0);
	struct jw			 inner;
	struct openai_said		 said = {
		.role = (char *)"assistant", .content = (char *)from->text,
		.reasoning_content = (char *)from->reasoning,
	};
	struct openai_choice		 choice = {
		.message = &said, .finish_reason = (char *)reason(from->status, called),
	};
	struct openai_usage		 usage = {
		.prompt_tokens = from->prompt_tokens, .completion_tokens = from->completion_tokens,
		.total_tokens = from->prompt_tokens + from->completion_tokens,
	};
	const struct openai_completion	 c = {
		.id = id, .object = (char *)"chat.completion",
		.created = from->created_ms / SECOND, .model = (char *)from->model,
		.choices = { &choice, 1 }, .usage = &usage,
	};

	snprintf(id, sizeof(id), "chatcmpl-%" PRId64, from->turn);
	if (called) {
		jw_open(&inner, &calls);
		toolcalls_write(from->calls, &inner, NULL);
		said.tool_calls = calls.p;
	} else if (said.content == NULL)
		said.content = (char *)"";
	json_write(w, NULL, &openai_completion_fields, &c, NULL);
	str_free(&calls);
}

static void
reply_end(struct out *o, const struct lane *l)
{
	const struct turn	*t = l->turn;
	struct openai_answer	 answer = {
		.turn = t->id, .created_ms = t->created_ms, .model = model_of(t),
		.status = l->status, .text = l->text.len > 0 ? l->text.p : NULL,
		.reasoning = l->reasoning.len > 0 ? l->reasoning.p : NULL, .calls = l->calls,
		.prompt_tokens = l->prompt_tokens, .completion_tokens = l->completion_tokens,
	};
	struct jw		 w;

	msg_open(o);
	jw_open(&w, &o->buf);
	openai_write(&w, &answer);
	msg_close(o);
}

const struct voice openai_reply_voice = {
	.name = "openai reply",
	.version = 1,
	.prefix = "",
	.wants_text = true,
	.takes_tools = true,
	.end = reply_end,
};
