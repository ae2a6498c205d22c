/* Terms of texts and of questions: stems, fillers, pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/ident.h"
#include "core/terms.h"
#include "core/words.h"

#include <cmocka.h>

static struct arena	*a;

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

static const char *
stem(const char *word)
{
	return arena_strndup(a, word, words_stem(word, strlen(word)));
}

static void
stems(void **state)
{
	static const char *const	 same[][4] = {
		{ "pay", "pays", "paying", "payed" },
		{ "plan", "plans", "planned", "planning" },
		{ "machine", "machines", "machining", "machined" },
		{ "city", "cities", "city", "cities" },
		{ "body", "bodies", "bodied", "body" },
		{ "box", "boxes", "boxed", "boxing" },
		{ "call", "calls", "called", "calling" },
		{ "house", "houses", "housed", "housing" },
	};
	static const char *const	 whole[] = {
		"bus", "class", "string", "ring", "need", "is", "status", "退款", "naïve", "e07", "e", "",
		"x86s", "ing", "ies",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		for (size_t k = 1; k < 4; k++)
			assert_string_equal(stem(same[i][0]), stem(same[i][k]));
	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++)
		assert_string_equal(stem(whole[i]), whole[i]);
	assert_string_equal(stem("pays"), "pay");
}

static void
texts(void **state)
{
	static const char	 text[] = "Pump, pumps. 水泵 水泵 PUMPS";
	struct posting		*p;
	size_t			 n, length;

	(void)state;
	p = terms_of(a, TERMS_EXACT, text, strlen(text), &n, &length);
	assert_int_equal(n, 3);
	assert_int_equal(length, 5);
	p = terms_of(a, TERMS_STEMS, text, strlen(text), &n, &length);
	assert_int_equal(n, 4);			/* 水 and 泵, too */
	assert_int_equal(length, 5);
	assert_true(p[0].h < p[1].h);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i].tf, p[i].h == ident_hash64("pump", 4) ? 3 : 2);
	p = terms_of(a, TERMS_STEMS, text, 0, &n, &length);
	assert_non_null(p);
	assert_int_equal(n + length, 0);
}

static void
asks_for(const char *question, const char *terms)
{
	size_t		 n, expected = 0;
	struct asked	*q = terms_asked(a, question, 64, &n);
	char		*list = arena_strdup(a, terms), *term;

	while ((term = strsep(&list, " ")) != NULL && *term != '\0') {
		assert_true(expected < n);
		assert_true(q[expected].h == ident_hash64(term, strlen(term)));
		assert_int_equal(q[expected].pair, words_pair(term, strlen(term)));
		expected++;
	}
	assert_int_equal(n, expected);
}

static void
questions(void **state)
{
	size_t	 n;

	(void)state;
	asks_for("How long do the pumps last, please?", "pump last");
	asks_for("what is it", "");
	asks_for("?!", "");
	asks_for("", "");
	asks_for("退款要多久啊", "退款 款要 要多");
	asks_for("请问怎么退款", "退款");
	asks_for("ＶＩＰ退款了吗 vip", "vip 退款");
	asks_for("茶", "茶");
	asks_for("茶, 水泵", "茶 水泵");
	terms_asked(a, "one two three four", 3, &n);
	assert_int_equal(n, 3);

	assert_true(words_pair("退款", 6));
	assert_false(words_pair("退", 3));
	assert_false(words_pair("退款a", 7));
	assert_false(words_pair("ab", 2));
	assert_false(words_pair("한국", 6));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(stems),
		TEST(texts),
		TEST(questions),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("terms", tests, NULL, NULL);
}
