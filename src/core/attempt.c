#include "core/attempt.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/ident.h"
#include "base/log.h"
#include "core/measure.h"
#include "core/running.h"
#include "upstream/health.h"

#define PAUSE_LEAST_MS	100		/* before the first retry; twice that before the second */
#define PAUSE_MOST_MS	300
#define CROWDED_S	5		/* Retry-After where no place came free */

enum doing { STARTING, ASKING, PAUSING, WAITING };

struct attempt {
	struct attempts		*all;
	struct lane		*lane;
	const struct attempt_ops *ops;		/* the lane's */
	enum doing		 doing;
	struct health_call	 call;		/* while ASKING */
	int64_t			 deadline;	/* of all of it; loop ms, as all here */
	int64_t			 asked;		/* while ASKING: since when */
	int64_t			 until;		/* while PAUSING or WAITING */
	int64_t			 waits_for;	/* while WAITING: a model's id */
	int			 retries;
	bool			 spent;		/* the lane's model is not to be asked again */
	bool			 heard;		/* what this one says is the answer */
	struct ask_end		 end;		/* of the last that failed; why F_NONE: none did */
	TAILQ_ENTRY(attempt)	 idle;		/* while PAUSING or WAITING */
};

struct attempts {
	struct loop			*loop;
	struct asker			*asker;
	/* All that wait, for a place in the order they came; nidle of them */
	TAILQ_HEAD(, attempt)		 idle;
	size_t				 nidle;
	bool				 waking;	/* wake is posted */
};

static int	on_delta(void *, const struct delta *);
static void	on_cite(void *, const struct json *);
static void	on_end(void *, const struct ask_end *);

static const struct ask_ops attempt_ops = { .delta = on_delta, .cite = on_cite, .end = on_end };

static void
stand_by(struct attempt *a, enum doing doing)
{
	a->doing = doing;
	TAILQ_INSERT_TAIL(&a->all->idle, a, idle);
	a->all->nidle++;
}

static void
leave_idle(struct attempt *a)
{
	TAILQ_REMOVE(&a->all->idle, a, idle);
	a->all->nidle--;
}

static size_t
waiting_for(const struct attempts *all, int64_t model)
{
	const struct attempt	*a;
	size_t			 n = 0;

	TAILQ_FOREACH(a, &all->idle, idle)
		n += a->doing == WAITING && a->waits_for == model;
	return n;
}

/* Nobody else will be asked: prompts of the others go. */
static void
drop_fallbacks(struct lane *l)
{
	for (size_t i = 0; i < l->nfallbacks; i++)
		str_free(&l->fallbacks[i].spec.body);
	l->nfallbacks = 0;
}

static void
attempt_free(struct attempt *a)
{
	struct lane	*l = a->lane;

	drop_fallbacks(l);
	str_free(&l->spec.body);
	l->attempt = NULL;
	l->ask = NULL;
	free(a);
}

static void
finish(struct attempt *a, const struct ask_end *end)
{
	const struct attempt_ops *ops = a->ops;
	struct lane		*l = a->lane;
	struct ask_end		 e = *end;

	e.body = NULL;
	attempt_free(a);
	ops->ask.end(l, &e);
}

/* No candidate takes it: what the last one failed with, else that there is none. */
static void
finish_unasked(struct attempt *a, int retry_after)
{
	struct ask_end	 end = a->end;

	if (end.why == F_NONE)
		end = (struct ask_end){ .why = F_UNAVAILABLE };
	if (end.retry_after == 0)
		end.retry_after = retry_after;
	finish(a, &end);
}

/* Candidate 0 is the lane's model, the others its fallbacks. */
static const struct model *
model_at(const struct lane *l, size_t i)
{
	return i == 0 ? l->model : l->fallbacks[i - 1].model;
}

static const char *
url_at(const struct lane *l, size_t i)
{
	return i == 0 ? l->spec.url : l->fallbacks[i - 1].spec.url;
}

/* Fallback i - 1 becomes the lane's model; those before it are out of the race. */
static void
fail_over(struct lane *l, size_t i)
{
	struct fallback	*f = &l->fallbacks[i - 1];

	log_warn("another model is asked in place of one", LOG_S("rid", l->turn->rid),
	    LOG_S("model", l->model->code), LOG_S("fallback", f->model->code));
	health_note(l->model->id, HEALTH_FAILED_OVER);
	str_free(&l->spec.body);
	for (size_t k = 0; k < i - 1; k++)
		str_free(&l->fallbacks[k].spec.body);
	l->model = f->model;
	l->spec = f->spec;
	l->fallbacks += i;
	l->nfallbacks -= i;
}

static void
ask(struct attempt *a)
{
	struct lane	*l = a->lane;
	int64_t		 left;

	a->doing = ASKING;
	a->spent = false;
	a->asked = loop_now(a->all->loop);
	left = a->deadline - a->asked;
	if (l->spec.total_ms > left)
		l->spec.total_ms = (int)left;
	a->ops->asked(l);
	l->ask = ask_start(a->all->asker, &l->spec, &attempt_ops, a);
	if (l->turn->paused)
		ask_pause(l->ask, true);
}

/*
 * Asks the first candidate that takes it: HEALTH_GO. HEALTH_FULL: some have no room, *full is the
 * first of them. HEALTH_OPEN: none can be asked; *wait_ms until the first may, 0: unknown.
 */
static enum health_verdict
try_all(struct attempt *a, int64_t *full, int64_t *wait_ms)
{
	struct lane		*l = a->lane;
	int64_t			 now = loop_now(a->all->loop), ms;
	enum health_verdict	 v;

	*full = *wait_ms = 0;
	for (size_t i = a->spent; i <= l->nfallbacks; i++) {
		const struct model	*m = model_at(l, i);

		if (url_at(l, i) == NULL)
			continue;
		/* Who waits already comes first. */
		if (a->doing != WAITING && waiting_for(a->all, m->id) > 0)
			v = HEALTH_FULL;
		else
			v = health_enter(&a->call, m->id, m->concurrency, now, &ms);
		if (v == HEALTH_GO) {
			if (i > 0)
				fail_over(l, i);
			ask(a);
			return HEALTH_GO;
		}
		if (v == HEALTH_FULL)
			*full = *full != 0 ? *full : m->id;
		else {
			*wait_ms = *wait_ms == 0 || ms < *wait_ms ? ms : *wait_ms;
			if (a->doing != WAITING)
				health_note(m->id, HEALTH_REFUSED);
		}
	}
	return *full != 0 ? HEALTH_FULL : HEALTH_OPEN;
}

/*
 * Waits until the model has room, behind those that came before; or on, where it has waited and
 * was out of the list for a look.
 */
static void
wait_for(struct attempt *a, int64_t model)
{
	int64_t	 now = loop_now(a->all->loop);
	bool	 new = a->doing != WAITING;

	if (new ? waiting_for(a->all, model) >= ATTEMPT_WAITING : now >= a->until) {
		health_note(model, HEALTH_CROWDED);
		finish_unasked(a, CROWDED_S);
		return;
	}
	if (new) {
		health_note(model, HEALTH_QUEUED);
		a->until = now + ATTEMPT_WAIT_MS;
		if (a->until > a->deadline)
			a->until = a->deadline;
	}
	a->waits_for = model;
	stand_by(a, WAITING);
}

/* Asks one of them, or waits for one to have room. false: none can be asked, as try_all has it. */
static bool
asked_or_waits(struct attempt *a, int64_t *wait_ms)
{
	int64_t			full;
	enum health_verdict	v = try_all(a, &full, wait_ms);

	if (v == HEALTH_FULL)
		wait_for(a, full);
	return v != HEALTH_OPEN;
}

/* Begins; goes on after a pause; or looks whether a place has come free. */
static void
go_on(struct attempt *a)
{
	int64_t	 wait_ms;

	if (!asked_or_waits(a, &wait_ms))
		finish_unasked(a, (int)((wait_ms + 999) / 1000));
}

/*
 * Each of the list once, in its order. What is begun or ended here may end others, so the list is
 * only ever taken from its head.
 */
static void
look_at_idle(void *arg)
{
	struct attempts	*all = arg;
	struct attempt	*a;
	int64_t		 now = loop_now(all->loop);

	all->waking = false;
	for (size_t n = all->nidle; n > 0 && (a = TAILQ_FIRST(&all->idle)) != NULL; n--) {
		leave_idle(a);
		if (a->doing == PAUSING && now < a->until)
			stand_by(a, PAUSING);
		else
			go_on(a);
	}
}

/* A call ended: who waits for its place shall have it. */
static void
wake(struct attempts *all)
{
	if (all->waking || TAILQ_EMPTY(&all->idle))
		return;
	all->waking = true;
	loop_post(all->loop, look_at_idle, all);
}

/* ms before the next retry: 100 to 300, doubling, or what the upstream asks for. */
static int64_t
pause_ms(int retries, int retry_after)
{
	uint32_t	 r;
	int64_t		 ms;

	ident_random(&r, sizeof r);
	ms = (int64_t)(PAUSE_LEAST_MS + r % (PAUSE_MOST_MS - PAUSE_LEAST_MS + 1)) << retries;
	return ms > (int64_t)retry_after * 1000 ? ms : (int64_t)retry_after * 1000;
}

/* The same model once more, after a pause, unless that is no use. Or it ends. */
static void
try_again(struct attempt *a)
{
	int64_t	 until = loop_now(a->all->loop) + pause_ms(a->retries, a->end.retry_after);

	if (!fault_rule(a->end.fault)->again || a->retries == ATTEMPT_RETRIES ||
	    a->lane->spec.body.p == NULL || a->end.retry_after > ATTEMPT_PATIENCE_S ||
	    until >= a->deadline) {
		finish(a, &a->end);
		return;
	}
	a->retries++;
	a->spent = false;
	a->until = until;
	health_note(a->lane->model->id, HEALTH_RETRIED);
	stand_by(a, PAUSING);
}

/* Before its first token. */
static void
failed(struct attempt *a, const struct ask_end *e)
{
	struct lane	*l = a->lane;
	int64_t		 wait_ms;

	a->doing = STARTING;
	a->end = *e;
	a->end.body = NULL;
	if (e->body != NULL) {
		l->spec.body = *e->body;
		memset(e->body, 0, sizeof *e->body);
	}
	if (!fault_rule(e->fault)->elsewhere) {
		finish(a, e);
		return;
	}
	a->spent = true;
	if (!asked_or_waits(a, &wait_ms))
		try_again(a);
}

static void
hear(struct attempt *a)
{
	int64_t	 now = loop_now(a->all->loop);

	if (a->heard)
		return;
	a->heard = true;
	health_heard(&a->call, now - a->asked, now);
	drop_fallbacks(a->lane);
}

static int
on_delta(void *arg, const struct delta *d)
{
	struct attempt	*a = arg;

	hear(a);
	return a->ops->ask.delta(a->lane, d);	/* may cancel it */
}

static void
on_cite(void *arg, const struct json *citations)
{
	struct attempt	*a = arg;

	hear(a);
	a->ops->ask.cite(a->lane, citations);
}

static void
on_end(void *arg, const struct ask_end *e)
{
	struct attempt	*a = arg;

	a->lane->ask = NULL;
	measure_fault(a->lane, e->fault);
	health_leave(&a->call, e->fault, e->retry_after, loop_now(a->all->loop));
	wake(a->all);
	if (e->why == F_NONE || a->heard)
		finish(a, e);
	else
		failed(a, e);
}

struct attempts *
attempts_new(struct loop *loop, struct asker *asker)
{
	struct attempts	*all = xcalloc(1, sizeof *all);

	all->loop = loop;
	all->asker = asker;
	TAILQ_INIT(&all->idle);
	loop_on_tick(loop, look_at_idle, all);
	return all;
}

void
attempts_free(struct attempts *all)
{
	free(all);
}

void
attempt_start(struct attempts *all, struct lane *l, const struct attempt_ops *ops)
{
	struct attempt	*a = xcalloc(1, sizeof *a);

	a->all = all;
	a->lane = l;
	a->ops = ops;
	a->deadline = loop_now(all->loop) + l->spec.total_ms;
	l->attempt = a;
	go_on(a);
}

bool
attempt_cancel(struct lane *l)
{
	struct attempt	*a = l->attempt;
	bool		 asking = a->doing == ASKING;

	if (asking) {
		ask_cancel(l->ask);
		health_leave(&a->call, FAULT_LEFT, 0, loop_now(a->all->loop));
		wake(a->all);
	} else
		leave_idle(a);
	attempt_free(a);
	return asking;
}
