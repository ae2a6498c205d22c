/*
 * Plans: what a lane does beside asking its model, step by step, as the models, the search and the
 * tools hear it; what it costs; and what is left where it is stopped or dies.
 */
#include "office.h"

#include <sys/socket.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "core/plan.h"
#include "wire.h"

static struct office	o;
static int		door;
static char		base[64];	/* its address */

/* ---- the plan of the next office ---- */

static struct plan_spec	 plan;
static struct {
	const char	*system, *extra;
	int		 max_tokens;
	int64_t		 parent;
	enum lang	 lang;
	struct turn_ask	 ask;
	int		 fallbacks;
} with;

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
}

/* What a test has set up goes into an office of its own. */
static void
begin_office(void)
{
	office_plan = arrange;
	office_open(&o, 60);
}

static int64_t
ask(int64_t session, int *line)
{
	return office_ask(&o, session != 0 ? session : a_session(ann, 0), 1, line);
}

static void
idle(void)
{
	const struct timespec	 t = { .tv_nsec = 10 * 1000000L };

	for (int i = 0; office_running(&o) > 0; i++) {
		assert_true(i < 2000);
		nanosleep(&t, NULL);
	}
}

static int
fresh_plan(void **state)
{
	memset(&plan, 0, sizeof plan);
	memset(&with, 0, sizeof with);
	with.lang = LANG_EN;
	return fresh(state);
}

static int
end_office(void **state)
{
	idle();
	office_close(&o);
	assert_true(wire_quiet(door, 0));	/* nobody was asked whom the test does not know */
	return gone(state);
}

#define PLAN_TEST(fn)	cmocka_unit_test_setup_teardown(fn, fresh_plan, end_office)

/* ---- what is left of it ---- */

/* Columns of the answer of a turn. */
static void
answer_is(int64_t turn, const char *columns, const char *want)
{
	assert_string_equal(private_db_ask(&server, arena_printf(cx.a,
	    "SELECT CONCAT_WS('|', %s) FROM answer a JOIN model m ON m.id = a.model"
	    " WHERE turn = %" PRId64, columns, turn)), want);
}

static void
costs(int64_t turn, const char *want)
{
	answer_is(turn, "a.cost, (SELECT SUM(amount) FROM ledger WHERE answer = a.id)",
	    arena_printf(cx.a, "%s|%s", want, want));
}

static void
has(const struct wire *w, const char *part)
{
	if (w->body.p == NULL || strstr(w->body.p, part) == NULL) {
		print_error("not in it: %s; but: %s\n", part, w->body.p);
		_fail(__FILE__, __LINE__);
	}
}

static void
lacks(const struct wire *w, const char *part)
{
	if (strstr(w->body.p, part) != NULL) {
		print_error("in it: %s; of: %s\n", part, w->body.p);
		_fail(__FILE__, __LINE__);
	}
}

/* The next request, of a model for a chat. */
static void
model_asked(struct wire *w)
{
	wire_take(door, w);
	assert_string_equal(w->path, "/v1/chat/completions");
}

/* It says this and ends. */
static void
model_answers(struct wire *w, const char *text, int in, int out)
{
	wire_stream(w);
	wire_says(w, text);
	wire_ends(w, "stop", in, out);
}

static void
asked_and_answered(const char *text, int in, int out)
{
	struct wire	 w;

	model_asked(&w);
	model_answers(&w, text, in, out);
}

/* All that is heard of a turn, to its end. */
static char *
all_of(int line)
{
	struct str	 s = STR_INIT(0);

	line_read(&o, line, &s, NULL);
	return str_keep(&s, cx.a);
}

static void
hears(int line, const char *part)
{
	struct str	 s = STR_INIT(0);

	line_read(&o, line, &s, part);
	str_free(&s);
}

/* Its caller has let go of it. */
static void
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

/* ---- without steps, and what every request has ---- */

static void
prompts(void **state)
{
	const int64_t	 s = a_session(ann, 0);
	struct wire	 w;
	int64_t		 turn;
	int		 line;

	(void)state;
	with.system = "Be brief.";
	with.extra = "\"temperature\":0.5";
	with.max_tokens = 77;
	with.parent = -1;
	asked(s, false, "before", "said before", NULL, NULL);
	begin_office();
	turn = ask(s, &line);
	model_asked(&w);
	has(&w, "\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
	    "{\"role\":\"user\",\"content\":\"why?\"}]");
	has(&w, "\"max_tokens\":77");
	has(&w, ",\"temperature\":0.5}");
	lacks(&w, "tools");
	model_answers(&w, "because", 10, 5);
	assert_non_null(strstr(all_of(line), "ALPHA stop at "));
	idle();
	answer_is(turn, "status, text, prompt_tokens, completion_tokens, estimated, code,"
	    " questions IS NULL, seams IS NULL", "stop|because|10|5|0|m0|1|1");
	costs(turn, "0.0000150000");
}

/* ---- intents ---- */

static const char *const	 examples[] = { "Where is my parcel?", "Has it been sent?" };
static const struct plan_intent	 intents[] = {
	{ .name = "delivery", .examples = examples, .nexamples = 2, .reply = "It is on its way." },
	{ .name = "refund", .system = "Refunds take 14 days." },
};

static int64_t
ask_with_intents(int *line, const char *says)
{
	struct wire	 w;
	int64_t		 turn;

	plan.intents = intents;
	plan.nintents = 2;
	begin_office();
	turn = ask(0, line);
	model_asked(&w);
	has(&w, "1. delivery\\n- Where is my parcel?\\n- Has it been sent?\\n\\n2. refund");
	has(&w, "{\"role\":\"user\",\"content\":\"why?\"}");
	lacks(&w, "temperature");
	if (says != NULL)
		model_answers(&w, says, 100, 1);
	else
		wire_reply(&w, 400, "{}");
	return turn;
}

static void
intent_with_reply(void **state)
{
	int64_t	 turn;
	char	*all;
	int	 line;

	(void)state;
	with.extra = "\"temperature\":0.5";
	plan.suggest = true;			/* nothing is asked any more */
	turn = ask_with_intents(&line, "Intent 1.");
	all = all_of(line);
	assert_non_null(strstr(all, "It is on its way.\n"));
	assert_non_null(strstr(all, "ALPHA stop at "));
	assert_null(strstr(all, "Intent 1"));
	idle();
	answer_is(turn, "status, text, prompt_tokens, completion_tokens, estimated, code",
	    "stop|It is on its way.|0|0|0|m0");
	costs(turn, "0.0001010000");
}

static void
intent_with_system(void **state)
{
	struct wire	 w;
	int64_t		 turn;
	int		 line;

	(void)state;
	with.system = "Be brief.";
	turn = ask_with_intents(&line, "~two?");	/* a thought is no answer */
	model_asked(&w);
	lacks(&w, "14 days");
	model_answers(&w, "so", 1, 1);
	all_of(line);
	idle();
	costs(turn, "0.0001030000");

	turn = ask(0, &line);
	asked_and_answered("2", 10, 1);
	model_asked(&w);
	has(&w, "[{\"role\":\"system\",\"content\":\"Be brief.\"},"
	    "{\"role\":\"system\",\"content\":\"Refunds take 14 days.\"},{\"role\":\"user\"");
	model_answers(&w, "in 14 days", 20, 3);
	all_of(line);
	idle();
	answer_is(turn, "text, prompt_tokens, completion_tokens", "in 14 days|20|3");
	costs(turn, "0.0000340000");
}

static void
no_intent(void **state)
{
	static const char *const	 says[] = { "0", "None of them.", "3", "99999999999999999999" };
	int64_t				 turn;
	int				 line;

	(void)state;
	turn = ask_with_intents(&line, NULL);		/* the test itself fails */
	asked_and_answered("so", 5, 1);
	all_of(line);
	idle();
	costs(turn, "0.0000060000");
	for (int i = 0; i < 4; i++) {
		turn = ask(0, &line);
		asked_and_answered(says[i], 10, 2);
		asked_and_answered("so", 5, 1);
		assert_non_null(strstr(all_of(line), "[so]"));
		idle();
		costs(turn, "0.0000180000");
	}
}

/* ---- search ---- */

static const char	 found[] = "{\"query\":\"q\",\"results\":["
    "{\"url\":\"https://a/1\",\"title\":\"One\",\"content\":\"first \\\"hit\\\"\"},"
    "{\"title\":\"no address\"},{\"url\":\"https://a/2\",\"title\":\"二\",\"content\":null}]}";

static void
search_hits(void **state)
{
	struct wire	 w;
	int64_t		 turn;
	int		 line;

	(void)state;
	plan.search_url = arena_printf(cx.a, "%s/search?safe=1", base);
	begin_office();
	turn = ask(0, &line);
	wire_take(door, &w);
	assert_string_equal(w.method, "GET");
	assert_string_equal(w.path, "/search?safe=1&q=why%3F&format=json");
	wire_reply(&w, 200, found);
	model_asked(&w);
	has(&w, "[{\"role\":\"system\",\"content\":\"A search of the web");
	has(&w, "\\n\\n[1] One\\nhttps://a/1\\nfirst \\\"hit\\\"\\n\\n[2] 二\\nhttps://a/2\"},"
	    "{\"role\":\"user\"");
	model_answers(&w, "so", 5, 1);
	assert_non_null(strstr(all_of(line), "ALPHA cites 2:{\"link\":\"https://a/1\",\"snippet\":"
	    "\"first \\\"hit\\\"\",\"title\":\"One\"}{\"link\":\"https://a/2\",\"snippet\":\"\","
	    "\"title\":\"二\"}"));
	idle();
	assert_string_equal(private_db_ask(&server, arena_printf(cx.a, "SELECT GROUP_CONCAT("
	    "JSON_VALUE(body, '$.link') ORDER BY position) FROM citation c JOIN answer a"
	    " ON a.id = c.answer WHERE a.turn = %" PRId64, turn)), "https://a/1,https://a/2");
	costs(turn, "0.0000060000");
}

static void
search_fails(void **state)
{
	static const char *const	 bodies[] = { NULL, "", "nonsense", "{\"results\":[]}", "{\"results\":1}" };
	struct wire			 w;
	int				 line;

	(void)state;
	plan.search_url = arena_printf(cx.a, "%s/search", base);
	with.lang = LANG_ZH;
	begin_office();
	for (int i = 0; i < 5; i++) {
		ask(0, &line);
		wire_take(door, &w);
		assert_string_equal(w.path, "/search?q=why%3F&format=json");
		if (bodies[i] == NULL)
			wire_reply(&w, 500, found);
		else
			wire_reply(&w, 200, bodies[i]);
		model_asked(&w);
		has(&w, "网上没有搜到与问题有关的内容。");
		model_answers(&w, "so", 5, 1);
		assert_non_null(strstr(all_of(line), "ALPHA cites 0:"));
	}
}

/* ---- tools ---- */

static struct plan_tool	 tools[] = {
	{ .name = "get_order", .description = "Finds an \"order\"",
	  .parameters = "{\"type\":\"object\"}", .method = "GET", .headers = "{\"X-Shop\":\"a\"}",
	  .secret = "s3cret", .timeout_s = 5 },
	{ .name = "cancel", .description = "Ends it", .parameters = "{}", .method = "POST",
	  .headers = "{}", .timeout_s = 1 },
};

static void
offer_tools(void)
{
	tools[0].url = arena_printf(cx.a, "%s/orders/{id}?v=2", base);
	tools[1].url = arena_printf(cx.a, "%s/cancel", base);
	plan.tools = tools;
	plan.ntools = 2;
	with.extra = "\"temperature\":0.5";
	begin_office();
}

/* A round: the model calls, as JSON says, and ends. */
static void
model_calls(struct wire *w, const char *text, const char *calls, int in, int out)
{
	wire_stream(w);
	if (text != NULL)
		wire_says(w, text);
	wire_calls(w, calls);
	wire_ends(w, "tool_calls", in, out);
}

static char *
runs_of(int64_t turn)
{
	return private_db_ask(&server, arena_printf(cx.a, "SELECT GROUP_CONCAT(CONCAT_WS(' ',"
	    " position, JSON_VALUE(body, '$.round'), JSON_VALUE(body, '$.id'),"
	    " JSON_VALUE(body, '$.name'), JSON_VALUE(body, '$.status'),"
	    " JSON_EXTRACT(body, '$.arguments'), JSON_VALUE(body, '$.ms') >= 0)"
	    " ORDER BY position SEPARATOR ';') FROM tool_run r JOIN answer a ON a.id = r.answer"
	    " WHERE a.turn = %" PRId64, turn));
}

static void
tools_run(void **state)
{
	struct wire	 w, get, post, *other;
	int64_t		 turn;
	char		*all;
	int		 line;

	(void)state;
	offer_tools();
	turn = ask(0, &line);
	model_asked(&w);
	has(&w, ",\"temperature\":0.5,\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
	    "\"get_order\",\"description\":\"Finds an \\\"order\\\"\",\"parameters\":"
	    "{\"type\":\"object\"}}},{\"type\":\"function\",\"function\":{\"name\":\"cancel\"");
	wire_stream(&w);
	wire_says(&w, "~hm");
	wire_says(&w, "Let me see. ");
	wire_calls(&w, "[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"get_order\","
	    "\"arguments\":\"{\\\"id\\\":\\\"a/b 7\\\",\"}}]");
	wire_calls(&w, "[{\"index\":0,\"function\":{\"arguments\":\"\\\"full\\\":true}\"}},"
	    "{\"index\":1,\"id\":\"c2\",\"function\":{\"name\":\"cancel\",\"arguments\":"
	    "\"{\\\"why\\\":{\\\"a\\\":[1]}}\"}}]");
	wire_ends(&w, "tool_calls", 100, 20);

	/* Both at once, whichever comes first. */
	wire_take(door, &get);
	wire_take(door, &post);
	if (strcmp(get.method, "GET") != 0) {
		w = get;
		get = post;
		post = w;
	}
	assert_string_equal(get.path, "/orders/a%2Fb%207?v=2&full=true");
	assert_string_equal(wire_header(&get, "X-Shop"), "a");
	assert_string_equal(wire_header(&get, "Authorization"), "Bearer s3cret");
	assert_null(wire_header(&post, "Authorization"));
	assert_string_equal(post.method, "POST");
	assert_string_equal(post.path, "/cancel");
	assert_string_equal(post.body.p, "{\"why\":{\"a\":[1]}}");
	other = &post;
	wire_reply(other, 201, "done \xff");		/* the later one ends first */
	hears(line, "Let me see. ");
	wire_reply(&get, 200, "{\"state\":\"sent\"}");

	model_asked(&w);
	has(&w, "{\"role\":\"assistant\",\"content\":\"Let me see. \",\"tool_calls\":[{\"id\":\"c1\","
	    "\"type\":\"function\",\"function\":{\"name\":\"get_order\",\"arguments\":\"{\\\"id\\\":"
	    "\\\"a/b 7\\\",\\\"full\\\":true}\"}},{\"id\":\"c2\"");
	has(&w, "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"{\\\"state\\\":\\\"sent\\\"}\"},"
	    "{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"done \xef\xbf\xbd\"}]");
	has(&w, "\"tools\":[");
	model_answers(&w, "It was sent.", 150, 8);
	all = all_of(line);
	assert_non_null(strstr(all, "[hm][Let me see. It was sent.]"));
	assert_null(strstr(all, "get_order"));
	idle();
	answer_is(turn, "status, text, reasoning, prompt_tokens, completion_tokens, estimated",
	    "stop|Let me see. It was sent.|hm|250|28|0");
	costs(turn, "0.0002780000");
	assert_string_equal(runs_of(turn), "0 1 c2 cancel 201 {\"why\": {\"a\": [1]}} 1;"
	    "1 1 c1 get_order 200 {\"id\": \"a/b 7\", \"full\": true} 1");
}

#define CALL(id, name, arguments) "{\"index\":" id ",\"id\":\"c" id "\",\"function\":{\"name\":\"" \
	name "\",\"arguments\":\"" arguments "\"}}"

/* Each gives the model a result that says why; nobody is called where the request makes no sense. */
static void
tools_fail(void **state)
{
	struct wire	 w, t;
	struct str	 big = STR_INIT(0);
	int64_t		 turn;
	int		 line;

	(void)state;
	offer_tools();
	turn = ask(0, &line);
	model_asked(&w);
	model_calls(&w, NULL, "[" CALL("0", "rm", "{}") "," CALL("1", "cancel", "[1]") ","
	    CALL("2", "cancel", "{\\\"a\\\":") "," CALL("3", "get_order", "{}") ","
	    CALL("4", "get_order", "{\\\"id\\\":\\\"..\\\"}") "]", 1, 1);
	model_asked(&w);
	has(&w, "\"content\":null,\"tool_calls\":[{\"id\":\"c0\"");
	has(&w, "\"c0\",\"content\":\"{\\\"error\\\":\\\"there is no such tool\\\"}\"");
	has(&w, "\"c1\",\"content\":\"{\\\"error\\\":\\\"the arguments are no JSON object\\\"}\"");
	has(&w, "\"c2\",\"content\":\"{\\\"error\\\":\\\"the arguments are no JSON object\\\"}\"");
	has(&w, "\"c3\",\"content\":\"{\\\"error\\\":\\\"the argument id is missing\\\"}\"");
	has(&w, "\"c4\",\"content\":\"{\\\"error\\\":\\\"the argument id cannot be that\\\"}\"");

	model_calls(&w, NULL, "[" CALL("0", "cancel", "{}") "]", 1, 1);
	wire_take(door, &t);
	assert_string_equal(t.body.p, "{}");
	wire_reply(&t, 500, "broken \"here\"");
	model_asked(&w);
	has(&w, "\"c0\",\"content\":\"{\\\"error\\\":\\\"the tool answered with status 500\\\","
	    "\\\"body\\\":\\\"broken \\\\\\\"here\\\\\\\"\\\"}\"");

	model_calls(&w, NULL, "[" CALL("0", "cancel", "") "]", 1, 1);	/* no arguments at all */
	wire_take(door, &t);
	model_asked(&w);				/* its second is over */
	has(&w, "\"error\\\":\\\"the tool gave no answer within 1 s\\\"");
	is_cut(&t);

	model_calls(&w, NULL, "[" CALL("0", "get_order", "{\\\"id\\\":7}") "]", 1, 1);
	wire_take(door, &t);
	assert_string_equal(t.path, "/orders/7?v=2");
	while (big.len <= PLAN_RESULT_MAX)
		str_puts(&big, "0123456789abcdef");
	wire_reply(&t, 200, big.p);
	str_free(&big);
	model_asked(&w);
	has(&w, "\"error\\\":\\\"the tool's result is larger than 65536 bytes\\\"");

	model_calls(&w, NULL, "[" CALL("0", "cancel", "{}") "]", 1, 1);
	wire_take(door, &t);
	wire_close(&t);
	model_asked(&w);
	has(&w, "\"error\\\":\\\"the tool cannot be reached\\\"");
	lacks(&w, "\"tools\"");				/* five rounds are enough */
	has(&w, "\"temperature\":0.5");
	model_calls(&w, "I give up.", "[" CALL("0", "cancel", "{}") "]", 1, 1);
	assert_non_null(strstr(all_of(line), "[][I give up.]"));
	idle();
	answer_is(turn, "status, prompt_tokens, completion_tokens,"
	    " (SELECT COUNT(*) FROM tool_run WHERE answer = a.id)", "stop|6|6|9");
}

/* More at once than are run, without ids and without usage; then nonsense. */
static void
tools_too_many(void **state)
{
	struct str	 calls = STR_INIT(0);
	struct wire	 w, t;
	int64_t		 turn;
	int		 line;

	(void)state;
	offer_tools();
	turn = ask(0, &line);
	model_asked(&w);
	for (int i = 0; i <= PLAN_TOOLS; i++)
		str_printf(&calls, "%s{\"index\":%d,\"function\":{\"name\":\"cancel\",\"arguments\":"
		    "\"{}\"}}", i > 0 ? "," : "[", i);
	str_puts(&calls, "]");
	model_calls(&w, NULL, calls.p, -1, -1);
	str_free(&calls);
	for (int i = 0; i < PLAN_TOOLS; i++) {
		wire_take(door, &t);
		wire_reply(&t, 200, "ok");
	}
	model_asked(&w);
	has(&w, "\"tool_call_id\":\"call_1_0\",\"content\":\"ok\"");
	has(&w, "\"tool_call_id\":\"call_1_16\",\"content\":\"{\\\"error\\\":\\\"too many tools");
	wire_stream(&w);
	wire_calls(&w, "[\"what?\"]");
	wire_ends(&w, "tool_calls", 1, 1);
	assert_non_null(strstr(all_of(line), "ALPHA failed: F_UPSTREAM"));
	idle();
	answer_is(turn, "status, error, estimated, completion_tokens > 30", "error|F_UPSTREAM|1|1");
}

/* ---- suggestions ---- */

static void
suggests(void **state)
{
	static const char	 said[] = "Here they are:\n1. How \"long\"?\n\n- 多少钱？ \r\n3) Where?\nWhy?";
	static const char	 kept[] = "[\"How \\\"long\\\"?\",\"多少钱？\",\"Where?\"]";
	struct found_as		 as;
	struct wire		 w;
	int64_t			 turn;
	char			*all, *again;
	int			 line;

	(void)state;
	plan.suggest = true;
	with.max_tokens = 50;
	begin_office();
	turn = ask(0, &line);
	asked_and_answered("the answer", 10, 2);
	model_asked(&w);
	has(&w, "[{\"role\":\"user\",\"content\":\"why?\"},{\"role\":\"assistant\",\"content\":"
	    "\"the answer\"},{\"role\":\"user\",\"content\":\"Write up to three questions");
	lacks(&w, "max_tokens");
	hears(line, "the answer");
	as = office_follow(&o, ann, turn, 0);
	model_answers(&w, said, 30, 12);
	assert_non_null(strstr(all_of(line), arena_printf(cx.a, "asks %s\n", kept)));
	all = all_of(as.line);
	assert_null(strstr(all, "Here they"));
	assert_non_null(strstr(all, arena_printf(cx.a, "asks %s\n", kept)));
	idle();
	answer_is(turn, "status, text, JSON_LENGTH(questions), JSON_VALUE(questions, '$[0]'),"
	    " JSON_VALUE(questions, '$[1]'), prompt_tokens, completion_tokens",
	    "stop|the answer|3|How \"long\"?|多少钱？|10|2");
	costs(turn, "0.0000540000");
	as = office_follow(&o, ann, turn, 1);	/* from the spool */
	again = all_of(as.line);
	assert_string_equal(strchr(again, '\n') + 1, strstr(all, arena_printf(cx.a, "%" PRId64 "-2 ",
	    turn)));
}

static void
suggests_nothing(void **state)
{
	struct wire	 w;
	int64_t		 turn;
	int		 line;

	(void)state;
	plan.suggest = true;
	begin_office();
	turn = ask(0, &line);
	asked_and_answered("the answer", 10, 2);
	model_asked(&w);
	wire_reply(&w, 400, "{}");
	assert_non_null(strstr(all_of(line), "ALPHA stop at "));
	idle();
	answer_is(turn, "status, questions IS NULL, error IS NULL", "stop|1|1");
	costs(turn, "0.0000120000");

	turn = ask(0, &line);				/* an answer that fails has none */
	model_asked(&w);
	wire_reply(&w, 400, "{}");
	assert_non_null(strstr(all_of(line), "ALPHA failed: F_UPSTREAM"));
	idle();
	costs(turn, "0.0000000000");
}

/* ---- broken off ---- */

static void
resumes(void **state)
{
	struct wire	 w;
	int64_t		 turn;
	char		*all;
	int		 line;

	(void)state;
	plan.resume = true;
	begin_office();
	turn = ask(0, &line);
	model_asked(&w);
	wire_stream(&w);
	wire_says(&w, "~thinks");
	wire_says(&w, "半个\"");
	hears(line, "半个");
	wire_close(&w);
	model_asked(&w);
	has(&w, "{\"role\":\"user\",\"content\":\"why?\"},{\"role\":\"assistant\",\"content\":\"半个\\\"\"},"
	    "{\"role\":\"user\",\"content\":\"Your answer was cut off.");
	wire_stream(&w);
	wire_says(&w, "回答");
	wire_ends(&w, "stop", 50, 2);
	all = all_of(line);
	assert_non_null(strstr(all, "ALPHA stop at "));
	assert_non_null(strstr(all, "[thinks][半个\"回答]"));
	idle();
	/* 2 + 1 + 2 tokens that were heard before, as estimated */
	answer_is(turn, "status, text, seams, completion_tokens, estimated, prompt_tokens > 50",
	    "stop|半个\"回答|[7]|7|1|1");

	/* In its thoughts: once more, from the beginning of the answer. Twice is too often. */
	turn = ask(0, &line);
	model_asked(&w);
	wire_stream(&w);
	wire_says(&w, "~thinks");
	hears(line, "thinks");
	wire_close(&w);
	model_asked(&w);
	lacks(&w, "cut off");
	wire_stream(&w);
	wire_says(&w, "half");
	hears(line, "half");
	wire_close(&w);
	all = all_of(line);
	assert_non_null(strstr(all, "ALPHA failed: F_UPSTREAM"));
	idle();
	answer_is(turn, "status, text, seams IS NULL", "error|half|1");
}

/* Its model is gone: another one goes on, at its own prices. */
static void
resumes_elsewhere(void **state)
{
	struct wire	 w;
	int64_t		 turn;
	int		 line;

	(void)state;
	private_db_feed(&server, arena_printf(cx.a, "INSERT INTO model_fallback VALUES"
	    " (%" PRId64 ", 0, %" PRId64 ")", models[0], models[1]));
	plan.resume = true;
	plan.suggest = true;
	with.fallbacks = 1;
	begin_office();
	turn = ask(0, &line);
	model_asked(&w);
	has(&w, "\"model\":\"lane 0\"");
	wire_stream(&w);
	wire_says(&w, "half");
	hears(line, "half");
	wire_close(&w);
	model_asked(&w);
	wire_reply(&w, 503, "{}");
	model_asked(&w);
	has(&w, "\"model\":\"stand-in\"");
	has(&w, "{\"role\":\"assistant\",\"content\":\"half\"}");
	model_answers(&w, " and half", 40, 4);
	model_asked(&w);				/* the questions: its own model first */
	has(&w, "\"model\":\"lane 0\"");
	has(&w, "half and half");
	model_answers(&w, "More?", 7, 1);
	assert_non_null(strstr(all_of(line), "[half and half]"));
	idle();
	answer_is(turn, "status, text, seams, code, prompt_tokens, completion_tokens, questions",
	    "stop|half and half|[4]|m1|40|4|[\"More?\"]");
	/* 44 at 10, 8 at 1, and what broke off: its prompt, estimated, and a token */
	assert_string_equal(private_db_ask(&server, arena_printf(cx.a,
	    "SELECT (cost * 1000000 - 440 - 8 - 1) BETWEEN 2 AND 20 FROM answer WHERE turn = %" PRId64,
	    turn)), "1");
	private_db_feed(&server, "DELETE FROM model_fallback");
}

/* ---- stopped ---- */

static void
stopped(int64_t turn, int line, const char *status)
{
	office_stop(&o, turn);
	assert_non_null(strstr(all_of(line), arena_printf(cx.a, "ALPHA %s at ", status)));
	idle();
	answer_is(turn, "status", status);
	answer_is(turn, "cost = (SELECT SUM(amount) FROM ledger WHERE answer = a.id)", "1");
}

static void
stops(void **state)
{
	struct wire	 w, t;
	int64_t		 turn;
	int		 line;

	(void)state;
	plan.intents = intents;
	plan.nintents = 1;
	plan.search_url = arena_printf(cx.a, "%s/search", base);
	plan.suggest = true;
	offer_tools();
	for (int step = 0; step < 5; step++) {
		turn = ask(0, &line);
		model_asked(&w);			/* intents */
		if (step == 0) {
			stopped(turn, line, "stopped");
			is_cut(&w);
			answer_is(turn, "cost > 0.00003, prompt_tokens, text", "1|0|");
			continue;
		}
		model_answers(&w, "0", 3, 1);
		wire_take(door, &w);			/* search */
		if (step == 1) {
			stopped(turn, line, "stopped");
			is_cut(&w);
			costs(turn, "0.0000040000");
			continue;
		}
		wire_reply(&w, 200, found);
		model_asked(&w);			/* the answer */
		if (step == 2) {
			wire_stream(&w);
			wire_says(&w, "half");
			hears(line, "half");
			stopped(turn, line, "stopped");
			is_cut(&w);
			answer_is(turn, "text, completion_tokens", "half|1");
			continue;
		}
		model_calls(&w, "I look", "[" CALL("0", "cancel", "{}") ","
		    CALL("1", "get_order", "{\\\"id\\\":1}") "]", 5, 2);
		wire_take(door, &t);
		wire_take(door, &w);			/* both tools */
		if (step == 3) {
			if (strcmp(t.method, "GET") == 0) {
				struct wire	 swap = t;

				t = w;
				w = swap;
			}
			wire_reply(&t, 200, "ok");	/* cancel has run */
			stopped(turn, line, "stopped");
			is_cut(&w);
			answer_is(turn, "text, prompt_tokens, completion_tokens", "I look|5|2");
			continue;
		}
		wire_reply(&t, 200, "ok");
		wire_reply(&w, 200, "ok");
		asked_and_answered(" and see", 7, 2);
		model_asked(&w);			/* questions: the answer is whole */
		hears(line, "and see");
		stopped(turn, line, "stop");
		is_cut(&w);
		answer_is(turn, "text, questions IS NULL, prompt_tokens, completion_tokens",
		    "I look and see|1|12|4");
		answer_is(turn, "cost > 0.000020", "1");
	}
}

/* ---- dead ---- */

/* The office dies; who comes next closes and tells what it left. */
static char *
dies(int64_t turn)
{
	struct found_as	 as;

	office_kill(&o);
	begin_office();
	as = office_follow(&o, ann, turn, 0);
	assert_int_equal(as.why, F_NONE);
	return all_of(as.line);
}

static void
deaths(void **state)
{
	struct wire	 w, t;
	int64_t		 turn;
	int		 line;

	(void)state;
	plan.intents = intents;
	plan.nintents = 1;
	plan.search_url = arena_printf(cx.a, "%s/search", base);
	plan.suggest = true;
	plan.resume = true;
	offer_tools();
	for (int step = 0; step < 5; step++) {
		turn = ask(0, &line);
		model_asked(&w);			/* intents */
		hears(line, "begin");
		if (step == 0) {
			assert_non_null(strstr(dies(turn), "ALPHA failed: F_UNAVAILABLE, 0 tokens [][]"));
			answer_is(turn, "status, prompt_tokens, completion_tokens, text,"
			    " cost > 0.00003", "error|0|0||1");
			wire_close(&w);
			continue;
		}
		model_answers(&w, "0", 3, 1);
		wire_take(door, &w);			/* search */
		if (step == 1) {
			dies(turn);
			costs(turn, "0.0000040000");
			wire_close(&w);
			continue;
		}
		wire_reply(&w, 200, found);
		model_asked(&w);
		wire_stream(&w);
		wire_says(&w, "half ");			/* and on */
		hears(line, "half");
		wire_close(&w);
		model_asked(&w);
		if (step == 2) {
			assert_non_null(strstr(dies(turn), "F_UNAVAILABLE, 2 tokens [][half ]"));
			answer_is(turn, "status, text, seams, completion_tokens",
			    "error|half |[5]|2");
			assert_string_equal(private_db_ask(&server, arena_printf(cx.a, "SELECT COUNT(*)"
			    " FROM citation c JOIN answer a ON a.id = c.answer WHERE a.turn = %"
			    PRId64, turn)), "2");
			wire_close(&w);
			continue;
		}
		model_calls(&w, "look", "[" CALL("0", "cancel", "{}") ","
		    CALL("1", "get_order", "{\\\"id\\\":1}") "]", 50, 2);
		wire_take(door, &t);
		wire_take(door, &w);
		if (strcmp(t.method, "GET") == 0) {
			struct wire	 swap = t;

			t = w;
			w = swap;
		}
		wire_reply(&t, 200, "ok");
		if (step == 3) {
			const struct timespec	 soon = { .tv_nsec = 300 * 1000000L };

			nanosleep(&soon, NULL);		/* nobody is told of it */
			assert_non_null(strstr(dies(turn), "[half look]"));
			assert_string_equal(runs_of(turn), "0 1 c0 cancel 200 {} 1");
			answer_is(turn, "status, completion_tokens", "error|4");
			wire_close(&w);
			continue;
		}
		wire_reply(&w, 200, "ok");
		asked_and_answered(" and see", 7, 2);
		model_asked(&w);			/* questions: the answer is whole */
		hears(line, "and see");
		assert_non_null(strstr(dies(turn), "ALPHA stop at "));
		answer_is(turn, "status, text, error IS NULL, questions IS NULL, completion_tokens",
		    "stop|half look and see|1|1|6");
		answer_is(turn, "cost > 0.000060, (SELECT COUNT(*) FROM tool_run WHERE answer = a.id)",
		    "1|2");
		wire_close(&w);
	}
	assert_string_equal(private_db_ask(&server, "SELECT COUNT(*) FROM answer a JOIN ledger l"
	    " ON l.answer = a.id WHERE a.cost <> l.amount"), "0");
}

/* ---- what is no chat ---- */

/* Six megabytes in one piece, for who listens and who comes later. */
static void
pictures(void **state)
{
	const size_t	 big = 6 << 20;
	char		*body = xmalloc(big + 64), *all, *again;
	struct found_as	 as;
	struct wire	 w;
	int64_t		 turn;
	int		 line;

	(void)state;
	with.ask.kind = ASK_IMAGES;
	with.extra = "\"n\":1";
	begin_office();
	turn = ask(0, &line);
	wire_take(door, &w);
	assert_string_equal(w.path, "/v1/images/generations");
	assert_string_equal(w.body.p, "{\"model\":\"lane 0\",\"prompt\":\"why?\",\"n\":1}");
	snprintf(body, 64, "{\"data\":[{\"b64_json\":\"");
	memset(body + strlen(body), 'A', big);
	memcpy(body + 22 + big, "\"}]}", 5);
	wire_reply(&w, 200, body);
	free(body);
	all = all_of(line);
	assert_non_null(strstr(all, "ALPHA stop at "));
	assert_true(strlen(all) > 2 * big);		/* as delta, and with the end */
	idle();
	answer_is(turn, "status, LENGTH(text), estimated, completion_tokens",
	    arena_printf(cx.a, "stop|%zu|1|1056", big + strlen("[{\"b64_json\":\"\"}]")));
	as = office_follow(&o, ann, turn, 0);
	again = all_of(as.line);
	assert_string_equal(strchr(again, '\n'), strchr(all, '\n'));
}

static int
begin(void **state)
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

int
main(void)
{
	const struct CMUnitTest	 tests_[] = {
		PLAN_TEST(prompts),
		PLAN_TEST(intent_with_reply),
		PLAN_TEST(intent_with_system),
		PLAN_TEST(no_intent),
		PLAN_TEST(search_hits),
		PLAN_TEST(search_fails),
		PLAN_TEST(tools_run),
		PLAN_TEST(tools_fail),
		PLAN_TEST(tools_too_many),
		PLAN_TEST(suggests),
		PLAN_TEST(suggests_nothing),
		PLAN_TEST(resumes),
		PLAN_TEST(resumes_elsewhere),
		PLAN_TEST(stops),
		PLAN_TEST(deaths),
		PLAN_TEST(pictures),
	};

	if (!furnished_begin())
		return 0;
	return furnished_end(cmocka_run_group_tests_name("plan", tests_, begin, NULL));
}
