#include "core/recover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "base/utf8.h"
#include "core/heal.h"
#include "core/ledger.h"
#include "core/measure.h"
#include "core/plan.h"
#include "core/registry.h"
#include "core/share.h"
#include "core/spool.h"
#include "store/model.h"
#include "store/turn.h"
#include "upstream/delta.h"

#define CITATIONS_MAX	256
#define TOOLS_MAX	(PLAN_ROUNDS * TOOLCALLS_MAX)

struct left {			/* what the spool knows of a running answer */
	const struct orphan	*o;
	struct str		 text, reasoning;
	struct spool_asked	 asked;
	int64_t			 counted;	/* estimate of what had been said then */
	struct spool_ended	 ended;
	bool			 has_ended;
	struct measure		 settled;	/* once it is */
	int64_t			 first_ms, last_ms;
	char			*citations[CITATIONS_MAX];
	int			 ncitations;
	char			*tools[TOOLS_MAX];
	int			 ntools;
	char			*questions, *seams;
};

struct recovery {
	struct ctx		*cx;
	const struct voice	*const *voices;
	struct left		*left;		/* by turn and lane, as the database gave them */
	size_t			 n;
	int			 closed;
	bool			 failed;
};

static int
compare(const void *a, const void *b)
{
	const struct left	*x = a, *y = b;

	if (x->o->turn != y->o->turn)
		return x->o->turn < y->o->turn ? -1 : 1;
	return (x->o->lane > y->o->lane) - (x->o->lane < y->o->lane);
}

/* Estimated, of all that was read so far. */
static int64_t
said_tokens(const struct left *l)
{
	return utf8_tokens(l->text.p, l->text.len) +
	    utf8_tokens(l->reasoning.p, l->reasoning.len);
}

static int
collect(void *arg, uint64_t pos, const struct spool_record *r)
{
	struct recovery		*v = arg;
	const struct orphan	 key = { .turn = r->turn, .lane = r->lane };
	struct left		 wanted = { .o = &key }, *l;

	(void)pos;
	if ((l = bsearch(&wanted, v->left, v->n, sizeof *l, compare)) == NULL)
		return 0;
	switch (r->kind) {
	case SPOOL_LANE:
		/* The newest: where a model failed another was asked. */
		if (r->len < SPOOL_ASKED_LEAST)
			break;
		memcpy(&l->asked, r->data, r->len < sizeof l->asked ? r->len : sizeof l->asked);
		l->counted = said_tokens(l);
		break;
	case SPOOL_DELTA:
		if (!(r->flags & DELTA_TOOLS))
			str_put(r->flags & DELTA_REASONING ? &l->reasoning : &l->text,
			    r->data, r->len);
		l->last_ms = r->at_ms;
		if (l->first_ms == 0)
			l->first_ms = r->at_ms;
		break;
	case SPOOL_CITE:
		if (l->ncitations < CITATIONS_MAX)
			l->citations[l->ncitations++] = arena_strndup(v->cx->a, r->data, r->len);
		break;
	case SPOOL_TOOL:
		if (l->ntools < TOOLS_MAX)
			l->tools[l->ntools++] = arena_strndup(v->cx->a, r->data, r->len);
		break;
	case SPOOL_QUESTIONS:
		l->questions = arena_strndup(v->cx->a, r->data, r->len);
		break;
	case SPOOL_SEAMS:
		l->seams = arena_strndup(v->cx->a, r->data, r->len);
		break;
	case SPOOL_END:
		if (r->len < SPOOL_ENDED_LEAST)
			break;
		memcpy(&l->ended, r->data, r->len < sizeof l->ended ? r->len : sizeof l->ended);
		l->has_ended = true;
		break;
	default:
		break;
	}
	return 0;
}

static void
fill_row(struct answer_row *row, struct left *l, int64_t now_ms)
{
	const struct spool_ended	*e = &l->ended;

	*row = (struct answer_row){ .id = l->o->answer, .turn = l->o->turn,
	    .session = l->o->session, .lane = l->o->lane, .model = l->o->model };
	if (l->has_ended) {
		row->status = l->ended.status;
		row->error = e->why > F_NONE && e->why < F_KINDS ?
		    (char *)fail_name((enum fail_kind)e->why) : NULL;
		row->prompt_tokens = e->prompt_tokens;
		row->completion_tokens = e->completion_tokens;
		row->estimated = e->estimated;
		row->first_ms = e->first_ms;
		row->last_ms = e->last_ms;
		row->ended_ms = e->ended_ms;
	} else {
		row->status = (char *)"error";
		row->error = (char *)fail_name(F_UNAVAILABLE);
		row->prompt_tokens = l->asked.prompt_tokens;
		row->completion_tokens = l->asked.completion_tokens + said_tokens(l) - l->counted;
		row->estimated = true;
		row->first_ms = l->first_ms;
		row->last_ms = l->last_ms;
		row->ended_ms = now_ms;
	}
	if (l->o->stored) {
		row->text = l->text.p != NULL ? l->text.p : (char *)"";
		row->reasoning = l->reasoning.p;
		row->questions = l->questions;
		row->seams = l->seams;
	}
}

/* The model that was asked last, and its prices. */
static int
asked_model(struct ctx *cx, const struct left *l, int64_t *id, struct measure *s)
{
	struct model	*m;

	*id = l->o->model;
	s->model = l->o->model_code;
	s->price_in = l->o->price_in;
	s->price_out = l->o->price_out;
	if (l->asked.model == 0 || l->asked.model == l->o->model)
		return 0;
	if ((m = model_by_id(cx, l->asked.model)) == NULL)
		return -1;
	*id = m->id;
	s->model = m->code;
	s->price_in = m->price_in;
	s->price_out = m->price_out;
	return 0;
}

static int
close_left(struct ctx *cx, void *arg)
{
	struct left		*l = arg;
	struct measure		*s = &l->settled;
	struct answer_row	 row;
	struct ledger_bill	 bill;
	int			 closed;

	fill_row(&row, l, cx->now);
	if (asked_model(cx, l, &row.model, s) == -1)
		return -1;
	s->status = row.status;
	s->prompt_tokens = row.prompt_tokens;
	s->completion_tokens = row.completion_tokens;
	bill = (struct ledger_bill){ .answer = row.id, .key = l->o->api_key,
	    .now_ms = row.ended_ms };
	ledger_cost(bill.amount, s->price_in, s->price_out, s->prompt_tokens,
	    s->completion_tokens, l->has_ended ? l->ended.spent : l->asked.spent);
	row.cost = bill.amount;
	if ((closed = answer_close(cx, &row)) != 1)
		return closed;
	for (int i = 0; i < l->ncitations; i++)
		if (citation_add(cx, &(struct citation_row){ .answer = row.id, .position = i,
		    .body = l->citations[i] }) == -1)
			return -1;
	for (int i = 0; i < l->ntools; i++)
		if (tool_run_add(cx, &(struct tool_run_row){ .answer = row.id, .position = i,
		    .body = l->tools[i] }) == -1)
			return -1;
	if (turn_close(cx, row.turn, row.ended_ms) == -1)
		return -1;
	return ledger_settle(cx, &bill, 1);
}

/*
 * Each in a transaction of its own: one that cannot be written must not hold back the others. With
 * the database away none can.
 */
static int
close_all(struct recovery *v)
{
	struct fail	*why = &v->cx->fail;
	int		 rv = 0;

	for (size_t i = 0; i < v->n && why->kind != F_UNAVAILABLE; i++) {
		if (db_txn(v->cx, close_left, &v->left[i]) == 0) {
			measure_answer(&v->left[i].settled);
			v->closed++;
			continue;
		}
		rv = -1;
		if (why->kind == F_UNAVAILABLE)
			break;
		log_error("an answer that a dead worker left cannot be stored",
		    LOG_I("answer", v->left[i].o->answer), LOG_S("fail", fail_name(why->kind)));
		fail_clear(v->cx);
	}
	return rv;
}

/* In the database. 0 when all of it is stored. */
static int
close_orphans(struct recovery *v, const char *path, int64_t id)
{
	struct orphan	*o;
	int		 rv;

	if (turn_orphans(v->cx, id, &o, &v->n) == -1)
		return -1;
	v->left = xcalloc(v->n, sizeof *v->left);
	for (size_t i = 0; i < v->n; i++)
		v->left[i].o = &o[i];
	qsort(v->left, v->n, sizeof *v->left, compare);
	rv = v->n > 0 && spool_scan(path, collect, v) == -1 ? -1 : close_all(v);
	for (size_t i = 0; i < v->n; i++) {
		str_free(&v->left[i].text);
		str_free(&v->left[i].reasoning);
	}
	free(v->left);
	return rv;
}

/* One dead worker. 0 when all of it is stored, after that told, and other hosts can read it. */
static int
recover_one(void *arg, const char *path, int64_t id)
{
	struct recovery	*v = arg;

	if (v->cx->fail.kind == F_NONE && close_orphans(v, path, id) == 0) {
		if (heal_spool(path, id, v->voices, v->cx->now) == -1)
			log_error("what a dead worker left half told cannot be told to its end",
			    LOG_S("spool", path), LOG_S("error", strerror(errno)));
		else if (!v->cx->conf->cluster || share_rest(v->cx, path) == 0)
			return 0;
	}
	v->failed = true;
	return -1;
}

static void
forget(void *arg, int64_t id)
{
	(void)arg;
	registry_forget(id);
}

int
recover_spools(struct ctx *cx, const struct voice *const *voices, const char *spool_dir)
{
	struct recovery	 v = { .cx = cx, .voices = voices };

	spool_orphans(spool_dir, (int64_t)cx->conf->spool_keep * 1000, recover_one, forget, &v);
	if (v.closed > 0)
		log_info("closed what a dead worker left running", LOG_I("answers", v.closed));
	return v.failed ? -1 : v.closed;
}

static bool
is_among(int64_t turn, const int64_t *turns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (turns[i] == turn)
			return true;
	return false;
}

int
recover_unbegun(struct ctx *cx, int64_t worker, const int64_t *turns, size_t n)
{
	struct recovery	 v = { .cx = cx };
	struct orphan	*o;
	size_t		 all;

	if (turn_orphans(cx, worker, &o, &all) == -1)
		return -1;
	v.left = xcalloc(all, sizeof *v.left);
	for (size_t i = 0; i < all; i++)
		if (is_among(o[i].turn, turns, n))
			v.left[v.n++].o = &o[i];
	v.failed = close_all(&v) == -1;
	free(v.left);
	if (v.closed > 0)
		log_warn("closed what was opened and never began", LOG_I("answers", v.closed));
	return v.failed ? -1 : v.closed;
}
