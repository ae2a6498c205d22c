/* parley tool add, list, remove */
#include "cmd.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "input.h"
#include "store/tool.h"
#include "table.h"

#define LETTERS		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS		"0123456789"
#define NAME_CHARS	LETTERS DIGITS "_-"
#define NAME_MOST	64
#define URL_MOST	2048
#define TIMEOUT		10		/* seconds, where the file does not say */
#define TIMEOUT_MOST	300
#define NO_PARAMETERS	"{\"type\":\"object\",\"properties\":{}}"

struct tool_file {
	char		*name, *description, *parameters, *method, *url, *secret_env;
	struct list	 headers;	/* of struct named_str */
	int		 timeout;
};

static const struct field tool_file_f[] = {
	FIELD(tool_file, T_STR, MUST, name, 1, NAME_MOST, NULL),
	FIELD(tool_file, T_STR, MUST, description, 1, 4000, NULL),
	FIELD(tool_file, T_ANY, MAY, parameters, 0, 0, NULL),
	FIELD(tool_file, T_STR, MAY, method, 0, 0, NULL),
	FIELD(tool_file, T_STR, MUST, url, 1, URL_MOST, NULL),
	FIELD(tool_file, T_MAPSTR, MAY, headers, 0, 0, NULL),
	FIELD(tool_file, T_STR, MAY, secret_env, 0, 255, NULL),
	FIELD(tool_file, T_INT, MAY, timeout, 1, TIMEOUT_MOST, NULL),
};
static FIELDS(tool_file, "ToolFile");

/* NULL, or why this is no address of a tool. */
static const char *
url_wrong(struct arena *a, const char *url, const struct json *properties)
{
	const char	*open, *close, *name;

	if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
		return "url has to begin with http:// or https://";
	if (strpbrk(url, " \t\r\n") != NULL || strchr("/:{", strchr(url, ':')[3]) != NULL)
		return "url names no host, or has spaces in it";
	for (open = strchr(url, '{'); open != NULL; open = strchr(close, '{')) {
		if ((close = strchr(open, '}')) == NULL)
			return "url has a { without its }";
		name = arena_strndup(a, open + 1, (size_t)(close - open - 1));
		if (json_member(properties, name) == NULL)
			return arena_printf(a, "url: parameters has no property `%s`", name);
	}
	return NULL;
}

static const char *
parameters_wrong(const struct json *p)
{
	const struct json	*type = json_member(p, "type"), *all = json_member(p, "properties");
	const char		*s;
	size_t			 n;

	if (!json_is_object(p))
		return "parameters has to be a JSON Schema, an object";
	if (!json_get_str(type, &s, &n) || strcmp(s, "object") != 0)
		return "parameters.type has to be \"object\"";
	if (all != NULL && !json_is_object(all))
		return "parameters.properties has to be an object";
	return NULL;
}

/* https://www.rfc-editor.org/rfc/rfc9110#name-field-names */
static const char *
headers_wrong(struct arena *a, const struct tool_file *f)
{
	const struct named_str	*h = f->headers.p;

	for (size_t i = 0; i < f->headers.n; i++) {
		if (*h[i].name == '\0' ||
		    h[i].name[strspn(h[i].name, NAME_CHARS "!#$%&'*+.^`|~")] != '\0')
			return arena_printf(a, "headers: `%s` is no name of a header", h[i].name);
		for (const char *c = h[i].value; *c != '\0'; c++)
			if ((unsigned char)*c < 0x20 || *c == 0x7f)
				return arena_printf(a, "headers.%s has control characters",
				    h[i].name);
		if (f->secret_env != NULL && strcasecmp(h[i].name, "Authorization") == 0)
			return "headers.Authorization: secret_env makes that header";
	}
	return NULL;
}

static const char *
method_wrong(const char *method)
{
	static const char *const	 methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(method, methods[i]) == 0)
			return NULL;
	return "method is one of GET, POST, PUT, PATCH, DELETE";
}

static const char *
name_wrong(const char *name)
{
	if (name[strspn(name, NAME_CHARS)] != '\0' || strchr(DIGITS, *name) != NULL)
		return "name has letters, digits, _ and -, and no digit first";
	return NULL;
}

static const char *
secret_wrong(const char *env)
{
	if (env == NULL || (*env != '\0' && env[strspn(env, LETTERS DIGITS "_")] == '\0' &&
	    strchr(DIGITS, *env) == NULL))
		return NULL;
	return "secret_env is the name of an environment variable, not the secret itself";
}

/* NULL, or what is wrong with it. */
static const char *
wrong(struct run *r, const struct tool_file *f)
{
	json_auto	*p = json_parse(&r->cx, f->parameters, strlen(f->parameters));
	const char	*why;

	if ((why = name_wrong(f->name)) == NULL && (why = method_wrong(f->method)) == NULL &&
	    (why = parameters_wrong(p)) == NULL && (why = secret_wrong(f->secret_env)) == NULL &&
	    (why = headers_wrong(r->cx.a, f)) == NULL)
		why = url_wrong(r->cx.a, f->url, json_member(p, "properties"));
	return why;
}

static char *
headers_json(struct arena *a, const struct tool_file *f)
{
	const struct named_str	*h = f->headers.p;
	struct str		 s = STR_INIT(0);
	struct jw		 w;

	jw_open(&w, &s);
	jw_obj(&w, NULL);
	for (size_t i = 0; i < f->headers.n; i++)
		jw_str(&w, h[i].name, h[i].value);
	jw_close(&w);
	return str_keep(&s, a);
}

static int
add(struct run *r, const void *opts)
{
	struct arena		*a = r->cx.a;
	const char		*file = r->operand[0], *why;
	struct tool_file	 f = {
		.parameters = arena_strdup(a, NO_PARAMETERS), .method = arena_strdup(a, "GET"),
		.timeout = TIMEOUT,
	};
	struct str		 out = STR_INIT(0);
	struct tool		 t;
	struct jw		 w;
	int			 status;

	(void)opts;
	if ((status = input_object(r, file, &tool_file_fields, &f)) != EX_OK)
		return status;
	if ((why = wrong(r, &f)) != NULL)
		return input_wrong(r, file, "%s", why);
	t = (struct tool){
		.name = f.name, .description = f.description, .parameters = f.parameters,
		.method = f.method, .url = f.url, .headers = headers_json(a, &f),
		.secret_env = f.secret_env, .timeout_s = f.timeout,
	};
	if (tool_add(&r->cx, &t) == -1)
		return cmd_failed(r);
	if (r->json) {
		jw_open(&w, &out);
		jw_obj(&w, NULL);
		jw_idstr(&w, "id", t.id);
		jw_str(&w, "name", t.name);
		return cmd_print_json(r, &w);
	}
	str_printf(&out, "tool %s added, %lld\n", t.name, (long long)t.id);
	return cmd_print(r, &out);
}

static void
tool_json(struct jw *w, const struct tool *t)
{
	jw_idstr(w, "id", t->id);
	jw_str(w, "name", t->name);
	jw_str(w, "description", t->description);
	jw_raw(w, "parameters", t->parameters, strlen(t->parameters));
	jw_str(w, "method", t->method);
	jw_str(w, "url", t->url);
	jw_raw(w, "headers", t->headers, strlen(t->headers));
	jw_str(w, "secret_env", t->secret_env);
	jw_i64(w, "timeout", t->timeout_s);
}

static int
list(struct run *r, const void *opts)
{
	struct arena	*a = r->cx.a;
	struct str	 out = STR_INIT(0);
	struct table	 table;
	struct tool	*t;
	struct jw	 w;
	size_t		 n;

	(void)opts;
	if (tool_list(&r->cx, &t, &n) == -1)
		return cmd_failed(r);
	if (r->json) {
		jw_open(&w, &out);
		jw_arr(&w, NULL);
		for (size_t i = 0; i < n; i++) {
			jw_obj(&w, NULL);
			tool_json(&w, &t[i]);
			jw_end(&w);
		}
		return cmd_print_json(r, &w);
	}
	table_begin(&table, a, "ID|NAME|METHOD|URL|SECRET|>SECONDS");
	for (size_t i = 0; i < n; i++)
		table_row(&table, (const char *[]){ arena_printf(a, "%lld", (long long)t[i].id),
		    t[i].name, t[i].method, t[i].url, t[i].secret_env,
		    arena_printf(a, "%d", t[i].timeout_s) });
	table_end(&table, &out);
	if (n == 0)
		str_puts(&out, "no tool yet: see parley tool add --help\n");
	return cmd_print(r, &out);
}

static int
take_out(struct run *r, const void *opts)
{
	const struct tool	*t;
	struct str		 out = STR_INIT(0);

	(void)opts;
	if ((t = tool_get(&r->cx, r->operand[0])) == NULL || tool_remove(&r->cx, t->id) == -1)
		return cmd_failed(r);
	str_printf(&out, "tool %s removed\n", t->name);
	return cmd_print(r, &out);
}

const struct cmd cmd_tool_add = {
	.name = "tool add",
	.operands = "FILE.json",
	.least = 1, .most = 1,
	.help = "registers an HTTP call that models may choose",
	.more =
	    "The file holds one object (- is standard input): name and description for\n"
	    "models; parameters, a JSON Schema of the arguments; method (GET); url, in which\n"
	    "{argument} stands for one; headers; secret_env, the environment variable of the\n"
	    "service that holds a bearer token; timeout in seconds (10).\n"
	    "\n"
	    "  {\"name\": \"weather\", \"description\": \"Weather of a city\",\n"
	    "   \"parameters\": {\"type\": \"object\", \"required\": [\"city\"],\n"
	    "                  \"properties\": {\"city\": {\"type\": \"string\"}}},\n"
	    "   \"url\": \"https://api.example.org/weather/{city}\"}\n",
	.flags = CMD_SCHEMA | CMD_IDS | CMD_JSON,
	.fn = add,
};

const struct cmd cmd_tool_list = {
	.name = "tool list",
	.operands = "",
	.help = "shows every tool",
	.flags = CMD_SCHEMA | CMD_JSON,
	.fn = list,
};

const struct cmd cmd_tool_remove = {
	.name = "tool remove",
	.operands = "ID",
	.least = 1, .most = 1,
	.help = "removes a tool, by id or name, from assistants too",
	.flags = CMD_SCHEMA,
	.fn = take_out,
};
