/* parley show usage */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/zone.h"
#include "cmd.h"
#include "store/report.h"
#include "table.h"

#define DAYS		14
#define DAY_S		86400
#define BAR		24	/* columns of the longest bar */

struct usage_opts {
	int	days;
};

static const struct opt usage_options[] = {
	OPT(usage_opts, OPT_INT, MAY_COME, days, "days", "N", 1, 3660, "how many, with today (14)"),
	OPT_END
};

/* What one model did for one key on one day, both as they are shown. */
struct line {
	const char	*day;
	struct usage	 u;
};

struct lines {
	struct line	*v;
	size_t		 n;
};

static int64_t
tokens(const struct usage *u)
{
	return u->prompt_tokens + u->completion_tokens;
}

static int
one_day(struct run *r, const struct zone *zone, int64_t midnight, struct lines *all)
{
	const int64_t	 from = zone_utc(zone, midnight) * 1000;
	const int64_t	 to = zone_utc(zone, midnight + DAY_S) * 1000;
	struct usage	*u;
	size_t		 n;
	char		*day;

	if (report_usage(&r->cx, from, to, &u, &n) == -1)
		return -1;
	day = cmd_time(r, from);
	day[strlen("2026-01-01")] = '\0';
	all->v = xrealloc(all->v, (all->n + n + 1) * sizeof(*all->v));
	for (size_t i = 0; i < n; i++)
		all->v[all->n++] = (struct line){ day, u[i] };
	return 0;
}

static int
usage_json(struct run *r, const struct lines *all)
{
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &out);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < all->n; i++) {
		const struct usage	*u = &all->v[i].u;

		jw_obj(&w, NULL);
		jw_str(&w, "day", all->v[i].day);
		if (u->api_key != 0)
			jw_idstr(&w, "key", u->api_key);
		else
			jw_null(&w, "key");
		jw_str(&w, "key_name", u->key_name);
		jw_str(&w, "model", u->model);
		jw_i64(&w, "answers", u->answers);
		jw_i64(&w, "failed", u->failed);
		jw_i64(&w, "prompt_tokens", u->prompt_tokens);
		jw_i64(&w, "completion_tokens", u->completion_tokens);
		jw_i64(&w, "estimated", u->estimated);
		jw_raw(&w, "cost", u->cost, strlen(u->cost));
		jw_end(&w);
	}
	return cmd_print_json(r, &w);
}

static const char *
number(struct arena *a, int64_t n)
{
	return arena_printf(a, "%" PRId64, n);
}

/* The bar is for a terminal alone. */
static int
usage_table(struct run *r, const struct lines *all)
{
	static const char	 bar[] = "########################";
	struct arena		*a = r->cx.a;
	struct str		 out = STR_INIT(0);
	struct table		 t;
	int64_t			 most = 1;
	bool			 bars = isatty(STDOUT_FILENO);

	for (size_t i = 0; i < all->n; i++)
		if (tokens(&all->v[i].u) > most)
			most = tokens(&all->v[i].u);
	table_begin(&t, a, bars ? "DAY|KEY|MODEL|>ANSWERS|>FAILED|>TOKENS IN|>OUT|>COST|" :
	    "DAY|KEY|MODEL|>ANSWERS|>FAILED|>TOKENS IN|>OUT|>COST");
	for (size_t i = 0; i < all->n; i++) {
		const struct usage	*u = &all->v[i].u;
		const int		 length = (int)(tokens(u) * BAR / most);
		const bool		 again = i > 0 && all->v[i].day == all->v[i - 1].day;

		table_row(&t, (const char *[]){ again ? "" : all->v[i].day, u->key_name, u->model,
		    number(a, u->answers), number(a, u->failed), number(a, u->prompt_tokens),
		    arena_printf(a, "%" PRId64 "%s", u->completion_tokens,
			u->estimated > 0 ? "~" : ""),
		    table_money(a, u->cost), arena_printf(a, "%.*s", length, bar) });
	}
	table_end(&t, &out);
	if (all->n == 0)
		str_puts(&out, "no answers yet\n");
	return cmd_print(r, &out);
}

static int
show_usage(struct run *r, const void *opts)
{
	const struct usage_opts	*o = opts;
	const struct zone	*zone = zone_find(r->cx.conf->timezone);
	const int64_t		 now = r->cx.now / 1000;
	const int64_t		 local = now + zone_offset(zone, now);
	const int		 days = o->days != 0 ? o->days : DAYS;
	struct lines		 all = { 0 };
	int			 status = 0;

	for (int i = days - 1; i >= 0 && status == 0; i--)
		if (one_day(r, zone, local - local % DAY_S - (int64_t)i * DAY_S, &all) == -1)
			status = cmd_failed(r);
	if (status == 0)
		status = r->json ? usage_json(r, &all) : usage_table(r, &all);
	free(all.v);
	return status;
}

const struct cmd cmd_show_usage = {
	.name = "show usage",
	.operands = "",
	.help = "tokens and cost by day, key and model",
	.more =
	    "Days are those of the setting `timezone`. Answers that still run do not count.\n"
	    "KEY is what the API key is for, or how it begins; -: asked without one.\n"
	    "~: some of the tokens are an estimate, because the upstream did not count\n"
	    "them.\n",
	.flags = CMD_SCHEMA | CMD_JSON,
	.opts = usage_options,
	.size = sizeof(struct usage_opts),
	.fn = show_usage,
};
