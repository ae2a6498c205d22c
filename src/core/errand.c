#include "core/errand.h"

#include <string.h>

#include "core/running.h"

static void
on_over(struct tool_call *c)
{
	struct errand	*e = (struct errand *)c;

	peer_end(e->peer);
	e->peer = NULL;
}

static void
on_gone(struct peer *p, void *arg)
{
	struct errand	*e = arg;

	(void)p;
	e->peer = NULL;
	tool_call_cancel(&e->call);
}

static void
start(void *arg)
{
	struct errand	*e = arg;

	e->peer->owner = e;
	e->peer->on_gone = on_gone;
	peer_join(e->call.engine->peers, e->peer);
	tool_call_start(&e->call);
}

struct errand *
errand_new(struct ctx *cx, struct engine *engine, const struct plan_tool *tool,
    const char *arguments)
{
	struct errand	*e = arena_get(cx->a, sizeof *e);

	e->call = (struct tool_call){
		.engine = engine, .a = cx->a, .rid = arena_strdup(cx->a, cx->rid),
		.connect_ms = cx->conf->connect_timeout * 1000, .tool = tool,
		.arguments = arguments, .arguments_len = strlen(arguments), .over = on_over,
	};
	return e;
}

void
errand_run(struct errand *e, struct peer *p)
{
	e->peer = p;
	loop_post(e->call.engine->loop, start, e);
}
