#include "store/document.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "store/job.h"
#include "store/segment.h"
#include "store/turn.h"

#define ERROR_MAX	255		/* characters of the column */

struct added {
	const struct document	 *d;
	size_t			  n;
	int			(*content)(struct ctx *, const struct document *, void *);
	void			 *arg;
};

struct doomed {
	int64_t	 owner, id;
};

static int	documents_insert(struct ctx *, void *);
static int	document_revive(struct ctx *, void *);
static int	document_refill(struct ctx *, void *);
static int	document_drop(struct ctx *, void *);

/* Adding. */

int
document_add(struct ctx *cx, const struct document *d, size_t n,
    int (*content)(struct ctx *, const struct document *, void *), void *arg)
{
	struct added	 added = { d, n, content, arg };

	return db_txn(cx, documents_insert, &added);
}

static int
documents_insert(struct ctx *cx, void *arg)
{
	const struct added	*added = arg;

	for (size_t i = 0; i < added->n; i++) {
		const struct document	*d = &added->d[i];

		if (db_exec(cx, SQL_DOCUMENT_ADD, V(d->id), V(d->tenant), V(d->owner),
		    V(d->file_name), V(d->type), V(d->media_type), V(d->url), V(d->size),
		    V(d->status), V(d->created_ms)) == -1)
			return -1;
		if (added->content != NULL && added->content(cx, d, added->arg) == -1)
			return -1;
		if (strcmp(d->status, "pending") == 0 && job_add(cx, JOB_READ, d->id) == -1)
			return -1;
	}
	return 0;
}

int
document_part_add(struct ctx *cx, int64_t document, int n, const char *body, size_t len)
{
	return db_do(cx, SQL_DOCUMENT_PART_ADD, V(document), V(n), val_strn(body, len));
}

/* Reading. */

struct document *
document_get(struct ctx *cx, int64_t owner, int64_t id)
{
	struct document	*d;

	if (owner == 0)
		d = db_maybe(cx, SQL_DOCUMENT_GET_ANY, V(id));
	else
		d = db_maybe(cx, SQL_DOCUMENT_GET, V(id), V(owner));
	if (d == NULL)
		fail(cx, F_NOT_FOUND, "document %" PRId64, id);
	return d;
}

struct document *
document_by_url(struct ctx *cx, int64_t owner, const char *url)
{
	return db_maybe(cx, SQL_DOCUMENT_BY_URL, V(owner), V(url));
}

int
document_search(struct ctx *cx, int64_t owner, const char *part, int64_t skip, int64_t most,
    struct document **list, size_t *n, int64_t *total)
{
	if ((*total = db_number(cx, SQL_DOCUMENT_COUNT, V(owner), V(part))) == -1)
		return -1;
	return db_many(cx, SQL_DOCUMENT_SEARCH, list, n, V(owner), V(part), V(most), V(skip));
}

int
document_of_session(struct ctx *cx, int64_t session, struct document **list, size_t *n)
{
	return db_many(cx, SQL_DOCUMENT_OF_SESSION, list, n, V(session));
}

int
document_of_dataset(struct ctx *cx, int64_t dataset, struct document **list, size_t *n)
{
	return db_many(cx, SQL_DOCUMENT_OF_DATASET, list, n, V(dataset));
}

int
document_named_in(struct ctx *cx, int64_t dataset, int64_t owner, const char *name,
    struct document **list, size_t *n)
{
	return db_many(cx, SQL_DOCUMENT_NAMED_IN, list, n, V(dataset), V(owner), V(name));
}

int
document_of_version(struct ctx *cx, int64_t version, struct document **list, size_t *n)
{
	return db_many(cx, SQL_DOCUMENT_OF_VERSION, list, n, V(version));
}

struct part *
document_part(struct ctx *cx, int64_t document, int n)
{
	return db_maybe(cx, SQL_DOCUMENT_PART, V(document), V(n));
}

int64_t
document_length(struct ctx *cx, int64_t document)
{
	return db_number(cx, SQL_DOCUMENT_LENGTH, V(document));
}

/* Changing. */

int
document_rename(struct ctx *cx, int64_t owner, int64_t id, const char *name)
{
	return db_found(cx, db_exec(cx, SQL_DOCUMENT_RENAME, V(name), V(id), V(owner)),
	    "document %" PRId64, id);
}

int
document_fetched(struct ctx *cx, int64_t document, const char *type, const char *media_type,
    int64_t size)
{
	return db_found(cx, db_exec(cx, SQL_DOCUMENT_FETCHED, V(type), V(media_type), V(size),
	    V(document)), "document %" PRId64, document);
}

int
document_fail(struct ctx *cx, int64_t document, const char *error)
{
	size_t	 n = error != NULL ? strlen(error) : 0;

	return db_do(cx, SQL_DOCUMENT_END, V(error != NULL ? "failed" : "ready"),
	    val_strn(error, utf8_cut(error, n, ERROR_MAX)), V(document));
}

int
document_retry(struct ctx *cx, int64_t document)
{
	return db_txn(cx, document_revive, &document);
}

static int
document_revive(struct ctx *cx, void *arg)
{
	const int64_t	 id = *(const int64_t *)arg;
	const int64_t	 changed = db_exec(cx, SQL_DOCUMENT_RETRY, V(id));

	return changed > 0 ? job_add(cx, JOB_READ, id) : (int)changed;
}

/* The lock keeps out who would index it just now; then none of its text is there, nor any work. */
static int
document_empty(struct ctx *cx, int64_t owner, int64_t id)
{
	if (db_found(cx, db_number(cx, SQL_DOCUMENT_LOCK, V(id), V(owner)),
	    "document %" PRId64, id) == -1 || segment_drop(cx, id) == -1 ||
	    job_forget(cx, JOB_READ, id) == -1)
		return -1;
	return job_forget(cx, JOB_INDEX, id);
}

int
document_replace(struct ctx *cx, const struct document *d,
    int (*content)(struct ctx *, const struct document *, void *), void *arg)
{
	struct added	 added = { d, 1, content, arg };

	return db_txn(cx, document_refill, &added);
}

static int
document_refill(struct ctx *cx, void *arg)
{
	const struct added	*added = arg;
	const struct document	*d = added->d;

	if (document_empty(cx, d->owner, d->id) == -1 ||
	    db_do(cx, SQL_DOCUMENT_PARTS_DROP, V(d->id)) == -1 ||
	    db_do(cx, SQL_DOCUMENT_REPLACE, V(d->type), V(d->media_type), V(d->size),
	    V(d->id)) == -1 || added->content(cx, d, added->arg) == -1)
		return -1;
	return job_add(cx, JOB_READ, d->id);
}

int
document_delete(struct ctx *cx, int64_t owner, int64_t id)
{
	struct doomed	 doomed = { owner, id };

	return db_txn(cx, document_drop, &doomed);
}

static int
document_drop(struct ctx *cx, void *arg)
{
	const struct doomed	*d = arg;

	if (document_empty(cx, d->owner, d->id) == -1 || citation_drop(cx, d->id) == -1)
		return -1;
	return db_do(cx, SQL_DOCUMENT_DELETE, V(d->id));
}
