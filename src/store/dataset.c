/* Datasets, and which documents are in them and in conversations. */
#include "store/document.h"

#include <inttypes.h>

#include "base/ident.h"
#include "store/session.h"

/* Documents that go into something of their owner's, or out of it. */
struct move {
	int64_t		 owner, to;
	const int64_t	*ids;
	size_t		 n;
	/* Fails where that is not the owner's; keeps it until the end of the transaction. */
	int		(*lock)(struct ctx *, int64_t owner, int64_t to);
	enum sql_id	 how;
};

struct founding {
	const struct dataset	*d;
	struct move		*in;
};

static int	attach(struct ctx *, void *);
static int	detach(struct ctx *, void *);
static int	lock_session(struct ctx *, int64_t, int64_t);
static int	lock_dataset(struct ctx *, int64_t, int64_t);
static int	dataset_insert(struct ctx *, void *);

/* Who is in what. */

int
document_attach(struct ctx *cx, int64_t owner, int64_t session, const int64_t *ids, size_t n)
{
	struct move	 m = { owner, session, ids, n, lock_session, SQL_SESSION_DOCUMENT_ADD };

	return db_txn(cx, attach, &m);
}

int
document_detach(struct ctx *cx, int64_t owner, int64_t session, const int64_t *ids, size_t n)
{
	struct move	 m = { owner, session, ids, n, lock_session, SQL_SESSION_DOCUMENT_DROP };

	return db_txn(cx, detach, &m);
}

int
dataset_attach(struct ctx *cx, int64_t owner, int64_t dataset, const int64_t *ids, size_t n)
{
	struct move	 m = { owner, dataset, ids, n, lock_dataset, SQL_DATASET_DOCUMENT_ADD };

	return db_txn(cx, attach, &m);
}

int
dataset_detach(struct ctx *cx, int64_t owner, int64_t dataset, const int64_t *ids, size_t n)
{
	struct move	 m = { owner, dataset, ids, n, lock_dataset, SQL_DATASET_DOCUMENT_DROP };

	return db_txn(cx, detach, &m);
}

static int
attach(struct ctx *cx, void *arg)
{
	const struct move	*m = arg;
	int64_t			 put;

	if (m->lock(cx, m->owner, m->to) == -1)
		return -1;
	for (size_t i = 0; i < m->n; i++) {
		put = db_exec(cx, m->how, V(m->to), V(ident_new()), V(m->ids[i]), V(m->owner));
		if (db_found(cx, put, "document %" PRId64, m->ids[i]) == -1)
			return -1;
	}
	return 0;
}

static int
detach(struct ctx *cx, void *arg)
{
	const struct move	*m = arg;
	int64_t			 owned;

	if (m->lock(cx, m->owner, m->to) == -1)
		return -1;
	for (size_t i = 0; i < m->n; i++) {
		owned = db_number(cx, SQL_DOCUMENT_OWNED, V(m->ids[i]), V(m->owner));
		if (db_found(cx, owned, "document %" PRId64, m->ids[i]) == -1 ||
		    db_exec(cx, m->how, V(m->to), V(m->ids[i])) == -1)
			return -1;
	}
	return 0;
}

static int
lock_session(struct ctx *cx, int64_t owner, int64_t id)
{
	return session_lock(cx, owner, id) != NULL ? 0 : -1;
}

static int
lock_dataset(struct ctx *cx, int64_t owner, int64_t id)
{
	return db_found(cx, db_number(cx, SQL_DATASET_LOCK, V(id), V(owner)), "dataset %" PRId64,
	    id);
}

/* Datasets. */

int
dataset_add(struct ctx *cx, const struct dataset *d, const int64_t *ids, size_t n)
{
	struct move	 in = { d->owner, d->id, ids, n, lock_dataset, SQL_DATASET_DOCUMENT_ADD };
	struct founding	 founding = { d, &in };

	return db_txn(cx, dataset_insert, &founding);
}

static int
dataset_insert(struct ctx *cx, void *arg)
{
	const struct founding	*f = arg;
	const struct dataset	*d = f->d;

	if (db_exec(cx, SQL_DATASET_ADD, V(d->id), V(d->tenant), V(d->owner), V(d->name),
	    V(d->created_ms)) == -1)
		return -1;
	return attach(cx, f->in);
}

struct dataset *
dataset_get(struct ctx *cx, int64_t owner, int64_t id)
{
	struct dataset	*d;

	if ((d = db_maybe(cx, SQL_DATASET_GET, V(id), V(owner))) == NULL)
		fail(cx, F_NOT_FOUND, "dataset %" PRId64, id);
	return d;
}

int
dataset_of_owner(struct ctx *cx, int64_t owner, struct dataset **list, size_t *n)
{
	return db_many(cx, SQL_DATASET_OF_OWNER, list, n, V(owner));
}

int
dataset_search(struct ctx *cx, int64_t owner, const char *part, int64_t skip, int64_t most,
    struct dataset **list, size_t *n, int64_t *total)
{
	if ((*total = db_number(cx, SQL_DATASET_COUNT, V(owner), V(part))) == -1)
		return -1;
	return db_many(cx, SQL_DATASET_SEARCH, list, n, V(owner), V(part), V(most), V(skip));
}

int
dataset_rename(struct ctx *cx, int64_t owner, int64_t id, const char *name)
{
	return db_found(cx, db_exec(cx, SQL_DATASET_RENAME, V(name), V(id), V(owner)),
	    "dataset %" PRId64, id);
}

int
dataset_delete(struct ctx *cx, int64_t owner, int64_t id)
{
	return db_found(cx, db_exec(cx, SQL_DATASET_DELETE, V(id), V(owner)), "dataset %" PRId64,
	    id);
}
