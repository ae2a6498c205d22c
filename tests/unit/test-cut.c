/* Where texts are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/utf8.h"
#include "core/cut.h"

#include <cmocka.h>

static struct arena	*a;
static struct cut	*cuts;
static size_t		 n;

static int
setup(void **state)
{
	(void)state;
	a = arena_new(0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static void
cut(const char *text)
{
	cuts = cut_text(a, text, strlen(text), &n);
	for (size_t i = 0; i < n; i++) {
		assert_true(cuts[i].len > 0 && cuts[i].len <= CUT_MOST);
		assert_true(utf8_valid(cuts[i].p, cuts[i].len));
		assert_true(i == 0 || cuts[i].p > cuts[i - 1].p);
		assert_true(i == 0 || cuts[i].p + cuts[i].len > cuts[i - 1].p + cuts[i - 1].len);
	}
}

/* A paragraph of so many bytes at least, in sentences that each say its name. */
static void
paragraph(struct str *s, const char *sentence, size_t bytes)
{
	const size_t	 begin = s->len;

	while (s->len - begin < bytes)
		str_puts(s, sentence);
}

static bool
begins(size_t i, const char *with)
{
	return cuts[i].len >= strlen(with) && memcmp(cuts[i].p, with, strlen(with)) == 0;
}

static bool
ends(size_t i, const char *with)
{
	const size_t	 len = strlen(with);

	return cuts[i].len >= len && memcmp(cuts[i].p + cuts[i].len - len, with, len) == 0;
}

static bool
holds(size_t i, const char *what)
{
	return memmem(cuts[i].p, cuts[i].len, what, strlen(what)) != NULL;
}

static void
small(void **state)
{
	(void)state;
	cut("");
	assert_int_equal(n, 0);
	cut(" \r\n\t\n　　\n");
	assert_int_equal(n, 0);
	cut("  one \r\n");
	assert_int_equal(n, 1);
	assert_true(cuts[0].len == 3 && begins(0, "one"));
	cut("　　第一段。\n　　第二段。\n");
	assert_int_equal(n, 1);
	assert_true(begins(0, "第一段") && ends(0, "第二段。"));
}

static void
at_paragraphs(void **state)
{
	struct str	 s = STR_INIT(0);

	(void)state;
	paragraph(&s, "Alpha is one. ", CUT_MOST / 2);
	str_puts(&s, "\n\n");
	paragraph(&s, "Beta is two. ", CUT_MOST / 3);
	str_puts(&s, "\n\n");
	paragraph(&s, "Gamma is three. ", CUT_MOST / 2);
	cut(s.p);
	assert_int_equal(n, 2);
	assert_true(begins(0, "Alpha") && ends(0, "Beta is two."));
	assert_true(begins(1, "Gamma") && ends(1, "Gamma is three."));
	assert_false(holds(1, "Beta"));		/* nothing is repeated where a paragraph ends */

	/* Chinese paragraphs are single lines. */
	str_reset(&s);
	for (int i = 0; i < 4; i++) {
		paragraph(&s, i % 2 == 0 ? "甲是第一。" : "乙是第二。", CUT_MOST / 2 - 100);
		str_putc(&s, '\n');
	}
	cut(s.p);
	assert_int_equal(n, 2);
	assert_true(begins(1, "甲是第一。") && ends(0, "乙是第二。"));
	str_free(&s);
}

static void
long_paragraphs(void **state)
{
	static const char *const	 sentences[] = {
		"The rate of v2.5 is 3.14 per cent, said A. Smith. ",
		"他说：“今天不去了。”",
		"Is it so? ",
	};
	struct str			 s = STR_INIT(0);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const size_t	 len = strlen(sentences[i]);

		str_reset(&s);
		paragraph(&s, sentences[i], 4 * CUT_MOST);
		cut(s.p);
		assert_true(n >= 4 && n <= 7);
		for (size_t k = 0; k < n; k++) {
			assert_memory_equal(cuts[k].p, sentences[i], len);
			assert_true(cuts[k].p[cuts[k].len - 1] != ' ');
			assert_true(k + 1 == n || cuts[k].len > CUT_MOST - 2 * len);
			/* The end of the one before is repeated. */
			assert_true(k == 0 || cuts[k].p < cuts[k - 1].p + cuts[k - 1].len);
		}
	}
	str_free(&s);
}

static void
headings(void **state)
{
	static const char *const	 marked[] = { "# The end", "第三章 结束", "THE END" };
	struct str			 s = STR_INIT(0);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		str_reset(&s);
		paragraph(&s, "Alpha is one. ", CUT_MOST - 100);
		str_printf(&s, "\n\n%s\n\n", marked[i]);
		paragraph(&s, "Beta is two. ", CUT_MOST / 2);
		cut(s.p);
		assert_int_equal(n, 2);
		assert_true(ends(0, "Alpha is one.") && begins(1, marked[i]));
		assert_true(holds(1, "Beta"));
	}
	/* A section that is long enough is a segment, even where the next one would fit. */
	str_reset(&s);
	paragraph(&s, "Alpha is one. ", CUT_MOST * 2 / 5);
	str_puts(&s, "\n\n## Beta\n\n");
	paragraph(&s, "Beta is two. ", CUT_MOST * 2 / 5);
	cut(s.p);
	assert_int_equal(n, 2);
	assert_true(begins(1, "## Beta"));
	str_free(&s);
}

/* Tables, encoded data, words without end. */
static void
without_sentences(void **state)
{
	struct str	 s = STR_INIT(0);

	(void)state;
	paragraph(&s, "abcdefghij", 10 * CUT_MOST);
	cut(s.p);
	assert_true(n >= 10);
	str_reset(&s);
	paragraph(&s, "数据", 10 * CUT_MOST);
	cut(s.p);
	assert_true(n >= 10);
	str_reset(&s);
	paragraph(&s, "one 2 three\n", 10 * CUT_MOST);
	cut(s.p);
	assert_true(n >= 10);
	for (size_t i = 0; i < n; i++)
		assert_true(begins(i, "one 2 three") && ends(i, "one 2 three"));
	str_reset(&s);
	paragraph(&s, "word ", 10 * CUT_MOST);
	cut(s.p);
	for (size_t i = 0; i < n; i++)
		assert_true(begins(i, "word") && ends(i, "word"));
	str_free(&s);
}

/* Whatever comes: all that is not blank is in a segment. */
static void
nothing_lost(void **state)
{
	static const char *const	 pieces[] = {
		"a", "。", "\n", "\n\n", "# h\n", "字字字", " ", "x. ", "\r\n", "　", "“”", "1.5",
	};
	uint32_t			 seed = 1;
	struct str			 s = STR_INIT(0);

	(void)state;
	for (int run = 0; run < 200; run++) {
		size_t	 seen = 0;

		str_reset(&s);
		for (int i = 0; i < 1500; i++) {
			seed = seed * 1664525 + 1013904223;
			str_puts(&s, pieces[(seed >> 16) % 12]);
		}
		cut(s.p);
		for (size_t i = 0; i < n; i++) {
			for (const char *p = s.p + seen; p < cuts[i].p; p++)
				assert_non_null(memchr(" \r\n\xe3\x80\x80", *p, 6));
			seen = (size_t)(cuts[i].p - s.p) + cuts[i].len;
		}
		for (const char *p = s.p + seen; *p != '\0'; p++)
			assert_non_null(memchr(" \r\n\xe3\x80\x80", *p, 6));
	}
	str_free(&s);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(small),
		TEST(at_paragraphs),
		TEST(long_paragraphs),
		TEST(headings),
		TEST(without_sentences),
		TEST(nothing_lost),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("cut", tests, NULL, NULL);
}
