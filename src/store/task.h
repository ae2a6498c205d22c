/* task: the arena's tasks, folders for sessions. Every user has one default task. */
#ifndef PARLEY_STORE_TASK_H
#define PARLEY_STORE_TASK_H

#include "store/db.h"

struct task {
	int64_t	 id;
	char	*title;
	bool	 is_default;
};

struct task_text {		/* the five fields of the document; NULL becomes "" */
	const char	*title, *description, *support_unit, *bus_dir, *work_goal;
};

struct session_node {		/* an answered session below a task */
	int64_t	 id;
	int64_t	 task;
	char	*title;
};

/* New id or -1 */
int64_t		 task_add(struct ctx *, int64_t owner, const struct task_text *);
/* F_NOT_FOUND */
struct task	*task_get(struct ctx *, int64_t owner, int64_t id);
/* The owner's default task, made at its first use (titled 默认任务), one only, whatever races. */
struct task	*task_default(struct ctx *, int64_t owner);
/* Newest first */
int		 task_list(struct ctx *, int64_t owner, struct task **, size_t *n);
/* Sessions of the owner in any task that have an answer, newest first. */
int		 task_sessions(struct ctx *, int64_t owner, struct session_node **, size_t *n);
/* F_NOT_FOUND */
int		 task_rename(struct ctx *, int64_t owner, int64_t id, const char *title);
/*
 * Deletes it; its sessions move to the default task. The default task
 * itself: F_CONFLICT. One transaction.
 */
int		 task_delete(struct ctx *, int64_t owner, int64_t id);

#endif
