#include "store/archive.h"

#include <string.h>

#include "base/ident.h"
#include "store/document.h"
#include "store/ledger.h"
#include "store/model.h"
#include "store/rows.h"
#include "store/task.h"
#include "store/turn.h"
#include "store/user.h"
#include "store/vote.h"

struct known {			/* a model that was looked up */
	const char	*code;
	int64_t		 id;
	struct known	*next;
};

struct putting {
	const struct archive_session	*s;
	int64_t				 tenant, owner;
	int				 shift;	/* of the ids' nodes; 0: the ids as they are */
	struct known			*models;
	int				 missing;
	bool				 there;
};

/* Every id keeps its time and order, whatever the others here are called. */
static int64_t
moved(const struct putting *p, int64_t id)
{
	return id != 0 ? ident_at_node(id, ident_node(id) ^ p->shift) : 0;
}

static const char *
text(const char *s)
{
	return s != NULL ? s : "";
}

/* ---- what things are called here ------------------------------------------------------------- */

static int64_t
model_id(struct ctx *cx, struct putting *p, const char *code)
{
	struct known		*k;
	const struct model	*m;

	for (k = p->models; k != NULL; k = k->next)
		if (strcmp(k->code, code) == 0)
			return k->id;
	if ((m = model_get(cx, code)) == NULL)
		return -1;
	k = arena_get(cx->a, sizeof(*k));
	*k = (struct known){ .code = code, .id = m->id, .next = p->models };
	p->models = k;
	return m->id;
}

/* What is known of a user is newer than the archive's. */
static int64_t
user_id(struct ctx *cx, int64_t tenant, const char *subject, const char *name, const char *avatar)
{
	const struct user	*u;

	if ((u = user_find(cx, tenant, subject)) == NULL && cx->fail.kind != F_NONE)
		return -1;
	if (u == NULL || u->name == NULL || u->avatar == NULL)
		u = user_ensure(cx, tenant, subject, u == NULL || u->name == NULL ? name : NULL,
		    u == NULL || u->avatar == NULL ? avatar : NULL);
	return u != NULL ? u->id : -1;
}

/* Of that name, which there has to be; name NULL: 0. */
static int64_t
named(struct ctx *cx, enum sql_id sql, int64_t of, const char *what, const char *name)
{
	int64_t	 id;

	if (name == NULL)
		return 0;
	if ((id = db_number(cx, sql, V(of), V(name))) == 0)
		return fail(cx, F_NOT_FOUND, "%s %s", what, name);
	return id;
}

static int64_t
version_id(struct ctx *cx, int64_t assistant, const char *name, int number)
{
	int64_t	 id;

	if (assistant == 0 || number == 0)
		return 0;
	if ((id = db_number(cx, SQL_ARCHIVE_FIND_VERSION, V(assistant), V(number))) == 0)
		return fail(cx, F_NOT_FOUND, "version %d of the assistant %s", number, name);
	return id;
}

/* The owner's task of that title, or the default one; it is made where there is none. */
static int64_t
task_id(struct ctx *cx, int64_t owner, const struct archive_task *t)
{
	const struct task	*d;
	int64_t			 id;

	if (t == NULL)
		return 0;
	if (!t->is_default)
		id = db_number(cx, SQL_ARCHIVE_FIND_TASK, V(owner), V(t->title));
	else if ((d = db_maybe(cx, SQL_TASK_DEFAULT, V(owner))) != NULL)
		id = d->id;
	else
		id = cx->fail.kind == F_NONE ? 0 : -1;
	if (id != 0)
		return id;
	id = ident_new();
	return db_do(cx, SQL_TASK_ADD, V(id), V(owner), V_ID(t->is_default ? owner : 0),
	    V(t->title), V(text(t->description)), V(text(t->support_unit)), V(text(t->bus_dir)),
	    V(text(t->work_goal)), V(t->created_ms)) == 0 ? id : -1;
}

/* ---- what it holds --------------------------------------------------------------------------- */

static int
put_pieces(struct ctx *cx, enum sql_id sql, int64_t answer, const struct list *list)
{
	const struct archive_piece	*v = list->p;

	for (size_t i = 0; i < list->n; i++)
		if (db_exec(cx, sql, V(answer), V(v[i].position), V(v[i].body)) == -1)
			return -1;
	return 0;
}

static int
put_votes(struct ctx *cx, const struct putting *p, const struct archive_turn *t,
    const struct archive_answer *a)
{
	const struct archive_vote	*v = a->votes.p;
	int64_t				 user;

	for (size_t i = 0; i < a->votes.n; i++)
		if ((user = user_id(cx, p->tenant, v[i].user, NULL, NULL)) == -1 ||
		    vote_like(cx, user, moved(p, a->id), moved(p, p->s->id),
		    moved(p, t->group_id), a->lane, v[i].created_ms) == -1)
			return -1;
	return 0;
}

static int
put_answer(struct ctx *cx, struct putting *p, const struct archive_turn *t,
    const struct archive_answer *a)
{
	const int64_t	 id = moved(p, a->id), model = model_id(cx, p, a->model);

	if (model == -1 || db_exec(cx, SQL_ARCHIVE_ANSWER_ADD, V(id), V(moved(p, t->id)),
	    V(moved(p, p->s->id)), V(a->lane), V(model), V(a->status), V(a->text),
	    V(a->reasoning), V(a->error), V(a->questions), V(a->seams), V(a->prompt_tokens),
	    V(a->completion_tokens), V(a->estimated), V(a->cost), V(a->created_ms),
	    V_ID(a->first_ms), V_ID(a->last_ms), V_ID(a->ended_ms)) == -1)
		return -1;
	if (put_pieces(cx, SQL_CITATION_ADD, id, &a->citations) == -1 ||
	    put_pieces(cx, SQL_TOOL_RUN_ADD, id, &a->tool_runs) == -1 ||
	    put_votes(cx, p, t, a) == -1)
		return -1;
	return ledger_add(cx, id, 0, a->cost, a->ended_ms != 0 ? a->ended_ms : a->created_ms);
}

static int
put_turn(struct ctx *cx, struct putting *p, const struct archive_turn *t)
{
	const struct archive_answer	*a = t->answers.p;

	if (db_exec(cx, SQL_ARCHIVE_TURN_ADD, V(moved(p, t->id)), V(p->tenant), V(p->owner),
	    V(moved(p, p->s->id)), V(moved(p, t->group_id)), V_ID(moved(p, t->parent)),
	    V(t->private), V(t->voice), V(t->question), V(t->context), V(t->content_type),
	    V(t->file_url), V(t->unread), V(t->created_ms), V(t->ended_ms), V_ID(t->stop_ms)) == -1)
		return -1;
	for (size_t i = 0; i < t->answers.n; i++)
		if (put_answer(cx, p, t, &a[i]) == -1)
			return -1;
	return 0;
}

static int
put_lane(struct ctx *cx, struct putting *p, const struct archive_lane *l)
{
	const int64_t	 model = model_id(cx, p, l->model);

	return model == -1 ? -1 : db_do(cx, SQL_LANE_ADD, V(moved(p, p->s->id)), V(l->lane),
	    V(model), V(l->mask), V(l->pri_id));
}

static int
put_rating(struct ctx *cx, const struct putting *p, const struct archive_rating *r)
{
	const int64_t	 user = user_id(cx, p->tenant, r->user, NULL, NULL);

	return user == -1 ? -1 : vote_rate(cx, user, moved(p, p->s->id), r->lane, r->scores,
	    r->remark, r->created_ms);
}

/* Those that the owner has, in their order. */
static int
put_documents(struct ctx *cx, struct putting *p)
{
	const struct list	*names = &p->s->documents;
	int64_t			*ids = arena_array(cx->a, names->n, sizeof(*ids)), id;
	size_t			 n = 0;

	for (size_t i = 0; i < names->n; i++) {
		if ((id = db_number(cx, SQL_ARCHIVE_FIND_DOCUMENT, V(p->owner),
		    V(((char *const *)names->p)[i]))) == -1)
			return -1;
		if (id != 0)
			ids[n++] = id;
		else
			p->missing++;
	}
	return n == 0 ? 0 : document_attach(cx, p->owner, moved(p, p->s->id), ids, n);
}

static int
put_row(struct ctx *cx, struct putting *p)
{
	const struct archive_session	*s = p->s;
	int64_t				 task, dataset = 0, model = 0, assistant, version, app;

	if ((task = task_id(cx, p->owner, s->task)) == -1 ||
	    (s->model != NULL && (model = model_id(cx, p, s->model)) == -1) ||
	    (assistant = named(cx, SQL_ARCHIVE_FIND_ASSISTANT, p->tenant, "assistant",
	    s->assistant)) == -1 ||
	    (version = version_id(cx, assistant, s->assistant, s->version)) == -1 ||
	    (app = named(cx, SQL_ARCHIVE_FIND_APP, p->tenant, "app", s->app)) == -1)
		return -1;
	if (s->dataset != NULL && (dataset = db_number(cx, SQL_ARCHIVE_FIND_DATASET, V(p->owner),
	    V(s->dataset))) == -1)
		return -1;
	p->missing += s->dataset != NULL && dataset == 0;
	return db_do(cx, SQL_ARCHIVE_SESSION_ADD, V(moved(p, s->id)), V(p->tenant), V(p->owner),
	    V_ID(task), V(text(s->title)), V(text(s->abstract)), V(s->module), V(s->type),
	    V_ID(dataset), V_ID(model), V_ID(assistant), V_ID(version), V_ID(app), V(s->msg_key),
	    V(s->visitor), V(s->created_ms), V_ID(s->revealed_ms), V_ID(s->answered_ms));
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int64_t
is_there(struct ctx *cx, const struct putting *p)
{
	const struct archive_lane	*lanes = p->s->lanes.p;
	const char			*pri = p->s->lanes.n > 0 ? lanes[0].pri_id : NULL;
	int64_t				 first, last;

	ident_moment(p->s->id, &first, &last);
	return db_number(cx, SQL_ARCHIVE_THERE, V(p->owner), V(first), V(last),
	    V(p->s->created_ms), V(pri));
}

static int
put_all(struct ctx *cx, void *arg)
{
	struct putting			*p = arg;
	const struct archive_session	*s = p->s;
	const struct archive_lane	*lanes = s->lanes.p;
	const struct archive_turn	*turns = s->turns.p;
	const struct archive_rating	*ratings = s->ratings.p;
	int64_t				 there;

	p->missing = 0;
	if ((p->owner = user_id(cx, p->tenant, s->user, s->user_name, s->user_avatar)) == -1 ||
	    (there = is_there(cx, p)) == -1)
		return -1;
	if ((p->there = there > 0))
		return 0;
	if (put_row(cx, p) == -1)
		return -1;
	for (size_t i = 0; i < s->lanes.n; i++)
		if (put_lane(cx, p, &lanes[i]) == -1)
			return -1;
	if (put_documents(cx, p) == -1)
		return -1;
	for (size_t i = 0; i < s->turns.n; i++)
		if (put_turn(cx, p, &turns[i]) == -1)
			return -1;
	for (size_t i = 0; i < s->ratings.n; i++)
		if (put_rating(cx, p, &ratings[i]) == -1)
			return -1;
	return 0;
}

enum archive_put
archive_put(struct ctx *cx, int64_t tenant, const struct archive_session *s, int *missing)
{
	struct putting	 p = { .s = s, .tenant = tenant };
	int		 rv = -1;

	for (; rv == -1 && p.shift < IDENT_NODES; p.shift++) {
		if (p.shift > 0 && cx->fail.kind != F_CONFLICT)
			break;
		fail_clear(cx);
		rv = db_txn(cx, put_all, &p);
	}
	*missing = p.missing;
	return rv == -1 ? ARCHIVE_FAILED : p.there ? ARCHIVE_THERE : ARCHIVE_PUT;
}
