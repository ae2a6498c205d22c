/* What can be asked: assistants, and the models. */
#include "copywriting.h"

#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "base/utf8.h"
#include "core/who.h"
#include "store/model.h"
#include "store/tool.h"

#define PROMPT_SHOWN	200	/* characters of an assistant's prompt */

static int
load_means(struct ctx *cx, int64_t version, struct copywriting_scene *out)
{
	struct assistant_dataset	*datasets;
	struct copywriting_dataset	*shown;
	struct tool			*tools;
	char				**names;
	size_t				 n, ntools;

	if (assistant_datasets_named(cx, version, &datasets, &n) == -1 ||
	    tool_of_version(cx, version, &tools, &ntools) == -1)
		return -1;
	shown = arena_array(cx->a, n, sizeof(*shown));
	for (size_t i = 0; i < n; i++)
		shown[i] = (struct copywriting_dataset){ datasets[i].id, datasets[i].name };
	names = arena_array(cx->a, ntools, sizeof(*names));
	for (size_t i = 0; i < ntools; i++)
		names[i] = tools[i].name;
	out->datasets = (struct list){ shown, n };
	out->tools = (struct list){ names, ntools };
	return 0;
}

/* GET /copywriting/scene/user/{id} */
int
copywriting_scene(struct req *r)
{
	struct ctx			*cx = &r->cx;
	struct copywriting_scene	 out;
	const struct assistant_version	*v;
	const struct model		*m;
	int64_t				 id;

	if (copywriting_arg(r, "assistant version", &id) == -1 ||
	    (v = assistant_version_get(cx, cx->who->tenant, id)) == NULL ||
	    (m = model_by_id(cx, v->model)) == NULL)
		return -1;
	out = (struct copywriting_scene){
		.id = v->id, .manage = v->assistant, .name = v->name, .version = v->number,
		.prompt = arena_strndup(cx->a, v->system,
		    utf8_cut(v->system, strlen(v->system), PROMPT_SHOWN)),
		.opening = v->opening, .model = v->model, .model_name = m->name,
		.context = v->context, .create_ms = v->created_ms,
	};
	if (load_means(cx, v->id, &out) == -1)
		return -1;
	return copywriting_reply(r, &copywriting_scene_data_fields, &out);
}

/* The kinds, by the numbers that clients have for them. */
static const char *const	kinds[] = { "chat", "image", "embedding" };

static int
type_of(const char *kind)
{
	for (int i = 0; i < (int)(sizeof(kinds) / sizeof(kinds[0])); i++)
		if (strcmp(kinds[i], kind) == 0)
			return i;
	return -1;
}

static int
by_time(const void *a, const void *b)
{
	const struct model	*x = a, *y = b;

	return x->created_ms != y->created_ms ? (x->created_ms > y->created_ms) -
	    (x->created_ms < y->created_ms) : (x->id > y->id) - (x->id < y->id);
}

static int
by_name(const void *a, const void *b)
{
	const struct model	*x = a, *y = b;
	const int		 order = strcmp(x->name, y->name);

	return order != 0 ? order : by_time(a, b);
}

/* The enabled ones of that type (-1: any), in order; returns how many. */
static size_t
pick(struct model *all, size_t n, int type, enum dialogue_sort by)
{
	size_t	 kept = 0;

	for (size_t i = 0; i < n; i++) {
		const int	 its = type_of(all[i].kind);

		if (all[i].enabled && its != -1 && (type == -1 || type == its))
			all[kept++] = all[i];
	}
	if (kept > 0)
		qsort(all, kept, sizeof(*all), by == BY_NAME ? by_name : by_time);
	return kept;
}

/* GET /copywriting/user-model/model-list */
int
copywriting_models(struct req *r)
{
	struct ctx			*cx = &r->cx;
	struct copywriting_models_query	 in = { .type = -1 };
	struct copywriting_model	*out;
	struct dialogue_page		 page;
	struct model			*all;
	size_t				 n, k = 0;

	if (req_read(r, &in) == -1 || copywriting_page(cx, &in.page, &page) == -1 ||
	    model_list(cx, false, &all, &n) == -1)
		return -1;
	n = pick(all, n, in.type, page.by);
	out = arena_array(cx->a, (size_t)page.size, sizeof(*out));
	for (int64_t i = page.skip; i < (int64_t)n && k < (size_t)page.size; i++) {
		const struct model	*m = &all[page.rising ? (size_t)i : n - 1 - (size_t)i];

		out[k++] = (struct copywriting_model){
			.id = m->id, .name = m->name, .code = m->code, .type = type_of(m->kind),
			.logo = m->logo != NULL ? m->logo : (char *)"", .create_ms = m->created_ms,
		};
	}
	return copywriting_reply_rows(r, &copywriting_model_rows_fields, (struct list){ out, k },
	    (int64_t)n);
}
