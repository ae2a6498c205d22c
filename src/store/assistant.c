#include "store/assistant.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/ident.h"
#include "store/rows.h"
#include "store/tool.h"

#define KEY_PREFIX	"rel-"
#define KEY_BYTES	24		/* that are random in it */

struct adding {
	struct assistant		*assistant;	/* NULL: it is there */
	struct assistant_version	*version;
	const struct assistant_means	*means;
	const char			*hash;
};

static int	insert(struct ctx *, void *);
static int	revise(struct ctx *, void *);

static int
missing(struct ctx *cx, int64_t id)
{
	return fail(cx, F_NOT_FOUND, "assistant %" PRId64, id);
}

static void
begin_version(struct assistant_version *v, int number)
{
	v->id = ident_new();
	v->number = number;
	v->created_ms = clock_ms();
}

int
assistant_add(struct ctx *cx, struct assistant *s, struct assistant_version *v,
    const struct assistant_means *means, char key[ASSISTANT_KEY_SIZE])
{
	char		 hash[IDENT_SHA256_SIZE];
	struct adding	 adding = { s, v, means, hash };

	memcpy(key, KEY_PREFIX, strlen(KEY_PREFIX));
	ident_random_hex(key + strlen(KEY_PREFIX), KEY_BYTES);
	ident_sha256_hex(hash, key, strlen(key));
	s->id = ident_new();
	s->created_ms = clock_ms();
	begin_version(v, 1);
	v->assistant = s->id;
	v->tenant = s->tenant;
	return db_txn(cx, insert, &adding);
}

/* What is not there, or of another tenant, adds no row. */
static int
insert_means(struct ctx *cx, const struct assistant_version *v, const struct assistant_means *m)
{
	const struct tool	*t;
	int64_t			 put;

	for (size_t i = 0; i < m->ndatasets; i++) {
		put = db_exec(cx, SQL_ASSISTANT_DATASET_ADD, V(v->id), V(m->datasets[i]),
		    V(v->tenant));
		if (put == 0)
			fail(cx, F_NOT_FOUND, "dataset %" PRId64, m->datasets[i]);
		if (put <= 0)
			return -1;
	}
	for (size_t i = 0; i < m->ntools; i++)
		if ((t = tool_get(cx, m->tools[i])) == NULL ||
		    db_exec(cx, SQL_ASSISTANT_TOOL_ADD, V(v->id), V(t->id)) == -1)
			return -1;
	return 0;
}

static int
insert_version(struct ctx *cx, const struct assistant_version *v, const struct assistant_means *m)
{
	if (db_exec(cx, SQL_ASSISTANT_VERSION_ADD, V(v->id), V(v->assistant), V(v->number),
	    V(v->model), V(v->system), V(v->opening), V(v->context), V(v->suggest), V(v->resume),
	    V(v->created_ms)) == -1)
		return -1;
	return insert_means(cx, v, m);
}

static int
insert(struct ctx *cx, void *arg)
{
	const struct adding	*a = arg;
	const struct assistant	*s = a->assistant;

	if (db_exec(cx, SQL_ASSISTANT_ADD, V(s->id), V(s->tenant), V(s->name), V(a->hash),
	    V(s->created_ms)) == -1)
		return -1;
	return insert_version(cx, a->version, a->means);
}

int
assistant_revise(struct ctx *cx, struct assistant_version *v, const struct assistant_means *means)
{
	return db_txn(cx, revise, &(struct adding){ .version = v, .means = means });
}

static int
revise(struct ctx *cx, void *arg)
{
	const struct adding		*a = arg;
	struct assistant_version	*v = a->version;
	int64_t				 newest;

	/* The name's update locks the row: who revises it at the same time comes after us. */
	switch (db_exec(cx, SQL_ASSISTANT_RENAME, V(v->name), V(v->assistant))) {
	case -1:
		return -1;
	case 0:
		return missing(cx, v->assistant);
	}
	if ((newest = db_number(cx, SQL_ASSISTANT_NUMBER, V(v->assistant))) == -1)
		return -1;
	begin_version(v, (int)newest + 1);
	return insert_version(cx, v, a->means);
}

int
assistant_publish(struct ctx *cx, int64_t id, bool public, int *number)
{
	const struct assistant_version	*v;

	if ((v = assistant_newest(cx, 0, id)) == NULL)
		return -1;
	*number = v->number;
	return db_do(cx, SQL_ASSISTANT_PUBLISH, V(v->id), V(public), V(id));
}

int
assistant_unpublish(struct ctx *cx, int64_t id)
{
	switch (db_exec(cx, SQL_ASSISTANT_PUBLISH, V_NULL, V(false), V(id))) {
	case -1:
		return -1;
	case 0:
		return missing(cx, id);
	default:
		return 0;
	}
}

struct assistant *
assistant_get(struct ctx *cx, int64_t tenant, int64_t id)
{
	struct assistant	*s;

	if ((s = db_maybe(cx, SQL_ASSISTANT_GET, V(id), V(tenant))) == NULL)
		missing(cx, id);
	return s;
}

int
assistant_list(struct ctx *cx, int64_t tenant, struct assistant **list, size_t *n)
{
	return db_many(cx, SQL_ASSISTANT_LIST, list, n, V(tenant));
}

struct assistant_version *
assistant_version_get(struct ctx *cx, int64_t tenant, int64_t id)
{
	struct assistant_version	*v;

	if ((v = db_maybe(cx, SQL_ASSISTANT_VERSION_GET, V(id), V(tenant))) == NULL)
		return fail_null(cx, F_NOT_FOUND, "version %" PRId64, id);
	return v;
}

static struct assistant_version *
version_of(struct ctx *cx, enum sql_id how, int64_t tenant, int64_t assistant)
{
	struct assistant_version	*v;

	if ((v = db_maybe(cx, how, V(assistant), V(tenant))) == NULL)
		missing(cx, assistant);
	return v;
}

struct assistant_version *
assistant_newest(struct ctx *cx, int64_t tenant, int64_t assistant)
{
	return version_of(cx, SQL_ASSISTANT_NEWEST, tenant, assistant);
}

struct assistant_version *
assistant_current(struct ctx *cx, int64_t tenant, int64_t assistant)
{
	return version_of(cx, SQL_ASSISTANT_CURRENT, tenant, assistant);
}

struct assistant_version *
assistant_released(struct ctx *cx, const char *key)
{
	struct assistant_version	*v;
	char				 hash[IDENT_SHA256_SIZE];

	ident_sha256_hex(hash, key, strlen(key));
	if ((v = db_maybe(cx, SQL_ASSISTANT_RELEASED, V((const char *)hash))) == NULL)
		return fail_null(cx, F_NOT_FOUND, "release_key");
	return v;
}

int
assistant_datasets(struct ctx *cx, int64_t version, int64_t **ids, size_t *n)
{
	_Static_assert(sizeof(struct number) == sizeof(int64_t),
	    "rows of one number are an array of numbers");

	return db_many(cx, SQL_ASSISTANT_DATASETS, ids, n, V(version));
}

struct assistant_source *
assistant_source(struct ctx *cx, int64_t version, int64_t document, int64_t segment)
{
	return db_maybe(cx, SQL_ASSISTANT_SOURCE, V(version), V(document), V(segment));
}

int
assistant_datasets_named(struct ctx *cx, int64_t version, struct assistant_dataset **list,
    size_t *n)
{
	return db_many(cx, SQL_ASSISTANT_DATASETS_NAMED, list, n, V(version));
}
