/* toolcalls: calls are put together from their pieces as servers send them, and not without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "upstream/toolcalls.h"

#include <cmocka.h>		/* after ours: it has a macro fail() */

static struct toolcalls	 calls;
static struct str	 written;

static int
add(const char *text)
{
	return toolcalls_add_text(&calls, text, strlen(text));
}

static const char *
write_calls(void)
{
	struct jw	 w;

	str_reset(&written);
	jw_open(&w, &written);
	toolcalls_write(&calls, &w, NULL);
	return written.p;
}

static int
teardown(void **state)
{
	(void)state;
	toolcalls_free(&calls);
	str_free(&written);
	return 0;
}

#define CALL(id, name, arguments) \
	"{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name "\"," \
	"\"arguments\":\"" arguments "\"}}"

/* The way of OpenAI: two calls, their arguments in pieces that take turns. */
static void
test_pieces(void **state)
{
	(void)state;
	assert_int_equal(add("[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":"
	    "{\"name\":\"weather\",\"arguments\":\"\"}}]"), 0);
	assert_int_equal(add("[{\"index\":0,\"function\":{\"arguments\":\"{\\\"city\\\":\"}}]"), 0);
	assert_int_equal(add("[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"time\","
	    "\"arguments\":\"{\"}},{\"index\":0,\"function\":{\"arguments\":\"\\\"深圳\\\"}\"}}]"), 0);
	assert_int_equal(add("[{\"index\":1,\"function\":{\"arguments\":\"}\"}}]"), 0);
	assert_string_equal(write_calls(), "[" CALL("a", "weather", "{\\\"city\\\":\\\"深圳\\\"}") ","
	    CALL("b", "time", "{}") "]");
	assert_true(toolcalls_tokens(&calls) >= 7);
	assert_int_equal(calls.bytes, strlen("aweather{\"city\":\"深圳\"}btime{}"));
}

/* Whole calls in one piece each, without numbers; id and name with every piece. */
static void
test_other_servers(void **state)
{
	(void)state;
	assert_int_equal(add("[{\"id\":\"a\",\"function\":{\"name\":\"x\",\"arguments\":\"{}\"}},"
	    "{\"id\":\"b\",\"function\":{\"name\":\"y\",\"arguments\":\"{\"}}]"), 0);
	assert_int_equal(add("[{\"function\":{\"arguments\":\"}\"}}]"), 0);
	assert_string_equal(write_calls(), "[" CALL("a", "x", "{}") "," CALL("b", "y", "{}") "]");

	toolcalls_free(&calls);
	assert_int_equal(calls.n, 0);
	assert_int_equal(add("[{\"index\":3,\"id\":\"a\",\"function\":{\"name\":\"x\",\"arguments\":\"[\"}}]"), 0);
	assert_int_equal(add("[{\"index\":3,\"id\":\"a\",\"function\":{\"name\":\"x\",\"arguments\":\"]\"}}]"), 0);
	assert_string_equal(write_calls(), "[" CALL("a", "x", "[]") "]");
}

static void
test_what_is_missing(void **state)
{
	(void)state;
	assert_string_equal(write_calls(), "[]");
	assert_int_equal(add("[{\"index\":0,\"id\":null,\"function\":{\"name\":null}}]"), 0);
	assert_string_equal(write_calls(), "[" CALL("", "", "") "]");
	assert_int_equal(add("[]"), 0);
	assert_int_equal(add("{}"), -1);
	assert_int_equal(add("[1]"), -1);
	assert_int_equal(add("["), -1);
	assert_int_equal(add("null"), -1);
}

/* As they are kept. */
static void
test_whole(void **state)
{
	(void)state;
	assert_int_equal(toolcalls_put(&calls, "a", "x", "{\"n\":1}"), 0);
	assert_int_equal(toolcalls_put(&calls, "", NULL, NULL), 0);
	assert_string_equal(write_calls(), "[" CALL("a", "x", "{\\\"n\\\":1}") "," CALL("", "", "") "]");
	for (int i = 2; i < TOOLCALLS_MAX; i++)
		assert_int_equal(toolcalls_put(&calls, "a", "x", NULL), 0);
	assert_int_equal(toolcalls_put(&calls, "a", "x", NULL), -1);
	assert_int_equal(calls.n, TOOLCALLS_MAX);
}

static void
test_clean(void **state)
{
	(void)state;
	assert_int_equal(add("[{\"index\":0,\"id\":\"a\\u0000b\",\"function\":{\"name\":\"\xff\","
	    "\"arguments\":\"\\u0000\"}}]"), 0);
	assert_string_equal(write_calls(), "[" CALL("ab", "\xef\xbf\xbd", "") "]");
}

static void
test_too_much(void **state)
{
	struct str	 s = STR_INIT(0);

	(void)state;
	for (int i = 0; i < TOOLCALLS_MAX; i++) {
		str_reset(&s);
		str_printf(&s, "[{\"index\":%d,\"id\":\"i\"}]", i);
		assert_int_equal(add(s.p), 0);
	}
	assert_int_equal(add("[{\"index\":99}]"), -1);
	assert_int_equal(calls.n, TOOLCALLS_MAX);

	toolcalls_free(&calls);
	str_reset(&s);
	str_puts(&s, "[{\"index\":0,\"function\":{\"arguments\":\"");
	for (int i = 0; i < 1024; i++)
		str_putc(&s, 'x');
	str_puts(&s, "\"}}]");
	for (int i = 0; i < TOOLCALLS_BYTES / 1024; i++)
		assert_int_equal(add(s.p), 0);
	assert_int_equal(add(s.p), -1);
	str_free(&s);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_teardown(test_pieces, teardown),
		cmocka_unit_test_teardown(test_other_servers, teardown),
		cmocka_unit_test_teardown(test_what_is_missing, teardown),
		cmocka_unit_test_teardown(test_whole, teardown),
		cmocka_unit_test_teardown(test_clean, teardown),
		cmocka_unit_test_teardown(test_too_much, teardown),
	};

	return cmocka_run_group_tests_name("toolcalls", tests, NULL, NULL);
}
