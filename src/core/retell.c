#include "core/retell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/jw.h"
#include "core/calls.h"
#include "core/masks.h"
#include "core/running.h"
#include "store/session.h"

#define TOLD_ARENA	1024	/* first block: a turn with a lane or two fits */
#define CITATIONS_MAX	256

/* The first record. */
struct told_lane {
	int	 n;
	int64_t	 answer;
	char	*mask, *mask_name, *pri_id;
};

struct told_turn {
	char		*voice;
	int		 version;
	char		*lang, *rid;
	int64_t		 session, owner, group, created_ms;
	char		*ref;
	struct list	 lanes;		/* of struct told_lane */
};

static const struct field	told_lane_f[] = {
	FIELD(told_lane, T_INT, MUST, n, 0, 0, NULL),
	FIELD(told_lane, T_I64, MUST, answer, 0, 0, NULL),
	FIELD(told_lane, T_STR, OMIT, mask, 0, 0, NULL),
	FIELD(told_lane, T_STR, OMIT, mask_name, 0, 0, NULL),
	FIELD(told_lane, T_STR, OMIT, pri_id, 0, 0, NULL),
};
static FIELDS(told_lane, "ToldLane");

static const struct field	told_turn_f[] = {
	FIELD(told_turn, T_STR, MUST, voice, 0, 0, NULL),
	FIELD(told_turn, T_INT, MUST, version, 0, 0, NULL),
	FIELD(told_turn, T_STR, MUST, lang, 0, 0, NULL),
	FIELD(told_turn, T_STR, OMIT, rid, 0, 0, NULL),
	FIELD(told_turn, T_I64, OMIT, session, 0, 0, NULL),
	FIELD(told_turn, T_I64, OMIT, owner, 0, 0, NULL),
	FIELD(told_turn, T_I64, OMIT, group, 0, 0, NULL),
	FIELD(told_turn, T_I64, MUST, created_ms, 0, 0, NULL),
	FIELD_AS(told_turn, T_STR, OMIT, ref, "session_ref", 0, 0, NULL),
	FIELD_SUB(told_turn, T_LIST, MUST, lanes, &told_lane_fields, 0, 0, NULL),
};
static FIELDS(told_turn, "ToldTurn");

static const char *const	langs[] = { [LANG_ZH] = "zh", [LANG_EN] = "en" };

const struct voice *
retell_voice(const struct voice *const *voices, const char *name, int version)
{
	for (; name != NULL && *voices != NULL; voices++)
		if (strcmp((*voices)->name, name) == 0 &&
		    (version == 0 || (*voices)->version == version))
			return *voices;
	return NULL;
}

void
retell_write(struct str *dst, const struct turn *t)
{
	struct told_lane	*lanes = xcalloc((size_t)t->nlanes, sizeof *lanes);
	struct told_turn	 told = {
		.voice = (char *)t->voice->name, .version = t->voice->version,
		.lang = (char *)langs[t->lang], .rid = (char *)t->rid, .session = t->session,
		.owner = t->owner, .group = t->group, .created_ms = t->created_ms,
		.ref = (char *)t->ref,
		.lanes = { .p = lanes, .n = (size_t)t->nlanes },
	};
	struct jw		 w;

	for (int i = 0; i < t->nlanes; i++) {
		const struct lane	*l = &t->lanes[i];

		lanes[i] = (struct told_lane){ .n = l->n, .answer = l->answer,
		    .mask = (char *)l->mask, .mask_name = (char *)l->mask_name,
		    .pri_id = (char *)l->pri_id };
	}
	jw_open(&w, dst);
	json_write(&w, NULL, &told_turn_fields, &told, NULL);
	jw_close(&w);
	free(lanes);
}

static struct turn *
turn_new(struct arena *a, size_t nlanes)
{
	struct turn	*t = arena_get(a, sizeof *t);

	t->a = a;
	t->nlanes = (int)nlanes;
	t->lanes = arena_array(a, nlanes, sizeof *t->lanes);
	for (size_t i = 0; i < nlanes; i++)
		t->lanes[i] = (struct lane){ .turn = t, .status = "running" };
	return t;
}

static struct turn *
turn_of(struct arena *a, int64_t id, const struct voice *v, const struct told_turn *told)
{
	const struct told_lane	*lanes = told->lanes.p;
	struct turn		*t = turn_new(a, told->lanes.n);

	t->id = id;
	t->session = told->session;
	t->stored = told->session != 0;
	t->owner = told->owner;
	t->group = told->group;
	t->ref = told->ref;
	t->lang = strcmp(told->lang, langs[LANG_EN]) == 0 ? LANG_EN : LANG_ZH;
	t->voice = v;
	t->created_ms = told->created_ms;
	if (told->rid != NULL)
		snprintf(t->rid, sizeof t->rid, "%s", told->rid);
	for (int i = 0; i < t->nlanes; i++) {
		struct lane	*l = &t->lanes[i];

		l->n = lanes[i].n;
		l->answer = lanes[i].answer;
		l->mask = lanes[i].mask;
		l->mask_name = lanes[i].mask_name;
		l->pri_id = lanes[i].pri_id;
	}
	return t;
}

struct turn *
retell_read(const struct spool_record *r, const struct voice *const *voices)
{
	struct ctx		 cx = { .a = arena_new(TOLD_ARENA) };
	struct told_turn	 told = { 0 };
	const struct voice	*v = NULL;
	struct json		*j;

	if (r->kind == SPOOL_BEGIN && (j = json_parse(&cx, r->data, r->len)) != NULL) {
		if (json_read(&cx, j, &told_turn_fields, &told) == 0)
			v = retell_voice(voices, told.voice, told.version);
		json_free(j);
	}
	if (v != NULL)
		return turn_of(cx.a, r->turn, v, &told);
	arena_free(cx.a);
	return NULL;
}

static void
add_citation(struct turn *t, struct lane *l, const char *body, size_t len)
{
	if (l->citations == NULL)
		l->citations = arena_array(t->a, CITATIONS_MAX, sizeof *l->citations);
	if (l->ncitations < CITATIONS_MAX)
		l->citations[l->ncitations++] = arena_strndup(t->a, body, len);
}

static void
note_end(struct turn *t, struct lane *l, const struct spool_ended *e)
{
	l->state = LANE_CLOSING;
	l->status = arena_strndup(t->a, e->status, strnlen(e->status, sizeof e->status));
	l->why = e->why > F_NONE && e->why < F_KINDS ? (enum fail_kind)e->why : F_NONE;
	l->prompt_tokens = e->prompt_tokens;
	l->completion_tokens = e->completion_tokens;
	l->estimated = e->estimated;
	l->first_ms = e->first_ms;
	l->last_ms = e->last_ms;
	l->ended_ms = e->ended_ms;
	l->spent = e->spent;
	l->cost = e->cost;
}

/* As much of what a record should hold as it does. False: too little. */
static bool
take(void *dst, size_t size, const struct spool_record *r, size_t least)
{
	memset(dst, 0, size);
	if (r->len < least)
		return false;
	memcpy(dst, r->data, r->len < size ? r->len : size);
	return true;
}

void
retell_note(struct turn *t, const struct spool_record *r)
{
	struct lane		*l = turn_lane(t, r->lane);
	struct spool_asked	 asked;
	struct spool_ended	 ended;

	if (l == NULL)
		return;
	switch (r->kind) {
	case SPOOL_LANE:
		if (!take(&asked, sizeof asked, r, SPOOL_ASKED_LEAST))
			break;
		l->state = LANE_RUNNING;
		l->asked = asked.model;
		l->prompt_tokens = asked.prompt_tokens;
		l->completion_tokens = asked.completion_tokens;
		l->counted = lane_tokens(l);
		l->spent = asked.spent;
		break;
	case SPOOL_DELTA:
		lane_count(l, &(struct delta){ .text = r->data, .len = r->len,
		    .flags = r->flags, .at_ms = r->at_ms });
		break;
	case SPOOL_CITE:
		add_citation(t, l, r->data, r->len);
		break;
	case SPOOL_END:
		if (take(&ended, sizeof ended, r, SPOOL_ENDED_LEAST))
			note_end(t, l, &ended);
		break;
	case SPOOL_QUESTIONS:
		l->questions = arena_strndup(t->a, r->data, r->len);
		break;
	default:
		break;
	}
}

/* From the database. */

static void
fill_lane(struct turn *t, struct lane *l, const struct answer_told *a)
{
	l->n = a->lane;
	l->answer = a->answer;
	l->asked = a->model;
	l->mask = arena_strdup(t->a, a->mask);
	l->mask_name = a->mask != NULL ? mask_name(l->mask) : NULL;
	l->pri_id = arena_strdup(t->a, a->pri_id);
	l->state = LANE_CLOSED;
	l->status = arena_strdup(t->a, a->status);
	l->why = fail_of_name(a->error);
	if (a->text != NULL)
		str_puts(&l->text, a->text);
	if (a->reasoning != NULL)
		str_puts(&l->reasoning, a->reasoning);
	l->questions = arena_strdup(t->a, a->questions);
	l->prompt_tokens = a->prompt_tokens;
	l->completion_tokens = a->completion_tokens;
	l->estimated = a->estimated;
	l->first_ms = a->first_ms;
	l->last_ms = a->last_ms;
	l->ended_ms = a->ended_ms;
	l->cost = a->cost;
}

static void
fill_citations(struct turn *t, const struct citation_row *c, size_t n)
{
	for (size_t k = 0; k < n; k++)
		for (int i = 0; i < t->nlanes; i++)
			if (t->lanes[i].answer == c[k].answer)
				add_citation(t, &t->lanes[i], c[k].body, strlen(c[k].body));
}

/* -1: ctx failed. */
static int
fill_calls(struct ctx *cx, struct turn *t)
{
	for (struct lane *l = t->lanes; l < t->lanes + t->nlanes; l++) {
		l->calls = xcalloc(1, sizeof *l->calls);
		if (calls_load(cx, l->answer, l->calls) == -1)
			return -1;
	}
	return 0;
}

/* What its voice says of the turn. -1: ctx failed. */
static int
fill_ref(struct ctx *cx, struct turn *t, const struct answer_told *answers, size_t n)
{
	struct model		*models = arena_array(cx->a, n, sizeof *models);
	const struct model	**all = arena_array(cx->a, n, sizeof *all);
	struct question		 q = { .models = all, .nmodels = n };
	const struct turn_asked	*asked;

	if ((asked = turn_question(cx, t->id)) == NULL)
		return cx->fail.kind != F_NONE ? -1 :
		    fail(cx, F_NOT_FOUND, "turn %lld", (long long)t->id);
	for (size_t i = 0; i < n; i++) {
		models[i] = (struct model){ .id = answers[i].model, .code = answers[i].model_code,
		    .name = answers[i].model_name, .logo = answers[i].model_logo };
		all[i] = &models[i];
	}
	q.text = asked->question != NULL ? asked->question : "";
	q.content_type = asked->content_type;
	q.unread = asked->unread;
	q.author = asked->author;
	q.author_name = asked->author_name;
	q.author_avatar = asked->author_avatar;
	q.zone = cx->conf->timezone;
	if ((q.session = session_by_id(cx, t->session)) == NULL)
		return -1;
	t->group = asked->group_id;
	t->round = asked->round;
	t->ref = t->voice->ref(t->a, t, &q);
	return 0;
}

struct turn *
retell_load(struct ctx *cx, const struct turn_row *row, const struct voice *const *voices)
{
	const struct voice	*v = retell_voice(voices, row->voice, 0);
	struct answer_told	*answers;
	struct citation_row	*citations;
	struct turn		*t;
	size_t			 nanswers, ncitations;

	if (v == NULL || v->whole == NULL)
		return fail_null(cx, F_NOT_FOUND, "turn %lld", (long long)row->id);
	if (turn_told(cx, row->id, &answers, &nanswers) == -1 ||
	    turn_citations(cx, row->id, &citations, &ncitations) == -1)
		return NULL;
	t = turn_new(arena_new(TOLD_ARENA), nanswers);
	t->id = row->id;
	t->session = row->session;
	t->parent = row->parent;
	t->stored = true;
	t->owner = row->owner;
	t->lang = cx->lang;
	t->voice = v;
	t->created_ms = row->created_ms;
	for (size_t i = 0; i < nanswers; i++)
		fill_lane(t, &t->lanes[i], &answers[i]);
	fill_citations(t, citations, ncitations);
	if ((!v->takes_tools || fill_calls(cx, t) == 0) &&
	    (v->ref == NULL || fill_ref(cx, t, answers, nanswers) == 0))
		return t;
	turn_free(t);
	return NULL;
}

/* Calls of a voice by which a lane that is over is told. */
enum { LANE_WHOLE, LANE_LAST, LANE_CITE, LANE_STEPS };

static void
step_lane(struct lane *l, int step, struct out *o)
{
	const struct voice	*v = l->turn->voice;

	if (step == LANE_WHOLE)
		v->whole(o, l);
	else if (step == LANE_LAST)
		tell_outcome(l, o);
	else if (v->cite != NULL)
		v->cite(o, l);
	if (step == (v->wants_text ? LANE_CITE : LANE_WHOLE))
		lane_forget(l);
}

/* The step after which the voice says nothing more. */
static int
last_step(const struct turn *t)
{
	const struct voice	*v = t->voice;

	if (v->done != NULL)
		return LANE_STEPS * t->nlanes + 1;
	return LANE_STEPS * t->nlanes - (v->cite != NULL ? 0 : 1);
}

bool
retell_step(struct turn *t, int step, struct out *o)
{
	const struct voice	*v = t->voice;

	if (step == 0 && v->begin != NULL)
		v->begin(o, t);
	else if (step > LANE_STEPS * t->nlanes)
		v->done(o, t);
	else if (step > 0)
		step_lane(&t->lanes[(step - 1) / LANE_STEPS], (step - 1) % LANE_STEPS, o);
	return step < last_step(t);
}

bool
retell_is_last(const struct turn *t, int step)
{
	return step == last_step(t);
}
