/* parley user list, erase */
#include <inttypes.h>
#include <sysexits.h>

#include "base/clock.h"
#include "cmd.h"
#include "core/forget.h"
#include "input.h"
#include "store/user.h"
#include "table.h"

struct user_opts {
	const char	*tenant;
};

static const struct opt list_options[] = {
	OPT(user_opts, OPT_STR, MAY_COME, tenant, "tenant", "TENANT", 0, 0, "only that one's"),
	OPT_END
};

static const struct opt erase_options[] = {
	OPT(user_opts, OPT_STR, MAY_COME, tenant, "tenant", "TENANT", 0, 0,
	    "of the user, in place of `default`"),
	OPT_END
};

/* ---- list ------------------------------------------------------------------------------------ */

static void
user_json(struct jw *w, const struct listed_user *u)
{
	char	 since[32];

	clock_rfc3339(since, sizeof(since), u->created_ms);
	jw_obj(w, NULL);
	jw_idstr(w, "id", u->id);
	jw_str(w, "tenant", u->tenant);
	jw_str(w, "user", u->subject);
	jw_str(w, "name", u->name);
	jw_i64(w, "sessions", u->sessions);
	jw_i64(w, "documents", u->documents);
	jw_i64(w, "keys", u->keys);
	jw_str(w, "since", since);
	jw_end(w);
}

static void
user_row(struct table *t, struct run *r, const struct listed_user *u)
{
	struct arena	*a = r->cx.a;
	char		*since = arena_get(a, 32);

	clock_format(since, 32, u->created_ms, r->cx.conf->timezone);
	table_row(t, (const char *[]){ u->subject, u->tenant, u->name,
	    arena_printf(a, "%" PRId64, u->sessions), arena_printf(a, "%" PRId64, u->documents),
	    arena_printf(a, "%" PRId64, u->keys), since });
}

static int
list_json(struct run *r, const struct listed_user *v, size_t n)
{
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &out);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++)
		user_json(&w, &v[i]);
	return cmd_print_json(r, &w);
}

static int
list_table(struct run *r, const struct listed_user *v, size_t n)
{
	struct str	 out = STR_INIT(0);
	struct table	 t;

	table_begin(&t, r->cx.a, "USER|TENANT|NAME|>SESSIONS|>DOCUMENTS|>KEYS|SINCE");
	for (size_t i = 0; i < n; i++)
		user_row(&t, r, &v[i]);
	table_end(&t, &out);
	if (n == 0)
		str_puts(&out, "no user yet: whoever calls first is one\n");
	return cmd_print(r, &out);
}

static int
list(struct run *r, const void *opts)
{
	const struct user_opts	*o = opts;
	struct listed_user	*v;
	int64_t			 tenant = 0;
	size_t			 n;
	int			 status;

	if (o->tenant != NULL && (status = input_tenant(r, o->tenant, &tenant)) != EX_OK)
		return status;
	if (user_list(&r->cx, tenant, &v, &n) == -1)
		return cmd_failed(r);
	return r->json ? list_json(r, v, n) : list_table(r, v, n);
}

/* ---- erase ----------------------------------------------------------------------------------- */

static const struct figure {
	const char	*name;
	size_t		 offset;
} figures[] = {
	{ "sessions",	offsetof(struct erased, sessions) },
	{ "questions",	offsetof(struct erased, questions) },
	{ "answers",	offsetof(struct erased, answers) },
	{ "votes",	offsetof(struct erased, votes) },
	{ "ratings",	offsetof(struct erased, ratings) },
	{ "tasks",	offsetof(struct erased, tasks) },
	{ "documents",	offsetof(struct erased, documents) },
	{ "datasets",	offsetof(struct erased, datasets) },
	{ "contacts",	offsetof(struct erased, contacts) },
	{ "keys",	offsetof(struct erased, keys) },
};

#define FIGURES	(sizeof(figures) / sizeof(figures[0]))

static int64_t
value(const struct erased *e, const struct figure *f)
{
	return *(const int64_t *)(const void *)((const char *)e + f->offset);
}

static int
report(struct run *r, const struct erased *e)
{
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	if (r->json) {
		jw_open(&w, &out);
		jw_obj(&w, NULL);
		for (size_t i = 0; i < FIGURES; i++)
			jw_i64(&w, figures[i].name, value(e, &figures[i]));
		jw_close(&w);
	} else {
		str_printf(&out, "user %s is erased:", r->operand[0]);
		for (size_t i = 0; i < FIGURES; i++)
			str_printf(&out, "%s %" PRId64 " %s", i > 0 ? "," : "",
			    value(e, &figures[i]), figures[i].name);
	}
	str_putc(&out, '\n');
	return cmd_print(r, &out);
}

static int
erase(struct run *r, const void *opts)
{
	const struct user_opts	*o = opts;
	const struct user	*u;
	struct erased		 e = { 0 };
	int64_t			 tenant;
	int			 status;

	if ((status = input_tenant(r, o->tenant, &tenant)) != EX_OK)
		return status;
	if ((u = user_find(&r->cx, tenant, r->operand[0])) == NULL)
		return r->cx.fail.kind != F_NONE ? cmd_failed(r) : cmd_error(r, EX_NOINPUT,
		    "there is no user %s: see parley user list", r->operand[0]);
	return forget_user(&r->cx, u->id, &e) == -1 ? cmd_failed(r) : report(r, &e);
}

const struct cmd cmd_user_list = {
	.name = "user list",
	.operands = "",
	.help = "shows every user with what is theirs",
	.flags = CMD_SCHEMA | CMD_JSON,
	.opts = list_options,
	.size = sizeof(struct user_opts),
	.fn = list,
};

const struct cmd cmd_user_erase = {
	.name = "user erase",
	.operands = "USER",
	.least = 1, .most = 1,
	.help = "removes a user with all that they said, for good",
	.more =
	    "What runs is stopped, their keys are revoked; then conversations, documents,\n"
	    "datasets, tasks, votes, contacts and keys go, and the user. What it all cost stays\n"
	    "in the books, without a word or a name. USER is what the gateway, the token or the\n"
	    "key calls them. An erasure that was cut off is simply run again.\n",
	.flags = CMD_SCHEMA | CMD_IDS | CMD_JSON,
	.opts = erase_options,
	.size = sizeof(struct user_opts),
	.fn = erase,
};
