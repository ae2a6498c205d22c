/* parley model add */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd.h"
#include "store/model.h"

#define CODE_MOST	64
#define LETTERS		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define CODE_CHARS	LETTERS "._:/-"
#define ENV_CHARS	LETTERS "_"
#define TOKENS_MOST	100000000
#define SECONDS_MOST	86400

struct model_add {
	const char	*name, *url, *upstream_name, *kind, *key_env, *key_file, *logo;
	double		 price_in, price_out;
	bool		 arena;
	struct strs	 fallbacks;
	int		 context, max_tokens, connect, first_token, idle, total, concurrency;
};

static const struct opt add_options[] = {
	OPT(model_add, OPT_STR, MUST_COME, name, "name", "NAME", 0, 0, "for display"),
	OPT(model_add, OPT_STR, MUST_COME, url, "url", "BASE", 0, 0,
	    "address of the upstream's API, with its /v1"),
	OPT(model_add, OPT_STR, MUST_COME, upstream_name, "upstream-name", "MODEL", 0, 0,
	    "what the upstream calls it"),
	OPT(model_add, OPT_WORD, MAY_COME, kind, "kind", "chat|image|audio|embedding", 0, 0,
	    "what it is asked for (chat)"),
	OPT(model_add, OPT_STR, MAY_COME, key_env, "key-env", "VAR", 0, 0,
	    "environment variable of the service that holds its key"),
	OPT(model_add, OPT_STR, MAY_COME, key_file, "key-file", "FILE", 0, 0,
	    "file that holds its key, readable by the service alone"),
	OPT(model_add, OPT_PRICE, MAY_COME, price_in, "price-in", "PRICE", 0, 0,
	    "of a million tokens read (0)"),
	OPT(model_add, OPT_PRICE, MAY_COME, price_out, "price-out", "PRICE", 0, 0,
	    "of a million tokens written (0)"),
	OPT(model_add, OPT_FLAG, MAY_COME, arena, "arena", NULL, 0, 0, "takes part in the arena"),
	OPT(model_add, OPT_STR, MAY_COME, logo, "logo", "URL", 0, 0, "address of its picture"),
	OPT(model_add, OPT_STRS, MAY_COME, fallbacks, "fallback", "CODE", 0, 0,
	    "model to be asked where this one fails"),
	OPT(model_add, OPT_INT, MAY_COME, context, "context", "TOKENS", 1, TOKENS_MOST,
	    "its window: older turns are left out to fit"),
	OPT(model_add, OPT_INT, MAY_COME, max_tokens, "max-tokens", "N", 1, TOKENS_MOST,
	    "most tokens of an answer"),
	OPT(model_add, OPT_SPAN, MAY_COME, connect, "connect", "SECONDS", 1, SECONDS_MOST,
	    "to connect, in place of connect_timeout"),
	OPT(model_add, OPT_SPAN, MAY_COME, first_token, "first-token", "SECONDS", 1, SECONDS_MOST,
	    "until its first token, in place of first_token_timeout"),
	OPT(model_add, OPT_SPAN, MAY_COME, idle, "idle", "SECONDS", 1, SECONDS_MOST,
	    "between two tokens, in place of idle_timeout"),
	OPT(model_add, OPT_SPAN, MAY_COME, total, "total", "SECONDS", 1, SECONDS_MOST,
	    "for a whole answer, in place of total_timeout"),
	OPT(model_add, OPT_INT, MAY_COME, concurrency, "concurrency", "N", 1, 100000,
	    "most calls at the same time"),
	OPT_END
};

/* NULL, or why this is no base address. Its trailing slashes are cut off. */
static const char *
url_wrong(char *url)
{
	size_t		 n = strlen(url);
	const char	*host;

	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		return "it has to begin with http:// or https://";
	host = strchr(url, ':') + 3;
	if (strcspn(host, "/:") == 0)
		return "it names no host";
	if (strpbrk(url, "?# \t\r\n") != NULL)
		return "it has to be a base address, without a query or spaces";
	if (strchr(host, '@') != NULL)
		return "a password has no place in it: use --key-env or --key-file";
	while (n > 0 && url[n - 1] == '/')
		url[--n] = '\0';
	return NULL;
}

/* The file as the service, which runs in another directory, will find it. */
static char *
whole_path(struct arena *a, const char *file)
{
	char	dir[PATH_MAX];

	if (*file == '/' || getcwd(dir, sizeof(dir)) == NULL)
		return arena_strdup(a, file);
	return arena_printf(a, "%s/%s", dir, file);
}

static int
check_add(struct run *r, const struct model_add *o, const struct model *m)
{
	const char	*wrong;

	if (*m->code == '\0' || strlen(m->code) > CODE_MOST ||
	    m->code[strspn(m->code, CODE_CHARS)] != '\0')
		return cmd_error(r, EX_USAGE, "`%s` is no code: up to %d letters, digits and "
		    "._:/-", m->code, CODE_MOST);
	if ((wrong = url_wrong(m->url)) != NULL)
		return cmd_error(r, EX_USAGE, "--url %s: %s", o->url, wrong);
	if (o->key_env != NULL && o->key_file != NULL)
		return cmd_error(r, EX_USAGE, "either --key-env or --key-file, not both");
	if (o->key_env != NULL && (o->key_env[strspn(o->key_env, ENV_CHARS)] != '\0' ||
	    strchr("0123456789", *o->key_env) != NULL))
		return cmd_error(r, EX_USAGE, "--key-env takes the name of a variable, not `%s` "
		    "(and a key that stood on a command line is a secret no more)", o->key_env);
	if (m->key_file != NULL && access(m->key_file, F_OK) == -1 && errno == ENOENT)
		return cmd_error(r, EX_NOINPUT, "--key-file %s: %s", m->key_file, strerror(errno));
	if (o->arena && strcmp(m->kind, "chat") != 0)
		return cmd_error(r, EX_USAGE, "--arena is for models of the kind chat");
	for (size_t i = 0; i < o->fallbacks.n; i++) {
		if (strcmp(o->fallbacks.v[i], m->code) == 0)
			return cmd_error(r, EX_USAGE, "--fallback %s: it cannot stand in for "
			    "itself", m->code);
		for (size_t k = 0; k < i; k++)
			if (strcmp(o->fallbacks.v[i], o->fallbacks.v[k]) == 0)
				return cmd_error(r, EX_USAGE, "--fallback %s came twice",
				    o->fallbacks.v[i]);
	}
	return EX_OK;
}

static int
add(struct run *r, const void *opts)
{
	const struct model_add	*o = opts;
	struct arena		*a = r->cx.a;
	struct model		 m = {
		.code = r->operand[0],
		.name = arena_strdup(a, o->name),
		.kind = arena_strdup(a, o->kind != NULL ? o->kind : "chat"),
		.url = arena_strdup(a, o->url),
		.upstream_name = arena_strdup(a, o->upstream_name),
		.key_env = arena_strdup(a, o->key_env),
		.key_file = o->key_file != NULL ? whole_path(a, o->key_file) : NULL,
		.price_in = o->price_in, .price_out = o->price_out,
		.arena = o->arena, .enabled = true,
		.logo = arena_strdup(a, o->logo),
		.context_tokens = o->context, .max_tokens = o->max_tokens,
		.connect_s = o->connect, .first_token_s = o->first_token,
		.idle_s = o->idle, .total_s = o->total,
		.concurrency = o->concurrency,
	};
	struct str		 out = STR_INIT(0);
	struct jw		 w;
	int			 status;

	if ((status = check_add(r, o, &m)) != EX_OK)
		return status;
	if (model_add(&r->cx, &m, o->fallbacks.v, o->fallbacks.n) == -1)
		return cmd_failed(r);
	if (r->json) {
		jw_open(&w, &out);
		jw_obj(&w, NULL);
		jw_idstr(&w, "id", m.id);
		jw_str(&w, "code", m.code);
		return cmd_print_json(r, &w);
	}
	str_printf(&out, "model %s added\n", m.code);
	return cmd_print(r, &out);
}

const struct cmd cmd_model_add = {
	.name = "model add",
	.operands = "CODE",
	.least = 1, .most = 1,
	.help = "registers an upstream model; CODE is what clients call it",
	.more =
	    "The key itself is never stored, only where the service finds it. Times are in\n"
	    "seconds, or with a unit: 90, 5m. The service sees a new model at once.\n"
	    "\n"
	    "  parley model add qwen --name 通义千问 --url https://api.example.org/v1 \\\n"
	    "      --upstream-name qwen-max --key-file /etc/parley/qwen.key --arena\n",
	.flags = CMD_SCHEMA | CMD_IDS | CMD_JSON,
	.opts = add_options,
	.size = sizeof(struct model_add),
	.fn = add,
};
