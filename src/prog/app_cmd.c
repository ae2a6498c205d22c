/* parley app add, list */
#include "cmd.h"

#include <string.h>
#include <sysexits.h>

#include "core/template.h"
#include "input.h"
#include "store/app.h"
#include "store/model.h"
#include "table.h"

struct app_opts {
	const char	*kind, *model, *template, *description, *tenant;
};

static const struct opt app_options[] = {
	OPT(app_opts, OPT_WORD, MUST_COME, kind, "kind", "text|image", 0, 0, "what it makes"),
	OPT(app_opts, OPT_STR, MUST_COME, model, "model", "CODE", 0, 0,
	    "who makes it where none is named"),
	OPT(app_opts, OPT_STR, MUST_COME, template, "template", "TEXT|@FILE", 0, 0,
	    "the question; {{name}} in it is an input"),
	OPT(app_opts, OPT_STR, MAY_COME, description, "description", "TEXT|@FILE", 0, 0,
	    "what it is for"),
	OPT(app_opts, OPT_STR, MAY_COME, tenant, "tenant", "TENANT", 0, 0,
	    "in place of `default`"),
	OPT_END
};

static void
inputs_json(struct jw *w, const char *const *inputs, size_t n)
{
	jw_arr(w, "inputs");
	for (size_t i = 0; i < n; i++)
		jw_str(w, NULL, inputs[i]);
	jw_end(w);
}

static int
take_model(struct run *r, const char *code, const char *kind, int64_t *model)
{
	const char		*wanted = strcmp(kind, "image") == 0 ? "image" : "chat";
	const struct model	*m;

	if ((m = model_get(&r->cx, code)) == NULL)
		return cmd_failed(r);
	if (strcmp(m->kind, wanted) != 0)
		return cmd_error(r, EX_DATAERR, "model %s is of the kind %s: an app that makes %ss "
		    "wants %s", code, m->kind, kind, wanted);
	*model = m->id;
	return EX_OK;
}

static int
take_template(struct run *r, const char *value, struct app *p, const char ***inputs, size_t *n)
{
	const char	*why;
	int		 status;

	if ((status = input_text(r, "template", value, &p->template)) != EX_OK)
		return status;
	if ((why = template_inputs(r->cx.a, p->template, inputs, n)) != NULL)
		return cmd_error(r, EX_DATAERR, "--template: %s", why);
	return EX_OK;
}

static int
add(struct run *r, const void *opts)
{
	const struct app_opts	*o = opts;
	struct app		 p = {
		.kind = arena_strdup(r->cx.a, o->kind), .description = arena_strdup(r->cx.a, ""),
	};
	struct str		 out = STR_INIT(0);
	struct jw		 w;
	const char		**inputs;
	size_t			 n;
	int			 status;

	if ((status = input_name(r, r->operand[0], &p.name)) != EX_OK ||
	    (status = input_tenant(r, o->tenant, &p.tenant)) != EX_OK ||
	    (status = take_model(r, o->model, o->kind, &p.model)) != EX_OK ||
	    (status = take_template(r, o->template, &p, &inputs, &n)) != EX_OK ||
	    (o->description != NULL && (status = input_text(r, "description", o->description,
	    &p.description)) != EX_OK))
		return status;
	if (app_add(&r->cx, &p) == -1)
		return cmd_failed(r);
	if (r->json) {
		jw_open(&w, &out);
		jw_obj(&w, NULL);
		jw_idstr(&w, "id", p.id);
		inputs_json(&w, inputs, n);
		return cmd_print_json(r, &w);
	}
	str_printf(&out, "app %lld added; inputs:", (long long)p.id);
	for (size_t i = 0; i < n; i++)
		str_printf(&out, " %s", inputs[i]);
	str_puts(&out, n > 0 ? "\n" : " none\n");
	return cmd_print(r, &out);
}

static void
app_json(struct jw *w, struct arena *a, const struct app *p)
{
	const char	**inputs;
	size_t		 n;

	jw_idstr(w, "id", p->id);
	jw_str(w, "name", p->name);
	jw_str(w, "description", p->description);
	jw_str(w, "kind", p->kind);
	jw_str(w, "model", p->model_code);
	jw_str(w, "template", p->template);
	if (template_inputs(a, p->template, &inputs, &n) == NULL)
		inputs_json(w, inputs, n);
}

static int
list(struct run *r, const void *opts)
{
	struct arena	*a = r->cx.a;
	struct str	 out = STR_INIT(0);
	struct table	 t;
	struct app	*p;
	struct jw	 w;
	size_t		 n;

	(void)opts;
	if (app_list(&r->cx, 0, &p, &n) == -1)
		return cmd_failed(r);
	if (r->json) {
		jw_open(&w, &out);
		jw_arr(&w, NULL);
		for (size_t i = 0; i < n; i++) {
			jw_obj(&w, NULL);
			app_json(&w, a, &p[i]);
			jw_end(&w);
		}
		return cmd_print_json(r, &w);
	}
	table_begin(&t, a, "ID|NAME|KIND|MODEL|DESCRIPTION");
	for (size_t i = 0; i < n; i++)
		table_row(&t, (const char *[]){ arena_printf(a, "%lld", (long long)p[i].id),
		    p[i].name, p[i].kind, p[i].model_code, p[i].description });
	table_end(&t, &out);
	if (n == 0)
		str_puts(&out, "no app yet: see parley app add --help\n");
	return cmd_print(r, &out);
}

const struct cmd cmd_app_add = {
	.name = "app add",
	.operands = "NAME",
	.least = 1, .most = 1,
	.help = "prepares a question with blanks, from which texts or images are made",
	.more =
	    "  parley app add 标题 --kind text --model qwen \\\n"
	    "      --template '为{{主题}}写一个{{风格}}的标题'\n",
	.flags = CMD_SCHEMA | CMD_IDS | CMD_JSON,
	.opts = app_options,
	.size = sizeof(struct app_opts),
	.fn = add,
};

const struct cmd cmd_app_list = {
	.name = "app list",
	.operands = "",
	.help = "shows every app",
	.flags = CMD_SCHEMA | CMD_JSON,
	.fn = list,
};
