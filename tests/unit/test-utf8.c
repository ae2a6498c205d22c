#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

#define S(s)	s, sizeof(s) - 1

/* Writes any number below 2^21 the way UTF-8 would, the forbidden ones and longer forms as well. */
static size_t
put(char *dst, uint32_t cp, size_t len)
{
	static const unsigned char	 lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	if (len == 1) {
		dst[0] = (char)cp;
		return 1;
	}
	for (size_t i = len - 1; i > 0; i--, cp >>= 6)
		dst[i] = (char)(0x80 | (cp & 0x3f));
	dst[0] = (char)(lead[len] | cp);
	return len;
}

static size_t
length_of(uint32_t cp)
{
	return cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
}

static void
every_character(void **state)
{
	(void)state;
	for (uint32_t cp = 0; cp < 0x1fffff; cp++) {
		bool		 good = cp < 0xd800 || (cp > 0xdfff && cp < 0x110000);
		char		 buf[8];
		uint32_t	 got = 0;
		size_t		 n = put(buf, cp, length_of(cp));

		if (utf8_valid(buf, n) != good || utf8_next(buf, n, &got) != (good ? n : 0) || (good && got != cp))
			fail_msg("U+%04X", cp);
		for (size_t k = 1; k < n; k++)
			if (utf8_valid(buf, k) || (good && utf8_partial(buf, k) != k))
				fail_msg("U+%04X cut at %zu", cp, k);
		if (n < 4) {
			put(buf, cp, n + 1);		/* overlong */
			if (utf8_valid(buf, n + 1))
				fail_msg("U+%04X in %zu bytes", cp, n + 1);
		}
	}
}

static void
valid(void **state)
{
	(void)state;
	assert_true(utf8_valid(NULL, 0));
	assert_true(utf8_valid(S("plain ASCII of more than eight bytes")));
	assert_true(utf8_valid(S("混合 text with 😀 inside, long enough for the fast way")));
	assert_true(utf8_valid(S("a\0b")));
	assert_false(utf8_valid(S("12345678\x80")));
	assert_false(utf8_valid(S("1234567\xff")));
	assert_int_equal(utf8_good(S("12345678中\xff")), 11);
	assert_int_equal(utf8_good(S("\x80")), 0);
	assert_int_equal(utf8_good(S("中")), 3);
	assert_false(utf8_valid(S("\xe4\xb8")));
	assert_false(utf8_valid(S("\xe4\xb8" "a")));
	assert_false(utf8_valid(S("\xf8\x88\x80\x80\x80")));
	assert_false(utf8_valid(S("\xed\xa0\x80")));
	assert_false(utf8_valid(S("\xc0\xaf")));
}

static void
lengths(void **state)
{
	static const char	 text[] = "a中😀é";
	const size_t		 n = sizeof text - 1;
	uint32_t		 cp;

	(void)state;
	assert_int_equal(utf8_length(text, n), 4);
	assert_int_equal(utf8_length("", 0), 0);
	assert_int_equal(utf8_cut(text, n, 0), 0);
	assert_int_equal(utf8_cut(text, n, 1), 1);
	assert_int_equal(utf8_cut(text, n, 2), 4);
	assert_int_equal(utf8_cut(text, n, 3), 8);
	assert_int_equal(utf8_cut(text, n, 4), n);
	assert_int_equal(utf8_cut(text, n, 99), n);
	assert_int_equal(utf8_next("", 0, &cp), 0);
}

static void
partial(void **state)
{
	(void)state;
	assert_int_equal(utf8_partial("", 0), 0);
	assert_int_equal(utf8_partial(S("abc")), 0);
	assert_int_equal(utf8_partial(S("中")), 0);
	assert_int_equal(utf8_partial(S("a\xe4")), 1);
	assert_int_equal(utf8_partial(S("a\xe4\xb8")), 2);
	assert_int_equal(utf8_partial(S("\xf0\x9f\x98")), 3);
	assert_int_equal(utf8_partial(S("\xf0\x9f\x98\x80")), 0);
	/* What can never become a character is not waited for. */
	assert_int_equal(utf8_partial(S("\x80\x80\x80")), 0);
	assert_int_equal(utf8_partial(S("\xc0")), 0);
	assert_int_equal(utf8_partial(S("\xff")), 0);
	assert_int_equal(utf8_partial(S("\xe0\x80")), 0);
	assert_int_equal(utf8_partial(S("\xed\xa0")), 0);
}

static void
cleans_to(const char *in, size_t n, const char *want)
{
	char	 out[256];
	size_t	 len;

	assert_true(3 * n <= sizeof out);
	len = utf8_clean(out, in, n);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(out, want, len);
	assert_true(utf8_valid(out, len));
}

#define BAD	"\xef\xbf\xbd"

/* One U+FFFD for the longest beginning of a character, as the Unicode standard recommends. */
static void
clean(void **state)
{
	(void)state;
	cleans_to(S(""), "");
	cleans_to(S("中文 ok"), "中文 ok");
	cleans_to(S("a\xff" "b"), "a" BAD "b");
	cleans_to(S("a\xe4\xb8"), "a" BAD);
	cleans_to(S("\xe4\xb8" "a\xf0\x9f\x98z"), BAD "a" BAD "z");
	cleans_to(S("\xed\xa0\x80"), BAD BAD BAD);
	cleans_to(S("\xc0\xaf"), BAD BAD);
	cleans_to(S("\xf4\x90\x80\x80"), BAD BAD BAD BAD);
	/* The table 3-8 of the standard. */
	cleans_to(S("\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64"), "a" BAD BAD BAD "b" BAD "c" BAD BAD "d");
}

/* src as one line; and is it blank? */
static void
assert_line(const char *src, const char *line)
{
	char	dst[64];
	size_t	n = utf8_line(dst, src, strlen(src));

	assert_int_equal(n, strlen(line));
	assert_memory_equal(dst, line, n);
	assert_int_equal(utf8_blank(src, strlen(src)), n == 0);
}

static void
lines(void **state)
{
	(void)state;
	assert_line("", "");
	assert_line("a", "a");
	assert_line(" a  b\r\n\tc ", "a b c");
	assert_line("你\u3000好\u2028\u00a0!\u200b", "你 好 !");
	assert_line(" \t\r\n\v\f\x7f\xc2\x85\u00a0\u2003\u200b\u2029\u202f\u3000\ufeff", "");
	assert_line("\u2010\u202e\u3001", "\u2010\u202e\u3001");
	assert_true(utf8_blank(S("\0\0")));
}

static void
tokens(void **state)
{
	(void)state;
	assert_int_equal(utf8_tokens("", 0), 0);
	assert_int_equal(utf8_tokens(S("a")), 1);
	assert_int_equal(utf8_tokens(S("abcd")), 1);
	assert_int_equal(utf8_tokens(S("abcde")), 2);
	assert_int_equal(utf8_tokens(S("你好")), 2);
	assert_int_equal(utf8_tokens(S("你好, world")), 2 + 2);	/* 7 bytes */
	assert_int_equal(utf8_tokens(S("。")), 1);			/* 3 bytes, no character of a script */
	assert_int_equal(utf8_tokens(S("ひらカタ한글𠀀")), 7);
	assert_int_equal(utf8_tokens(S("é")), 1);
	assert_int_equal(utf8_tokens(NULL, 0), 0);
	assert_int_equal(utf8_tokens(S("\xff\xff\xff\xff\xff")), 2);
}

/* In whatever pieces a text comes, its tokens are the same. */
static void
tally(void **state)
{
	static const char	 text[] = "你好, world: ひら, é and 한글.";
	const size_t		 n = sizeof text - 1;
	uint32_t		 c;

	(void)state;
	for (int chars = 1; chars < 20; chars++) {
		struct utf8_tally	 t = { 0 };
		size_t			 from = 0, to = 0;

		while (from < n) {
			for (int i = 0; i < chars && to < n; i++)
				to += utf8_next(text + to, n - to, &c);
			utf8_tally(&t, text + from, to - from);
			from = to;
		}
		assert_int_equal(t.bytes, n);
		assert_int_equal(utf8_tally_tokens(&t), utf8_tokens(text, n));
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(every_character),
		cmocka_unit_test(valid),
		cmocka_unit_test(lengths),
		cmocka_unit_test(partial),
		cmocka_unit_test(clean),
		cmocka_unit_test(lines),
		cmocka_unit_test(tokens),
		cmocka_unit_test(tally),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
