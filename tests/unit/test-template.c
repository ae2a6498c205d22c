/* Questions with blanks: which inputs they have, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "core/template.h"

#include <cmocka.h>
#undef fail

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

static void
has(const char *text, const char *want)
{
	const char	**names;
	char		 got[256] = "";
	size_t		 n;

	assert_null(template_inputs(a, text, &names, &n));
	for (size_t i = 0; i < n; i++) {
		strcat(got, names[i]);
		strcat(got, "|");
	}
	assert_string_equal(got, want);
}

static void
is_none(const char *text, const char *why)
{
	const char	**names, *said;
	size_t		 n;

	said = template_inputs(a, text, &names, &n);
	assert_non_null(said);
	assert_non_null(strstr(said, why));
}

static void
inputs(void **state)
{
	(void)state;
	has("", "");
	has("no blanks, but { one } brace and a }} of its own", "");
	has("{{a}}", "a|");
	has("为{{主题}}写一个{{ 风格\t}}的标题:{{主题}}", "主题|风格|");
	has("{{a}}{{b c}}{{a}}{{c}}", "a|b c|c|");
}

static void
faults(void **state)
{
	char	 wide[4 + 3 * (TEMPLATE_NAME + 1) + 1] = "{{";

	(void)state;
	is_none("a {{b", "has no }}: b");
	is_none("{{a}} {{b} c", "has no }}: b} c");
	is_none("{{}}", "name of an input");
	is_none("{{ }}", "name of an input");
	is_none("{{a\nb}}", "name of an input");
	is_none("{{{a}}}", "name of an input");
	for (int i = 0; i < TEMPLATE_NAME; i++)
		strcat(wide, "字");
	strcat(wide, "}}");
	assert_null(template_inputs(a, wide, &(const char **){ NULL }, &(size_t){ 0 }));
	memcpy(wide + strlen(wide) - 2, "字}}", sizeof("字}}"));
	is_none(wide, "too long");
}

static void
filled(void **state)
{
	const struct named_str	 two[] = { { "a", "1" }, { "b c", "{{a}}" } };
	const char		*missing = NULL;

	(void)state;
	assert_string_equal(template_fill(a, "", two, 2, &missing), "");
	assert_string_equal(template_fill(a, "none }} here", two, 0, &missing), "none }} here");
	assert_string_equal(template_fill(a, "{{a}}", two, 2, &missing), "1");
	assert_string_equal(template_fill(a, "为{{ a }}{{b c}}, {{a}}!", two, 2, &missing), "为1{{a}}, 1!");
	assert_null(missing);
	assert_null(template_fill(a, "{{a}} {{x}} {{y}}", two, 2, &missing));
	assert_string_equal(missing, "x");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(inputs),
		TEST(faults),
		TEST(filled),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
