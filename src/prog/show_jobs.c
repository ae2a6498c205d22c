/* parley show jobs */
#include <inttypes.h>

#include "cmd.h"
#include "store/job.h"
#include "table.h"

#define MOST	1000	/* rows */

static const char *
state_of(const struct job_row *j)
{
	return j->running ? "running" : j->wait_ms > 0 ? "put off" : "waiting";
}

static int
print_json(struct run *r, const struct job_row *v, size_t n)
{
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &out);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_idstr(&w, "id", v[i].id);
		jw_str(&w, "kind", v[i].kind);
		jw_idstr(&w, "ref", v[i].ref);
		jw_str(&w, "about", v[i].about);
		jw_str(&w, "state", state_of(&v[i]));
		jw_i64(&w, "tries", v[i].tries);
		jw_i64(&w, "lost", v[i].lost);
		jw_time(&w, "since", v[i].created_ms);
		jw_i64(&w, "wait", v[i].running ? 0 : (v[i].wait_ms + 999) / 1000);
		jw_end(&w);
	}
	return cmd_print_json(r, &w);
}

static int
print_table(struct run *r, const struct job_row *v, size_t n)
{
	struct arena	*a = r->cx.a;
	struct str	 out = STR_INIT(0);
	struct table	 t;

	table_begin(&t, a, "JOB|KIND|OF|ABOUT|STATE|>TRIES|SINCE|>WAITS");
	for (size_t i = 0; i < n; i++)
		table_row(&t, (const char *[]){ arena_printf(a, "%" PRId64, v[i].id), v[i].kind,
		    arena_printf(a, "%" PRId64, v[i].ref), v[i].about, state_of(&v[i]),
		    arena_printf(a, "%" PRId64, v[i].tries), cmd_time(r, v[i].created_ms),
		    v[i].running || v[i].wait_ms == 0 ? NULL :
		    arena_printf(a, "%" PRId64 " s", (v[i].wait_ms + 999) / 1000) });
	table_end(&t, &out);
	if (n == 0)
		str_puts(&out, "nothing waits\n");
	return cmd_print(r, &out);
}

static int
show_jobs(struct run *r, const void *opts)
{
	struct job_row	*v;
	size_t		 n;

	(void)opts;
	if (job_list(&r->cx, MOST, &v, &n) == -1)
		return cmd_failed(r);
	return r->json ? print_json(r, v, n) : print_table(r, v, n);
}

const struct cmd cmd_show_jobs = {
	.name = "show jobs",
	.operands = "",
	.help = "the work of the background: what is being done, and what waits",
	.more =
	    "In the order in which it is begun, at most 1000. What is done, or has failed,\n"
	    "is not there: a document's state says how that ended.\n",
	.flags = CMD_SCHEMA | CMD_JSON,
	.fn = show_jobs,
};
