/* The messages of the dialect "openai", byte for byte; also of a turn that is told again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "api/openai.h"
#include "base/arena.h"
#include "core/retell.h"
#include "core/running.h"

#include <cmocka.h>
#undef fail

#define HEAD	"{\"id\":\"chatcmpl-9\",\"object\":\"chat.completion.chunk\",\"created\":1730701729," \
		"\"model\":\"m-a\",\"choices\":["
#define CHUNK(delta, finish)	HEAD "{\"index\":0,\"delta\":" delta ",\"finish_reason\":" finish "}]"

static struct arena		*arena;
static struct turn		 turn;
static struct lane		 lane;
static struct toolcalls		 calls;
static struct out		 out;
static struct str		 said;		/* messages, a line each */

static void
hear(void *arg, const char *message, size_t len)
{
	(void)arg;
	str_put(&said, message, len);
	str_putc(&said, '\n');
}

static int
setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	lane = (struct lane){ .turn = &turn, .status = "stop", .prompt_tokens = 3, .completion_tokens = 4 };
	turn = (struct turn){ .id = 9, .lang = LANG_EN, .lanes = &lane, .nlanes = 1, .voice = &openai_voice,
		.created_ms = INT64_C(1730701729499), .ref = openai_ref(arena, "m-a", false) };
	out = (struct out){ .message = hear };
	str_reset(&said);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	str_free(&out.buf);
	str_free(&said);
	toolcalls_free(&calls);
	lane_forget(&lane);
	arena_free(arena);
	return 0;
}

static void
assert_said(const char *want)
{
	assert_string_equal(said.len > 0 ? said.p : "", want);
	str_reset(&said);
}

static void
say(const char *text, int flags)
{
	openai_voice.delta(&out, &lane, &(struct delta){ .text = text, .len = strlen(text), .flags = flags });
}

static void
chunks(void **state)
{
	(void)state;
	openai_voice.begin(&out, &turn);
	assert_said(CHUNK("{\"role\":\"assistant\",\"content\":\"\"}", "null") "}\n");
	say("a \"b\" 你\n", 0);
	assert_said(CHUNK("{\"content\":\"a \\\"b\\\" 你\\n\"}", "null") "}\n");
	say("hm", DELTA_REASONING | DELTA_OPENS);
	assert_said(CHUNK("{\"reasoning_content\":\"hm\"}", "null") "}\n");
	say("", DELTA_CLOSES);
	assert_said(CHUNK("{\"content\":\"\"}", "null") "}\n");
	say("[{\"index\":0}]", DELTA_TOOLS);
	assert_said(CHUNK("{\"tool_calls\":[{\"index\":0}]}", "null") "}\n");
	openai_voice.done(&out, &turn);
	assert_said("[DONE]\n");
}

static void
ends(void **state)
{
	static const struct {
		const char	*status, *finish;
		bool		 calls;
	} rows[] = {
		{ "stop", CHUNK("{}", "\"stop\"") "}\n", false },
		{ "stopped", CHUNK("{}", "\"stop\"") "}\n", false },
		{ "length", CHUNK("{}", "\"length\"") "}\n", true },
		{ "content_filter", CHUNK("{}", "\"content_filter\"") "}\n", false },
		{ "stop", CHUNK("{}", "\"tool_calls\"") "}\n", true },
		{ "stopped", CHUNK("{}", "\"stop\"") "}\n", true },
	};

	(void)state;
	toolcalls_put(&calls, "c", "f", "{}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		lane.status = rows[i].status;
		lane.calls = rows[i].calls ? &calls : NULL;
		openai_voice.end(&out, &lane);
		assert_said(rows[i].finish);
	}
	turn.ref = openai_ref(arena, "m-a", true);
	lane.status = "stop";
	lane.calls = NULL;
	openai_voice.end(&out, &lane);
	assert_said(CHUNK("{}", "\"stop\"") ",\"usage\":null}\n" HEAD "],\"usage\":{\"prompt_tokens\":3,"
	    "\"completion_tokens\":4,\"total_tokens\":7}}\n");
	lane.why = F_TIMEOUT;
	openai_voice.fail(&out, &lane);
	assert_said("{\"error\":{\"message\":\"m-a did not answer in time\",\"type\":\"server_error\","
	    "\"param\":null,\"code\":null}}\n");
}

static void
wholes(void **state)
{
	(void)state;
	str_puts(&lane.reasoning, "hm");
	str_puts(&lane.text, "so");
	openai_voice.whole(&out, &lane);
	assert_said(CHUNK("{\"reasoning_content\":\"hm\",\"content\":\"so\"}", "null") "}\n");
	openai_reply_voice.end(&out, &lane);
	assert_said("{\"id\":\"chatcmpl-9\",\"object\":\"chat.completion\",\"created\":1730701729,"
	    "\"model\":\"m-a\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
	    "\"content\":\"so\",\"reasoning_content\":\"hm\",\"refusal\":null},"
	    "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,"
	    "\"total_tokens\":7}}\n");
	lane_forget(&lane);
	toolcalls_put(&calls, "c", "f", "{}");
	lane.calls = &calls;
	openai_voice.whole(&out, &lane);
	assert_said(CHUNK("{\"content\":\"\",\"tool_calls\":[{\"index\":0,\"id\":\"c\","
	    "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}", "null") "}\n");
}

/* What is known of it when its question is gone: the model. */
static void
told_again(void **state)
{
	static const struct model		 m = { .code = (char *)"m-b" };
	static const struct model *const	 all[] = { &m };
	static const struct voice *const	 voices[] = { &openai_voice, NULL };
	const struct question			 q = { .models = all, .nmodels = 1 };
	struct str				 first = STR_INIT(0), was = STR_INIT(0);
	struct turn				*t;

	(void)state;
	turn.stored = true;
	turn.session = 7;
	turn.ref = openai_voice.ref(arena, &turn, &q);
	assert_string_equal(turn.ref, "-m-a");
	openai_voice.end(&out, &lane);
	str_puts(&was, said.p);
	str_reset(&said);
	retell_write(&first, &turn);
	t = retell_read(&(struct spool_record){ .turn = 9, .kind = SPOOL_BEGIN, .data = first.p,
	    .len = first.len }, voices);
	assert_non_null(t);
	t->lanes[0].status = "stop";
	openai_voice.end(&out, &t->lanes[0]);
	assert_said(was.p);
	turn_free(t);
	turn.ref = NULL;
	assert_string_equal(openai_voice.ref(arena, &turn, &q), "-m-b");
	str_free(&first);
	str_free(&was);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(chunks, setup, teardown),
		cmocka_unit_test_setup_teardown(ends, setup, teardown),
		cmocka_unit_test_setup_teardown(wholes, setup, teardown),
		cmocka_unit_test_setup_teardown(told_again, setup, teardown),
	};

	return cmocka_run_group_tests_name("openai-voice", tests, NULL, NULL);
}
