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

void
measure_answer(const struct measure *m)
{
	double	cost = (double)m->prompt_tokens * m->price_in +
	    (double)m->completion_tokens * m->price_out;

	figure_add_for(FIG_ANSWERS, 1, FIGURE_FOR(m->status));
	figure_add_for(FIG_TOKENS, m->prompt_tokens, FIGURE_FOR(m->model, "prompt"));
	figure_add_for(FIG_TOKENS, m->completion_tokens, FIGURE_FOR(m->model, "completion"));
	/* The prices are per million, the figure has ten places. */
	figure_add_for(FIG_COST, llround(cost * 1e4), FIGURE_FOR(m->model));
}
