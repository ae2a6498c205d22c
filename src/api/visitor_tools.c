/* Tools for whom no model calls them: which there are, and running one. */
#include "visitor.h"

#include <string.h>

#include "api/handlers.h"
#include "core/assistant.h"
#include "core/errand.h"
#include "store/tool.h"

/* GET /v1/openapi/exposed */
int
visitor_exposed(struct req *r)
{
	struct visitor_tools	 out = { .configuration_link = arena_strdup(r->cx.a, "") };
	struct visitor_tool	*to;
	struct tool		*from;
	size_t			 n;

	if (tool_list(&r->cx, &from, &n) == -1)
		return -1;
	to = arena_array(r->cx.a, n, sizeof(*to));
	for (size_t i = 0; i < n; i++)
		to[i] = (struct visitor_tool){ .id = from[i].id, .operation_id = from[i].name,
		    .description = from[i].description, .params = from[i].parameters };
	out.results = (struct list){ to, n };
	return reply_fields(r, &visitor_tools_fields, &out);
}

/* Its arguments, text of an object; NULL: ctx failed. */
static const char *
arguments_of(struct ctx *cx, const char *data)
{
	if (data == NULL)
		return "{}";
	return *data == '{' ? data : fail_null(cx, F_TYPE, "data");
}

static int
say(struct req *r, const struct plan_tool *tool, const char *arguments, char *result,
    const char *status, char *error)
{
	struct visitor_executed	 out = {
		.id = arena_strdup(r->cx.a, r->cx.rid), .action_used = (char *)tool->name,
		.input_params = (char *)arguments, .result = result, .status = (char *)status,
		.error = error,
	};

	return reply_fields(r, &visitor_executed_fields, &out);
}

/* What the tool said, as JSON: a string where it is none. */
static char *
result_of(struct arena *a, const char *text)
{
	struct ctx	 cx = { .a = a };
	struct json	*j = json_parse(&cx, text, strlen(text));
	struct str	 s = STR_INIT(0);
	struct jw	 w;
	char		*result;

	if (j != NULL) {
		result = json_dump(a, j);
		json_free(j);
		return result;
	}
	jw_open(&w, &s);
	jw_arr(&w, NULL);
	jw_str(&w, NULL, text);
	jw_close(&w);
	result = arena_strndup(a, s.p + 1, s.len - 2);
	str_free(&s);
	return result;
}

/* It has run. */
static int
reply_executed(struct req *r, void *arg)
{
	const struct tool_call	*c = &((const struct errand *)arg)->call;

	return say(r, c->tool, c->arguments, result_of(r->cx.a, c->result),
	    c->why == NULL ? "success" : "error", c->why);
}

/* POST /v1/openapi/exposed/{id}/execute_v2 */
int
visitor_execute(struct req *r)
{
	struct ctx		*cx = &r->cx;
	struct visitor_execute	 in = { 0 };
	struct plan_spec	 plan = { 0 };
	struct errand		*e;
	struct tool		*tool;
	const char		*arguments;

	if (req_read(r, &in) == -1 || (arguments = arguments_of(cx, in.data)) == NULL ||
	    (tool = tool_get(cx, r->hit.args[0])) == NULL)
		return -1;
	assistant_equip(cx, tool, 1, &plan);
	if (in.preview_only)
		return say(r, plan.tools, arguments, NULL, "preview", NULL);
	e = errand_new(cx, r->engine, plan.tools, arguments);
	errand_run(e, req_wait(r, reply_executed, e));
	return 0;
}
