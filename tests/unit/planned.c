#include "planned.h"

#include <sys/socket.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"

struct office		o;
int			door;
char			base[64];

struct plan_spec	plan;
struct planned_with	with;

static void
arrange(struct ctx *c, struct turn_spec *spec, struct model *m)
{
	(void)c;
	c->lang = with.lang;
	if (with.ask.kind == ASK_STREAM)
		spec->plan = &plan;
	spec->system = with.system;
	spec->extra = with.extra;
	spec->max_tokens = with.max_tokens;
	spec->parent = with.parent;
	spec->ask = with.ask;
	m->fallbacks = with.fallbacks;
	spec->ncitations = 0;
	if (with.unstored)
		spec->session = NULL;
}

/* What a test has set up goes into an office of its own. */
void
begin_office(void)
{
	office_plan = arrange;
	office_open(&o, 60);
}

int64_t
ask(int64_t session, int *line)
{
	return office_ask(&o, session != 0 ? session : a_session(ann, 0), 1, line);
}

void
idle(void)
{
	const struct timespec	 t = { .tv_nsec = 10 * 1000000L };

	for (int i = 0; office_running(&o) > 0; i++) {
		assert_true(i < 2000);
		nanosleep(&t, NULL);
	}
}

int
fresh_plan(void **state)
{
	memset(&plan, 0, sizeof plan);
	memset(&with, 0, sizeof with);
	with.lang = LANG_EN;
	return fresh(state);
}

int
end_office(void **state)
{
	idle();
	office_close(&o);
	assert_true(wire_quiet(door, 0));	/* nobody was asked whom the test does not know */
	return gone(state);
}

/* ---- what is left of it ---- */

/* Columns of the answer of a turn. */
void
answer_is(int64_t turn, const char *columns, const char *want)
{
	assert_string_equal(private_db_ask(&server, arena_printf(cx.a,
	    "SELECT CONCAT_WS('|', %s) FROM answer a JOIN model m ON m.id = a.model"
	    " WHERE turn = %" PRId64, columns, turn)), want);
}

void
costs(int64_t turn, const char *want)
{
	answer_is(turn, "a.cost, (SELECT SUM(amount) FROM ledger WHERE answer = a.id)",
	    arena_printf(cx.a, "%s|%s", want, want));
}

void
has(const struct wire *w, const char *part)
{
	if (w->body.p == NULL || strstr(w->body.p, part) == NULL) {
		print_error("not in it: %s; but: %s\n", part, w->body.p);
		_fail(__FILE__, __LINE__);
	}
}

void
lacks(const struct wire *w, const char *part)
{
	if (strstr(w->body.p, part) != NULL) {
		print_error("in it: %s; of: %s\n", part, w->body.p);
		_fail(__FILE__, __LINE__);
	}
}

/* The next request, of a model for a chat. */
void
model_asked(struct wire *w)
{
	wire_take(door, w);
	assert_string_equal(w->path, "/v1/chat/completions");
}

/* It says this and ends. */
void
model_answers(struct wire *w, const char *text, int in, int out)
{
	wire_stream(w);
	wire_says(w, text);
	wire_ends(w, "stop", in, out);
}

void
asked_and_answered(const char *text, int in, int out)
{
	struct wire	 w;

	model_asked(&w);
	model_answers(&w, text, in, out);
}

/* All that is heard of a turn, to its end. */
char *
all_of(int line)
{
	struct str	 s = STR_INIT(0);

	line_read(&o, line, &s, NULL);
	return str_keep(&s, cx.a);
}

void
hears(int line, const char *part)
{
	struct str	 s = STR_INIT(0);

	line_read(&o, line, &s, part);
	str_free(&s);
}

int
tools_called(void)
{
	return private_db_logged(&server, "a tool was called");
}

void
tool_called(int before)
{
	const struct timespec	 t = { .tv_nsec = 10 * 1000000L };

	for (int i = 0; tools_called() == before; i++) {
		assert_true(i < 2000);
		nanosleep(&t, NULL);
	}
}

/* Its caller has let go of it. */
void
is_cut(struct wire *w)
{
	struct timespec	 t = { .tv_nsec = 10 * 1000000L };
	char		 c;

	for (int i = 0; recv(w->fd, &c, 1, MSG_DONTWAIT) != 0; i++) {
		assert_true(i < 1000);
		nanosleep(&t, NULL);
	}
	wire_close(w);
}

/* ---- material ---- */

static const char *const	 examples[] = { "Where is my parcel?", "Has it been sent?" };
const struct plan_intent	 intents[2] = {
	{ .name = "delivery", .examples = examples, .nexamples = 2, .reply = "It is on its way." },
	{ .name = "refund", .system = "Refunds take 14 days." },
};


const char	 found[] = "{\"query\":\"q\",\"results\":["
    "{\"url\":\"https://a/1\",\"title\":\"One\",\"content\":\"first \\\"hit\\\"\"},"
    "{\"title\":\"no address\"},{\"url\":\"https://a/2\",\"title\":\"二\",\"content\":null}]}";

static struct plan_tool	 tools[] = {
	{ .name = "get_order", .description = "Finds an \"order\"",
	  .parameters = "{\"type\":\"object\"}", .method = "GET", .headers = "{\"X-Shop\":\"a\"}",
	  .secret = "s3cret", .timeout_s = 20 },
	{ .name = "cancel", .description = "Ends it", .parameters = "{}", .method = "POST",
	  .headers = "{}", .timeout_s = 20 },
	{ .name = "slow", .parameters = "{}", .method = "PUT", .timeout_s = 1 },
};

void
offer_tools(void)
{
	tools[0].url = arena_printf(cx.a, "%s/orders/{id}?v=2", base);
	tools[1].url = tools[2].url = arena_printf(cx.a, "%s/cancel", base);
	plan.tools = tools;
	plan.ntools = 3;
	with.extra = "\"temperature\":0.5";
	begin_office();
}

/* A round: the model calls, as JSON says, and ends. */
void
model_calls(struct wire *w, const char *text, const char *calls, int in, int out)
{
	wire_stream(w);
	if (text != NULL)
		wire_says(w, text);
	wire_calls(w, calls);
	wire_ends(w, "tool_calls", in, out);
}

char *
runs_of(int64_t turn)
{
	return private_db_ask(&server, arena_printf(cx.a, "SELECT GROUP_CONCAT(CONCAT_WS(' ',"
	    " position, JSON_VALUE(body, '$.round'), JSON_VALUE(body, '$.id'),"
	    " JSON_VALUE(body, '$.name'), JSON_VALUE(body, '$.status'),"
	    " JSON_EXTRACT(body, '$.arguments'), JSON_VALUE(body, '$.ms') >= 0)"
	    " ORDER BY position SEPARATOR ';') FROM tool_run r JOIN answer a ON a.id = r.answer"
	    " WHERE a.turn = %" PRId64, turn));
}

int
planned_begin(void **state)
{
	int	 port;

	furnish(state);
	fresh(state);
	office_prepare();
	door = office_door(&port);
	snprintf(base, sizeof base, "http://127.0.0.1:%d", port);
	private_db_feed(&server, arena_printf(cx.a, "UPDATE model SET price_in = IF(code = 'm0', 1, 10),"
	    " price_out = price_in, upstream_name = 'stand-in', url = '%s/v1'", base));
	return gone(state);
}
