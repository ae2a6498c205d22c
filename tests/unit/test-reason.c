/* Why a document could not be read: what is kept of it, and what its owner is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#undef fail		/* ours is in ctx.h */

#include "base/reason.h"
#include "base/utf8.h"

#define KEPT	255	/* characters that a document has room for */

static void
told(void **state)
{
	struct arena	*a = arena_new(0);

	(void)state;
	assert_string_equal(reason_text(a, "EMPTY", LANG_EN), "there is no text in it");
	assert_string_equal(reason_text(a, "EMPTY", LANG_ZH), "其中没有文字");
	assert_string_equal(reason_text(a, "STATUS 404", LANG_EN),
	    "its server answered with status 404");
	assert_string_equal(reason_text(a, "STATUS 404", LANG_ZH), "其服务器返回状态 404");
	arena_free(a);
}

/* Each has its own name and sentences, without a hole where nothing is to be filled in. */
static void
all(void **state)
{
	struct arena	*a = arena_new(0);

	(void)state;
	for (int i = 0; i < REASONS; i++) {
		const char	*name = reason_name((enum reason)i);
		const char	*en = reason_text(a, name, LANG_EN);
		const char	*zh = reason_text(a, name, LANG_ZH);

		assert_true(strlen(name) < KEPT && strchr(name, ' ') == NULL);
		assert_true(strcmp(en, name) != 0 && strcmp(zh, name) != 0 && strcmp(en, zh) != 0);
		assert_true(utf8_valid(zh, strlen(zh)));
		assert_null(strchr(en, '%'));
		assert_null(strchr(zh, '%'));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(en, reason_text(a, reason_name((enum reason)k),
			    LANG_EN));
	}
	arena_free(a);
}

static void
not_a_name(void **state)
{
	static const char *const	kept[] = { "it is too large", "", " ", "EMPT", "EMPTYING", "S 1" };
	struct arena			*a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_string_equal(reason_text(a, kept[i], LANG_ZH), kept[i]);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(told),
		cmocka_unit_test(all),
		cmocka_unit_test(not_a_name),
	};

	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
