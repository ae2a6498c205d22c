#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#undef fail		/* ours is in ctx.h */

#include "base/ctx.h"
#include "base/utf8.h"

static int
open_ctx(void **state)
{
	static struct ctx	 cx;

	cx = (struct ctx){ .a = arena_new(0) };
	*state = &cx;
	return 0;
}

static int
close_ctx(void **state)
{
	arena_free(((struct ctx *)*state)->a);
	return 0;
}

static void
first_wins(void **state)
{
	struct ctx	*cx = *state;

	assert_int_equal(cx->fail.kind, F_NONE);
	assert_int_equal(fail(cx, F_MISSING, "messages[%d].role", 2), -1);
	assert_null(fail_null(cx, F_INTERNAL, "later"));
	assert_int_equal(fail(cx, F_INTERNAL, "later still"), -1);
	assert_int_equal(cx->fail.kind, F_MISSING);
	assert_string_equal(cx->fail.what, "messages[2].role");

	cx->fail.retry_after = 5;
	fail_clear(cx);
	assert_int_equal(cx->fail.kind, F_NONE);
	assert_null(cx->fail.what);
	assert_int_equal(cx->fail.retry_after, 0);
	assert_null(fail_null(cx, F_NOT_FOUND, "taskId %s", "7"));
	assert_int_equal(cx->fail.kind, F_NOT_FOUND);
}

static void
passed_on(void **state)
{
	struct ctx	*cx = *state, sub = { .a = arena_new(0) };

	fail_pass(cx, &sub);
	assert_int_equal(cx->fail.kind, F_NONE);
	fail(&sub, F_NOT_FOUND, "task %d", 7);
	sub.fail.retry_after = 3;
	fail_pass(cx, &sub);
	arena_free(sub.a);
	assert_int_equal(cx->fail.kind, F_NOT_FOUND);
	assert_string_equal(cx->fail.what, "task 7");
	assert_int_equal(cx->fail.retry_after, 3);
	sub.fail = (struct fail){ .kind = F_INTERNAL };
	fail_pass(cx, &sub);				/* the first wins */
	assert_int_equal(cx->fail.kind, F_NOT_FOUND);
}

static void
sentences(void **state)
{
	struct ctx	*cx = *state;
	struct fail	 f = { .kind = F_MISSING, .what = "title" };

	assert_string_equal(fail_text(cx->a, &f, LANG_EN), "title is required");
	assert_string_equal(fail_text(cx->a, &f, LANG_ZH), "缺少参数: title");
	/* What the caller sent is text, never a format. */
	f.what = "%s%n%d";
	assert_string_equal(fail_text(cx->a, &f, LANG_EN), "%s%n%d is required");
	f.what = NULL;
	assert_string_equal(fail_text(cx->a, &f, LANG_EN), " is required");
	f.kind = F_NONE;
	assert_string_equal(fail_text(cx->a, &f, LANG_EN), "");
}

/*
 * Every row has a status that is an error, a code, its name and both sentences with the thing in
 * them.
 */
static void
rows(void **state)
{
	struct ctx	*cx = *state;

	assert_string_equal(fail_name(F_BODY), "F_BODY");
	assert_int_equal(fail_status(F_NOT_FOUND), 404);
	assert_int_equal(fail_status(F_TIMEOUT), 504);
	assert_int_equal(fail_rpc(F_NOT_FOUND), 5);
	for (int k = F_NONE + 1; k < F_KINDS; k++) {
		struct fail	 f = { .kind = (enum fail_kind)k, .what = "THING" };

		assert_in_range(fail_status(f.kind), 400, 599);
		assert_in_range(fail_rpc(f.kind), 1, 16);
		assert_memory_equal(fail_name(f.kind), "F_", 2);
		for (int lang = LANG_ZH; lang <= LANG_EN; lang++) {
			const char	*s = fail_text(cx->a, &f, (enum lang)lang);

			assert_non_null(strstr(s, "THING"));
			assert_true(utf8_valid(s, strlen(s)));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(first_wins, open_ctx, close_ctx),
		cmocka_unit_test_setup_teardown(passed_on, open_ctx, close_ctx),
		cmocka_unit_test_setup_teardown(sentences, open_ctx, close_ctx),
		cmocka_unit_test_setup_teardown(rows, open_ctx, close_ctx),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("fail", tests, NULL, NULL);
}
