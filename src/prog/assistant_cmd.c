/* parley assistant list, show, publish, unpublish */
#include "cmd.h"

#include <sysexits.h>

#include "input.h"
#include "store/assistant.h"
#include "store/tool.h"
#include "table.h"

struct publish_opts {
	bool	 public;
};

static const struct opt publish_options[] = {
	OPT(publish_opts, OPT_FLAG, MAY_COME, public, "public", NULL, 0, 0,
	    "for callers without a token as well"),
	OPT_END
};

/* All that is known of one. */
struct known {
	const struct assistant		*assistant;
	const struct assistant_version	*newest;
	int64_t				*datasets;
	size_t				 ndatasets;
	struct tool			*tools;
	size_t				 ntools;
};

static void
assistant_json(struct jw *w, const struct assistant *s)
{
	jw_idstr(w, "id", s->id);
	jw_str(w, "name", s->name);
	jw_str(w, "tenant", s->tenant_name);
	jw_i64(w, "versions", s->versions);
	if (s->published != 0)
		jw_idstr(w, "published", s->published);
	else
		jw_null(w, "published");
	jw_bool(w, "public", s->public);
}

static void
known_json(struct jw *w, const struct known *k)
{
	const struct assistant_version	*v = k->newest;

	assistant_json(w, k->assistant);
	jw_idstr(w, "version", v->id);
	jw_i64(w, "number", v->number);
	jw_str(w, "model", v->model_code);
	jw_str(w, "system", v->system);
	jw_str(w, "opening", v->opening);
	jw_bool(w, "context", v->context);
	jw_bool(w, "suggest", v->suggest);
	jw_bool(w, "continue", v->resume);
	jw_arr(w, "datasets");
	for (size_t i = 0; i < k->ndatasets; i++)
		jw_idstr(w, NULL, k->datasets[i]);
	jw_end(w);
	jw_arr(w, "tools");
	for (size_t i = 0; i < k->ntools; i++)
		jw_str(w, NULL, k->tools[i].name);
	jw_end(w);
}

static const char *
published(struct arena *a, const struct assistant *s)
{
	if (s->published == 0)
		return "no";
	return arena_printf(a, "version %lld%s", (long long)s->published_number,
	    s->public ? ", public" : "");
}

static int
list(struct run *r, const void *opts)
{
	struct arena		*a = r->cx.a;
	struct str		 out = STR_INIT(0);
	struct assistant	*s;
	struct table		 t;
	struct jw		 w;
	size_t			 n;

	(void)opts;
	if (assistant_list(&r->cx, 0, &s, &n) == -1)
		return cmd_failed(r);
	if (r->json) {
		jw_open(&w, &out);
		jw_arr(&w, NULL);
		for (size_t i = 0; i < n; i++) {
			jw_obj(&w, NULL);
			assistant_json(&w, &s[i]);
			jw_end(&w);
		}
		return cmd_print_json(r, &w);
	}
	table_begin(&t, a, "ID|NAME|TENANT|>VERSIONS|PUBLISHED");
	for (size_t i = 0; i < n; i++)
		table_row(&t, (const char *[]){ arena_printf(a, "%lld", (long long)s[i].id),
		    s[i].name, s[i].tenant_name, arena_printf(a, "%lld", (long long)s[i].versions),
		    published(a, &s[i]) });
	table_end(&t, &out);
	if (n == 0)
		str_puts(&out, "no assistant yet: see parley assistant add --help\n");
	return cmd_print(r, &out);
}

static void
line(struct str *out, const char *name, const char *value)
{
	str_printf(out, "%-15s %s\n", name, value != NULL && *value != '\0' ? value : "-");
}

static void
known_text(struct str *out, struct arena *a, const struct known *k)
{
	const struct assistant		*s = k->assistant;
	const struct assistant_version	*v = k->newest;

	line(out, "id", arena_printf(a, "%lld", (long long)s->id));
	line(out, "name", s->name);
	line(out, "tenant", s->tenant_name);
	line(out, "published", published(a, s));
	line(out, "newest version", arena_printf(a, "%d, %lld", v->number, (long long)v->id));
	line(out, "model", v->model_code);
	line(out, "context", yes_no(v->context));
	line(out, "suggest", yes_no(v->suggest));
	line(out, "continue", yes_no(v->resume));
	if (k->ndatasets == 0)
		line(out, "datasets", NULL);
	for (size_t i = 0; i < k->ndatasets; i++)
		line(out, i == 0 ? "datasets" : "",
		    arena_printf(a, "%lld", (long long)k->datasets[i]));
	if (k->ntools == 0)
		line(out, "tools", NULL);
	for (size_t i = 0; i < k->ntools; i++)
		line(out, i == 0 ? "tools" : "", k->tools[i].name);
	line(out, "opening", v->opening);
	line(out, "system", v->system);
}

static int
show(struct run *r, const void *opts)
{
	struct str	 out = STR_INIT(0);
	struct known	 k;
	struct jw	 w;
	int64_t		 id;
	int		 status;

	(void)opts;
	if ((status = input_id(r, "an assistant", r->operand[0], &id)) != EX_OK)
		return status;
	if ((k.assistant = assistant_get(&r->cx, 0, id)) == NULL ||
	    (k.newest = assistant_newest(&r->cx, 0, id)) == NULL ||
	    assistant_datasets(&r->cx, k.newest->id, &k.datasets, &k.ndatasets) == -1 ||
	    tool_of_version(&r->cx, k.newest->id, &k.tools, &k.ntools) == -1)
		return cmd_failed(r);
	if (r->json) {
		jw_open(&w, &out);
		jw_obj(&w, NULL);
		known_json(&w, &k);
		return cmd_print_json(r, &w);
	}
	known_text(&out, r->cx.a, &k);
	return cmd_print(r, &out);
}

static int
publish(struct run *r, const void *opts)
{
	const struct publish_opts	*o = opts;
	struct str			 out = STR_INIT(0);
	int64_t				 id;
	int				 status, number;

	if ((status = input_id(r, "an assistant", r->operand[0], &id)) != EX_OK)
		return status;
	if (assistant_publish(&r->cx, id, o->public, &number) == -1)
		return cmd_failed(r);
	str_printf(&out, "assistant %lld is published: version %d, %s\n", (long long)id, number,
	    o->public ? "for everybody" : "for callers with a token or an API key");
	return cmd_print(r, &out);
}

static int
unpublish(struct run *r, const void *opts)
{
	struct str	 out = STR_INIT(0);
	int64_t		 id;
	int		 status;

	(void)opts;
	if ((status = input_id(r, "an assistant", r->operand[0], &id)) != EX_OK)
		return status;
	if (assistant_unpublish(&r->cx, id) == -1)
		return cmd_failed(r);
	str_printf(&out, "assistant %lld is not published any more\n", (long long)id);
	return cmd_print(r, &out);
}

const struct cmd cmd_assistant_list = {
	.name = "assistant list",
	.operands = "",
	.help = "shows every assistant",
	.flags = CMD_SCHEMA | CMD_JSON,
	.fn = list,
};

const struct cmd cmd_assistant_show = {
	.name = "assistant show",
	.operands = "ID",
	.least = 1, .most = 1,
	.help = "shows all that is known of an assistant and its newest version",
	.flags = CMD_SCHEMA | CMD_JSON,
	.fn = show,
};

const struct cmd cmd_assistant_publish = {
	.name = "assistant publish",
	.operands = "ID",
	.least = 1, .most = 1,
	.help = "lets the release key of an assistant ask its newest version",
	.flags = CMD_SCHEMA,
	.opts = publish_options,
	.size = sizeof(struct publish_opts),
	.fn = publish,
};

const struct cmd cmd_assistant_unpublish = {
	.name = "assistant unpublish",
	.operands = "ID",
	.least = 1, .most = 1,
	.help = "its release key asks nothing any more; running answers go on",
	.flags = CMD_SCHEMA,
	.fn = unpublish,
};
