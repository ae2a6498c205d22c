/* Bodies that cannot be read: the reason in the caller's language, the value at fault by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#undef fail		/* ours is in ctx.h */
#define wrong(...)	(print_error(__VA_ARGS__), _fail(__FILE__, __LINE__))

#include "base/json.h"
#include "base/utf8.h"

static struct ctx	 cx;

static int
begin(void **state)
{
	(void)state;
	cx = (struct ctx){ .a = arena_new(0), .lang = LANG_EN };
	return 0;
}

static int
end(void **state)
{
	(void)state;
	arena_free(cx.a);
	return 0;
}

/* what NULL: anything. */
static void
refused(struct json *reads(struct ctx *, const char *, size_t), const char *text,
    enum fail_kind kind, const char *what)
{
	fail_clear(&cx);
	assert_null(reads(&cx, text, strlen(text)));
	if (cx.fail.kind != kind || (what != NULL && strcmp(cx.fail.what, what) != 0))
		wrong("%s: %s %s\n", text, fail_name(cx.fail.kind), cx.fail.what);
	assert_true(utf8_valid(cx.fail.what, strlen(cx.fail.what)));
}

/* Every reason is told in the caller's language, whole. */
static void
reasons(void **state)
{
	static const char	*const texts[] = {
		"", "{", "{} x", "{[1]:2}", "{\"a\" 1}", "[1 2]", "{\"a\":1 \"b\":2}", "{\"a\":\"\n\"}",
		"{\"a\":\"\\x\"}", "{\"\\u0000\":1}", "\"", "01", "1e999", "x", "[,]",
	};

	(void)state;
	cx.lang = LANG_ZH;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		refused(json_parse, texts[i], F_BODY, NULL);
		if (strncmp(cx.fail.what, "第 ", 4) != 0 ||
		    strpbrk(cx.fail.what, "abcdefghilmnoprstvwy") != NULL)
			wrong("%s: %s\n", texts[i], cx.fail.what);
	}
	refused(json_parse, "{\"a\":1", F_BODY, "第 6 字节: 提前结束");
	refused(json_from_form, "a..b=x", F_BODY, "字段名格式错误");
}

/* The value at fault is named, wherever it stands. */
static void
named(void **state)
{
	static const struct {
		const char	*text, *name;
	} rows[] = {
		{ "{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}", "messages[0].content" },
		{ "{\"a\":[1,2],\"messages\":[{},{\"content\":\"\\udc00\"}]}", "messages[1].content" },
		{ "{\"messages\":[{\"content\":\"x\"},{\"\xff\":1}]}", "messages[1]" },
		{ "{\"a\":{\"b\":[[],[0,\"\xc3(\"]]}}", "a.b[1][1]" },
		{ "{ \"a\" : { } , \"b\" : \"\xf5\" }", "b" },
		{ "{\"a\":\"}],{\\\"[\",\"b\":\"\xf5\"}", "b" },
		{ "[\"a\",\"b\",\"\xe4\"]", "[2]" },
		{ "{\"a\":1}\xff", "body" },
		{ "}}]\"\xff\"", "body" },
		{ "\xff", "body" },
	};
	char	 deep[1024], *p = deep;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		refused(json_parse, rows[i].text, F_UTF8, rows[i].name);
	for (int i = 0; i < 1000; i++)
		*p++ = '[';
	*p++ = (char)0xff;
	*p = '\0';
	refused(json_parse, deep, F_UTF8, NULL);
	assert_memory_equal(cx.fail.what, "[0][0]", 6);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(reasons, begin, end),
		cmocka_unit_test_setup_teardown(named, begin, end),
	};

	return cmocka_run_group_tests_name("unread", tests, NULL, NULL);
}
