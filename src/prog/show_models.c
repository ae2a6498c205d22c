/* parley show models: each model with what the workers of this host know of its health. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "cmd.h"
#include "model_cmd.h"
#include "store/model.h"
#include "table.h"
#include "upstream/health.h"

struct reports {
	struct health_report	v[HEALTH_MODELS];
	size_t			n;
};

static void
collect(void *arg, const struct health_report *r)
{
	struct reports	*all = arg;

	all->v[all->n++] = *r;
}

/* The model's; of one never asked all is 0 and its breaker closed. */
static const struct health_report *
report_of(const struct reports *all, int64_t model)
{
	static const struct health_report	 none;

	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].model == model)
			return &all->v[i];
	return &none;
}

/* Calls that failed by the model's fault or ours; not those that we let go. */
static uint64_t
failed(const struct health_report *h)
{
	uint64_t	 n = 0;

	for (int f = 0; f < FAULT_KINDS; f++)
		if (f != FAULT_NONE && f != FAULT_LEFT)
			n += h->ended[f];
	return n;
}

static void
health_json(struct jw *w, const struct health_report *h)
{
	jw_obj(w, "health");
	jw_str(w, "breaker", breaker_state_name(h->breaker));
	jw_i64(w, "wait_ms", h->wait_ms);
	jw_i64(w, "in_flight", h->in_flight);
	jw_i64(w, "asked", (int64_t)h->asked);
	jw_i64(w, "failed", (int64_t)failed(h));
	jw_obj(w, "ended");
	for (int f = 0; f < FAULT_KINDS; f++)
		jw_i64(w, fault_rule((enum fault)f)->name, (int64_t)h->ended[f]);
	jw_end(w);
	for (int i = 0; i < HEALTH_NOTES; i++)
		jw_i64(w, health_note_name((enum health_note)i), (int64_t)h->notes[i]);
	jw_i64(w, "first_tokens", (int64_t)h->firsts);
	jw_i64(w, "first_token_ms", (int64_t)h->first_ms);
	jw_end(w);
}

static int
print_json(struct run *r, const struct model *m, size_t n, const struct reports *all)
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
		health_json(&w, report_of(all, m[i].id));
		jw_end(&w);
	}
	return cmd_print_json(r, &w);
}

static const char *
number(struct arena *a, uint64_t n)
{
	return n > 0 ? arena_printf(a, "%" PRIu64, n) : NULL;
}

static const char *
breaker(struct arena *a, const struct health_report *h)
{
	if (h->breaker != BREAKER_OPEN)
		return breaker_state_name(h->breaker);
	return arena_printf(a, "open, %" PRId64 " s", (h->wait_ms + 999) / 1000);
}

static const char *
calls(struct arena *a, const struct health_report *h, const struct model *m)
{
	if (m->concurrency == 0)
		return arena_printf(a, "%d", h->in_flight);
	return arena_printf(a, "%d of %d", h->in_flight, m->concurrency);
}

static const char *
first_token(struct arena *a, const struct health_report *h)
{
	if (h->firsts == 0)
		return NULL;
	return arena_printf(a, "%.2f s", (double)h->first_ms / (double)h->firsts / 1000);
}

static int
print_table(struct run *r, const struct model *m, size_t n, const struct reports *all)
{
	struct arena	*a = r->cx.a;
	struct str	 out = STR_INIT(0);
	struct table	 t;

	table_begin(&t, a, "CODE|ENABLED|BREAKER|>RUNNING|>ASKED|>FAILED|>AGAIN|>ELSEWHERE|"
	    ">REFUSED|>QUEUED|>CROWDED|>FIRST TOKEN");
	for (size_t i = 0; i < n; i++) {
		const struct health_report	*h = report_of(all, m[i].id);

		table_row(&t, (const char *[]){ m[i].code, yes_no(m[i].enabled), breaker(a, h),
		    calls(a, h, &m[i]), number(a, h->asked), number(a, failed(h)),
		    number(a, h->notes[HEALTH_RETRIED]), number(a, h->notes[HEALTH_FAILED_OVER]),
		    number(a, h->notes[HEALTH_REFUSED]), number(a, h->notes[HEALTH_QUEUED]),
		    number(a, h->notes[HEALTH_CROWDED]), first_token(a, h) });
	}
	table_end(&t, &out);
	if (n == 0)
		str_puts(&out, "no model yet: see parley model add --help\n");
	return cmd_print(r, &out);
}

static int
show_models(struct run *r, const void *opts)
{
	const char	*dir = r->cx.conf->state_dir;
	struct reports	*all = arena_get(r->cx.a, sizeof(*all));
	struct model	*m;
	size_t		 n;

	(void)opts;
	if (model_list(&r->cx, false, &m, &n) == -1)
		return cmd_failed(r);
	if (health_list(dir, collect, all) == -1 && errno != ENOENT)
		return cmd_error(r, EX_NOPERM, "%s/health: %s: run it as the service's user, or as "
		    "root", dir, strerror(errno));
	return r->json ? print_json(r, m, n, all) : print_table(r, m, n, all);
}

const struct cmd cmd_show_models = {
	.name = "show models",
	.operands = "",
	.help = "how every model fares: breaker, running calls, failures",
	.more =
	    "Counted on this host since the service was started.\n",
	.flags = CMD_SCHEMA | CMD_JSON,
	.fn = show_models,
};
