#include "store/user.h"

#include <string.h>

#include "base/ident.h"

static struct user	*user_add(struct ctx *, int64_t, const char *, const char *, const char *);

struct user *
user_ensure(struct ctx *cx, int64_t tenant, const char *subject, const char *name,
    const char *avatar)
{
	struct user	*u;

	if ((u = db_maybe(cx, SQL_USER_GET, V(tenant), V(subject))) == NULL)
		return cx->fail.kind == F_NONE ? user_add(cx, tenant, subject, name, avatar) : NULL;
	if ((name == NULL || (u->name != NULL && strcmp(u->name, name) == 0)) &&
	    (avatar == NULL || (u->avatar != NULL && strcmp(u->avatar, avatar) == 0)))
		return u;

	if (db_exec(cx, SQL_USER_REFRESH, V(name), V(avatar), V(u->id)) == -1)
		return NULL;
	if (name != NULL)
		u->name = arena_strdup(cx->a, name);
	if (avatar != NULL)
		u->avatar = arena_strdup(cx->a, avatar);
	return u;
}

static struct user *
user_add(struct ctx *cx, int64_t tenant, const char *subject, const char *name, const char *avatar)
{
	const int64_t	 id = ident_new();

	if (db_exec(cx, SQL_USER_ADD, V(id), V(tenant), V(subject), V(name), V(avatar),
	    V(ident_time(id))) == -1) {
		if (cx->fail.kind != F_CONFLICT)
			return NULL;
		fail_clear(cx);		/* another request of the same user was faster */
	}
	return db_one(cx, SQL_USER_GET, V(tenant), V(subject));
}

struct user *
user_find(struct ctx *cx, int64_t tenant, const char *subject)
{
	return db_maybe(cx, SQL_USER_GET, V(tenant), V(subject));
}

int
user_list(struct ctx *cx, int64_t tenant, struct listed_user **list, size_t *n)
{
	return db_many(cx, SQL_USER_LIST, list, n, V(tenant));
}

int64_t
tenant_by_name(struct ctx *cx, const char *name)
{
	return db_number(cx, SQL_TENANT_BY_NAME, V(name));
}

int
tenant_list(struct ctx *cx, struct tenant **list, size_t *n)
{
	return db_many(cx, SQL_TENANT_LIST, list, n);
}

int
tenant_add(struct ctx *cx, struct tenant *t)
{
	t->id = ident_new();
	t->created_ms = ident_time(t->id);
	return db_do(cx, SQL_TENANT_ADD, V(t->id), V(t->name), V(t->created_ms));
}
