#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/url.h"

#define S(s)	s, sizeof(s) - 1

static void
every_byte(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char	 lower[8], upper[8], dst[8];

		snprintf(lower, sizeof lower, "%%%02x", c);
		snprintf(upper, sizeof upper, "%%%02X", c);
		assert_int_equal(url_unescape(dst, lower, 3, false), 1);
		assert_int_equal((unsigned char)dst[0], c);
		assert_int_equal(url_unescape(dst, upper, 3, true), 1);
		assert_int_equal((unsigned char)dst[0], c);
	}
}

static void
unescapes(const char *s, bool plus, const char *want)
{
	char	 dst[64];
	size_t	 n = url_unescape(dst, s, strlen(s), plus);

	assert_int_equal(n, strlen(want));
	assert_memory_equal(dst, want, n);
}

static void
what_is_no_escape_stays(void **state)
{
	(void)state;
	unescapes("", true, "");
	unescapes("a%20b", false, "a b");
	unescapes("a+b", false, "a+b");
	unescapes("a+b%2B", true, "a b+");
	unescapes("100%", true, "100%");
	unescapes("%4", true, "%4");
	unescapes("%4g%g4%@1%`1%:1%/1", true, "%4g%g4%@1%`1%:1%/1");
	unescapes("%%41", true, "%A");
	unescapes("%2541", true, "%41");
}

static void
stays_within_its_bytes(void **state)
{
	char	 dst[4];

	(void)state;
	assert_int_equal(url_unescape(dst, "%41", 2, true), 2);
	assert_memory_equal(dst, "%4", 2);
}

static void
in_place(void **state)
{
	char	 s[] = "%e6%a8%a1+x";

	(void)state;
	assert_int_equal(url_unescape(s, s, strlen(s), true), 5);
	assert_memory_equal(s, "模 x", 5);
}

static void
text_only(void **state)
{
	struct arena	*a = arena_new(0);

	(void)state;
	assert_string_equal(url_decode(a, S("%E6%A8%A1%E5%9E%8B+a"), true), "模型 a");
	assert_string_equal(url_decode(a, S(""), true), "");
	assert_null(url_decode(a, S("a%00b"), true));
	assert_null(url_decode(a, S("a%0d%0ab"), true));
	assert_null(url_decode(a, S("%7f"), true));
	assert_null(url_decode(a, S("%ff"), true));
	assert_true(url_text(S("模型")));
	assert_false(url_text(S("a\tb")));
	assert_false(url_text(S("\xe6\xa8")));
	arena_free(a);
}

static void
escapes(void **state)
{
	struct str	 s = STR_INIT(0);
	char		 all[256], back[256];

	(void)state;
	url_escape(&s, S("q=a b&c/..#%模~-_"));
	assert_string_equal(s.p, "q%3Da%20b%26c%2F..%23%25%E6%A8%A1~-_");
	str_reset(&s);
	for (int c = 0; c < 256; c++)
		all[c] = (char)c;
	url_escape(&s, all, sizeof all);
	assert_int_equal(s.len, 66 + 3 * (256 - 66));
	for (size_t i = 0; i < s.len; i += s.p[i] == '%' ? 3 : 1)
		if (s.p[i] == '%')
			assert_int_equal(url_unescape(back, s.p + i, 3, false), 1);
	assert_int_equal(url_unescape(s.p, s.p, s.len, true), sizeof all);
	assert_memory_equal(s.p, all, sizeof all);
	str_free(&s);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(every_byte),
		cmocka_unit_test(what_is_no_escape_stays),
		cmocka_unit_test(stays_within_its_bytes),
		cmocka_unit_test(in_place),
		cmocka_unit_test(text_only),
		cmocka_unit_test(escapes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
