/* parley model list, show, enable, disable, remove */
#include "model_cmd.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "table.h"
#include "upstream/health.h"

const char *
model_key_ref(struct arena *a, const struct model *m)
{
	if (m->key_env != NULL)
		return arena_printf(a, "env %s", m->key_env);
	return m->key_file != NULL ? arena_printf(a, "file %s", m->key_file) : NULL;
}

/* A price or a number without zeros that say nothing. */
static const char *
number(struct arena *a, double d)
{
	return arena_printf(a, "%.10g", d);
}

static const char *
limit(struct arena *a, int n)
{
	return n != 0 ? arena_printf(a, "%d", n) : NULL;
}

int
model_json(struct ctx *cx, struct jw *w, const struct model *m)
{
	char	**fallbacks;
	size_t	  n;

	if (model_fallbacks(cx, m->id, &fallbacks, &n) == -1)
		return -1;
	jw_idstr(w, "id", m->id);
	jw_str(w, "code", m->code);
	jw_str(w, "name", m->name);
	jw_str(w, "kind", m->kind);
	jw_str(w, "url", m->url);
	jw_str(w, "upstream_name", m->upstream_name);
	jw_str(w, "key_env", m->key_env);
	jw_str(w, "key_file", m->key_file);
	jw_f64(w, "price_in", m->price_in);
	jw_f64(w, "price_out", m->price_out);
	jw_bool(w, "arena", m->arena);
	jw_bool(w, "enabled", m->enabled);
	jw_str(w, "logo", m->logo);
	jw_i64(w, "context", m->context_tokens);
	jw_i64(w, "max_tokens", m->max_tokens);
	jw_i64(w, "connect", m->connect_s);
	jw_i64(w, "first_token", m->first_token_s);
	jw_i64(w, "idle", m->idle_s);
	jw_i64(w, "total", m->total_s);
	jw_i64(w, "concurrency", m->concurrency);
	jw_arr(w, "fallbacks");
	for (size_t i = 0; i < n; i++)
		jw_str(w, NULL, fallbacks[i]);
	jw_end(w);
	return 0;
}

static int
list_json(struct run *r, const struct model *m, size_t n)
{
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &out);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		if (model_json(&r->cx, &w, &m[i]) == -1) {
			str_free(&out);
			return cmd_failed(r);
		}
		jw_end(&w);
	}
	return cmd_print_json(r, &w);
}

static int
list(struct run *r, const void *opts)
{
	struct arena	*a = r->cx.a;
	struct str	 out = STR_INIT(0);
	struct table	 t;
	struct model	*m;
	size_t		 n;

	(void)opts;
	if (model_list(&r->cx, false, &m, &n) == -1)
		return cmd_failed(r);
	if (r->json)
		return list_json(r, m, n);
	table_begin(&t, a, "CODE|NAME|KIND|ENABLED|ARENA|UPSTREAM|URL|KEY|>PRICE IN|>OUT|>CALLS");
	for (size_t i = 0; i < n; i++)
		table_row(&t, (const char *[]){ m[i].code, m[i].name, m[i].kind,
		    yes_no(m[i].enabled), yes_no(m[i].arena), m[i].upstream_name, m[i].url,
		    model_key_ref(a, &m[i]), number(a, m[i].price_in), number(a, m[i].price_out),
		    limit(a, m[i].concurrency) });
	table_end(&t, &out);
	if (n == 0)
		str_puts(&out, "no model yet: see parley model add --help\n");
	return cmd_print(r, &out);
}

static void
line(struct str *out, const char *name, const char *value)
{
	str_printf(out, "%-15s %s\n", name, value != NULL ? value : "-");
}

static const char *
seconds(struct arena *a, int own, int setting)
{
	if (own != 0)
		return arena_printf(a, "%d s", own);
	return arena_printf(a, "%d s (the setting)", setting);
}

static void
show_text(struct run *r, struct str *out, const struct model *m, char *const *fallbacks, size_t n)
{
	const struct conf	*c = r->cx.conf;
	struct arena		*a = r->cx.a;

	line(out, "code", m->code);
	line(out, "id", arena_printf(a, "%lld", (long long)m->id));
	line(out, "name", m->name);
	line(out, "kind", m->kind);
	line(out, "enabled", yes_no(m->enabled));
	line(out, "arena", yes_no(m->arena));
	line(out, "url", m->url);
	line(out, "upstream name", m->upstream_name);
	line(out, "key", model_key_ref(a, m));
	line(out, "price in", number(a, m->price_in));
	line(out, "price out", number(a, m->price_out));
	line(out, "logo", m->logo);
	line(out, "context", limit(a, m->context_tokens));
	line(out, "max tokens", limit(a, m->max_tokens));
	line(out, "connect", seconds(a, m->connect_s, c->connect_timeout));
	line(out, "first token", seconds(a, m->first_token_s, c->first_token_timeout));
	line(out, "idle", seconds(a, m->idle_s, c->idle_timeout));
	line(out, "total", seconds(a, m->total_s, c->total_timeout));
	line(out, "concurrency", limit(a, m->concurrency));
	if (n == 0)
		line(out, "fallbacks", NULL);
	for (size_t i = 0; i < n; i++)
		line(out, i == 0 ? "fallbacks" : "", fallbacks[i]);
}

static int
show_json(struct run *r, const struct model *m)
{
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &out);
	jw_obj(&w, NULL);
	if (model_json(&r->cx, &w, m) == -1) {
		str_free(&out);
		return cmd_failed(r);
	}
	return cmd_print_json(r, &w);
}

static int
show(struct run *r, const void *opts)
{
	struct str	 out = STR_INIT(0);
	struct model	*m;
	char		**fallbacks;
	size_t		 n;

	(void)opts;
	if ((m = model_get(&r->cx, r->operand[0])) == NULL)
		return cmd_failed(r);
	if (r->json)
		return show_json(r, m);
	if (model_fallbacks(&r->cx, m->id, &fallbacks, &n) == -1)
		return cmd_failed(r);
	show_text(r, &out, m, fallbacks, n);
	return cmd_print(r, &out);
}

/* ---- changes --------------------------------------------------------------------------------- */

static int
done(struct run *r, const char *what)
{
	struct str	out = STR_INIT(0);

	str_printf(&out, "model %s %s\n", r->operand[0], what);
	return cmd_print(r, &out);
}

/* It gets another chance, whatever its calls came to before. */
static int
enable(struct run *r, const void *opts)
{
	const char	*dir = r->cx.conf->state_dir;
	struct model	*m;

	(void)opts;
	if (model_enable(&r->cx, r->operand[0], true) == -1 ||
	    (m = model_get(&r->cx, r->operand[0])) == NULL)
		return cmd_failed(r);
	if (health_forget(dir, m->id) == -1)
		return cmd_error(r, EX_NOPERM, "model %s is enabled, but %s/health: %s: run it as "
		    "the service's user, or as root", r->operand[0], dir, strerror(errno));
	return done(r, "enabled");
}

static int
disable(struct run *r, const void *opts)
{
	(void)opts;
	if (model_enable(&r->cx, r->operand[0], false) == -1)
		return cmd_failed(r);
	return done(r, "disabled: it takes no new questions");
}

static int
take_out(struct run *r, const void *opts)
{
	(void)opts;
	if (model_remove(&r->cx, r->operand[0]) == -1)
		return cmd_failed(r);
	return done(r, "removed");
}

const struct cmd cmd_model_list = {
	.name = "model list",
	.operands = "",
	.help = "shows every model",
	.flags = CMD_SCHEMA | CMD_JSON,
	.fn = list,
};

const struct cmd cmd_model_show = {
	.name = "model show",
	.operands = "CODE",
	.least = 1, .most = 1,
	.help = "shows all that is known of a model",
	.flags = CMD_SCHEMA | CMD_JSON,
	.fn = show,
};

const struct cmd cmd_model_enable = {
	.name = "model enable",
	.operands = "CODE",
	.least = 1, .most = 1,
	.help = "lets a model take questions again; closes its breaker",
	.flags = CMD_SCHEMA,
	.fn = enable,
};

const struct cmd cmd_model_disable = {
	.name = "model disable",
	.operands = "CODE",
	.least = 1, .most = 1,
	.help = "keeps new questions from a model; running answers go on",
	.flags = CMD_SCHEMA,
	.fn = disable,
};

const struct cmd cmd_model_remove = {
	.name = "model remove",
	.operands = "CODE",
	.least = 1, .most = 1,
	.help = "removes a model that has never answered; others can only be disabled",
	.flags = CMD_SCHEMA,
	.fn = take_out,
};
