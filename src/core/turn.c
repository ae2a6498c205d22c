#include "core/turn.h"

#include <fcntl.h>
#include <string.h>

#include "base/ident.h"
#include "base/jw.h"
#include "core/estimate.h"
#include "core/ledger.h"
#include "core/plan.h"
#include "core/running.h"
#include "core/session.h"
#include "core/who.h"
#include "store/idem.h"
#include "store/turn.h"

#define TURN_ARENA	1024	/* first block: a turn of one lane without much around it fits */
#define FULL_RETRY	10	/* seconds, while the disk is full */

struct opening {		/* what the opening transaction works on */
	const struct turn_spec	*spec;
	struct turn		*turn;
	int64_t			 group;
	/* The client's earlier messages, as JSON; NULL: not to be stored */
	char			*context;
	bool			 fresh;		/* nothing has been said in the session yet */
	int64_t			 round;		/* of its group */
	struct said		**said;		/* per seat, */
	size_t			*nsaid;		/* and how many */
	const struct model	**models;	/* that may answer */
	size_t			 nmodels;
};

struct model *
turn_model(struct arena *a, const struct model *m)
{
	struct model	*c = arena_get(a, sizeof *c);

	*c = *m;
	c->code = arena_strdup(a, m->code);
	c->name = arena_strdup(a, m->name);
	c->url = arena_strdup(a, m->url);
	c->upstream_name = arena_strdup(a, m->upstream_name);
	c->key_env = arena_strdup(a, m->key_env);
	c->key_file = arena_strdup(a, m->key_file);
	c->kind = c->logo = NULL;
	return c;
}

static void
sit_down(struct turn *t, struct lane *l, const struct turn_seat *s, const struct turn_spec *spec)
{
	l->turn = t;
	l->n = s->lane;
	l->mask = arena_strdup(t->a, s->mask);
	l->mask_name = arena_strdup(t->a, s->mask_name);
	l->pri_id = arena_strdup(t->a, s->pri_id);
	l->model = turn_model(t->a, s->model);
	l->answer = ident_new();
	l->status = "running";
	l->ncitations = spec->ncitations;
	if (l->ncitations > 0)
		l->citations = arena_array(t->a, l->ncitations, sizeof *l->citations);
	for (size_t i = 0; i < l->ncitations; i++)
		l->citations[i] = arena_strdup(t->a, spec->citations[i]);
}

/* The turn's own descriptor of what is sent to the models. -1: ctx failed. */
static int
take_file(struct ctx *cx, struct turn *t, const struct call_file *from)
{
	int	 fd = fcntl(from->fd, F_DUPFD_CLOEXEC, 0);

	if (fd == -1)
		return fail(cx, F_UNAVAILABLE, "descriptors");
	t->file = arena_get(t->a, sizeof *t->file);
	*t->file = (struct call_file){ .fd = fd, .from = from->from, .size = from->size,
	    .name = arena_strdup(t->a, from->name),
	    .media_type = arena_strdup(t->a, from->media_type) };
	return 0;
}

static struct turn *
make(struct ctx *cx, struct engine *e, const struct turn_spec *spec)
{
	struct arena		*a = arena_new(TURN_ARENA);
	struct turn		*t = arena_get(a, sizeof *t);
	struct turn_seat	 fuse = { .model = spec->fuse, .mask = "FUSION",
		.mask_name = cx->lang == LANG_ZH ? "融合" : "Fusion" };

	t->a = a;
	t->engine = e;
	t->id = ident_new();
	t->stored = spec->session != NULL;
	t->session = t->stored ? spec->session->id : 0;
	t->owner = cx->who->id;
	t->key = cx->who->key;
	t->parent = spec->parent > 0 ? spec->parent : 0;
	t->ref = arena_strdup(a, spec->ref);
	t->lang = cx->lang;
	t->voice = spec->voice;
	t->created_ms = cx->now;
	memcpy(t->rid, cx->rid, sizeof t->rid);
	t->nlanes = (int)spec->nseats + (spec->fuse != NULL);
	t->lanes = arena_array(a, (size_t)t->nlanes, sizeof *t->lanes);
	for (size_t i = 0; i < spec->nseats; i++)
		sit_down(t, &t->lanes[i], &spec->seats[i], spec);
	if (spec->fuse != NULL) {
		fuse.lane = spec->nseats > 0 ? spec->seats[spec->nseats - 1].lane + 1 : 0;
		t->fuse = &t->lanes[t->nlanes - 1];
		t->question = arena_strdup(a, spec->question);
		sit_down(t, t->fuse, &fuse, spec);
	}
	return t;
}

static char *
messages_json(struct ctx *cx, const struct message *m, size_t n)
{
	static const char *const	 names[] = { "system", "user", "assistant" };
	struct str			 s = STR_INIT(0);
	struct jw			 w;
	char				*text;

	if (n == 0)
		return NULL;
	jw_open(&w, &s);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "role", names[m[i].role]);
		jw_str(&w, "content", m[i].text);
		jw_end(&w);
	}
	jw_close(&w);
	text = arena_strndup(cx->a, s.p, s.len);
	str_free(&s);
	return text;
}

/* None of the turn's lanes may be answering. */
static int
check_idle(struct ctx *cx, const struct turn *t)
{
	int64_t	 n = turn_running(cx, t->session, t->nlanes == 1 ? t->lanes[0].n : -1);

	for (int i = 0; n > 0 && i < t->nlanes; i++) {
		n = turn_running(cx, t->session, t->lanes[i].n);
		if (n > 0)
			return fail(cx, F_BUSY, "%s",
			    t->lanes[i].mask != NULL ? t->lanes[i].mask_name : "session");
		if (n == 0)
			n = 1;		/* another lane's; look on */
	}
	return n == -1 ? -1 : 0;
}

/* The newest public group, where it asked the same and this lane has no turn in it yet. */
static int
find_group(struct ctx *cx, struct opening *o)
{
	struct turn	*t = o->turn;
	struct turn_row	*newest;
	int64_t		 n;

	o->group = o->spec->group != 0 ? o->spec->group : t->id;
	if (!o->spec->join || o->spec->private)
		return 0;
	if ((newest = turn_newest_group(cx, t->session)) == NULL)
		return cx->fail.kind == F_NONE ? 0 : -1;
	if (newest->question == NULL || strcmp(newest->question, o->spec->question) != 0)
		return 0;
	if ((n = turn_group_has(cx, t->session, newest->group_id, t->lanes[0].n)) == -1)
		return -1;
	if (n == 0)
		o->group = newest->group_id;
	return 0;
}

/* What that lane of the turn hears. */
static int
look_back_lane(struct ctx *cx, struct opening *o, int i)
{
	const struct turn_spec	*spec = o->spec;
	const struct turn	*t = o->turn;
	const int		 lane = t->lanes[i].n;

	if (spec->parent == 0)
		return o->fresh ? 0 : turn_said(cx, t->session, lane, spec->private, spec->group,
		    &o->said[i], &o->nsaid[i]);
	if (spec->parent == t->session)
		return 0;
	if (turn_path(cx, t->session, lane, spec->parent, &o->said[i], &o->nsaid[i]) == -1)
		return -1;
	return o->nsaid[i] > 0 ? 0 : fail(cx, F_VALUE, "parentId");
}

static int
look_back(struct ctx *cx, struct opening *o)
{
	const struct turn	*t = o->turn;
	const struct tally	*tally;

	if ((tally = turn_tally(cx, t->session, o->group)) == NULL)
		return -1;
	o->fresh = tally->turns == 0;
	o->round = tally->rounds + 1;
	for (int i = 0; o->spec->parent != -1 && i < t->nlanes; i++)
		if (look_back_lane(cx, o, i) == -1)
			return -1;
	return 0;
}

/* What the session takes over from the question. */
static int
mark_session(struct ctx *cx, const struct turn_spec *spec)
{
	const struct session	*s = spec->session;

	if (spec->entitle && session_entitle(cx, s, spec->question) == -1)
		return -1;
	if (spec->version != 0 && spec->version != s->version &&
	    session_ask(cx, s->id, spec->version) == -1)
		return -1;
	return spec->choice != NULL ? session_choose(cx, s->id, spec->choice->id) : 0;
}

/* Puts aside what its answers may cost. */
static int
reserve(struct ctx *cx, const struct opening *o)
{
	const struct turn	*t = o->turn;
	struct ledger_claim	*claims;

	if (t->key == 0 || (o->spec->plan != NULL && o->spec->plan->reply != NULL))
		return 0;
	claims = arena_array(cx->a, (size_t)t->nlanes, sizeof *claims);
	for (int i = 0; i < t->nlanes; i++)
		claims[i] = (struct ledger_claim){ .answer = t->lanes[i].answer,
		    .amount = estimate_lane(o->spec, &t->lanes[i], o->said[i], o->nsaid[i]) };
	return ledger_reserve(cx, claims, (size_t)t->nlanes);
}

static int
open_txn(struct ctx *cx, void *arg)
{
	struct opening		*o = arg;
	const struct turn_spec	*spec = o->spec;
	struct turn		*t = o->turn;
	struct turn_row		 row = {
		.id = t->id, .tenant = cx->who->tenant, .owner = t->owner, .group_id = t->id,
		.worker = engine_id(t->engine), .private = spec->private,
		.voice = (char *)t->voice->name, .api_key = t->key, .created_ms = t->created_ms,
	};

	if (spec->idem_key != NULL &&
	    idem_add(cx, cx->who->id, spec->idem_key, spec->idem_body, t->id) == -1)
		return -1;		/* before the lanes are looked at: the first holds them */
	if (spec->fresh != NULL &&
	    session_add(cx, spec->session, spec->fresh, spec->nfresh) == -1)
		return -1;
	if (t->stored) {
		if (session_lock(cx, cx->who->id, t->session) == NULL || check_idle(cx, t) == -1 ||
		    find_group(cx, o) == -1 || look_back(cx, o) == -1 ||
		    mark_session(cx, spec) == -1)
			return -1;
		row.session = t->session;
		row.group_id = o->group;
		row.parent = t->parent;
		row.question = (char *)spec->question;
		row.content_type = (char *)spec->content_type;
		row.file_url = (char *)spec->file_url;
		row.unread = (char *)spec->unread;
		row.context = o->fresh ? o->context : NULL;
	}
	if (turn_add(cx, &row) == -1)
		return -1;
	for (int i = 0; i < t->nlanes; i++)
		if (answer_add(cx, &(struct answer_row){ .id = t->lanes[i].answer, .turn = t->id,
		    .session = t->session, .lane = t->lanes[i].n, .model = t->lanes[i].model->id,
		    .created_ms = t->created_ms }) == -1)
			return -1;
	return reserve(cx, o);
}

/* Room for so many more models that may answer. */
static void
expect_models(struct ctx *cx, struct opening *o, size_t more)
{
	const struct model	**all = arena_array(cx->a, o->nmodels + more, sizeof *all);

	if (o->nmodels > 0)
		memcpy(all, o->models, o->nmodels * sizeof *all);
	o->models = all;
}

/* Who may be asked in place of each lane's model. */
static int
load_fallbacks(struct ctx *cx, struct opening *o)
{
	struct turn	*t = o->turn;
	struct model	*list;
	struct lane	*l;

	expect_models(cx, o, o->spec->nseats);
	for (size_t i = 0; i < o->spec->nseats; i++)
		o->models[o->nmodels++] = o->spec->seats[i].model;
	for (l = t->lanes; l < t->lanes + t->nlanes; l++) {
		if (l->model->fallbacks == 0)
			continue;
		if (model_stand_ins(cx, l->model->id, &list, &l->nfallbacks) == -1)
			return -1;
		expect_models(cx, o, l->nfallbacks);
		l->fallbacks = arena_array(t->a, l->nfallbacks, sizeof *l->fallbacks);
		for (size_t i = 0; i < l->nfallbacks; i++) {
			l->fallbacks[i].model = turn_model(t->a, &list[i]);
			o->models[o->nmodels++] = &list[i];
		}
	}
	return 0;
}

/* It is stored: what its voice will say of it. */
static void
refer(struct ctx *cx, const struct opening *o)
{
	const struct turn_spec	*spec = o->spec;
	struct turn		*t = o->turn;
	struct session		 session = *spec->session;
	struct question		 q = {
		.text = spec->question,
		.content_type = spec->content_type != NULL ? spec->content_type : "text",
		.unread = spec->unread,
		.author = cx->who->subject, .author_name = cx->who->name,
		.author_avatar = cx->who->avatar,
		.models = o->models, .nmodels = o->nmodels,
		.session = &session, .zone = cx->conf->timezone,
	};

	if (spec->version != 0)
		session.version = spec->version;
	t->group = o->group;
	t->round = o->round;
	if (t->voice->ref != NULL)
		t->ref = t->voice->ref(t->a, t, &q);
}

struct turn *
turn_open(struct ctx *cx, struct engine *e, const struct turn_spec *spec)
{
	struct turn_spec	 asked = *spec;
	struct opening		 o = { .spec = &asked };

	if (engine_full(e)) {
		cx->fail.retry_after = FULL_RETRY;
		return fail_null(cx, F_UNAVAILABLE, "state_dir");
	}
	o.turn = make(cx, e, spec);
	o.context = messages_json(cx, spec->before, spec->nbefore);
	o.said = arena_array(cx->a, (size_t)o.turn->nlanes, sizeof *o.said);
	o.nsaid = arena_array(cx->a, (size_t)o.turn->nlanes, sizeof *o.nsaid);

	if ((spec->ask.kind == ASK_TRANSCRIPT &&
	    take_file(cx, o.turn, &spec->ask.file) == -1) || load_fallbacks(cx, &o) == -1 ||
	    db_txn(cx, open_txn, &o) == -1) {
		turn_free(o.turn);
		return NULL;
	}
	if (o.turn->stored)
		refer(cx, &o);
	if (o.turn->stored && !o.fresh)
		asked.nbefore = 0;	/* what is stored is the truth about what was said */
	for (int i = 0; i < o.turn->nlanes; i++) {
		context_address(cx, &o.turn->lanes[i]);
		if (&o.turn->lanes[i] != o.turn->fuse)
			context_ask(cx, &o.turn->lanes[i], &asked, o.said[i], o.nsaid[i]);
	}
	return o.turn;
}
