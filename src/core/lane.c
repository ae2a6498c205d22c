/*
 * A lane's way on the relay loop: waiting, running, closing (the closer has it),
 * closed (told). What it says goes into the spool before anybody hears it; its last
 * messages follow the commit of its end.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"
#include "core/calls.h"
#include "core/ledger.h"
#include "core/measure.h"
#include "core/plan.h"
#include "core/running.h"

/* Bytes of text and reasoning: a picture or two, and what the database takes in one message. */
#define ANSWER_CAP	((size_t)12 << 20)
#define CITATIONS_MAX	256
#define CITATION_MAX	(256 * 1024)

static int	on_delta(void *, const struct delta *);
static void	on_cite(void *, const struct json *);
static void	on_end(void *, const struct ask_end *);

static const struct attempt_ops	lane_ops = {
	.asked = lane_asked, .ask = { .delta = on_delta, .cite = on_cite, .end = on_end },
};

void
lane_note(struct lane *l, enum spool_kind kind, const void *p, size_t n)
{
	tell_record(l->turn, l, kind, 0, loop_wall(l->turn->engine->loop), p, n);
}

void
lane_ask(struct lane *l)
{
	l->state = LANE_RUNNING;
	l->asked_us = loop_now_us(l->turn->engine->loop);
	for (size_t i = 0; i < l->ncitations; i++)
		if (l->turn->stored)
			lane_note(l, SPOOL_CITE, l->citations[i], strlen(l->citations[i]));
	if (l->plan != NULL)
		plan_run(l);
	else
		lane_ask_models(l);
}

void
lane_ask_models(struct lane *l)
{
	attempt_start(l->turn->engine->attempts, l, &lane_ops);
}

static void
note_asked(struct lane *l, int64_t prompt_tokens, double spent)
{
	struct spool_asked	 asked = {
		.answer = l->answer, .prompt_tokens = l->prompt_tokens + prompt_tokens,
		.model = l->asked, .completion_tokens = l->completion_tokens,
		.spent = l->spent + spent,
	};

	lane_note(l, SPOOL_LANE, &asked, sizeof asked);
}

static void
note_ended(struct lane *l, double spent)
{
	const struct model	*m = l->charged != NULL ? l->charged : l->model;
	struct spool_ended	 ended = lane_ended(l);

	ended.spent += spent;
	ended.cost = ledger_number(m->price_in, m->price_out, l->prompt_tokens,
	    l->completion_tokens, ended.spent);
	l->cost = ended.cost;
	lane_note(l, SPOOL_END, &ended, sizeof ended);
}

void
lane_note_spent(struct lane *l, double more)
{
	if (l->ended_ms != 0)
		note_ended(l, more);
	else
		note_asked(l, 0, more);
}

void
lane_spend(struct lane *l, const struct model *m, int64_t in, int64_t out)
{
	l->spent += measure_cost(m, in, out);
	measure_spent(m, in, out);
}

void
lane_asked(struct lane *l)
{
	if (l->charged != NULL && l->charged != l->model) {
		lane_spend(l, l->charged, l->prompt_tokens, l->completion_tokens);
		l->prompt_tokens = l->completion_tokens = 0;
	}
	l->charged = l->model;
	l->asked = l->model->id;
	note_asked(l, l->spec.prompt_estimate, 0);
}

void
lane_count(struct lane *l, const struct delta *d)
{
	if (!(d->flags & DELTA_TOOLS)) {
		l->thinking = d->flags & DELTA_REASONING;
		utf8_tally(l->thinking ? &l->thought : &l->said, d->text, d->len);
	}
	l->last_ms = d->at_ms;
	if (l->first_ms == 0)
		l->first_ms = d->at_ms;
}

int64_t
lane_tokens(const struct lane *l)
{
	return utf8_tally_tokens(&l->said) + utf8_tally_tokens(&l->thought) +
	    (l->calls != NULL ? toolcalls_tokens(l->calls) : 0);
}

/* What is not kept is not told either. */
static void
tell_on(struct lane *l, const struct delta *d)
{
	measure_delta(l, l->first_ms == 0);
	lane_count(l, d);
	tell_delta(l, d);
}

/* Pieces of calls, for a voice that knows them. -1: too many, or no such pieces at all. */
static int
hear_calls(struct lane *l, const struct delta *d)
{
	const struct turn	*t = l->turn;

	if (!t->voice->takes_tools || t->fuse != NULL)
		return 0;
	if (l->calls == NULL)
		l->calls = xcalloc(1, sizeof *l->calls);
	if (toolcalls_add_text(l->calls, d->text, d->len) == -1)
		return -1;
	tell_on(l, d);
	return 0;
}

/* Of what is stored the spool has it. */
static bool
keeps(const struct lane *l, bool thinking)
{
	const struct turn	*t = l->turn;

	if (t->fuse != NULL && l != t->fuse && !thinking)
		return true;
	return t->voice->wants_text && !t->stored;
}

void
lane_charge(struct lane *l, int64_t in, int64_t out)
{
	const int64_t	 said = lane_tokens(l);

	l->prompt_tokens += in;
	l->completion_tokens += out >= 0 ? out : said - l->counted;
	l->counted = said;
}

int
lane_say(struct lane *l, const struct delta *d)
{
	const bool		 thinking = d->flags & DELTA_REASONING;

	if (d->flags & DELTA_TOOLS)
		return hear_calls(l, d);
	if (l->said.bytes + l->thought.bytes + d->len > ANSWER_CAP)
		return -1;
	if (keeps(l, thinking))
		str_put(thinking ? &l->reasoning : &l->text, d->text, d->len);
	tell_on(l, d);
	return 0;
}

static int
on_delta(void *arg, const struct delta *d)
{
	struct lane	*l = arg;

	if (l->plan != NULL && plan_heard(l, d))
		return 0;
	return lane_say(l, d);
}

static bool
has_cited(const struct lane *l, const char *text)
{
	for (size_t i = 0; i < l->ncitations; i++)
		if (strcmp(l->citations[i], text) == 0)
			return true;
	return false;
}

/* Room for so many more citations. */
static void
expect_citations(struct lane *l, size_t more)
{
	char	**all = arena_array(l->turn->a, l->ncitations + more, sizeof *all);

	if (l->ncitations > 0)
		memcpy(all, l->citations, l->ncitations * sizeof *all);
	l->citations = all;
}

/* Each once, however often it comes. False: it is too much. */
static bool
cite(struct lane *l, char *text)
{
	if (has_cited(l, text))
		return true;
	if (strlen(text) > CITATION_MAX || l->ncitations == CITATIONS_MAX)
		return false;
	l->citations[l->ncitations++] = text;
	if (l->turn->stored)
		lane_note(l, SPOOL_CITE, text, strlen(text));
	return true;
}

void
lane_cite(struct lane *l, char *text)
{
	expect_citations(l, 1);
	cite(l, text);
}

/* What the upstream cites itself: objects, and not without end. */
static void
on_cite(void *arg, const struct json *citations)
{
	struct lane	*l = arg;
	size_t		 n = json_count(citations), passed_over = 0;

	if (n == 0)
		return;
	n = n < CITATIONS_MAX ? n : CITATIONS_MAX;
	expect_citations(l, n);
	for (size_t i = 0; i < n; i++)
		passed_over += !json_is_object(json_elem(citations, i)) ||
		    !cite(l, json_dump(l->turn->a, json_elem(citations, i)));
	if (passed_over > 0 || json_count(citations) > n)
		log_warn("some of an upstream's citations were passed over",
		    LOG_S("rid", l->turn->rid),
		    LOG_I("number", passed_over + json_count(citations) - n));
}

const char *
lane_status(const struct ask_end *e)
{
	if (e->why == F_TIMEOUT)
		return "timeout";
	if (e->why != F_NONE)
		return "error";
	switch (e->finish) {
	case FINISH_LENGTH:
		return "length";
	case FINISH_FILTER:
		return "content_filter";
	default:
		return "stop";
	}
}

static void
on_end(void *arg, const struct ask_end *e)
{
	struct lane	*l = arg;

	l->retry_after = e->retry_after;
	l->estimated |= !e->usage;
	lane_charge(l, e->prompt_tokens,
	    e->usage || e->completion_tokens > 0 ? e->completion_tokens : -1);
	if (l->plan != NULL && plan_asked(l, e))
		return;
	if (e->why != F_NONE)
		log_warn("an answer failed", LOG_S("rid", l->turn->rid), LOG_I("turn", l->turn->id),
		    LOG_S("model", l->model->code), LOG_S("fail", fail_name(e->why)),
		    LOG_I("retry_after", e->retry_after));
	lane_end(l, lane_status(e), e->why);
}

struct spool_ended
lane_ended(const struct lane *l)
{
	struct spool_ended	 ended;

	memset(&ended, 0, sizeof ended);
	ended = (struct spool_ended){ .prompt_tokens = l->prompt_tokens,
	    .completion_tokens = l->completion_tokens, .first_ms = l->first_ms,
	    .last_ms = l->last_ms, .ended_ms = l->ended_ms, .estimated = l->estimated,
	    .why = (int32_t)l->why, .spent = l->spent };
	snprintf(ended.status, sizeof ended.status, "%s", l->status);
	return ended;
}

void
lane_close_thought(struct lane *l)
{
	if (l->thinking)
		tell_delta(l, &(struct delta){ .text = "", .flags = DELTA_CLOSES,
		    .at_ms = loop_wall(l->turn->engine->loop) });
	l->thinking = false;
}

void
lane_settle(struct lane *l, const char *status, enum fail_kind why)
{
	if (l->state == LANE_WAITING)		/* stopped before it was asked */
		l->estimated = true;
	lane_close_thought(l);
	if (l->charged != NULL)			/* the last attempt may have reached nobody */
		l->model = l->charged;
	l->status = status;
	l->why = why;
	l->ended_ms = loop_wall(l->turn->engine->loop);
}

void
lane_end(struct lane *l, const char *status, enum fail_kind why)
{
	struct turn	*t = l->turn;

	if (l->state >= LANE_CLOSING)
		return;
	if (l->ended_ms == 0)
		lane_settle(l, status, why);
	l->state = LANE_CLOSING;
	calls_keep(l);
	note_ended(l, 0);
	l->end_pos = t->chain.last;
	l->next_closing = t->engine->ended;	/* the closer's once that is written */
	t->engine->ended = l;
	turn_lane_ended(t);
}

void
lane_stop(struct lane *l, const char *status, enum fail_kind why)
{
	if (l->plan != NULL)
		plan_cancel(l);
	if (l->attempt != NULL) {
		l->estimated = true;		/* whatever usage would have come, did not */
		lane_charge(l, attempt_cancel(l) ? l->spec.prompt_estimate : 0, -1);
	}
	lane_end(l, status, why);
}

void
lane_persisted(void *arg)
{
	struct lane	*l = arg;

	if (l->told)
		return;
	l->told = true;
	l->state = LANE_CLOSED;
	tell_end(l);
	if (l->turn->voice->wants_text)
		lane_forget(l);
	turn_lane_told(l->turn);
}

void
lane_forget(struct lane *l)
{
	str_free(&l->text);
	str_free(&l->reasoning);
}

void
lane_saved(void *arg)
{
	struct lane	*l = arg;
	struct turn	*t = l->turn;

	l->saved = true;
	lane_persisted(l);
	turn_forget(t);
}
