/* The messages of the dialect "session", byte for byte, from a turn that runs and from one that is told again. */
#include "said.h"

#include <stdio.h>
#include <string.h>

#include "api/chat_talk.h"
#include "base/arena.h"
#include "core/retell.h"
#include "core/running.h"

#define FIRST	"{\"id\":3,\"name\":\"Three\",\"code\":\"m3\",\"logo\":\"https://a.example/3\"}"
#define SECOND	"{\"id\":5,\"name\":\"Five\",\"code\":\"m5\",\"logo\":\"\"}"

static const struct model	models[] = {
	{ .id = 3, .name = (char *)"Three", .code = (char *)"m3", .logo = (char *)"https://a.example/3" },
	{ .id = 5, .name = (char *)"Five", .code = (char *)"m5" },
};
static const struct model *const	all[] = { &models[0], &models[1] };
static struct arena			*arena;

static void
assert_record(const char *model, const char *model_object, const char *answer, const char *status,
    const char *citations, const char *rest)
{
	assert_said("{\"record\":{\"id\":12,\"sessionId\":7,\"groupId\":8,\"modelId\":%s,\"authorId\":42,"
	    "\"author\":{\"id\":42,\"name\":\"安\",\"avatar\":\"\"},\"model\":%s,\"contentType\":\"image\","
	    "\"problemText\":\"was \\\"ist\\\" das?\",\"answerText\":\"%s\",\"status\":\"%s\","
	    "\"createAt\":1730701729499%s},\"parts\":[],%s}", model, model_object, answer, status, citations, rest);
}

static int
setup(void **state)
{
	const struct question	 q = {
		.text = "was \"ist\" das?", .content_type = "image", .author_name = "安", .models = all, .nmodels = 2,
	};

	(void)state;
	arena = arena_new(0);
	lane = (struct lane){ .turn = &turn, .answer = 12, .status = "running", .model = &models[0] };
	turn = (struct turn){ .id = 9, .session = 7, .group = 8, .owner = 42, .lang = LANG_EN, .lanes = &lane,
		.nlanes = 1, .created_ms = INT64_C(1730701729499), .voice = &chat_voice, .stored = true };
	turn.ref = chat_voice.ref(arena, &turn, &q);
	listen_with(hear);
	return 0;
}

static int
teardown(void **state)
{
	hush(state);
	arena_free(arena);
	return 0;
}

/* What was not read when the question came is told at either end. */
static void
unread(void **state)
{
	static const char	 list[] = "[{\"documentId\":4,\"fileName\":\"a\",\"status\":\"pending\"}]";
	const struct question	 q = { .text = "", .content_type = "text", .unread = list,
		.models = all, .nmodels = 2 };

	(void)state;
	turn.ref = chat_voice.ref(arena, &turn, &q);
	chat_voice.begin(&out, &turn);
	assert_non_null(strstr(said, list));
	assert_non_null(strstr(said, ",\"unread\":[{"));
	lane.status = "stop";
	chat_voice.end(&out, &lane);
	assert_non_null(strstr(said, list));
}

static void
begins(void **state)
{
	(void)state;
	chat_voice.begin(&out, &turn);
	assert_record("3", FIRST, "", "processing", "", "\"finished\":false,\"streamId\":9");
	lane.asked = 5;			/* also where it is told later */
	chat_voice.begin(&out, &turn);
	assert_record("3", FIRST, "", "processing", "", "\"finished\":false,\"streamId\":9");
}

/* It is one message: these members, and that more comes. */
static void
assert_told(const char *text, int flags, const char *members)
{
	struct delta	 d = { .text = text, .len = strlen(text), .flags = flags };
	int		 before = messages;

	chat_voice.delta(&out, &lane, &d);
	assert_int_equal(messages, before + 1);
	assert_said("{%s,\"finished\":false}", members);
}

static void
assert_delta(const char *text, int flags, const char *part)
{
	assert_told(text, flags, arena_printf(arena, "\"parts\":[\"%s\"]", part));
}

static void
assert_thought(const char *text, int flags, const char *thought)
{
	assert_told(text, flags, arena_printf(arena, "\"parts\":[],\"reasoning\":\"%s\"", thought));
}

static void
deltas(void **state)
{
	(void)state;
	assert_delta("a \"b\" 你\n", 0, "a \\\"b\\\" 你\\n");
	assert_delta("", 0, "");
	assert_thought("hm", DELTA_REASONING | DELTA_OPENS, "hm");
	assert_thought("a \"b\"", DELTA_REASONING, "a \\\"b\\\"");
	assert_delta("So", DELTA_CLOSES, "So");
	assert_delta("", DELTA_CLOSES, "");
	chat_voice.whole(&out, &lane);
	assert_said("{\"parts\":[\"\"],\"finished\":false}");
	str_puts(&lane.reasoning, "hm");
	str_puts(&lane.text, "So");
	chat_voice.whole(&out, &lane);
	assert_said("{\"parts\":[\"So\"],\"reasoning\":\"hm\",\"finished\":false}");
}

static void
ends(void **state)
{
	static char	*cited[] = { (char *)"{\"documentId\":1}", (char *)"{\"documentId\":2}" };

	(void)state;
	str_puts(&lane.reasoning, "hm");
	str_puts(&lane.text, "So \"it\" is");
	lane.status = "length";
	chat_voice.end(&out, &lane);
	assert_record("3", FIRST, "So \\\"it\\\" is", "finished_success", "", "\"finished\":true");
	lane.status = "stopped";
	lane.asked = 5;			/* the first had failed */
	lane.citations = cited;
	lane.ncitations = 2;
	chat_voice.end(&out, &lane);
	assert_record("5", SECOND, "So \\\"it\\\" is", "finished_success",
	    ",\"citations\":[{\"documentId\":1},{\"documentId\":2}]", "\"finished\":true,\"stopped\":true");
	lane.ncitations = 0;
	lane.status = "timeout";
	lane.why = F_TIMEOUT;
	chat_voice.fail(&out, &lane);
	assert_record("5", SECOND, "So \\\"it\\\" is", "finished_timeout", "", "\"finished\":true,"
	    "\"error\":{\"code\":504,\"msg\":\"Five did not answer in time\"}");
	lane_forget(&lane);
	lane.status = "error";
	lane.why = F_UPSTREAM;
	chat_voice.fail(&out, &lane);
	assert_record("5", SECOND, "", "finished_fail", "", "\"finished\":true,"
	    "\"error\":{\"code\":502,\"msg\":\"the model's server failed: Five\"}");
}

/* From its first record, as the spool has it, the same is told. */
static void
told_again(void **state)
{
	static const struct voice *const	 voices[] = { &chat_voice, NULL };
	const struct spool_asked		 asked = { .model = 5 };
	struct str				 first = STR_INIT(0);
	struct turn				*t;
	char					 was[4096];

	(void)state;
	retell_write(&first, &turn);
	t = retell_read(&(struct spool_record){ .turn = 9, .kind = SPOOL_BEGIN, .data = first.p, .len = first.len },
	    voices);
	str_free(&first);
	assert_non_null(t);
	assert_int_equal(t->group, 8);
	chat_voice.begin(&out, &turn);
	memcpy(was, said, sizeof(was));
	chat_voice.begin(&out, t);
	assert_string_equal(said, was);
	retell_note(t, &(struct spool_record){ .turn = 9, .kind = SPOOL_LANE, .data = (const char *)&asked,
	    .len = sizeof(asked) });
	t->lanes[0].status = "stop";
	chat_voice.end(&out, &t->lanes[0]);
	assert_record("5", SECOND, "", "finished_success", "", "\"finished\":true");
	turn_free(t);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(unread, setup, teardown),
		cmocka_unit_test_setup_teardown(begins, setup, teardown),
		cmocka_unit_test_setup_teardown(deltas, setup, teardown),
		cmocka_unit_test_setup_teardown(ends, setup, teardown),
		cmocka_unit_test_setup_teardown(told_again, setup, teardown),
	};

	return cmocka_run_group_tests_name("chat-voice", tests, NULL, NULL);
}
