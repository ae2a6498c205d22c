/* parley assistant add, update */
#include "cmd.h"

#include <string.h>
#include <sysexits.h>

#include "input.h"
#include "store/assistant.h"
#include "store/model.h"
#include "store/tool.h"

struct assistant_opts {
	const char	*name, *model, *tenant, *system, *opening;
	const char	*context, *suggest, *go_on;
	struct strs	 datasets, tools;
};

#define COMMON \
	OPT(assistant_opts, OPT_STR, MAY_COME, system, "system", "TEXT|@FILE", 0, 0, \
	    "its system prompt"), \
	OPT(assistant_opts, OPT_STR, MAY_COME, opening, "opening", "TEXT|@FILE", 0, 0, \
	    "what it says first"), \
	OPT(assistant_opts, OPT_STRS, MAY_COME, datasets, "dataset", "ID", 0, 0, \
	    "a dataset of its tenant that its answers rest on"), \
	OPT(assistant_opts, OPT_STRS, MAY_COME, tools, "tool", "ID", 0, 0, \
	    "a tool that it may use, by id or name"), \
	OPT(assistant_opts, OPT_WORD, MAY_COME, context, "context", "on|off", 0, 0, \
	    "whether it hears what was said before (on)"), \
	OPT(assistant_opts, OPT_WORD, MAY_COME, suggest, "suggest", "on|off", 0, 0, \
	    "whether it is asked for questions that may come next (off)"), \
	OPT(assistant_opts, OPT_WORD, MAY_COME, go_on, "continue", "on|off", 0, 0, \
	    "whether an answer that breaks off is asked to go on (off)")

static const struct opt add_options[] = {
	OPT(assistant_opts, OPT_STR, MUST_COME, model, "model", "CODE", 0, 0, "who answers"),
	OPT(assistant_opts, OPT_STR, MAY_COME, tenant, "tenant", "TENANT", 0, 0,
	    "in place of `default`"),
	COMMON,
	OPT_END
};

static const struct opt update_options[] = {
	OPT(assistant_opts, OPT_STR, MAY_COME, name, "name", "NAME", 0, 0, "for display"),
	OPT(assistant_opts, OPT_STR, MAY_COME, model, "model", "CODE", 0, 0, "who answers"),
	COMMON,
	OPT_END
};

static int
take_model(struct run *r, const char *code, struct assistant_version *v)
{
	const struct model	*m;

	if ((m = model_get(&r->cx, code)) == NULL)
		return cmd_failed(r);
	if (strcmp(m->kind, "chat") != 0)
		return cmd_error(r, EX_DATAERR, "model %s is of the kind %s: assistants want chat",
		    code, m->kind);
	v->model = m->id;
	return EX_OK;
}

static void
take_switch(const char *word, bool *into)
{
	if (word != NULL)
		*into = strcmp(word, "on") == 0;
}

/* What was said; all else stays as it is. */
static int
take(struct run *r, const struct assistant_opts *o, struct assistant_version *v,
    struct assistant_means *means)
{
	int64_t	*datasets;
	int	 status = EX_OK;

	if (o->name != NULL)
		status = input_name(r, o->name, &v->name);
	if (status == EX_OK && o->model != NULL)
		status = take_model(r, o->model, v);
	if (status == EX_OK && o->system != NULL)
		status = input_text(r, "system", o->system, &v->system);
	if (status == EX_OK && o->opening != NULL)
		status = input_text(r, "opening", o->opening, &v->opening);
	if (status == EX_OK && o->datasets.n > 0) {
		status = input_ids(r, "a dataset", &o->datasets, &datasets, &means->ndatasets);
		means->datasets = datasets;
	}
	if (o->tools.n > 0) {
		means->tools = o->tools.v;
		means->ntools = o->tools.n == 1 && strcmp(o->tools.v[0], "none") == 0 ? 0 :
		    o->tools.n;
	}
	take_switch(o->context, &v->context);
	take_switch(o->suggest, &v->suggest);
	take_switch(o->go_on, &v->resume);
	return status;
}

static int
print_added(struct run *r, const struct assistant *s, const struct assistant_version *v,
    const char *key)
{
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	if (r->json) {
		jw_open(&w, &out);
		jw_obj(&w, NULL);
		jw_idstr(&w, "id", s->id);
		jw_idstr(&w, "version", v->id);
		jw_str(&w, "release_key", key);
		return cmd_print_json(r, &w);
	}
	str_printf(&out, "assistant %lld added, version %lld\nrelease key: %s\n"
	    "The key is shown only now. It asks what parley assistant publish %lld "
	    "publishes.\n", (long long)s->id, (long long)v->id, key, (long long)s->id);
	return cmd_print(r, &out);
}

static int
add(struct run *r, const void *opts)
{
	const struct assistant_opts	*o = opts;
	struct assistant		 s = { 0 };
	struct assistant_version	 v = {
		.system = arena_strdup(r->cx.a, ""), .opening = arena_strdup(r->cx.a, ""),
		.context = true,
	};
	struct assistant_means		 means = { 0 };
	char				 key[ASSISTANT_KEY_SIZE];
	int				 status;

	if ((status = input_name(r, r->operand[0], &s.name)) != EX_OK ||
	    (status = input_tenant(r, o->tenant, &s.tenant)) != EX_OK ||
	    (status = take(r, o, &v, &means)) != EX_OK)
		return status;
	v.name = s.name;
	if (assistant_add(&r->cx, &s, &v, &means, key) == -1)
		return cmd_failed(r);
	return print_added(r, &s, &v, key);
}

/* The means of a version that exists, for the next one. */
static int
load_means(struct ctx *cx, int64_t version, struct assistant_means *means)
{
	struct tool	*tools;
	int64_t		*datasets;
	const char	**names;

	if (assistant_datasets(cx, version, &datasets, &means->ndatasets) == -1 ||
	    tool_of_version(cx, version, &tools, &means->ntools) == -1)
		return -1;
	names = arena_array(cx->a, means->ntools, sizeof(*names));
	for (size_t i = 0; i < means->ntools; i++)
		names[i] = tools[i].name;
	means->datasets = datasets;
	means->tools = names;
	return 0;
}

static int
update(struct run *r, const void *opts)
{
	struct assistant_version	*v;
	struct assistant_means		 means;
	struct str			 out = STR_INIT(0);
	struct jw			 w;
	int64_t				 id;
	int				 status;

	if ((status = input_id(r, "an assistant", r->operand[0], &id)) != EX_OK)
		return status;
	if ((v = assistant_newest(&r->cx, 0, id)) == NULL ||
	    load_means(&r->cx, v->id, &means) == -1)
		return cmd_failed(r);
	if ((status = take(r, opts, v, &means)) != EX_OK)
		return status;
	if (assistant_revise(&r->cx, v, &means) == -1)
		return cmd_failed(r);
	if (r->json) {
		jw_open(&w, &out);
		jw_obj(&w, NULL);
		jw_idstr(&w, "id", id);
		jw_idstr(&w, "version", v->id);
		jw_i64(&w, "number", v->number);
		return cmd_print_json(r, &w);
	}
	str_printf(&out, "assistant %lld has version %d, %lld: parley assistant publish "
	    "%lld publishes it\n", (long long)id, v->number, (long long)v->id,
	    (long long)id);
	return cmd_print(r, &out);
}

const struct cmd cmd_assistant_add = {
	.name = "assistant add",
	.operands = "NAME",
	.least = 1, .most = 1,
	.help = "prepares a model for a task: instructions, documents, tools",
	.more =
	    "Prints its id, the id of its version and its release key, once. It can be asked\n"
	    "by that key when it is published.\n"
	    "\n"
	    "  parley assistant add 客服 --model qwen --system @prompt.txt --suggest on\n",
	.flags = CMD_SCHEMA | CMD_IDS | CMD_JSON,
	.opts = add_options,
	.size = sizeof(struct assistant_opts),
	.fn = add,
};

const struct cmd cmd_assistant_update = {
	.name = "assistant update",
	.operands = "ID",
	.least = 1, .most = 1,
	.help = "makes a new version of an assistant; what is not said stays",
	.more =
	    "A --dataset or --tool replaces all that it had; the word none: it has none any\n"
	    "more. Who asks it gets the new version when that is published.\n",
	.flags = CMD_SCHEMA | CMD_IDS | CMD_JSON,
	.opts = update_options,
	.size = sizeof(struct assistant_opts),
	.fn = update,
};
