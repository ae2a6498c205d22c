#include "core/assistant.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "core/attach.h"
#include "store/document.h"
#include "store/tool.h"

int
assistant_ground(struct ctx *cx, const struct assistant_version *v, struct turn_spec *spec)
{
	struct document	*list;
	int64_t		*datasets;
	size_t		 n;

	if (assistant_datasets(cx, v->id, &datasets, &n) == -1)
		return -1;
	if (n == 0)
		return 0;
	if (document_of_version(cx, v->id, &list, &n) == -1)
		return -1;
	return attach_knowledge(cx, list, n, spec);
}

/* One without its secret is refused by its server, and the model is told so. */
static const char *
secret_of(const struct tool *t)
{
	const char	*secret;

	if (t->secret_env == NULL)
		return NULL;
	if ((secret = getenv(t->secret_env)) == NULL || *secret == '\0') {
		log_error("a tool's secret is not set", LOG_S("tool", t->name),
		    LOG_S("variable", t->secret_env));
		return NULL;
	}
	return secret;
}

void
assistant_equip(struct ctx *cx, const struct tool *tools, size_t n, struct plan_spec *plan)
{
	struct plan_tool	*list = arena_array(cx->a, n, sizeof(*list));

	for (size_t i = 0; i < n; i++)
		list[i] = (struct plan_tool){
			.name = tools[i].name, .description = tools[i].description,
			.parameters = tools[i].parameters, .method = tools[i].method,
			.url = tools[i].url, .headers = tools[i].headers,
			.secret = secret_of(&tools[i]), .timeout_s = tools[i].timeout_s,
		};
	plan->tools = list;
	plan->ntools = n;
}

/* As the command checked them: an array of strings. */
static void
read_examples(struct ctx *cx, const struct intent *from, struct plan_intent *to)
{
	struct json_parser	*p = json_parser_new();
	struct json		*j = json_parser_parse(p, from->examples, strlen(from->examples));
	const size_t		 n = json_count(j);
	const char		**list = arena_array(cx->a, n, sizeof(*list)), *s;
	size_t			 len;

	for (size_t i = 0; i < n; i++)
		if (json_get_str(json_elem(j, i), &s, &len))
			list[to->nexamples++] = arena_strndup(cx->a, s, len);
	to->examples = list;
	json_free(j);
	json_parser_free(p);
}

void
assistant_intend(struct ctx *cx, const struct intent *intents, size_t n, struct plan_spec *plan)
{
	struct plan_intent	*list = arena_array(cx->a, n, sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		list[i] = (struct plan_intent){ .name = intents[i].name,
		    .reply = intents[i].reply, .system = intents[i].system };
		read_examples(cx, &intents[i], &list[i]);
	}
	plan->intents = list;
	plan->nintents = n;
}

int
assistant_instruct(struct ctx *cx, const struct assistant_version *v, struct turn_spec *spec,
    struct plan_spec *plan)
{
	struct tool	*tools;
	size_t		 n;

	*plan = (struct plan_spec){ .suggest = v->suggest, .resume = v->resume };
	spec->version = v->id;
	spec->system = *v->system != '\0' ? v->system : NULL;
	if (!v->context)
		spec->parent = -1;
	if (tool_of_version(cx, v->id, &tools, &n) == -1)
		return -1;
	if (n > 0)
		assistant_equip(cx, tools, n, plan);
	if (n > 0 || v->suggest || v->resume)
		spec->plan = plan;
	return 0;
}

int
assistant_prepare(struct ctx *cx, const struct assistant_version *v, struct turn_spec *spec,
    struct plan_spec *plan)
{
	if (assistant_instruct(cx, v, spec, plan) == -1)
		return -1;
	return assistant_ground(cx, v, spec);
}
