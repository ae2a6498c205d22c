#include "store/erase.h"

#include <stddef.h>

#include "base/ident.h"
#include "store/rows.h"

#define SOME		1000	/* rows of a transaction */

#define COUNTED(member)	((ptrdiff_t)offsetof(struct erased, member))
#define NOT_COUNTED	((ptrdiff_t)-1)

struct step {
	enum sql_id	 sql;
	ptrdiff_t	 count;		/* where its rows are counted, in struct erased */
};

/* In this order: what refers to a row goes before it. */
static const struct step session_steps[] = {
	{ SQL_ERASE_CITATIONS,		NOT_COUNTED },
	{ SQL_ERASE_TOOL_RUNS,		NOT_COUNTED },
	{ SQL_ERASE_CHECKPOINTS,	NOT_COUNTED },
	{ SQL_ERASE_IDEMPOTENCY,	NOT_COUNTED },
	{ SQL_ERASE_VOTES,		COUNTED(votes) },
	{ SQL_ERASE_RATINGS,		COUNTED(ratings) },
	{ SQL_ERASE_MEMBERSHIPS,	NOT_COUNTED },
	{ SQL_ERASE_ANSWERS,		COUNTED(answers) },
	{ SQL_ERASE_TURNS,		COUNTED(questions) },
	{ SQL_ERASE_LANES,		NOT_COUNTED },
	{ SQL_ERASE_SESSION,		COUNTED(sessions) },
};

static const struct step user_steps[] = {
	{ SQL_ERASE_USER_IDEMPOTENCY,	NOT_COUNTED },
	{ SQL_ERASE_USER_VOTES,		COUNTED(votes) },
	{ SQL_ERASE_USER_RATINGS,	COUNTED(ratings) },
	{ SQL_ERASE_USER_CONTACTS,	COUNTED(contacts) },
	{ SQL_ERASE_USER_TASKS,		COUNTED(tasks) },
	{ SQL_ERASE_USER_KEYS,		COUNTED(keys) },
	{ SQL_ERASE_USER_TURNS,		NOT_COUNTED },
};

#define COUNT(steps)	(sizeof(steps) / sizeof((steps)[0]))

static void
count(struct erased *e, const struct step *s, int64_t n)
{
	if (s->count != NOT_COUNTED)
		*(int64_t *)(void *)((char *)e + s->count) += n;
}

/* ---- a conversation -------------------------------------------------------------------------- */

struct doomed {
	int64_t		 id, older_ms;
	struct erased	 erased;
	bool		 gone;		/* there was nothing to do */
};

static int
session_drop(struct ctx *cx, void *arg)
{
	struct doomed	*d = arg;
	int64_t		 n;

	d->erased = (struct erased){ 0 };
	/* Whoever asks in it waits for this lock, and does not find it then. */
	if ((n = db_number(cx, SQL_ERASE_SESSION_LOCK, V(d->id))) == -1)
		return -1;
	if (n != 0 && d->older_ms != 0 &&
	    (n = db_number(cx, SQL_ERASE_STILL_OLD, V(d->id), V(d->older_ms))) == -1)
		return -1;
	if ((d->gone = n == 0))
		return 0;
	if ((n = db_number(cx, SQL_TURN_RUNNING_ANY, V(d->id))) != 0)
		return n == -1 ? -1 : fail(cx, F_BUSY, "session %lld", (long long)d->id);
	for (size_t i = 0; i < COUNT(session_steps); i++) {
		if ((n = db_exec(cx, session_steps[i].sql, V(d->id))) == -1)
			return -1;
		count(&d->erased, &session_steps[i], n);
	}
	return 0;
}

int
erase_session(struct ctx *cx, int64_t id, int64_t older_ms, struct erased *sum)
{
	struct doomed	 d = { .id = id, .older_ms = older_ms };

	if (db_txn(cx, session_drop, &d) == -1)
		return -1;
	for (size_t i = 0; !d.gone && i < sizeof(*sum) / sizeof(int64_t); i++)
		((int64_t *)sum)[i] += ((const int64_t *)&d.erased)[i];
	return !d.gone;
}

int
erase_old(struct ctx *cx, int64_t after, int64_t older_ms, int64_t tenant, size_t most,
    int64_t **ids, size_t *n)
{
	return db_many(cx, SQL_ERASE_OLD, ids, n, V(after), V(ident_until(older_ms)), V(older_ms),
	    V(tenant), V(older_ms), V(most));
}

int64_t
erase_oldest(struct ctx *cx)
{
	return db_number(cx, SQL_ERASE_OLDEST);
}

/* ---- a user ---------------------------------------------------------------------------------- */

int
erase_running(struct ctx *cx, int64_t user, int64_t **turns, size_t *n)
{
	return db_many(cx, SQL_ERASE_USER_RUNNING, turns, n, V(user));
}

int64_t
erase_ended(struct ctx *cx, int64_t user)
{
	return db_number(cx, SQL_ERASE_USER_ENDED, V(user));
}

int
erase_sessions(struct ctx *cx, int64_t user, size_t most, int64_t **ids, size_t *n)
{
	return db_many(cx, SQL_ERASE_USER_SESSIONS, ids, n, V(user), V(most));
}

int
erase_documents(struct ctx *cx, int64_t user, size_t most, int64_t **ids, size_t *n)
{
	return db_many(cx, SQL_ERASE_USER_DOCUMENTS, ids, n, V(user), V(most));
}

int
erase_datasets(struct ctx *cx, int64_t user, size_t most, int64_t **ids, size_t *n)
{
	return db_many(cx, SQL_ERASE_USER_DATASETS, ids, n, V(user), V(most));
}

int
erase_revoke(struct ctx *cx, int64_t user)
{
	return db_do(cx, SQL_ERASE_USER_REVOKE, V(cx->now), V(user));
}

int
erase_rest(struct ctx *cx, int64_t user, struct erased *sum)
{
	int64_t	 n;

	if (db_exec(cx, SQL_ERASE_USER_CHECKPOINTS, V(user)) == -1)
		return -1;
	for (size_t i = 0; i < COUNT(user_steps); i++)
		do {
			if ((n = db_exec(cx, user_steps[i].sql, V(user), V(SOME))) == -1)
				return -1;
			count(sum, &user_steps[i], n);
		} while (n == SOME);
	return 0;
}

int
erase_user(struct ctx *cx, int64_t user)
{
	return (int)db_exec(cx, SQL_ERASE_USER, V(user));
}

int
erase_wordless(struct ctx *cx, const char *turns, int64_t **ids, size_t *n)
{
	return db_many(cx, SQL_ERASE_WORDLESS, ids, n, V(turns));
}
