/* Requests of a plan that are no part of the answer: nobody is told, but somebody pays. */
#include <string.h>

#include "base/utf8.h"
#include "core/measure.h"
#include "core/plan_steps.h"

#define HEARD_MAX	8192	/* bytes: whoever says more has not understood */
#define LONGEST_MS	20000	/* somebody waits for what follows */

static void	asked(struct lane *);
static int	on_delta(void *, const struct delta *);
static void	on_cite(void *, const struct json *);
static void	on_end(void *, const struct ask_end *);

static const struct attempt_ops	aside_ops = {
	.asked = asked, .ask = { .delta = on_delta, .cite = on_cite, .end = on_end },
};

/* So that a worker that dies now leaves it paid. */
static void
asked(struct lane *l)
{
	lane_note_spent(l, measure_cost(l->model, l->spec.prompt_estimate, 0));
}

/* The lane's model is the one that answers, again. */
static void
give_back(struct plan *p)
{
	struct lane	*l = p->lane;

	l->model = l->charged != NULL ? l->charged : p->who[0].model;
}

static int
on_delta(void *arg, const struct delta *d)
{
	struct plan	*p = ((struct lane *)arg)->plan;

	if (d->flags & DELTA_TOOLS)
		return 0;
	utf8_tally(&p->thought, d->text, d->len);
	return d->flags & DELTA_REASONING ? 0 : str_put(&p->heard, d->text, d->len);
}

static void
on_cite(void *arg, const struct json *citations)
{
	(void)arg;
	(void)citations;
}

static void
on_end(void *arg, const struct ask_end *e)
{
	struct lane	*l = arg;
	struct plan	*p = l->plan;

	lane_spend(l, l->model, e->prompt_tokens, e->usage ? e->completion_tokens :
	    utf8_tally_tokens(&p->thought));
	lane_note_spent(l, 0);
	give_back(p);
	p->step = PLAN_WAITS;
	p->then(p, e->why == F_NONE && p->heard.len > 0 ? p->heard.p : NULL);
}

void
plan_aside(struct plan *p, const struct message *m, size_t n,
    void (*then)(struct plan *, const char *))
{
	struct lane	*l = p->lane;

	p->step = PLAN_ASIDE;
	p->then = then;
	str_free(&p->heard);
	p->heard.cap = HEARD_MAX;
	memset(&p->thought, 0, sizeof p->thought);
	plan_write(p, m, n, NULL, 0);
	if (l->spec.total_ms > LONGEST_MS)
		l->spec.total_ms = LONGEST_MS;
	attempt_start(l->turn->engine->attempts, l, &aside_ops);
}

void
plan_aside_cancel(struct plan *p)
{
	struct lane		*l = p->lane;
	const struct model	*m = l->model;
	const int64_t		 prompt = l->spec.prompt_estimate;

	if (attempt_cancel(l))
		lane_spend(l, m, prompt, utf8_tally_tokens(&p->thought));
	give_back(p);
}
