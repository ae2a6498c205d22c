#include "upstream/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/sse.h"
#include "base/utf8.h"

#define EVENT_CAP	(4u << 20)	/* bytes of one upstream event */
/* After [DONE] the connection may take this long to become idle */
#define FINISHED_MS	2000		/* after a finish_reason so long for usage and [DONE] */
#define LINGER_MS	1000

struct ask {
	struct asker		*asker;
	struct call		*call;
	enum ask_kind		 kind;
	struct sse		 sse;
	struct str		 reply;		/* where it comes whole */
	struct str		 body;
	const struct ask_ops	*ops;
	void			*arg;
	int			 first_ms, idle_ms, total_ms;
	/* Loop time; heard: the last token, or the finish_reason. */
	int64_t			 begun, heard, paused_at;
	struct ask_end		 end;
	struct delta_half	 half;
	bool			 thinking;	/* the last token was reasoning */
	bool			 ended;		/* told; only the connection lingers */
	bool			 inside;	/* in a callback of call's: free later */
	bool			 dead;
	struct ask		*next, **prev;
};

struct asker {
	struct loop		*loop;
	struct caller		*caller;
	struct delta_parser	*parser;
	struct ask		*asks;
};

static void
ask_free(struct ask *q)
{
	*q->prev = q->next;
	if (q->next != NULL)
		q->next->prev = q->prev;
	sse_free(&q->sse);
	str_free(&q->body);
	str_free(&q->reply);
	free(q);
}

/* Tells the end, once. The ask stays until its call is gone. */
static void
tell_end(struct ask *q, enum fail_kind why, enum fault fault)
{
	if (q->ended)
		return;
	q->ended = true;
	q->end.why = why;
	q->end.fault = fault;
	q->end.body = q->call == NULL && !q->end.heard ? &q->body : NULL;
	q->heard = loop_now(q->asker->loop);
	q->ops->end(q->arg, &q->end);
}

/* Ends it and closes its connection; the ask is gone unless we are inside one of its callbacks. */
static void
abandon(struct ask *q, enum fail_kind why, enum fault fault)
{
	struct call	*k = q->call;

	tell_end(q, why, fault);
	if (k == NULL)
		return;			/* the end's callback has cancelled it already */
	q->call = NULL;
	call_cancel(k);
	if (q->inside)
		q->dead = true;
	else
		ask_free(q);
}

/* -1: the ask was cancelled or its answer is too long. */
static int
pass_on(struct ask *q, const struct delta *d)
{
	q->heard = loop_now(q->asker->loop);
	q->end.heard = true;
	if (q->ops->delta(q->arg, d) == -1) {
		q->end.finish = FINISH_LENGTH;
		tell_end(q, F_NONE, FAULT_NONE);
		return -1;
	}
	return q->dead ? -1 : 0;
}

/* One text of the event, if there is one. */
static int
tell_delta(struct ask *q, const char *text, size_t len, bool reasoning)
{
	struct delta	 d = { .text = text, .len = len, .at_ms = loop_wall(q->asker->loop) };

	if (text == NULL || q->ended)
		return 0;
	if (reasoning)
		d.flags = DELTA_REASONING | (q->thinking ? 0 : DELTA_OPENS);
	else if (q->thinking)
		d.flags = DELTA_CLOSES;
	q->thinking = reasoning;
	return pass_on(q, &d);
}

/* Pieces of calls, as their JSON; a reasoning before them has ended. */
static int
tell_tools(struct ask *q, const struct json *tools)
{
	struct delta	 d = { .flags = DELTA_TOOLS, .at_ms = loop_wall(q->asker->loop) };
	struct arena	*a;
	int		 rv;

	if (tools == NULL || q->ended)
		return 0;
	if (q->thinking && tell_delta(q, "", 0, false) == -1)
		return -1;
	a = arena_new(0);
	d.text = json_dump(a, tools);
	d.len = strlen(d.text);
	rv = pass_on(q, &d);
	arena_free(a);
	return rv;
}

/* A character that never became whole. */
static int
tell_lost(struct ask *q, bool reasoning)
{
	return tell_delta(q, "\xef\xbf\xbd", 3, reasoning);
}

static int
on_event(void *arg, const char *data, size_t len)
{
	struct ask	*q = arg;
	struct chunk	 c;

	if (q->ended)
		return 0;		/* whatever a server still says after [DONE] */
	if (delta_parse(q->asker->parser, &q->half, data, len, &c) == -1) {
		log_warn("upstream sent an event that is no chat completion chunk",
		    LOG_I("bytes", len));
		tell_end(q, F_UPSTREAM, FAULT_GARBAGE);
		return -1;
	}
	if (c.lost != LOST_NONE && tell_lost(q, c.lost == LOST_REASONING) == -1)
		return -1;
	if (c.done) {
		if (q->end.finish != FINISH_NONE || q->end.heard)
			tell_end(q, F_NONE, FAULT_NONE);
		else
			tell_end(q, F_UPSTREAM, FAULT_GARBAGE);
		return q->dead ? -1 : 0;
	}
	if (c.error) {
		tell_end(q, F_UPSTREAM, FAULT_GARBAGE);
		return -1;
	}
	if (c.has_usage) {
		q->end.usage = true;
		q->end.prompt_tokens = c.prompt_tokens;
		q->end.completion_tokens = c.completion_tokens;
	}
	if (c.citations != NULL && q->ops->cite != NULL)
		q->ops->cite(q->arg, c.citations);
	if (tell_delta(q, c.reasoning, c.reasoning_len, true) == -1 ||
	    tell_delta(q, c.text, c.text_len, false) == -1 || tell_tools(q, c.tool_calls) == -1)
		return -1;
	if (c.finish != FINISH_NONE) {
		q->end.finish = c.finish;
		q->heard = loop_now(q->asker->loop);
	}
	return 0;
}

/* A piece of a reply that comes whole. */
static int
collect(struct ask *q, const char *p, size_t n)
{
	if (q->ended || str_put(&q->reply, p, n) == 0)
		return 0;
	log_warn("upstream sent a reply that is too large", LOG_I("cap", WHOLE_CAP));
	tell_end(q, F_UPSTREAM, FAULT_GARBAGE);
	return -1;
}

/* All of it is there. */
static void
tell_whole(struct ask *q)
{
	struct json_parser	*p = json_parser_new();
	struct json		*j = q->reply.len > 0 ?
	    json_parser_parse(p, q->reply.p, q->reply.len) : NULL;
	struct whole		 w = { .text = STR_INIT(0) };

	str_free(&q->reply);
	if (j == NULL || whole_read(&w, q->kind, j) == -1) {
		log_warn("upstream sent a reply that is none");
		tell_end(q, F_UPSTREAM, FAULT_GARBAGE);
	} else {
		q->end.usage = w.usage;
		q->end.completion_tokens = w.completion_tokens;
		if (w.usage)
			q->end.prompt_tokens = w.prompt_tokens;
		q->end.finish = FINISH_STOP;
		q->end.heard = w.text.len > 0;
		/* Half of a picture is none: what is too long for who hears it is a failure. */
		if (w.text.len > 0 && q->ops->delta(q->arg, &(struct delta){ .text = w.text.p,
		    .len = w.text.len, .at_ms = loop_wall(q->asker->loop) }) == -1)
			tell_end(q, F_UPSTREAM, FAULT_GARBAGE);
		else
			tell_end(q, F_NONE, FAULT_NONE);
	}
	json_free(j);
	json_parser_free(p);
	str_free(&w.text);
}

static int
on_data(void *arg, int status, const char *p, size_t n)
{
	struct ask	*q = arg;
	int		 rv = 0;

	if (status != 200)		/* its body is nobody's business but the upstream's */
		return 0;
	if (q->kind != ASK_STREAM)
		return collect(q, p, n);
	q->inside = true;
	if (!q->dead)
		rv = sse_feed(&q->sse, p, n, on_event, q);
	q->inside = false;
	if (q->dead) {
		ask_free(q);
		return -1;
	}
	if (rv == -1 && !q->ended) {
		log_warn("upstream sent an event that is too large", LOG_I("cap", EVENT_CAP));
		tell_end(q, F_UPSTREAM, FAULT_GARBAGE);
	}
	if (q->end.heard && q->body.p != NULL && call_body_sent(q->call))
		str_free(&q->body);	/* many run long, and it may be large */
	return rv;
}

/* What an HTTP status other than 200 means for whoever asked. */
static enum fail_kind
fail_of_status(int status)
{
	if (status == 429 || status >= 500)
		return F_UNAVAILABLE;
	/* 4xx: we or our key are wrong; the asker can do nothing about it. */
	return F_UPSTREAM;
}

/* The upstream was never reached or has refused: it has read nothing. */
static void
tell_refusal(struct ask *q, enum fail_kind why, enum fault fault)
{
	if (!q->end.heard)
		q->end.prompt_tokens = 0;
	tell_end(q, why, fault);
}

/* How a call without any HTTP status failed. */
static enum fault
fault_of_call(enum call_result result)
{
	switch (result) {
	case CALL_CONNECT:
		return FAULT_CONNECT;
	case CALL_TIMEOUT:
		return FAULT_TIMEOUT;
	default:
		return FAULT_CUT;
	}
}

static void
on_done(void *arg, const struct call_end *e)
{
	struct ask	*q = arg;

	q->call = NULL;
	if (!q->ended) {
		q->inside = true;
		if (e->result == CALL_OK && e->status == 200) {
			if (q->kind != ASK_STREAM)
				tell_whole(q);
			else	/* the last may lack its blank line */
				sse_end(&q->sse, on_event, q);
		}
		if (q->half.first != 0)
			tell_lost(q, q->half.reasoning);
		q->inside = false;
	}
	if (!q->ended) {
		if (e->status != 200 || e->result != CALL_OK)
			log_warn("upstream failed",
			    LOG_S("why", e->result == CALL_OK ? "its status" : e->why),
			    LOG_I("status", e->status), LOG_I("heard", q->end.heard));
		q->end.retry_after = e->retry_after;
		if (e->status == 0)
			tell_refusal(q, F_UNAVAILABLE, fault_of_call(e->result));
		else if (e->status != 200)
			tell_refusal(q, fail_of_status(e->status), fault_of_status(e->status));
		else if (q->end.finish != FINISH_NONE)
			tell_end(q, F_NONE, FAULT_NONE);
		else		/* whole, but without a word of it: it speaks something else */
			tell_end(q, F_UPSTREAM, e->result == CALL_OK && !q->end.heard ?
			    FAULT_GARBAGE : FAULT_CUT);
	}
	ask_free(q);
}

static const struct call_ops ask_call = { .data = on_data, .done = on_done };

/* Too long without a token. Where it has refused, only the refusal's body is late. */
static void
time_out(struct ask *q, enum fault fault)
{
	int	 status = call_status(q->call);

	if (status != 0 && status != 200)
		tell_refusal(q, fail_of_status(status), fault_of_status(status));
	abandon(q, F_TIMEOUT, fault);
}

/* The clocks, ten times a second. */
static void
tick(void *arg)
{
	struct asker	*a = arg;
	struct ask	*q, *next;
	int64_t		 now = loop_now(a->loop);

	for (q = a->asks; q != NULL; q = next) {
		next = q->next;
		if (q->ended) {
			if (now - q->heard > LINGER_MS)
				abandon(q, F_NONE, FAULT_NONE);
		} else if (q->paused_at != 0)
			continue;
		else if (q->end.finish != FINISH_NONE) {
			if (now - q->heard > FINISHED_MS)
				abandon(q, F_NONE, FAULT_NONE);
		} else if (q->end.heard ? now - q->heard > q->idle_ms :
		    now - q->begun > q->first_ms)
			time_out(q, FAULT_TIMEOUT);
		else if (now - q->begun > q->total_ms)
			time_out(q, FAULT_LONG);
	}
}

struct asker *
asker_new(struct loop *loop)
{
	struct asker	*a = xcalloc(1, sizeof *a);

	a->loop = loop;
	a->caller = caller_new(loop);
	a->parser = delta_parser_new();
	loop_on_tick(loop, tick, a);
	return a;
}

void
asker_free(struct asker *a)
{
	if (a == NULL)
		return;
	while (a->asks != NULL)
		ask_cancel(a->asks);
	caller_free(a->caller);
	delta_parser_free(a->parser);
	free(a);
}

struct caller *
asker_caller(struct asker *a)
{
	return a->caller;
}

/* Its connection gets what is asked. */
static void
begin_call(struct ask *q, const struct ask_spec *spec)
{
	struct call_field	 fields[WHOLE_FIELDS];
	struct call_form	 form = { .fields = fields, .file_field = "file",
		.file = spec->file };
	struct call_spec	 call = { .key = spec->key, .rid = spec->rid,
		.connect_ms = spec->connect_ms,
		.accept = q->kind == ASK_STREAM ? "text/event-stream" : "application/json" };
	struct json_parser	*p = NULL;
	struct json		*j = NULL;
	struct arena		*a = NULL;
	char			*url = xprintf("%s%s", spec->url, whole_path(q->kind));

	call.url = url;
	if (q->kind == ASK_TRANSCRIPT) {
		a = arena_new(0);
		p = json_parser_new();
		j = json_parser_parse(p, q->body.p, q->body.len);
		form.nfields = whole_fields(a, j, fields);
		call.form = &form;
	} else {
		call.body = q->body.p;
		call.body_len = q->body.len;
	}
	q->call = call_start(q->asker->caller, &call, &ask_call, q);
	json_free(j);
	json_parser_free(p);
	arena_free(a);
	free(url);
}

struct ask *
ask_start(struct asker *a, struct ask_spec *spec, const struct ask_ops *ops, void *arg)
{
	struct ask	*q = xcalloc(1, sizeof *q);

	q->asker = a;
	q->kind = spec->kind;
	q->reply.cap = WHOLE_CAP;
	q->ops = ops;
	q->arg = arg;
	q->first_ms = q->kind == ASK_STREAM ? spec->first_ms : spec->total_ms;
	q->idle_ms = spec->idle_ms;
	q->total_ms = spec->total_ms;
	q->begun = loop_now(a->loop);
	q->end.prompt_tokens = spec->prompt_estimate;
	q->body = spec->body;
	memset(&spec->body, 0, sizeof spec->body);
	sse_init(&q->sse, EVENT_CAP);
	q->next = a->asks;
	q->prev = &a->asks;
	if (a->asks != NULL)
		a->asks->prev = &q->next;
	a->asks = q;

	begin_call(q, spec);
	return q;
}

void
ask_cancel(struct ask *q)
{
	q->ended = true;		/* nothing is told any more */
	abandon(q, F_NONE, FAULT_NONE);
}

void
ask_pause(struct ask *q, bool pause)
{
	int64_t	 now = loop_now(q->asker->loop), gap;

	if (q->call == NULL || q->ended || pause == (q->paused_at != 0))
		return;
	if (pause)
		q->paused_at = now;
	else {
		gap = now - q->paused_at;
		q->paused_at = 0;
		q->begun += gap;
		q->heard += gap;
	}
	call_pause(q->call, pause);
}
