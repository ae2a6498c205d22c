#include "core/measure.h"

#include <math.h>

#include "base/clock.h"
#include "base/figures.h"
#include "core/running.h"

/* Every event of a round waited as long as the round took: one look at the clock for all. */
static void
round_end(void *arg)
{
	struct engine	*e = arg;

	if (e->told == 0)
		return;
	figure_time(FIG_DELTA_SECONDS, clock_mono_us() - loop_now_us(e->loop), e->told);
	e->told = 0;
}

/* What nobody needs to know sooner. */
static void
tick(void *arg)
{
	struct engine	*e = arg;

	figure_set(FIG_WORKERS, 1);
	figure_set(FIG_TURNS_RUNNING, atomic_load(&e->running));
	figure_set(FIG_SPOOL_BYTES, (int64_t)spool_bytes(e->spool));
}

void
measure_start(struct engine *e)
{
	tick(e);
	loop_on_round(e->loop, round_end, e);
	loop_on_tick(e->loop, tick, e);
}

void
measure_delta(const struct lane *l, bool first)
{
	struct engine	*e = l->turn->engine;

	e->told++;
	if (first)
		figure_time(FIG_FIRST_TOKEN_SECONDS, loop_now_us(e->loop) - l->asked_us, 1);
}

void
measure_fault(const struct lane *l, enum fault fault)
{
	if (fault != FAULT_NONE && fault != FAULT_LEFT)
		figure_add_for(FIG_UPSTREAM_ERRORS, 1,
		    FIGURE_FOR(l->model->code, fault_rule(fault)->name));
}

/* Prices are per million tokens. */
static double
cost_of(int64_t in, int64_t out, double price_in, double price_out)
{
	return ((double)in * price_in + (double)out * price_out) / 1e6;
}

double
measure_cost(const struct model *m, int64_t in, int64_t out)
{
	return cost_of(in, out, m->price_in, m->price_out);
}

static void
add_tokens(const char *model, int64_t in, int64_t out, double cost)
{
	figure_add_for(FIG_TOKENS, in, FIGURE_FOR(model, "prompt"));
	figure_add_for(FIG_TOKENS, out, FIGURE_FOR(model, "completion"));
	figure_add_for(FIG_COST, llround(cost * 1e10), FIGURE_FOR(model));	/* ten places */
}

void
measure_spent(const struct model *m, int64_t in, int64_t out)
{
	add_tokens(m->code, in, out, measure_cost(m, in, out));
}

void
measure_answer(const struct measure *m)
{
	figure_add_for(FIG_ANSWERS, 1, FIGURE_FOR(m->status));
	add_tokens(m->model, m->prompt_tokens, m->completion_tokens,
	    cost_of(m->prompt_tokens, m->completion_tokens, m->price_in, m->price_out));
}
