#include "store/model.h"

#include "base/clock.h"
#include "base/ident.h"
#include "store/rows.h"

struct model_new {
	const struct model	*m;
	const char *const	*fallbacks;
	size_t			 n;
};

static int	model_insert(struct ctx *, void *);

struct model *
model_get(struct ctx *cx, const char *code)
{
	struct model	*m;

	if ((m = db_maybe(cx, SQL_MODEL_GET, V(code))) == NULL)
		return fail_null(cx, F_NOT_FOUND, "model %s", code);
	return m;
}

struct model *
model_by_id(struct ctx *cx, int64_t id)
{
	struct model	*m;

	if ((m = db_maybe(cx, SQL_MODEL_BY_ID, V(id))) == NULL)
		return fail_null(cx, F_NOT_FOUND, "model %lld", (long long)id);
	return m;
}

int
model_list(struct ctx *cx, bool arena_only, struct model **list, size_t *n)
{
	return db_many(cx, arena_only ? SQL_MODEL_LIST_ARENA : SQL_MODEL_LIST, list, n);
}

int
model_list_chat(struct ctx *cx, struct model **list, size_t *n)
{
	return db_many(cx, SQL_MODEL_LIST_CHAT, list, n);
}

int
model_add(struct ctx *cx, struct model *m, const char *const *fallbacks, size_t n)
{
	struct model_new	 new = { m, fallbacks, n };

	m->id = ident_new();
	m->created_ms = clock_ms();
	if (db_txn(cx, model_insert, &new) == 0)
		return 0;
	if (cx->fail.kind == F_CONFLICT) {
		fail_clear(cx);
		fail(cx, F_CONFLICT, "model %s is registered already", m->code);
	}
	return -1;
}

static int
model_insert(struct ctx *cx, void *arg)
{
	const struct model_new	*new = arg;
	const struct model	*m = new->m;

	if (db_exec(cx, SQL_MODEL_ADD, V(m->id), V(m->code), V(m->name), V(m->kind), V(m->url),
	    V(m->upstream_name), V(m->key_env), V(m->key_file), V(m->price_in), V(m->price_out),
	    V(m->arena), V(m->enabled), V(m->logo), V(m->context_tokens), V(m->max_tokens),
	    V(m->connect_s), V(m->first_token_s), V(m->idle_s), V(m->total_s), V(m->concurrency),
	    V(m->created_ms)) == -1)
		return -1;
	for (size_t i = 0; i < new->n; i++) {
		if (db_found(cx, db_exec(cx, SQL_MODEL_FALLBACK_ADD, V(m->id), V(i),
		    V(new->fallbacks[i])), "model %s", new->fallbacks[i]) == -1)
			return -1;
	}
	return 0;
}

int
model_fallbacks(struct ctx *cx, int64_t model, char ***codes, size_t *n)
{
	_Static_assert(sizeof(struct text) == sizeof(char *),
	    "rows of one text are an array of strings");

	return db_many(cx, SQL_MODEL_FALLBACKS, codes, n, V(model));
}

int
model_stand_ins(struct ctx *cx, int64_t model, struct model **list, size_t *n)
{
	return db_many(cx, SQL_MODEL_STAND_INS, list, n, V(model));
}

int
model_enable(struct ctx *cx, const char *code, bool on)
{
	return db_found(cx, db_exec(cx, SQL_MODEL_ENABLE, V(on), V(code)), "model %s", code);
}

int
model_remove(struct ctx *cx, const char *code)
{
	switch (db_exec(cx, SQL_MODEL_REMOVE, V(code))) {
	case -1:
		if (cx->fail.kind == F_CONFLICT) {
			fail_clear(cx);
			fail(cx, F_CONFLICT, "model %s has taken part in conversations: disable it",
			    code);
		}
		return -1;
	case 0:
		return fail(cx, F_NOT_FOUND, "model %s", code);
	default:
		return 0;
	}
}
