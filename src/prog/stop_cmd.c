/* parley stop */
#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#include "base/clock.h"
#include "base/ident.h"
#include "cmd.h"
#include "core/engine.h"
#include "store/turn.h"

#define PATIENCE_MS	3000
#define LOOK_MS		20

/* Waits until the turn has ended. 0, or an exit status after one line on standard error. */
static int
wait_for_end(struct run *r, int64_t turn)
{
	const struct timespec	 look = { .tv_nsec = LOOK_MS * 1000000 };
	const int64_t		 until = clock_mono_ms() + PATIENCE_MS;
	const struct standing	*s;

	while ((s = turn_find(&r->cx, 0, turn)) != NULL && s->ended_ms == 0) {
		if (clock_mono_ms() > until)
			return cmd_error(r, EX_TEMPFAIL, "turn %" PRId64 " was asked to stop, but "
			    "its worker does not answer: is the service running?", turn);
		nanosleep(&look, NULL);
	}
	return s != NULL ? EX_OK : cmd_failed(r);
}

static int
report(struct run *r, int64_t turn, bool stopped, const struct lane_end *lanes, size_t n)
{
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	if (!r->json) {
		str_printf(&out, "turn %" PRId64 " %s:", turn,
		    stopped ? "has ended" : "was over already");
		for (size_t i = 0; i < n; i++)
			str_printf(&out, "%s lane %d %s", i > 0 ? "," : "", lanes[i].lane,
			    lanes[i].status);
		str_putc(&out, '\n');
		return cmd_print(r, &out);
	}
	jw_open(&w, &out);
	jw_obj(&w, NULL);
	jw_idstr(&w, "turn", turn);
	jw_bool(&w, "stopped", stopped);
	jw_arr(&w, "lanes");
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_i64(&w, "lane", lanes[i].lane);
		jw_str(&w, "status", lanes[i].status);
		jw_end(&w);
	}
	return cmd_print_json(r, &w);
}

static int
stop(struct run *r, const void *opts)
{
	struct lane_end	*lanes;
	int64_t		 turn;
	size_t		 n;
	int		 asked, status;

	(void)opts;
	if (!ident_parse(r->operand[0], &turn))
		return cmd_error(r, EX_USAGE, "TURN is a number that `parley show streams` prints, "
		    "not `%s`", r->operand[0]);
	if ((asked = engine_stop_turn(&r->cx, NULL, turn, 0)) == -1)
		return cmd_failed(r);
	if (asked == 1 && (status = wait_for_end(r, turn)) != EX_OK)
		return status;
	if (turn_ends(&r->cx, turn, &lanes, &n) == -1)
		return cmd_failed(r);
	return report(r, turn, asked == 1, lanes, n);
}

const struct cmd cmd_stop = {
	.name = "stop",
	.operands = "TURN",
	.least = 1, .most = 1,
	.help = "ends a running turn with what was said so far",
	.more =
	    "TURN is what `parley show streams` prints, and what clients get as X-Stream-Id.\n",
	.flags = CMD_SCHEMA | CMD_JSON,
	.fn = stop,
};
