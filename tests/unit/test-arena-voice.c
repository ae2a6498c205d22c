/*
 * The arena's frames, byte for byte, and that they are what their table in the API document says.
 */
#include "said.h"

#include <stdio.h>
#include <string.h>

#include "api/arena.h"
#include "base/arena.h"
#include "base/conf.h"

#define HEAD(created, content, finish) \
	"{\"session_id\":\"chat_42\",\"object\":\"chat.completion.chunk\"," \
	"\"created\":" created ",\"choices\":[{\"index\":0," \
	"\"delta\":{\"content\":\"" content "\"},\"finish_reason\":" finish "}]," \
	"\"citations\":"
#define TAIL	"\"maskName\":\"模型B\",\"maskCode\":\"BRAVO\",\"privateId\":\"00ff\""

static const struct model	secret = {
	.code = (char *)"secret-code", .name = (char *)"Secret Corp",
};

/* Nothing of the model shows. */
static void
hear_mask(void *arg, const char *message, size_t len)
{
	hear(arg, message, len);
	assert_null(strstr(said, "secret-code"));
	assert_null(strstr(said, "Secret Corp"));
}

static int
setup(void **state)
{
	(void)state;
	turn = (struct turn){ .id = 9, .ref = "chat_42", .voice = &arena_voice };
	lane = (struct lane){
		.turn = &turn, .mask = "BRAVO", .mask_name = "模型B", .pri_id = "00ff",
		.model = &secret, .status = "running", .ended_ms = INT64_C(1730701730999),
	};
	listen_with(hear_mask);
	return 0;
}

static void
assert_delta(const char *text, int flags, const char *content)
{
	struct delta	 d = {
		.text = text, .len = strlen(text), .flags = flags, .at_ms = INT64_C(1730701729499),
	};
	int		 before = messages;

	arena_voice.delta(&out, &lane, &d);
	assert_int_equal(messages, before + 1);
	assert_said(HEAD("1730701729", "%s", "null") "[]," TAIL "}", content);
}

static void
deltas(void **state)
{
	(void)state;
	assert_delta("你好", 0, "你好");
	assert_delta("a \"b\" \\ /\n", 0, "a \\\"b\\\" \\\\ /\\n");
	assert_delta("", 0, "");
	assert_delta("hm", DELTA_REASONING | DELTA_OPENS, "<think>hm");
	assert_delta("hm", DELTA_REASONING, "hm");
	assert_delta("So", DELTA_CLOSES, "</think>So");
	assert_delta("", DELTA_CLOSES, "</think>");
}

static void
assert_end(const char *status, const char *finish)
{

	lane.status = status;
	arena_voice.end(&out, &lane);
	assert_said(HEAD("1730701730", "", "\"%s\"") "[]," TAIL "}", finish);
}

static void
ends(void **state)
{
	(void)state;
	assert_end("stop", "stop");
	assert_end("length", "length");
	assert_end("content_filter", "content_filter");
	assert_end("stopped", "stop");
}

static void
failures(void **state)
{
	(void)state;
	lane.status = "timeout";
	lane.why = F_TIMEOUT;
	turn.lang = LANG_EN;
	arena_voice.fail(&out, &lane);
	assert_said(HEAD("1730701730", "", "\"timeout\"") "[]," TAIL
	    ",\"error\":{\"code\":504,\"message\":\"模型B did not answer in time\"}}");
	lane.status = "error";
	lane.why = F_UPSTREAM;
	turn.lang = LANG_ZH;
	arena_voice.fail(&out, &lane);
	assert_said(HEAD("1730701730", "", "\"error\"") "[]," TAIL
	    ",\"error\":{\"code\":502,\"message\":\"模型服务出错: 模型B\"}}");
	lane.why = F_UNAVAILABLE;
	arena_voice.fail(&out, &lane);
	assert_non_null(strstr(said, "\"error\":{\"code\":503,"));
}

static void
citations(void **state)
{
	char	 one[] = "{\"id\":1,\"model\":\"secret-code\",\"summary\":\"退款\",\"duration\":5}";
	char	 two[] = "{\"url\":\"u\"}";	/* nothing of what the document knows */
	char	*both[] = { one, two };

	(void)state;
	lane.status = "stop";
	arena_voice.cite(&out, &lane);
	assert_said(HEAD("1730701730", "", "null") "[]," TAIL "}");
	lane.citations = both;
	lane.ncitations = 2;
	arena_voice.cite(&out, &lane);
	assert_said(HEAD("1730701730", "", "null")
	    "[{\"id\":\"1\",\"summary\":\"退款\",\"start_time\":null,\"duration\":5,"
	    "\"callnumber\":null,\"callednumber\":null,\"labels\":null}]," TAIL "}");
	lane.status = "stopped";
	lane.ncitations = 0;
	arena_voice.cite(&out, &lane);
	assert_said(HEAD("1730701730", "", "null") "[]," TAIL ",\"stopped\":true}");
}

static void
assert_whole(const char *reasoning, const char *text, const char *at, const char *content)
{
	int		 before = messages;

	str_free(&lane.reasoning);
	str_free(&lane.text);
	if (reasoning != NULL)
		str_puts(&lane.reasoning, reasoning);
	if (text != NULL)
		str_puts(&lane.text, text);
	arena_voice.whole(&out, &lane);
	assert_int_equal(messages, before + 1);
	assert_said(HEAD("%s", "%s", "null") "[]," TAIL "}", at, content);
	str_free(&lane.reasoning);
	str_free(&lane.text);
}

/* A stored answer is told in one frame: as its deltas were, when the last of them came. */
static void
whole_answers(void **state)
{
	(void)state;
	lane.status = "stop";
	lane.last_ms = INT64_C(1730701729499);
	assert_whole(NULL, "四 \"4\"", "1730701729", "四 \\\"4\\\"");
	assert_whole("2+2\n", "4", "1730701729", "<think>2+2\\n</think>4");
	assert_whole("hm", NULL, "1730701729", "<think>hm</think>");
	lane.last_ms = 0;
	assert_whole(NULL, NULL, "1730701730", "");
}

static void
without_a_session(void **state)
{
	(void)state;
	turn.ref = NULL;
	lane.pri_id = NULL;
	lane.status = "stop";
	arena_voice.end(&out, &lane);
	assert_non_null(strstr(said, "{\"session_id\":null,"));
	assert_non_null(strstr(said, "\"privateId\":null}"));
}

/* Every member that the table does not leave out stands in the frame, in the table's order. */
static void
table_tells_the_truth(void **state)
{
	const struct fields	*t = &chat_response_fields;
	const char		*at = said, *found;
	char			 name[64];

	(void)state;
	lane.status = "stop";
	arena_voice.end(&out, &lane);
	for (size_t i = 0; i < t->n; i++) {
		snprintf(name, sizeof(name), "\"%s\":", t->f[i].name);
		found = strstr(at, name);
		if (t->f[i].need == OMIT)
			assert_null(found);
		else {
			assert_non_null(found);
			at = found;
		}
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(deltas, setup, hush),
		cmocka_unit_test_setup_teardown(ends, setup, hush),
		cmocka_unit_test_setup_teardown(failures, setup, hush),
		cmocka_unit_test_setup_teardown(citations, setup, hush),
		cmocka_unit_test_setup_teardown(whole_answers, setup, hush),
		cmocka_unit_test_setup_teardown(without_a_session, setup, hush),
		cmocka_unit_test_setup_teardown(table_tells_the_truth, setup, hush),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("arena-voice", tests, NULL, NULL);
}
