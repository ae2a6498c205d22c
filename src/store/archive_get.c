#include "store/archive.h"

#include "store/rows.h"

int
archive_find(struct ctx *cx, int64_t after, int64_t tenant, const char *user, int64_t since_ms,
    size_t most, int64_t **ids, size_t *n)
{
	if (user != NULL)
		return db_many(cx, SQL_ARCHIVE_FIND_OF_USER, ids, n, V(after), V(tenant),
		    V(since_ms), V(since_ms), V(user), V(most));
	return db_many(cx, SQL_ARCHIVE_FIND, ids, n, V(after), V(tenant), V(since_ms),
	    V(since_ms), V(most));
}

int64_t
archive_newest(struct ctx *cx)
{
	return db_number(cx, SQL_ARCHIVE_NEWEST);
}

/* ---- rows of answers, in their order: each answer takes its own ------------------------------ */

struct pieces {
	struct archive_piece	*v;
	size_t			 n, at;
};

struct votes {
	struct archive_vote	*v;
	size_t			 n, at;
};

struct answers {
	struct archive_answer	*v;
	size_t			 n, at;
	struct pieces		 citations, tool_runs;
	struct votes		 votes;
};

/* Is (turn, id) before the other? What was stored meanwhile belongs to nobody here. */
static bool
is_before(int64_t turn, int64_t id, const struct archive_answer *a)
{
	return turn != a->turn ? turn < a->turn : id < a->id;
}

static struct list
take_pieces(struct pieces *p, const struct archive_answer *a)
{
	struct list	 mine;

	while (p->at < p->n && is_before(p->v[p->at].turn, p->v[p->at].answer, a))
		p->at++;
	mine = (struct list){ .p = p->v + p->at };
	for (; p->at < p->n && p->v[p->at].answer == a->id; p->at++)
		mine.n++;
	return mine;
}

static struct list
take_votes(struct votes *v, const struct archive_answer *a)
{
	struct list	 mine;

	while (v->at < v->n && is_before(v->v[v->at].turn, v->v[v->at].answer, a))
		v->at++;
	mine = (struct list){ .p = v->v + v->at };
	for (; v->at < v->n && v->v[v->at].answer == a->id; v->at++)
		mine.n++;
	return mine;
}

static void
take_answers(struct answers *all, struct archive_turn *t)
{
	while (all->at < all->n && all->v[all->at].turn < t->id)
		all->at++;
	t->answers.p = all->v + all->at;
	for (; all->at < all->n && all->v[all->at].turn == t->id; all->at++) {
		struct archive_answer	*a = &all->v[all->at];

		a->citations = take_pieces(&all->citations, a);
		a->tool_runs = take_pieces(&all->tool_runs, a);
		a->votes = take_votes(&all->votes, a);
		t->answers.n++;
	}
}

static int
get_turns(struct ctx *cx, int64_t id, struct list *turns)
{
	struct archive_turn	*v;
	struct answers		 a = { .at = 0 };

	if (db_many(cx, SQL_ARCHIVE_TURNS, &v, &turns->n, V(id)) == -1 ||
	    db_many(cx, SQL_ARCHIVE_ANSWERS, &a.v, &a.n, V(id)) == -1 ||
	    db_many(cx, SQL_ARCHIVE_CITATIONS, &a.citations.v, &a.citations.n, V(id)) == -1 ||
	    db_many(cx, SQL_ARCHIVE_TOOL_RUNS, &a.tool_runs.v, &a.tool_runs.n, V(id)) == -1 ||
	    db_many(cx, SQL_ARCHIVE_VOTES, &a.votes.v, &a.votes.n, V(id)) == -1)
		return -1;
	turns->p = v;
	for (size_t i = 0; i < turns->n; i++)
		take_answers(&a, &v[i]);
	return 0;
}

struct archive_session *
archive_get(struct ctx *cx, int64_t id)
{
	struct archive_session	*s;
	struct archive_lane	*lanes;
	struct archive_rating	*ratings;
	struct text		*documents;	/* a char * each, as T_STRS wants them */

	if ((s = db_maybe(cx, SQL_ARCHIVE_SESSION, V(id))) == NULL)
		return NULL;
	if (s->task_id != 0 && (s->task = db_maybe(cx, SQL_ARCHIVE_TASK, V(s->task_id))) == NULL &&
	    cx->fail.kind != F_NONE)
		return NULL;
	if (db_many(cx, SQL_ARCHIVE_LANES, &lanes, &s->lanes.n, V(id)) == -1 ||
	    db_many(cx, SQL_ARCHIVE_RATINGS, &ratings, &s->ratings.n, V(id)) == -1 ||
	    db_many(cx, SQL_ARCHIVE_DOCUMENTS, &documents, &s->documents.n, V(id)) == -1 ||
	    get_turns(cx, id, &s->turns) == -1)
		return NULL;
	s->lanes.p = lanes;
	s->ratings.p = ratings;
	s->documents.p = documents;
	return s;
}
