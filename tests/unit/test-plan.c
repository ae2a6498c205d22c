/*
 * Plans: what a lane does beside asking its model, as the models, the search and the tools hear it,
 * and what it costs.
 */
#include "planned.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"

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

/* An answer that nobody gives is asked of nobody, whatever else the plan holds. */
static void
fixed_reply(void **state)
{
	int64_t	 turn;
	char	*all;
	int	 line;

	(void)state;
	plan = (struct plan_spec){ .reply = "We open at 9.", .intents = intents, .nintents = 2,
		.suggest = true };
	begin_office();
	turn = ask(0, &line);
	all = all_of(line);
	assert_non_null(strstr(all, "We open at 9.\n"));
	assert_non_null(strstr(all, "ALPHA stop at "));
	idle();
	answer_is(turn, "status, text, prompt_tokens, completion_tokens, estimated, code",
	    "stop|We open at 9.|0|0|0|m0");
	costs(turn, "0.0000000000");
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

	model_calls(&w, NULL, "[" CALL("0", "slow", "") "]", 1, 1);	/* no arguments at all */
	wire_take(door, &t);
	assert_string_equal(t.method, "PUT");
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

/* ---- not stored ---- */

/* Only figures are kept, of every step. */
static void
unstored(void **state)
{
	struct wire	 w, t;
	char		*all;
	int		 line;

	(void)state;
	with.unstored = true;
	plan.suggest = plan.resume = true;
	plan.search_url = arena_printf(cx.a, "%s/search", base);
	offer_tools();
	ask(0, &line);
	wire_take(door, &w);
	wire_reply(&w, 200, found);
	model_asked(&w);
	model_calls(&w, "look", "[" CALL("0", "cancel", "{}") "]", 5, 2);
	wire_take(door, &t);
	wire_reply(&t, 200, "ok");
	model_asked(&w);
	wire_stream(&w);
	wire_says(&w, " half");
	hears(line, "half");
	wire_close(&w);
	asked_and_answered(" and half", 9, 2);
	asked_and_answered("More?", 3, 1);
	all = all_of(line);
	assert_non_null(strstr(all, "[look half and half]"));
	assert_non_null(strstr(all, "asks [\"More?\"]"));
	idle();
	assert_string_equal(private_db_ask(&server, "SELECT CONCAT_WS('|', status, text IS NULL,"
	    " questions IS NULL, seams IS NULL, completion_tokens, cost > 0.00002, cost = (SELECT amount"
	    " FROM ledger WHERE answer = a.id), (SELECT COUNT(*) FROM tool_run WHERE answer = a.id))"
	    " FROM answer a WHERE session IS NULL"), "stop|1|1|1|6|1|1|0");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		PLAN_TEST(prompts),
		PLAN_TEST(fixed_reply),
		PLAN_TEST(intent_with_reply),
		PLAN_TEST(intent_with_system),
		PLAN_TEST(no_intent),
		PLAN_TEST(search_hits),
		PLAN_TEST(search_fails),
		PLAN_TEST(tools_run),
		PLAN_TEST(tools_fail),
		PLAN_TEST(tools_too_many),
		PLAN_TEST(unstored),
	};

	if (!furnished_begin())
		return 0;
	return furnished_end(cmocka_run_group_tests_name("plan", tests, planned_begin, NULL));
}
