/* prompt: the body is what servers take, and the context is trimmed by whole turns, oldest first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "upstream/prompt.h"

#include <cmocka.h>		/* after ours: it has a macro fail() */

static const struct message	 talk[] = {
	{ .role = ROLE_SYSTEM, .text = "be brief" },
	{ .role = ROLE_USER, .text = "first question, which is long enough to count for some tokens" },
	{ .role = ROLE_ASSISTANT, .text = "first answer, which is long enough to count for some tokens" },
	{ .role = ROLE_USER, .text = "second question" },
	{ .role = ROLE_ASSISTANT, .text = "second answer" },
	{ .role = ROLE_USER, .text = "the question" },
};

static char *
write_it(int window, int max_tokens)
{
	static struct str	 s;

	str_reset(&s);
	prompt_write(&s, &(struct prompt){ .model = "m \"1\"", .m = talk, .n = 6, .context_tokens = window,
	    .max_tokens = max_tokens });
	return s.p;
}

static void
test_whole(void **state)
{
	char	*s = write_it(0, 0);

	(void)state;
	assert_non_null(strstr(s, "\"model\":\"m \\\"1\\\"\""));
	assert_non_null(strstr(s, "\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
	assert_null(strstr(s, "max_tokens"));
	for (size_t i = 0; i < 6; i++)
		assert_non_null(strstr(s, talk[i].text));
	assert_non_null(strstr(write_it(0, 77), "\"max_tokens\":77"));
}

static void
test_trimmed(void **state)
{
	char	*s = write_it(70, 20);

	(void)state;
	assert_non_null(strstr(s, "be brief"));
	assert_null(strstr(s, "first question"));
	assert_null(strstr(s, "first answer"));		/* a turn goes as a whole */
	assert_non_null(strstr(s, "second question"));
	assert_non_null(strstr(s, "second answer"));
	assert_non_null(strstr(s, "the question"));

	s = write_it(1, 1);				/* nothing fits: system and question stay all the same */
	assert_non_null(strstr(s, "be brief"));
	assert_null(strstr(s, "second"));
	assert_non_null(strstr(s, "the question"));
}

/* A picture goes with its question, and takes its part of the window. */
static void
test_image(void **state)
{
	static const struct message	 shown[] = {
		{ .role = ROLE_USER, .text = "before" },
		{ .role = ROLE_ASSISTANT, .text = "indeed" },
		{ .role = ROLE_USER, .text = "what \"is\" it?", .image = "https://example.org/a.png?b=\"c\"" },
	};
	struct prompt			 p = { .model = "m", .m = shown, .n = 3 };
	struct str			 s = STR_INIT(0);
	int64_t				 with;

	(void)state;
	with = prompt_write(&s, &p);
	assert_non_null(strstr(s.p, "{\"role\":\"user\",\"content\":\"before\"}"));
	assert_non_null(strstr(s.p, "{\"role\":\"user\",\"content\":[{\"type\":\"text\","
	    "\"text\":\"what \\\"is\\\" it?\"},{\"type\":\"image_url\",\"image_url\":"
	    "{\"url\":\"https://example.org/a.png?b=\\\"c\\\"\"}}]}]}"));
	str_reset(&s);
	p.context_tokens = 1000;
	p.max_tokens = 300;
	assert_true(with > 700 && prompt_write(&s, &p) < with);
	assert_null(strstr(s.p, "before"));
	assert_non_null(strstr(s.p, "a.png"));
	str_free(&s);
}

/* A client's own messages and members go as they came; only the window takes some of them. */
static void
test_as_it_came(void **state)
{
	static const struct message	 talk_raw[] = {
		{ .role = ROLE_SYSTEM, .text = "s", .raw = "{\"role\":\"developer\",\"content\":\"s\"}" },
		{ .role = ROLE_USER, .text = "a question of some length, it is", .raw = "{\"q\":1}" },
		{ .role = ROLE_ASSISTANT, .text = "", .raw = "{\"calls\":[]}" },
		{ .role = ROLE_ASSISTANT, .text = "", .raw = "{\"role\":\"tool\"}" },
		{ .role = ROLE_USER, .text = "", .raw = "{\"q\":2}" },
	};
	struct prompt			 p = { .model = "m", .m = talk_raw, .n = 5,
		.max_tokens = 10, .extra = "\"seed\":7,\"stop\":[\"x\"]" };
	struct str			 s = STR_INIT(0);

	(void)state;
	prompt_write(&s, &p);
	assert_non_null(strstr(s.p, "\"messages\":[{\"role\":\"developer\",\"content\":\"s\"},"
	    "{\"q\":1},{\"calls\":[]},{\"role\":\"tool\"},{\"q\":2}],\"seed\":7,\"stop\":[\"x\"]}"));
	str_reset(&s);
	p.context_tokens = 20;
	prompt_write(&s, &p);
	assert_non_null(strstr(s.p, "\"messages\":[{\"role\":\"developer\",\"content\":\"s\"},{\"q\":2}],"));
	str_free(&s);
}

static void
test_roles(void **state)
{
	(void)state;
	assert_int_equal(role_parse("system"), ROLE_SYSTEM);
	assert_int_equal(role_parse("user"), ROLE_USER);
	assert_int_equal(role_parse("assistant"), ROLE_ASSISTANT);
	assert_int_equal(role_parse("tool"), -1);
	assert_int_equal(role_parse(NULL), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_trimmed),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_as_it_came),
		cmocka_unit_test(test_roles),
	};

	return cmocka_run_group_tests_name("prompt", tests, NULL, NULL);
}
