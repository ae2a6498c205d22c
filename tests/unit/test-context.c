/* What a lane is asked when its model's window is small: old turns go, what was found stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/conf.h"
#include "core/running.h"
#include "store/turn.h"

#include <cmocka.h>
#undef fail

static const struct conf	conf;
static struct ctx		cx;
static struct lane		lane;
static struct model		model;

static int
setup(void **state)
{
	(void)state;
	cx = (struct ctx){ .a = arena_new(0), .conf = &conf };
	model = (struct model){ .upstream_name = arena_strdup(cx.a, "m") };
	lane = (struct lane){ .model = &model };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	str_free(&lane.spec.body);
	arena_free(cx.a);
	return 0;
}

/* A text of about so many tokens that begins with its name. */
static char *
about(const char *name, size_t tokens)
{
	struct str	 s = STR_INIT(0);

	str_puts(&s, name);
	while (s.len < 4 * tokens)
		str_puts(&s, " and");
	return str_keep(&s, cx.a);
}

static const char *
ask(int window)
{
	struct said	 said[] = {
		{ .question = about("first question", 100), .text = about("first answer", 300) },
		{ .question = about("second question", 100), .text = about("second answer", 300) },
	};
	const struct turn_spec	 spec = {
		.knowledge = about("what was found", 500), .question = about("the question", 100),
	};

	model.context_tokens = window;
	str_free(&lane.spec.body);
	context_ask(&cx, &lane, &spec, said, 2);
	return lane.spec.body.p;
}

static void
knowledge_stays(void **state)
{
	const char	*body = ask(0);

	(void)state;
	assert_non_null(strstr(body, "{\"role\":\"system\",\"content\":\"what was found"));
	assert_true(strstr(body, "what was found") < strstr(body, "first question"));
	assert_non_null(strstr(body, "second answer"));

	body = ask(1024 + 1100);
	assert_null(strstr(body, "first question"));
	assert_null(strstr(body, "first answer"));
	assert_non_null(strstr(body, "second question"));
	assert_non_null(strstr(body, "what was found"));
	assert_non_null(strstr(body, "the question"));

	body = ask(1024 + 700);
	assert_null(strstr(body, "second"));
	assert_non_null(strstr(body, "what was found"));
	assert_non_null(strstr(body, "the question"));

	body = ask(1);					/* too small for anything */
	assert_null(strstr(body, "second"));
	assert_non_null(strstr(body, "what was found"));
	assert_non_null(strstr(body, "the question"));
}

/* Where all that is told is given, nothing else is; what is asked for goes before the model's own. */
static void
told_as_given(void **state)
{
	static const struct message	 told[] = {
		{ .role = ROLE_SYSTEM, .text = "s", .raw = "{\"role\":\"developer\",\"content\":\"s\"}" },
		{ .role = ROLE_USER, .text = "q", .raw = "{\"role\":\"user\",\"content\":[]}" },
	};
	struct said			 said = { .question = about("before", 10) };
	struct turn_spec		 spec = {
		.knowledge = "found", .question = "asked", .told = told, .ntold = 2, .extra = "\"seed\":1",
	};
	const char			*body;

	(void)state;
	model.max_tokens = 7;
	context_ask(&cx, &lane, &spec, &said, 1);
	body = lane.spec.body.p;
	assert_non_null(strstr(body, "\"messages\":[{\"role\":\"developer\",\"content\":\"s\"},"
	    "{\"role\":\"user\",\"content\":[]}],\"seed\":1}"));
	assert_non_null(strstr(body, "\"max_tokens\":7,"));
	str_free(&lane.spec.body);
	spec.max_tokens = 5;
	spec.ntold = 0;
	context_ask(&cx, &lane, &spec, &said, 1);
	body = lane.spec.body.p;
	assert_non_null(strstr(body, "\"max_tokens\":5,"));
	assert_non_null(strstr(body, "before"));
	assert_non_null(strstr(body, "asked"));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(knowledge_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(told_as_given, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
