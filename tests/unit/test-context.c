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

static struct conf		conf = { .pictures = 8 };
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

#define PICTURE(name)	"\"image_url\",\"image_url\":{\"url\":\"data:" name "\"}"
#define SEES		3
#define BLIND		4

static int	pictures_asked;

static const char *
picture(struct ctx *c, const char *url)
{
	pictures_asked++;
	if (strcmp(url, "gone") == 0)
		return NULL;
	if (strcmp(url, "large") == 0) {
		char	*large = arena_get(c->a, (15 << 20) + 1);

		memset(large, 'x', 15 << 20);
		return large;
	}
	return arena_printf(c->a, "data:%s", url);
}

/* What the model of that id is asked after these. */
static const char *
ask_after(const struct said *said, size_t n, int64_t id, const char *image)
{
	const struct turn_spec	 spec = {
		.question = "what were they?", .image = image, .picture = picture,
	};
	struct said		*copy = arena_array(cx.a, n, sizeof(*copy));

	memcpy(copy, said, n * sizeof(*copy));
	model.id = id;
	pictures_asked = 0;
	str_free(&lane.spec.body);
	context_ask(&cx, &lane, &spec, copy, n);
	return lane.spec.body.p;
}

static struct said
shown(int64_t turn, const char *url, int64_t by, const char *text, bool failed)
{
	return (struct said){ .turn = turn, .group_id = turn, .picture = arena_strdup(cx.a, url),
	    .question = arena_strdup(cx.a, "what is it?"), .text = arena_strdup(cx.a, text),
	    .model = by, .failed = failed };
}

static void
pictures_are_seen_again(void **state)
{
	struct said	 said[] = {
		shown(1, "one", SEES, "a cat", false), shown(2, "gone", SEES, "a dog", false),
		shown(3, "three", BLIND, "half an ans", true), shown(4, "four", BLIND, NULL, false),
		shown(5, NULL, BLIND, "so it is", false),
	};
	const char	*body = ask_after(said, 5, SEES, NULL);

	(void)state;
	assert_non_null(strstr(body, PICTURE("one")));
	assert_non_null(strstr(body, "\"content\":\"what is it?\"},{\"role\":\"assistant\",\"content\":"
	    "\"a dog\""));
	assert_non_null(strstr(body, PICTURE("three")));
	assert_non_null(strstr(body, PICTURE("four")));
	assert_true(strstr(body, PICTURE("one")) < strstr(body, PICTURE("three")));

	/* Who only failed at them, or said nothing, does not take them. */
	body = ask_after(said, 5, BLIND, NULL);
	assert_null(strstr(body, "image_url"));
	assert_int_equal(pictures_asked, 0);
	body = ask_after(said, 5, BLIND, "data:new");
	assert_non_null(strstr(body, PICTURE("one")));
	assert_non_null(strstr(body, PICTURE("new")));

	/* That he was asked again by another model does not take his eyes. */
	said[3] = shown(6, "one", BLIND, "a lion", false);
	said[3].group_id = 1;
	body = ask_after(said, 4, SEES, NULL);
	assert_non_null(strstr(body, PICTURE("one")));
	assert_non_null(strstr(body, "a lion"));
}

static void
pictures_have_limits(void **state)
{
	struct said	 said[10];
	const char	*body;
	char		*large;

	(void)state;
	for (int i = 0; i < 10; i++)
		said[i] = shown(i + 1, arena_printf(cx.a, "p%d", i), SEES, "a cat", false);
	body = ask_after(said, 10, SEES, NULL);
	assert_null(strstr(body, PICTURE("p1")));
	assert_non_null(strstr(body, PICTURE("p2")));
	assert_non_null(strstr(body, PICTURE("p9")));

	said[7].picture = said[5].picture = arena_strdup(cx.a, "large");
	body = ask_after(said, 10, SEES, NULL);
	assert_non_null(large = strstr(body, "\"url\":\"xxx"));
	assert_non_null(strstr(body, PICTURE("p6")));
	assert_true(strstr(body, PICTURE("p6")) < large);
	assert_null(strstr(body, PICTURE("p4")));

	conf.pictures = 0;
	assert_null(strstr(ask_after(said, 10, SEES, NULL), "image_url"));
	assert_int_equal(pictures_asked, 0);
	assert_non_null(strstr(ask_after(said, 10, SEES, "data:new"), PICTURE("new")));
	conf.pictures = 8;

	/* With its turn a picture leaves the window. */
	model.context_tokens = 1024 + 1200;
	said[7].picture = said[5].picture = NULL;
	body = ask_after(said, 10, SEES, NULL);
	assert_null(strstr(body, PICTURE("p8")));
	assert_non_null(strstr(body, PICTURE("p9")));
	model.context_tokens = 0;
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
		cmocka_unit_test_setup_teardown(pictures_are_seen_again, setup, teardown),
		cmocka_unit_test_setup_teardown(pictures_have_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(told_as_given, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
