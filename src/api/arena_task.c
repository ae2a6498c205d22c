/* Tasks: the folders of a user's sessions. */
#include "arena.h"

#include "api/handlers.h"
#include "base/ident.h"
#include "core/who.h"
#include "store/task.h"

/* POST /task/add */
int
arena_task_add(struct req *r)
{
	struct task_new		 in = { 0 };
	struct task_text	 text;

	if (req_read(r, &in) == -1)
		return -1;
	text = (struct task_text){
		in.title, in.description, in.support_unit, in.bus_dir, in.work_goal,
	};
	if (task_add(&r->cx, r->cx.who->id, &text) == -1)
		return -1;
	return arena_done(r);
}

/* GET /task/rename?code&title */
int
arena_task_rename(struct req *r)
{
	struct task_rename	 in = { 0 };
	int64_t			 id;

	if (req_read(r, &in) == -1)
		return -1;
	if (!ident_parse(in.code, &id) || task_rename(&r->cx, r->cx.who->id, id, in.title) == -1)
		return arena_missing(&r->cx, "code", in.code);
	return arena_done(r);
}

/* GET /task/del?code - its sessions move to the default task */
int
arena_task_del(struct req *r)
{
	struct task_del	 in = { 0 };
	int64_t		 id;

	if (req_read(r, &in) == -1)
		return -1;
	if (!ident_parse(in.code, &id) || task_delete(&r->cx, r->cx.who->id, id) == -1)
		return arena_missing(&r->cx, "code", in.code);
	return arena_done(r);
}

static struct tree_node
node(struct arena *a, const char *id, char *title, bool leaf)
{
	return (struct tree_node){ .id = arena_strdup(a, id), .val = title, .leaf = leaf };
}

/* The tasks as nodes with room for as many children as each has. */
static struct tree_node *
plant(struct arena *a, const struct task *tasks, size_t n, const struct session_node *sessions,
    size_t nsessions)
{
	struct tree_node	*nodes = arena_array(a, n, sizeof(*nodes)), *children;
	size_t			 k;

	for (size_t i = 0; i < n; i++) {
		nodes[i] = node(a, arena_printf(a, "%lld", (long long)tasks[i].id), tasks[i].title,
		    false);
		k = 0;
		for (size_t j = 0; j < nsessions; j++)
			k += sessions[j].task == tasks[i].id;
		nodes[i].children.p = children = arena_array(a, k, sizeof(*children));
		for (size_t j = 0; j < nsessions; j++)
			if (sessions[j].task == tasks[i].id)
				children[nodes[i].children.n++] =
				    node(a, arena_ref(a, sessions[j].id), sessions[j].title, true);
	}
	return nodes;
}

/* GET /task/list */
int
arena_task_list(struct req *r)
{
	struct ctx		*cx = &r->cx;
	struct result_tree	 result = { .code = 200, .msg = arena_success(cx) };
	struct task		*tasks;
	struct session_node	*sessions;
	size_t			 nsessions;

	if (task_list(cx, cx->who->id, &tasks, &result.data.n) == -1)
		return -1;
	if (result.data.n == 0) {
		if ((tasks = task_default(cx, cx->who->id)) == NULL)
			return -1;
		result.data.n = 1;
	}
	if (task_sessions(cx, cx->who->id, &sessions, &nsessions) == -1)
		return -1;
	result.data.p = plant(cx->a, tasks, result.data.n, sessions, nsessions);
	return reply_fields(r, &result_tree_fields, &result);
}
