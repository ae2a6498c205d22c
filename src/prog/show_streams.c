/* parley show streams */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cmd.h"
#include "core/registry.h"
#include "core/spool_reader.h"
#include "store/report.h"
#include "table.h"

#define LONGEST_MS	(INT64_C(172800) * 1000)	/* no answer runs as long */

/* What this host's own files tell of a turn that the database says is running. */
struct pulse {
	int64_t	 turn, events, last_ms;
};

struct pulses {
	struct spool_reader	*reader;
	struct pulse		*v;
	size_t			 n;
};

static void
feel(void *arg, const struct registry_found *row)
{
	struct pulses		*p = arg;
	struct spool_record	 last;

	if (spool_reader_get(p->reader, row->worker, row->last, &last) == -1)
		return;
	p->v = xrealloc(p->v, (p->n + 1) * sizeof(*p->v));
	p->v[p->n++] = (struct pulse){ row->turn, last.event, last.at_ms };
}

/* Without state directory, or on another host than the turns: nothing. */
static void
feel_all(struct run *r, struct pulses *p)
{
	const char	*state = r->cx.conf->state_dir;

	p->reader = spool_reader_new(arena_printf(r->cx.a, "%s/spool", state));
	registry_list(state, feel, p);
	spool_reader_free(p->reader);
}

static const struct pulse *
pulse_of(const struct pulses *p, int64_t turn)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].turn == turn)
			return &p->v[i];
	return NULL;
}

static void
write_pulse(struct jw *w, const struct pulse *p)
{
	if (p == NULL) {
		jw_null(w, "events");
		jw_null(w, "last");
		return;
	}
	jw_i64(w, "events", p->events);
	jw_time(w, "last", p->last_ms);
}

static int
print_json(struct run *r, const struct running *v, size_t n, const struct pulses *pulses)
{
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &out);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_idstr(&w, "turn", v[i].turn);
		if (v[i].session != 0)
			jw_idstr(&w, "session", v[i].session);
		else
			jw_null(&w, "session");
		jw_i64(&w, "lane", v[i].lane);
		jw_str(&w, "model", v[i].model);
		jw_str(&w, "user", v[i].subject);
		jw_str(&w, "voice", v[i].voice);
		jw_time(&w, "since", v[i].created_ms);
		jw_idstr(&w, "worker", v[i].worker);
		write_pulse(&w, pulse_of(pulses, v[i].turn));
		jw_end(&w);
	}
	return cmd_print_json(r, &w);
}

static const char *
seconds(struct run *r, int64_t since_ms)
{
	int64_t	 ms = r->cx.now - since_ms;

	return arena_printf(r->cx.a, "%.1f s", (double)(ms > 0 ? ms : 0) / 1000);
}

static int
print_table(struct run *r, const struct running *v, size_t n, const struct pulses *pulses)
{
	struct arena	*a = r->cx.a;
	struct str	 out = STR_INIT(0);
	struct table	 t;

	table_begin(&t, a, "TURN|SESSION|>LANE|MODEL|USER|DIALECT|SINCE|>RUNS|WORKER|>EVENTS|"
	    ">QUIET");
	for (size_t i = 0; i < n; i++) {
		const struct pulse	*p = pulse_of(pulses, v[i].turn);

		table_row(&t, (const char *[]){ arena_printf(a, "%" PRId64, v[i].turn),
		    v[i].session != 0 ? arena_printf(a, "%" PRId64, v[i].session) : NULL,
		    arena_printf(a, "%d", v[i].lane), v[i].model, v[i].subject, v[i].voice,
		    cmd_time(r, v[i].created_ms), seconds(r, v[i].created_ms),
		    arena_printf(a, "%" PRId64, v[i].worker),
		    p != NULL ? arena_printf(a, "%" PRId64, p->events) : NULL,
		    p != NULL ? seconds(r, p->last_ms) : NULL });
	}
	table_end(&t, &out);
	if (n == 0)
		str_puts(&out, "nothing runs\n");
	return cmd_print(r, &out);
}

static int
show_streams(struct run *r, const void *opts)
{
	struct pulses	 pulses = { 0 };
	struct running	*v;
	size_t		 n;
	int		 status;

	(void)opts;
	if (report_running(&r->cx, r->cx.now - LONGEST_MS, &v, &n) == -1)
		return cmd_failed(r);
	if (n > 0)
		feel_all(r, &pulses);
	r->cx.now = clock_ms();		/* records may be younger than the command */
	status = r->json ? print_json(r, v, n, &pulses) : print_table(r, v, n, &pulses);
	free(pulses.v);
	return status;
}

const struct cmd cmd_show_streams = {
	.name = "show streams",
	.operands = "",
	.help = "the answers that are running",
	.more =
	    "Events and quiet, the time since the last, are of the whole turn. A dash: it\n"
	    "runs on another host, or the state directory cannot be read.\n",
	.flags = CMD_SCHEMA | CMD_JSON,
	.fn = show_streams,
};
