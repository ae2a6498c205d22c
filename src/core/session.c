#include "session.h"

#include <string.h>

#include "base/ident.h"
#include "base/utf8.h"
#include "masks.h"
#include "store/task.h"
#include "who.h"

static char *
title_of(struct arena *a, const char *first)
{
	if (first == NULL || *first == '\0')
		return arena_strdup(a, SESSION_UNTITLED);
	return arena_strndup(a, first, utf8_cut(first, strlen(first), SESSION_TITLE_MAX));
}

/* The caller's task of that id, or what stands for it; NULL: failed. */
static struct task *
task_of(struct ctx *cx, const char *ref)
{
	struct task	*t = NULL;
	int64_t		 id;

	if (!ident_parse(ref, &id))
		fail(cx, F_NOT_FOUND, "task");
	else
		t = task_get(cx, cx->who->id, id);
	if (t == NULL && cx->fail.kind == F_NOT_FOUND && cx->who->guest) {
		fail_clear(cx);
		return task_default(cx, cx->who->id);
	}
	return t;
}

int
session_make(struct ctx *cx, const char *task, const char *first, struct talk *talk)
{
	struct session		*s = arena_get(cx->a, sizeof(*s));
	const struct task	*t;

	if ((t = task_of(cx, task)) == NULL)
		return -1;
	*s = (struct session){
		.id = ident_new(), .tenant = cx->who->tenant, .owner = cx->who->id, .task = t->id,
		.title = title_of(cx->a, first), .created_ms = cx->now,
	};
	talk->session = s;
	talk->lanes = masks_deal(cx, s->id, &talk->nlanes);
	return talk->lanes != NULL ? 0 : -1;
}

int
session_begin(struct ctx *cx, const char *task, const char *first, struct talk *talk)
{
	if (session_make(cx, task, first, talk) == -1)
		return -1;
	return session_add(cx, talk->session, talk->lanes, talk->nlanes);
}

int
session_open(struct ctx *cx, int64_t id, struct talk *talk)
{
	if ((talk->session = session_get(cx, cx->who->id, id)) == NULL)
		return -1;
	return session_lanes(cx, id, &talk->lanes, &talk->nlanes);
}

int
session_open_lane(struct ctx *cx, const char *pri_id, struct talk *talk)
{
	if ((talk->lanes = session_lane(cx, cx->who->id, pri_id)) == NULL)
		return -1;
	talk->nlanes = 1;
	talk->session = session_get(cx, cx->who->id, talk->lanes->session);
	return talk->session != NULL ? 0 : -1;
}

int
session_retitle(struct ctx *cx, const struct session *s, const char *first)
{
	if (*s->title != '\0' && strcmp(s->title, SESSION_UNTITLED) != 0)
		return 0;
	return session_title(cx, s->id, s->title, title_of(cx->a, first));
}

int
session_entitle(struct ctx *cx, const struct session *s, const char *first)
{
	size_t	 n;
	char	*line;

	if (*s->title != '\0' || first == NULL)
		return 0;
	n = strlen(first);
	line = arena_get(cx->a, n + 1);
	if ((n = utf8_line(line, first, n)) == 0)
		return 0;
	line[utf8_cut(line, n, SESSION_TITLE_MAX)] = '\0';
	return session_title(cx, s->id, s->title, line);
}
