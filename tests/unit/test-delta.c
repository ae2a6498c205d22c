/* delta: what OpenAI-compatible servers say in a stream, and what they must not say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "upstream/delta.h"

#include <cmocka.h>		/* after ours: it has a macro fail() */

static struct delta_parser	*parser;

static int
parse(const char *s, struct chunk *c)
{
	struct delta_half	 none = { 0 };

	return delta_parse(parser, &none, s, strlen(s), c);
}

static void
test_text(void **state)
{
	struct chunk	 c;

	(void)state;
	assert_int_equal(parse("{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
	    "\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}", &c), 0);
	assert_null(c.text);			/* only the role: no token yet */
	assert_int_equal(c.finish, FINISH_NONE);

	assert_int_equal(parse("{\"choices\":[{\"delta\":{\"content\":\"\\ud83d\\ude00 \\\"a\\\"\"}}]}", &c), 0);
	assert_int_equal(c.text_len, 8);
	assert_memory_equal(c.text, "😀 \"a\"", 8);

	assert_int_equal(parse("{\"choices\":[{\"delta\":{\"content\":null,\"reasoning_content\":\"hm\"}}]}", &c), 0);
	assert_null(c.text);
	assert_int_equal(c.reasoning_len, 2);
	assert_memory_equal(c.reasoning, "hm", 2);
}

static void
test_malformed_utf8(void **state)
{
	static const char	 raw[] = "{\"choices\":[{\"delta\":{\"content\":\"a\xff" "b\"}}]}";
	struct chunk		 c;
	struct delta_half	 half = { 0 };

	(void)state;
	if (delta_parse(parser, &half, raw, sizeof raw - 1, &c) == 0)	/* cleaned or refused, never passed on */
		assert_memory_equal(c.text, "a\xef\xbf\xbd" "b", 5);
}

/* It would end the text for whoever reads it up to there: the store and the frames shall agree. */
static void
test_nul(void **state)
{
	static const char	 raw[] =
	    "{\"choices\":[{\"delta\":{\"content\":\"a\\u0000b\\u0000\\u0000c\\u0000\"}}]}";
	static const char	 only[] = "{\"choices\":[{\"delta\":{\"content\":\"\\u0000\"}}]}";
	struct chunk		 c;
	struct delta_half	 half = { 0 };

	(void)state;
	assert_int_equal(delta_parse(parser, &half, raw, sizeof raw - 1, &c), 0);
	assert_int_equal(c.text_len, 3);
	assert_memory_equal(c.text, "abc", 3);
	assert_int_equal(delta_parse(parser, &half, only, sizeof only - 1, &c), 0);
	assert_null(c.text);
}

/*
 * Tells a stream's events one after the other and writes down what is to be told: T text, R
 * reasoning, each with its text in brackets.
 */
static const char *
told(const char *const *events)
{
	static char		 out[512];
	struct delta_half	 half = { 0 };
	struct chunk		 c;
	size_t			 n = 0;

	for (out[0] = '\0'; *events != NULL; events++) {
		assert_int_equal(delta_parse(parser, &half, *events, strlen(*events), &c), 0);
		if (c.lost != LOST_NONE)
			n += (size_t)snprintf(out + n, sizeof out - n, "%c[\xef\xbf\xbd]",
			    c.lost == LOST_TEXT ? 'T' : 'R');
		if (c.reasoning != NULL)
			n += (size_t)snprintf(out + n, sizeof out - n, "R[%.*s]", (int)c.reasoning_len,
			    c.reasoning);
		if (c.text != NULL)
			n += (size_t)snprintf(out + n, sizeof out - n, "T[%.*s]", (int)c.text_len, c.text);
	}
	if (half.first != 0)
		snprintf(out + n, sizeof out - n, "…");
	return out;
}

#define DELTA(member, s)	"{\"choices\":[{\"delta\":{\"" member "\":\"" s "\"}}]}"
#define SAYS(s)			DELTA("content", s)
#define THINKS(s)		DELTA("reasoning_content", s)
#define BOTH(r, s)		"{\"choices\":[{\"delta\":{\"reasoning_content\":\"" r "\",\"content\":\"" s "\"}}]}"
#define STOPS(s)		"{\"choices\":[{\"delta\":{\"content\":\"" s "\"},\"finish_reason\":\"stop\"}]}"
#define LOST			"\xef\xbf\xbd"

static void
test_halves(void **state)
{
	static const struct {
		const char	*events[5], *told;
	} rows[] = {
		/* joined */
		{ { SAYS("a\\ud83d"), SAYS("\\ude00b") }, "T[a]T[😀b]" },
		{ { SAYS("\\uD83D"), SAYS("\\uDE00") }, "T[😀]" },
		{ { THINKS("a\\ud83d"), THINKS("\\ude00") }, "R[a]R[😀]" },
		{ { SAYS("\\ud83d"), SAYS(""), SAYS("\\ude00") }, "T[😀]" },
		{ { SAYS("\\ud83d"), SAYS("\\ude00\\ud83d"), SAYS("\\ude01") }, "T[😀]T[😁]" },
		{ { SAYS("\\ud83d"), STOPS("\\ude00") }, "T[😀]" },
		{ { SAYS("\\n\\ud83d"), SAYS("\\ude00\\n") }, "T[\n]T[😀\n]" },
		{ { SAYS("\\ud83d\\ude00\\ud83d"), SAYS("\\ude01\\ud83d\\ude00") }, "T[😀]T[😁😀]" },
		{ { SAYS("\\udbff"), SAYS("\\udfff") }, "T[\xf4\x8f\xbf\xbf]" },
		{ { SAYS("\\ud800"), SAYS("\\udc00") }, "T[\xf0\x90\x80\x80]" },
		/* waiting */
		{ { SAYS("a\\ud83d") }, "T[a]…" },
		{ { SAYS("\\ud83d") }, "…" },
		/* lost, where it stood */
		{ { SAYS("a\\ud83d"), SAYS("b") }, "T[a]T[" LOST "]T[b]" },
		{ { SAYS("a\\ud83d"), SAYS("\\u0062") }, "T[a]T[" LOST "]T[b]" },
		{ { SAYS("\\ud83d"), SAYS("\\ud83d"), SAYS("\\ude00") }, "T[" LOST "]T[😀]" },
		{ { SAYS("\\ud83d"), THINKS("\\ude00") }, "T[" LOST "]R[" LOST "]" },
		{ { THINKS("\\ud83d"), SAYS("b") }, "R[" LOST "]T[b]" },
		{ { SAYS("\\ud83d"), STOPS("") }, "T[" LOST "]" },
		{ { SAYS("\\ud83d"), "[DONE]" }, "T[" LOST "]" },
		{ { THINKS("\\ud83d"), "{\"error\":{}}" }, "R[" LOST "]" },
		{ { STOPS("a\\ud83d") }, "T[a" LOST "]" },
		{ { BOTH("a\\ud83d", "b") }, "R[a" LOST "]T[b]" },
		{ { BOTH("a\\ud83d", "\\ude00") }, "R[a" LOST "]T[" LOST "]" },
		{ { SAYS("\\ude00b") }, "T[" LOST "b]" },
		{ { SAYS("a\\ud83db\\ude00c") }, "T[a" LOST "b" LOST "c]" },
		/* no halves */
		{ { SAYS("a\\\\ud83d"), SAYS("\\\\ude00") }, "T[a\\ud83d]T[\\ude00]" },
		{ { SAYS("\\\"\\ude00") }, "T[\"" LOST "]" },
		{ { SAYS("\\ud83d\\\"") }, "T[" LOST "\"]" },
		{ { SAYS("\\ud7ff\\ue000") }, "T[\xed\x9f\xbf\xee\x80\x80]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(told(rows[i].events), rows[i].told);
}

static void
test_end(void **state)
{
	static const struct {
		const char	*word;
		enum finish	 finish;
	} words[] = {
		{ "stop", FINISH_STOP }, { "length", FINISH_LENGTH }, { "content_filter", FINISH_FILTER },
		{ "tool_calls", FINISH_TOOLS }, { "eos", FINISH_STOP },
	};
	struct chunk	 c;
	char		 event[128];

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		snprintf(event, sizeof event, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"%s\"}]}", words[i].word);
		assert_int_equal(parse(event, &c), 0);
		assert_int_equal(c.finish, words[i].finish);
	}
	assert_int_equal(parse("[DONE]", &c), 0);
	assert_true(c.done);
}

static void
test_extras(void **state)
{
	struct chunk	 c;

	(void)state;
	assert_int_equal(parse("{\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":34}}", &c), 0);
	assert_true(c.has_usage);
	assert_int_equal(c.prompt_tokens, 12);
	assert_int_equal(c.completion_tokens, 34);
	assert_int_equal(parse("{\"choices\":[],\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":3}}", &c), 0);
	assert_false(c.has_usage);
	assert_int_equal(parse("{\"choices\":[{\"delta\":{}}],\"usage\":null}", &c), 0);
	assert_false(c.has_usage);
	assert_int_equal(parse("{\"choices\":[{\"delta\":{}}],\"citations\":[{\"id\":\"1\"}]}", &c), 0);
	assert_int_equal(json_count(c.citations), 1);
	assert_int_equal(parse("{\"error\":{\"message\":\"no\"}}", &c), 0);
	assert_true(c.error);
}

/* Pieces of calls of tools, beside text or alone. */
static void
test_tools(void **state)
{
	struct chunk	 c;

	(void)state;
	assert_int_equal(parse("{\"choices\":[{\"delta\":{\"content\":\"x\",\"tool_calls\":[{\"index\":0,"
	    "\"function\":{\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}", &c), 0);
	assert_int_equal(json_count(c.tool_calls), 1);
	assert_int_equal(c.text_len, 1);
	assert_int_equal(c.finish, FINISH_TOOLS);
	assert_int_equal(parse("{\"choices\":[{\"delta\":{\"tool_calls\":null}}]}", &c), 0);
	assert_null(c.tool_calls);
	assert_int_equal(parse("{\"choices\":[{\"delta\":{\"tool_calls\":[]}}]}", &c), 0);
	assert_null(c.tool_calls);
}

static void
test_garbage(void **state)
{
	static const char *const	 bad[] = {
		"", "{", "nonsense", "[]", "\"text\"", "{\"choices\":[7]}",
		"{\"choices\":[{\"delta\":{\"content\":7}}]}",
		"{\"choices\":[{\"delta\":{\"reasoning_content\":[]}}]}",
		"{\"choices\":[{\"delta\":{\"tool_calls\":{}}}]}",
	};
	struct chunk	 c;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(parse(bad[i], &c), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_malformed_utf8),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_halves),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_extras),
		cmocka_unit_test(test_tools),
		cmocka_unit_test(test_garbage),
	};
	int	 rv;

	parser = delta_parser_new();
	rv = cmocka_run_group_tests_name("delta", tests, NULL, NULL);
	delta_parser_free(parser);
	return rv;
}
