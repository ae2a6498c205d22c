#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/jw.h"

static struct str	 out = STR_INIT(0);
static struct jw	 w;

static int
begin(void **state)
{
	(void)state;
	str_reset(&out);
	jw_open(&w, &out);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	str_free(&out);
	return 0;
}

static void
documents(void **state)
{
	(void)state;
	jw_obj(&w, NULL);
	jw_str(&w, "s", "x");
	jw_str(&w, "none", NULL);
	jw_strn(&w, "n", "abc", 2);
	jw_arr(&w, "empty");
	jw_end(&w);
	jw_arr(&w, "list");
	jw_i64(&w, NULL, 1);
	jw_obj(&w, NULL);
	jw_end(&w);
	jw_obj(&w, NULL);
	jw_bool(&w, "t", true);
	jw_bool(&w, "f", false);
	jw_null(&w, "z");
	jw_end(&w);
	jw_raw(&w, NULL, "[2]", 3);
	jw_end(&w);
	jw_idstr(&w, "id", 9007199254740991);
	jw_time(&w, "at", 1730701729416);
	jw_time(&w, "never", 0);
	jw_obj(&w, "deep");
	jw_arr(&w, "er");
	jw_close(&w);
	assert_string_equal(out.p, "{\"s\":\"x\",\"none\":null,\"n\":\"ab\",\"empty\":[],"
	    "\"list\":[1,{},{\"t\":true,\"f\":false,\"z\":null},[2]],"
	    "\"id\":\"9007199254740991\",\"at\":\"2024-11-04T06:28:49.416Z\","
	    "\"never\":null,\"deep\":{\"er\":[]}}");
}

/* A document begins where the str ends. */
static void
behind_something(void **state)
{
	(void)state;
	str_puts(&out, "data: ");
	jw_open(&w, &out);
	jw_i64(&w, NULL, 7);
	assert_string_equal(out.p, "data: 7");
}

static void
escapes_to(const char *in, size_t n, const char *want)
{
	str_reset(&out);
	jw_escape(&out, in, n);
	assert_string_equal(out.p, want);
}

static void
escapes(void **state)
{
	(void)state;
	escapes_to("", 0, "");
	escapes_to("plain", 5, "plain");
	escapes_to("a/b", 3, "a/b");
	escapes_to("\"\\\b\f\n\r\t", 7, "\\\"\\\\\\b\\f\\n\\r\\t");
	escapes_to("\0\x01\x1f\x7f", 4, "\\u0000\\u0001\\u001f\x7f");
	escapes_to("中文😀", 10, "中文😀");
	/* U+2028 and U+2029, and their neighbours that begin alike. */
	escapes_to("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xa7\xe2\x80\xaa\xe2\x81\xa8", 15,
	    "\\u2028\\u2029\xe2\x80\xa7\xe2\x80\xaa\xe2\x81\xa8");
	escapes_to("x\xe2\x80\xa8y", 5, "x\\u2028y");
	/* Cut short: nothing behind the end is looked at. */
	escapes_to("\xe2\x80\xa8", 2, "\xe2\x80");
	escapes_to("\xe2", 1, "\xe2");

	str_reset(&out);
	jw_obj(&w, NULL);
	jw_str(&w, "a\"b", "c\nd");
	jw_close(&w);
	assert_string_equal(out.p, "{\"a\\\"b\":\"c\\nd\"}");
}

static void
numbers(void **state)
{
	static const struct {
		double		 d;
		const char	*want;
	} doubles[] = {
		{ 0, "0" }, { -0.0, "0" }, { -1.5, "-1.5" }, { 0.1, "0.1" }, { 100, "100" }, { 1e21, "1e+21" },
		{ 0.30000000000000004, "0.30000000000000004" }, { 1.0 / 3, "0.3333333333333333" },
		{ 4.35, "4.35" }, { 1e-7, "1e-07" }, { NAN, "null" }, { INFINITY, "null" }, { -INFINITY, "null" },
	};
	static const struct {
		int64_t		 i;
		const char	*want;
	} integers[] = {
		{ 0, "0" }, { 7, "7" }, { -7, "-7" }, { INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" }, { 1000000, "1000000" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
		begin(NULL);
		jw_f64(&w, NULL, doubles[i].d);
		assert_string_equal(out.p, doubles[i].want);
	}
	for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
		begin(NULL);
		jw_i64(&w, NULL, integers[i].i);
		assert_string_equal(out.p, integers[i].want);
	}
}

/* What is over the cap is remembered by the str; the rest of the document does no harm. */
static void
full(void **state)
{
	struct str	 small = STR_INIT(16);

	(void)state;
	jw_open(&w, &small);
	jw_arr(&w, NULL);
	jw_str(&w, NULL, "0123456789");
	jw_str(&w, NULL, "0123456789");
	jw_close(&w);
	assert_true(small.full);
	assert_true(small.len <= 16);
	str_free(&small);
}

static void
deep(void **state)
{
	(void)state;
	for (int i = 0; i < JW_DEPTH; i++)
		jw_arr(&w, NULL);
	jw_close(&w);
	assert_int_equal(out.len, 2 * JW_DEPTH);
	for (int i = 0; i < JW_DEPTH; i++)
		assert_true(out.p[i] == '[' && out.p[JW_DEPTH + i] == ']');
}

static void
arrays(void **state)
{
	static const int64_t		 numbers[] = { 1, -2, INT64_MAX };
	static const struct jw_pair	 pairs[] = { { INT64_MIN, 0.5 }, { 2, 3 } };
	struct arena			*a = arena_new(0);

	(void)state;
	assert_string_equal(jw_numbers(a, numbers, 3), "[1,-2,9223372036854775807]");
	assert_string_equal(jw_pairs(a, pairs, 2), "[[-9223372036854775808,0.5],[2,3]]");
	assert_string_equal(jw_pairs(a, pairs, 0), "[]");
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(documents, begin, end),
		cmocka_unit_test_setup_teardown(behind_something, begin, end),
		cmocka_unit_test_setup_teardown(escapes, begin, end),
		cmocka_unit_test_setup_teardown(numbers, begin, end),
		cmocka_unit_test_setup_teardown(full, begin, end),
		cmocka_unit_test(arrays),
		cmocka_unit_test_setup_teardown(deep, begin, end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("jw", tests, NULL, NULL);
}
