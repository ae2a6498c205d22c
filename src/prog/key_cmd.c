/* parley key add, list, set, revoke */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/ident.h"
#include "base/limit.h"
#include "base/utf8.h"
#include "cmd.h"
#include "core/engine.h"
#include "core/who.h"
#include "input.h"
#include "store/api_key.h"
#include "store/user.h"
#include "table.h"

#define NAME_MOST	190		/* characters */
#define CALLS_MOST	1000000000000
#define DIGITS		"0123456789"
#define NONE		"none"		/* lifts a limit */

struct key_limits {			/* NULL: not said */
	const char	*allowance, *calls, *rate, *assistant;
};

struct key_add {
	const char		*tenant, *user, *name;
	struct key_limits	 limits;
};

struct key_list {
	const char	*tenant;
};

#define LIMIT_OPTIONS(st, prefix) \
	OPT(st, OPT_STR, MAY_COME, prefix allowance, "allowance", "AMOUNT", 0, 0, \
	    "money that it may spend in all, in the unit of the prices"), \
	OPT(st, OPT_STR, MAY_COME, prefix calls, "calls", "N", 0, 0, \
	    "turns that it may begin in all"), \
	OPT(st, OPT_STR, MAY_COME, prefix rate, "rate", "N", 0, 0, "requests per second"), \
	OPT(st, OPT_STR, MAY_COME, prefix assistant, "assistant", "ID", 0, 0, \
	    "whom it asks where none is named"), \
	OPT_END

static const struct opt add_options[] = {
	OPT(key_add, OPT_STR, MUST_COME, user, "user", "USER", 0, 0,
	    "in whose name it calls; made where there is none"),
	OPT(key_add, OPT_STR, MAY_COME, tenant, "tenant", "TENANT", 0, 0,
	    "in place of `default`"),
	OPT(key_add, OPT_STR, MAY_COME, name, "name", "NAME", 0, 0, "what it is for"),
	LIMIT_OPTIONS(key_add, limits.)
};

static const struct opt set_options[] = {
	LIMIT_OPTIONS(key_limits, )
};

static const struct opt list_options[] = {
	OPT(key_list, OPT_STR, MAY_COME, tenant, "tenant", "TENANT", 0, 0, "only that one's"),
	OPT_END
};

/* ---- what is said of a key ------------------------------------------------------------------- */

/* A number up to `most`; "none": 0. */
static bool
read_number(const char *s, long long most, int64_t *n)
{
	char	*end;

	*n = 0;
	if (strcmp(s, NONE) == 0)
		return true;
	errno = 0;
	*n = strtoll(s, &end, 10);
	return errno == 0 && strchr(DIGITS, *s) != NULL && *end == '\0' && *n >= 1 && *n <= most;
}

/* Puts what was said into the key. An exit status. */
static int
read_limits(struct run *r, const struct key_limits *l, struct api_key *k)
{
	int64_t	 n;

	if (l->allowance != NULL) {
		if (strcmp(l->allowance, NONE) != 0 && !input_is_amount(l->allowance))
			return cmd_error(r, EX_USAGE, "--allowance takes an amount such as 12.50, "
			    "or none, not `%s`", l->allowance);
		k->allowance = strcmp(l->allowance, NONE) == 0 ? NULL :
		    arena_strdup(r->cx.a, l->allowance);
	}
	if (l->calls != NULL && !read_number(l->calls, CALLS_MOST, &k->calls))
		return cmd_error(r, EX_USAGE, "--calls takes a number from 1, or none, not `%s`",
		    l->calls);
	if (l->rate != NULL) {
		if (!read_number(l->rate, LIMIT_WINDOW_MOST, &n))
			return cmd_error(r, EX_USAGE, "--rate takes a number from 1 to %d, or "
			    "none, not `%s`", LIMIT_WINDOW_MOST, l->rate);
		k->rate = (int)n;
	}
	if (l->assistant != NULL && strcmp(l->assistant, NONE) == 0)
		k->assistant = 0;
	else if (l->assistant != NULL) {
		if (!ident_parse(l->assistant, &k->assistant))
			return cmd_error(r, EX_USAGE, "--assistant takes an id, or none, not `%s`",
			    l->assistant);
		if (api_key_may_ask(&r->cx, k->tenant, k->assistant) == -1)
			return cmd_failed(r);
	}
	return EX_OK;
}

/* The tenant of that name; NULL: the default one. An exit status. */
static int
find_tenant(struct run *r, const char *name, int64_t *id)
{
	*id = TENANT_DEFAULT;
	if (name == NULL)
		return EX_OK;
	if ((*id = tenant_by_name(&r->cx, name)) == -1)
		return cmd_failed(r);
	if (*id == 0)
		return cmd_error(r, EX_NOINPUT, "there is no tenant %s: see parley tenant list",
		    name);
	return EX_OK;
}

/* The key that the operand names. An exit status. */
static int
find_key(struct run *r, struct api_key **k)
{
	int64_t	 id;

	if (!ident_parse(r->operand[0], &id))
		return cmd_error(r, EX_USAGE, "ID is a number that `parley key list` prints, "
		    "not `%s`", r->operand[0]);
	return (*k = api_key_get(&r->cx, id)) != NULL ? EX_OK : cmd_failed(r);
}

/* ---- add ------------------------------------------------------------------------------------- */

static int
check_add(struct run *r, const struct key_add *o)
{
	if (!who_subject_ok(o->user))
		return cmd_error(r, EX_USAGE, "--user takes what users are called, up to %d "
		    "characters, not `%s`", WHO_SUBJECT_MAX, o->user);
	if (o->name != NULL && utf8_length(o->name, strlen(o->name)) > NAME_MOST)
		return cmd_error(r, EX_USAGE, "--name takes up to %d characters", NAME_MOST);
	return EX_OK;
}

static int
add(struct run *r, const void *opts)
{
	const struct key_add	*o = opts;
	struct api_key		 k = {
		.name = arena_strdup(r->cx.a, o->name != NULL ? o->name : ""),
	};
	struct str		 out = STR_INIT(0);
	const struct user	*u;
	struct jw		 w;
	char			 key[API_KEY_SIZE];
	int			 status;

	if ((status = check_add(r, o)) != EX_OK ||
	    (status = find_tenant(r, o->tenant, &k.tenant)) != EX_OK ||
	    (status = read_limits(r, &o->limits, &k)) != EX_OK)
		return status;
	if ((u = user_ensure(&r->cx, k.tenant, o->user, NULL, NULL)) == NULL)
		return cmd_failed(r);
	k.user = u->id;
	if (api_key_add(&r->cx, &k, key) == -1)
		return cmd_failed(r);
	if (r->json) {
		jw_open(&w, &out);
		jw_obj(&w, NULL);
		jw_idstr(&w, "id", k.id);
		jw_str(&w, "key", key);
		return cmd_print_json(r, &w);
	}
	str_printf(&out, "%s\n", key);
	return cmd_print(r, &out);
}

/* ---- list ------------------------------------------------------------------------------------ */

static const char *
number(struct arena *a, int64_t n)
{
	return n != 0 ? arena_printf(a, "%" PRId64, n) : NULL;
}

/* "3", or "3/100" where there is a limit. */
static const char *
calls(struct arena *a, const struct api_key *k)
{
	if (k->calls == 0)
		return arena_printf(a, "%" PRId64, k->called);
	return arena_printf(a, "%" PRId64 "/%" PRId64, k->called, k->calls);
}

static void
amount_json(struct jw *w, const char *name, const char *decimal)
{
	if (decimal != NULL)
		jw_raw(w, name, decimal, strlen(decimal));
	else
		jw_null(w, name);
}

static void
key_json(struct jw *w, const struct api_key *k)
{
	char	 since[32];

	clock_rfc3339(since, sizeof(since), k->created_ms);
	jw_obj(w, NULL);
	jw_idstr(w, "id", k->id);
	jw_str(w, "begins", k->shown);
	jw_str(w, "name", k->name);
	jw_str(w, "tenant", k->tenant_name);
	jw_str(w, "user", k->subject);
	amount_json(w, "allowance", k->allowance);
	amount_json(w, "spent", k->spent);
	amount_json(w, "reserved", k->reserved);
	amount_json(w, "left", k->left);
	jw_i64(w, "calls", k->calls);
	jw_i64(w, "called", k->called);
	jw_i64(w, "rate", k->rate);
	if (k->assistant != 0)
		jw_idstr(w, "assistant", k->assistant);
	else
		jw_null(w, "assistant");
	jw_str(w, "since", since);
	jw_bool(w, "revoked", k->revoked_ms != 0);
	jw_end(w);
}

static void
key_row(struct table *t, struct run *r, const struct api_key *k)
{
	struct arena	*a = r->cx.a;
	char		*since = arena_get(a, 32);

	clock_format(since, 32, k->created_ms, r->cx.conf->timezone);
	table_row(t, (const char *[]){ number(a, k->id), k->shown, k->name, k->tenant_name,
	    k->subject, k->allowance != NULL ? table_money(a, k->allowance) : NULL,
	    table_money(a, k->spent), table_money(a, k->reserved), calls(a, k),
	    number(a, k->rate), since, k->revoked_ms != 0 ? "revoked" : "counts" });
}

static int
list_json(struct run *r, const struct api_key *v, size_t n)
{
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &out);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++)
		key_json(&w, &v[i]);
	return cmd_print_json(r, &w);
}

static int
list_table(struct run *r, const struct api_key *v, size_t n)
{
	struct str	 out = STR_INIT(0);
	struct table	 t;

	table_begin(&t, r->cx.a, "ID|KEY|NAME|TENANT|USER|>ALLOWANCE|>SPENT|>RESERVED|>CALLS|>RATE|"
	    "SINCE|STATE");
	for (size_t i = 0; i < n; i++)
		key_row(&t, r, &v[i]);
	table_end(&t, &out);
	if (n == 0)
		str_puts(&out, "no key yet: see parley key add --help\n");
	return cmd_print(r, &out);
}

static int
list(struct run *r, const void *opts)
{
	const struct key_list	*o = opts;
	struct api_key		*v;
	int64_t			 tenant;
	size_t			 n;
	int			 status;

	if ((status = find_tenant(r, o->tenant, &tenant)) != EX_OK)
		return status;
	if (api_key_list(&r->cx, o->tenant != NULL ? tenant : 0, &v, &n) == -1)
		return cmd_failed(r);
	return r->json ? list_json(r, v, n) : list_table(r, v, n);
}

/* ---- set, revoke ----------------------------------------------------------------------------- */

static int
set(struct run *r, const void *opts)
{
	struct str	 out = STR_INIT(0);
	struct api_key	*k;
	int		 status;

	if ((status = find_key(r, &k)) != EX_OK || (status = read_limits(r, opts, k)) != EX_OK)
		return status;
	if (api_key_limit(&r->cx, k) == -1)
		return cmd_failed(r);
	str_printf(&out, "key %s is set\n", r->operand[0]);
	return cmd_print(r, &out);
}

/*
 * Nothing begins with a key that is revoked, for each beginning looks at its row: what runs with it
 * once it is can be found.
 */
static int
revoke(struct run *r, const void *opts)
{
	struct str	 out = STR_INIT(0);
	struct api_key	*k;
	int64_t		*turns;
	size_t		 n;
	int		 status, stopped = 0, asked;

	(void)opts;
	if ((status = find_key(r, &k)) != EX_OK)
		return status;
	if (api_key_revoke(&r->cx, k->id) == -1 || api_key_turns(&r->cx, k->id, &turns, &n) == -1)
		return cmd_failed(r);
	for (size_t i = 0; i < n; i++) {
		if ((asked = engine_stop_turn(&r->cx, NULL, turns[i], 0)) == -1)
			return cmd_failed(r);
		stopped += asked;
	}
	str_printf(&out, "key %s is revoked, %d running turns are stopped\n", r->operand[0],
	    stopped);
	return cmd_print(r, &out);
}

const struct cmd cmd_key_add = {
	.name = "key add",
	.operands = "",
	.help = "makes an API key, and prints it this once",
	.more =
	    "Only a hash of the key is stored. A limit that is not named, or is `none`, is\n"
	    "not there.\n"
	    "\n"
	    "  parley key add --user reports --allowance 20 --rate 5\n",
	.flags = CMD_SCHEMA | CMD_IDS | CMD_JSON,
	.opts = add_options,
	.size = sizeof(struct key_add),
	.fn = add,
};

const struct cmd cmd_key_list = {
	.name = "key list",
	.operands = "",
	.help = "shows every key with its limits and what it has spent",
	.flags = CMD_SCHEMA | CMD_JSON,
	.opts = list_options,
	.size = sizeof(struct key_list),
	.fn = list,
};

const struct cmd cmd_key_set = {
	.name = "key set",
	.operands = "ID",
	.least = 1, .most = 1,
	.help = "changes limits of a key; `none` lifts one",
	.flags = CMD_SCHEMA,
	.opts = set_options,
	.size = sizeof(struct key_limits),
	.fn = set,
};

const struct cmd cmd_key_revoke = {
	.name = "key revoke",
	.operands = "ID",
	.least = 1, .most = 1,
	.help = "ends a key for good, and what runs with it",
	.flags = CMD_SCHEMA,
	.fn = revoke,
};
