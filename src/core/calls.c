#include "core/calls.h"

#include <string.h>

#include "base/json.h"
#include "core/running.h"
#include "store/turn.h"

static void
write_str(struct jw *w, const char *name, const struct str *s)
{
	jw_strn(w, name, s->len > 0 ? s->p : "", s->len);
}

/* What did not run has no status. */
static char *
body_of(struct arena *a, const struct toolcall *c)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &s);
	jw_obj(&w, NULL);
	write_str(&w, "id", &c->id);
	write_str(&w, "name", &c->name);
	write_str(&w, "arguments", &c->arguments);
	jw_close(&w);
	return str_keep(&s, a);
}

void
calls_keep(struct lane *l)
{
	const struct toolcalls	*calls = l->calls;
	char			*body;

	if (!l->turn->stored || calls == NULL)
		return;
	l->tools = arena_array(l->turn->a, calls->n, sizeof *l->tools);
	for (size_t i = 0; i < calls->n; i++) {
		body = body_of(l->turn->a, &calls->v[i]);
		l->tools[l->ntools++] = body;
		lane_note(l, SPOOL_TOOL, body, strlen(body));
	}
}

static int
load(struct ctx *cx, const char *body, struct toolcalls *calls)
{
	json_auto	*j = json_parse(cx, body, strlen(body));

	if (j == NULL)
		return -1;
	if (json_member(j, "status") != NULL)
		return 0;
	return toolcalls_put(calls, json_text(cx, j, "id"), json_text(cx, j, "name"),
	    json_text(cx, j, "arguments"));
}

int
calls_load(struct ctx *cx, int64_t answer, struct toolcalls *calls)
{
	char	**bodies;
	size_t	  n;

	if (tool_run_list(cx, answer, &bodies, &n) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (load(cx, bodies[i], calls) == -1)
			return cx->fail.kind != F_NONE ? -1 : fail(cx, F_INTERNAL, "tool_run");
	return 0;
}
