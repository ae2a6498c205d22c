#include "store/task.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/ident.h"

#define DEFAULT_TITLE	"默认任务"

static int	task_drop(struct ctx *, void *);

static const char *
text(const char *s)
{
	return s != NULL ? s : "";
}

static int64_t
task_insert(struct ctx *cx, int64_t owner, int64_t default_of, const struct task_text *t)
{
	const int64_t	 id = ident_new();

	if (db_exec(cx, SQL_TASK_ADD, V(id), V(owner), V_ID(default_of), V(text(t->title)),
	    V(text(t->description)), V(text(t->support_unit)), V(text(t->bus_dir)),
	    V(text(t->work_goal)), V(clock_ms())) == -1)
		return -1;
	return id;
}

int64_t
task_add(struct ctx *cx, int64_t owner, const struct task_text *t)
{
	return task_insert(cx, owner, 0, t);
}

struct task *
task_get(struct ctx *cx, int64_t owner, int64_t id)
{
	struct task	*t;

	if ((t = db_maybe(cx, SQL_TASK_GET, V(id), V(owner))) == NULL)
		return fail_null(cx, F_NOT_FOUND, "task %" PRId64, id);
	return t;
}

struct task *
task_default(struct ctx *cx, int64_t owner)
{
	const struct task_text	 t = { .title = DEFAULT_TITLE };
	struct task		*found;

	if ((found = db_maybe(cx, SQL_TASK_DEFAULT, V(owner))) != NULL || cx->fail.kind != F_NONE)
		return found;
	if (task_insert(cx, owner, owner, &t) == -1) {
		if (cx->fail.kind != F_CONFLICT)
			return NULL;
		fail_clear(cx);		/* another request of the same owner was faster */
	}
	return db_one(cx, SQL_TASK_DEFAULT, V(owner));
}

int
task_list(struct ctx *cx, int64_t owner, struct task **list, size_t *n)
{
	return db_many(cx, SQL_TASK_LIST, list, n, V(owner));
}

int
task_sessions(struct ctx *cx, int64_t owner, struct session_node **list, size_t *n)
{
	return db_many(cx, SQL_TASK_SESSIONS, list, n, V(owner));
}

int
task_rename(struct ctx *cx, int64_t owner, int64_t id, const char *title)
{
	return db_found(cx, db_exec(cx, SQL_TASK_RENAME, V(title), V(id), V(owner)),
	    "task %" PRId64, id);
}

struct drop {
	int64_t	 owner, id;
};

int
task_delete(struct ctx *cx, int64_t owner, int64_t id)
{
	struct drop	 d = { owner, id };

	return db_txn(cx, task_drop, &d);
}

static int
task_drop(struct ctx *cx, void *arg)
{
	const struct drop	*d = arg;
	const struct task	*t, *refuge;

	if ((t = db_maybe(cx, SQL_TASK_LOCK, V(d->id), V(d->owner))) == NULL)
		return fail(cx, F_NOT_FOUND, "task %" PRId64, d->id);
	if (t->is_default)
		return fail(cx, F_CONFLICT, "%s", cx->lang == LANG_ZH ? "默认任务不能删除" :
		    "the default task cannot be deleted");
	if ((refuge = task_default(cx, d->owner)) == NULL)
		return -1;
	if (db_exec(cx, SQL_TASK_EMPTY, V(refuge->id), V(d->id)) == -1)
		return -1;
	return db_do(cx, SQL_TASK_DELETE, V(d->id));
}
