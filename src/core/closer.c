#include "core/closer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/figures.h"
#include "base/log.h"
#include "core/ledger.h"
#include "core/measure.h"
#include "core/running.h"
#include "store/turn.h"

#define BATCH		32	/* lanes per commit */
/* So long a lane waits for the database before its end is forced to disk instead. */
#define PATIENCE_MS	5000
#define RETRY_MS	500
#define SAID_KEPT	65536	/* bytes */

struct closer {
	struct engine		*engine;
	const struct conf	*conf;
	struct db		*db;
	struct spool_reader	*reader;
	bool			 reading;	/* it may hold segments: wake to let them go */
	struct str		 text, reasoning;	/* of the lane that is being saved */
	pthread_t		 thread;
	pthread_mutex_t		 lock;
	pthread_cond_t		 wake;
	struct lane		*queue, **tail;		/* put by the loop */
	struct lane		*late, **late_tail;	/* to be tried again; the thread's own */
	bool			 stop;
};

struct batch {
	struct closer	*closer;
	struct lane	*lanes[BATCH];
	int		 n;
};

/* What the lane said, from the spool, which has its end since before the lane came here. */
static int
read_said(struct closer *c, const struct lane *l)
{
	str_reset(&c->text);
	str_reset(&c->reasoning);
	if (!l->turn->stored)
		return 0;
	return spool_reader_said(c->reader, c->engine->id, l->end_pos, l->n, &c->text,
	    &c->reasoning);
}

/* From lane_persisted on the loop has what is told of the lane. */
static bool
is_ours(const struct lane *l)
{
	return l->closing_since != 0;
}

/* What was read goes with the lane, where its voice tells it. */
static void
give_said(struct closer *c, struct lane *l)
{
	if (!l->turn->voice->wants_text || !l->turn->stored || !is_ours(l))
		return;
	lane_forget(l);			/* of a try that failed */
	l->text = c->text;
	l->reasoning = c->reasoning;
	c->text = c->reasoning = (struct str){ 0 };
}

/* The lane waits: its text is in the spool. */
static void
take_said(struct lane *l)
{
	if (l->turn->voice->wants_text && l->turn->stored && is_ours(l))
		lane_forget(l);
}

/* Its client is told so, too. */
static void
lose_said(struct lane *l)
{
	log_error("an answer cannot be stored as it was said: the spool is damaged",
	    LOG_S("rid", l->turn->rid), LOG_I("turn", l->turn->id), LOG_I("lane", l->n));
	l->status = "error";
	l->why = F_INTERNAL;
}

/* Its memory goes back where it was more than most need. */
static void
forget_said(struct closer *c)
{
	if (c->text.size + c->reasoning.size > SAID_KEPT) {
		str_free(&c->text);
		str_free(&c->reasoning);
	}
}

/* One lane's part of the transaction: 1 with its bill; 0: it is closed already; -1. */
static int
save_lane(struct ctx *cx, struct closer *c, struct lane *l, struct ledger_bill *bill)
{
	struct answer_row	 row;
	bool			 stored = l->turn->stored;
	int			 closed;
	bool			 lost = read_said(c, l) == -1;

	/* Out of descriptors, perhaps. What cannot be read for long is damaged. */
	if (lost && clock_mono_ms() - l->closing_since < PATIENCE_MS)
		return fail(cx, F_INTERNAL, "spool");
	if (lost)
		lose_said(l);
	*bill = (struct ledger_bill){ .answer = l->answer, .key = l->turn->key,
	    .now_ms = l->ended_ms };
	ledger_cost(bill->amount, l->model->price_in, l->model->price_out, l->prompt_tokens,
	    l->completion_tokens, l->spent);
	row = (struct answer_row){
		.id = l->answer, .turn = l->turn->id, .session = l->turn->session, .lane = l->n,
		.model = l->model->id, .status = (char *)l->status,
		.text = !stored ? NULL : c->text.len > 0 ? c->text.p : (char *)"",
		.reasoning = c->reasoning.len > 0 ? c->reasoning.p : NULL,
		.questions = stored ? l->questions : NULL, .seams = stored ? l->seams : NULL,
		.error = l->why != F_NONE ? (char *)fail_name(l->why) : NULL,
		.prompt_tokens = l->prompt_tokens, .completion_tokens = l->completion_tokens,
		.estimated = l->estimated, .cost = bill->amount, .first_ms = l->first_ms,
		.last_ms = l->last_ms, .ended_ms = l->ended_ms,
	};
	/* 0: by a commit whose answer got lost. */
	closed = answer_close(cx, &row);
	give_said(c, l);
	if (closed != 1)
		return closed;
	for (size_t i = 0; stored && i < l->ncitations; i++)
		if (citation_add(cx, &(struct citation_row){ .answer = l->answer,
		    .position = (int)i, .body = l->citations[i] }) == -1)
			return -1;
	for (size_t i = 0; stored && i < l->ntools; i++)
		if (tool_run_add(cx, &(struct tool_run_row){ .answer = l->answer,
		    .position = (int)i, .body = l->tools[i] }) == -1)
			return -1;
	return turn_close(cx, l->turn->id, l->ended_ms) == -1 ? -1 : 1;
}

static int
save_txn(struct ctx *cx, void *arg)
{
	const struct batch	*b = arg;
	struct ledger_bill	 bills[BATCH];
	size_t			 n = 0;
	int			 saved = 0;

	for (int i = 0; i < b->n && saved != -1; i++) {
		saved = save_lane(cx, b->closer, b->lanes[i], &bills[n]);
		forget_said(b->closer);
		n += saved == 1;
	}
	return saved != -1 ? ledger_settle(cx, bills, n) : -1;
}

/* Once for each lane: also where its row had been closed by a commit whose answer got lost. */
static void
count(const struct lane *l)
{
	figure_add(FIG_CLOSER_BACKLOG, -1);
	measure_answer(&(struct measure){ .model = l->model->code, .status = l->status,
	    .prompt_tokens = l->prompt_tokens, .completion_tokens = l->completion_tokens,
	    .price_in = l->model->price_in, .price_out = l->model->price_out });
}

/* Saves the batch in one transaction: what is saved goes back to the loop. 0, or the failure. */
static enum fail_kind
save(struct closer *c, struct batch *b)
{
	struct ctx	 cx = {
		.a = arena_new(4096), .conf = c->conf, .db = c->db, .now = clock_ms(),
	};

	if (db_txn(&cx, save_txn, b) == 0)
		for (int i = 0; i < b->n; i++) {
			count(b->lanes[i]);
			loop_post(c->engine->loop, lane_saved, b->lanes[i]);
		}
	arena_free(cx.a);
	return cx.fail.kind;
}

static void
put_off(struct closer *c, struct lane *l)
{
	take_said(l);
	l->next_closing = NULL;
	*c->late_tail = l;
	c->late_tail = &l->next_closing;
}

/*
 * The database does not take it yet. Past our patience its end is made safe on
 * disk, and its client hears it.
 */
static void
wait_for(struct closer *c, struct lane *l)
{
	put_off(c, l);
	if (!is_ours(l) || clock_mono_ms() - l->closing_since < PATIENCE_MS)
		return;
	if (spool_sync(c->engine->spool) == -1)
		return;
	if (l->turn->voice->wants_text && read_said(c, l) == -1)
		lose_said(l);
	give_said(c, l);
	l->closing_since = 0;		/* once is enough */
	loop_post(c->engine->loop, lane_persisted, l);
}

static void
close_batch(struct closer *c, struct batch *b)
{
	struct batch	 one = { .closer = c, .n = 1 };
	enum fail_kind	 why = save(c, b);

	if (why == F_NONE)
		return;
	for (int i = 0; i < b->n; i++) {
		one.lanes[0] = b->lanes[i];
		/* With others it failed; one alone may be the reason and must not hold the rest. */
		if (why == F_UNAVAILABLE || b->n == 1 || save(c, &one) != F_NONE)
			wait_for(c, b->lanes[i]);
	}
}

static struct lane *
take(struct closer *c)
{
	struct timespec	 until;
	struct lane	*list;

	pthread_mutex_lock(&c->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += RETRY_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	while (c->queue == NULL && !c->stop) {
		if (c->late == NULL && !c->reading)
			pthread_cond_wait(&c->wake, &c->lock);
		else if (pthread_cond_timedwait(&c->wake, &c->lock, &until) != 0)
			break;
	}
	list = c->queue;
	c->queue = NULL;
	c->tail = &c->queue;
	pthread_mutex_unlock(&c->lock);
	return list;
}

static void
close_list(struct closer *c, struct lane *l)
{
	struct batch	 b = { .closer = c };
	struct lane	*next;

	for (; l != NULL; l = next) {
		next = l->next_closing;		/* a saved lane may be gone at once */
		b.lanes[b.n++] = l;
		if (b.n == BATCH || next == NULL) {
			close_batch(c, &b);
			b.n = 0;
		}
	}
}

static void *
closer_main(void *arg)
{
	struct closer	*c = arg;
	struct lane	*fresh, *late;
	int64_t		 tried = 0;
	bool		 stop;

	do {
		fresh = take(c);
		pthread_mutex_lock(&c->lock);
		stop = c->stop;
		pthread_mutex_unlock(&c->lock);
		close_list(c, fresh);
		spool_reader_rest(c->reader);
		c->reading = fresh != NULL || c->late != NULL;
		if (clock_mono_ms() - tried < RETRY_MS && !stop)
			continue;
		tried = clock_mono_ms();
		late = c->late;
		c->late = NULL;
		c->late_tail = &c->late;
		close_list(c, late);
	} while (!stop);
	return NULL;
}

struct closer *
closer_start(struct engine *e, const struct conf *conf)
{
	struct closer	*c = xcalloc(1, sizeof *c);

	c->engine = e;
	c->conf = conf;
	c->db = db_new(conf);
	c->tail = &c->queue;
	c->late_tail = &c->late;
	c->reader = spool_reader_new(e->spool_dir);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	if (pthread_create(&c->thread, NULL, closer_main, c) != 0)
		abort();
	return c;
}

void
closer_put(struct closer *c, struct lane *l)
{
	figure_add(FIG_CLOSER_BACKLOG, 1);
	l->next_closing = NULL;
	l->closing_since = clock_mono_ms();
	pthread_mutex_lock(&c->lock);
	*c->tail = l;
	c->tail = &l->next_closing;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

void
closer_stop(struct closer *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	db_free(c->db);
	spool_reader_free(c->reader);
	str_free(&c->text);
	str_free(&c->reasoning);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
