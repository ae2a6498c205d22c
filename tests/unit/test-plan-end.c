/*
 * How plans end: with what may be asked next, after they broke off, stopped at each step, and dead;
 * and what is asked that is no chat.
 */
#include "planned.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/scratch.h"

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
	int		 line, called;

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
		called = tools_called();
		wire_reply(&t, 200, "ok");
		tool_called(called);
		if (step == 3) {
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

/* A recording: each model that is asked gets it from its first byte on. */
static void
transcripts(void **state)
{
	struct wire	 w;
	int64_t		 turn;
	int		 line, fd = scratch_open("/tmp");

	(void)state;
	assert_int_equal(scratch_put(fd, "RIFFwave", 8), 0);
	with.ask = (struct turn_ask){ .kind = ASK_TRANSCRIPT, .file = { .fd = fd, .size = 8,
	    .name = "call.wav", .media_type = "audio/wav" } };
	with.extra = "\"language\":\"en\"";
	begin_office();
	turn = ask(0, &line);
	close(fd);
	wire_take(door, &w);
	assert_string_equal(w.path, "/v1/audio/transcriptions");
	has(&w, "\r\n\r\nRIFFwave\r\n");
	wire_reply(&w, 502, "{}");
	wire_take(door, &w);			/* once more */
	has(&w, "name=\"model\"\r\n\r\nlane 0\r\n");
	has(&w, "name=\"language\"\r\n\r\nen\r\n");
	has(&w, "filename=\"call.wav\"");
	has(&w, "\r\n\r\nRIFFwave\r\n");
	wire_reply(&w, 200, "{\"text\":\"Hello.\",\"usage\":{\"input_tokens\":8,\"output_tokens\":2}}");
	assert_non_null(strstr(all_of(line), "[][Hello.]"));
	idle();
	answer_is(turn, "status, text, prompt_tokens, completion_tokens", "stop|Hello.|8|2");
	costs(turn, "0.0000100000");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		PLAN_TEST(suggests),
		PLAN_TEST(suggests_nothing),
		PLAN_TEST(resumes),
		PLAN_TEST(resumes_elsewhere),
		PLAN_TEST(stops),
		PLAN_TEST(deaths),
		PLAN_TEST(pictures),
		PLAN_TEST(transcripts),
	};

	if (!furnished_begin())
		return 0;
	return furnished_end(cmocka_run_group_tests_name("plan-end", tests, planned_begin, NULL));
}
