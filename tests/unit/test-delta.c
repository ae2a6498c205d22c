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
	return delta_parse(parser, s, strlen(s), c);
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

	(void)state;
	if (delta_parse(parser, raw, sizeof raw - 1, &c) == 0)	/* cleaned or refused, never passed on */
		assert_memory_equal(c.text, "a\xef\xbf\xbd" "b", 5);
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

static void
test_garbage(void **state)
{
	static const char *const	 bad[] = {
		"", "{", "nonsense", "[]", "\"text\"", "{\"choices\":[7]}",
		"{\"choices\":[{\"delta\":{\"content\":7}}]}",
		"{\"choices\":[{\"delta\":{\"reasoning_content\":[]}}]}",
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
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_extras),
		cmocka_unit_test(test_garbage),
	};
	int	 rv;

	parser = delta_parser_new();
	rv = cmocka_run_group_tests_name("delta", tests, NULL, NULL);
	delta_parser_free(parser);
	return rv;
}
