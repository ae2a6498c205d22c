/* The messages of the dialect "copywriting", byte for byte, as they are told first and again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/copywriting.h"
#include "base/arena.h"
#include "core/retell.h"
#include "core/running.h"

#include <cmocka.h>
#undef fail

#define LAST	"{\"result\":\"\",\"isEnd\":true,\"userDialogueId\":\"7\""

static const struct model	model = { .id = 3, .name = (char *)"Three", .code = (char *)"m3" };
static const struct model *const	models[] = { &model };
static struct session		session;
static struct question		question;
static struct arena		*arena;
static struct turn		 turn;
static struct lane		 lane;
static struct out		 out;
static char			 said[4096];
static int			 messages;

static void
hear(void *arg, const char *message, size_t len)
{
	(void)arg;
	assert_true(len < sizeof(said));
	memcpy(said, message, len);
	said[len] = '\0';
	messages++;
}

static int
setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	session = (struct session){ .id = 7, .tenant = 2, .owner = 42, .assistant = 5, .version = 6,
		.created_ms = INT64_C(1720604000000) };
	question = (struct question){ .text = "was \"ist\" das?", .author = "sunche", .models = models,
		.nmodels = 1, .session = &session, .zone = "Asia/Shanghai" };
	lane = (struct lane){ .turn = &turn, .answer = 12, .status = "running", .model = &model };
	turn = (struct turn){ .id = 9, .session = 7, .owner = 42, .parent = 8, .lang = LANG_EN, .lanes = &lane,
		.nlanes = 1, .created_ms = INT64_C(1720603991999), .voice = &copywriting_voice, .stored = true };
	out = (struct out){ .message = hear };
	messages = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	str_free(&out.buf);
	lane_forget(&lane);
	arena_free(arena);
	return 0;
}

static void
assert_begins(const char *by, const char *scene, const char *spent, const char *parent)
{
	struct str	 s = STR_INIT(0);

	turn.ref = copywriting_voice.ref(arena, &turn, &question);
	copywriting_voice.begin(&out, &turn);
	str_printf(&s, "{\"createBy\":\"%s\",\"createTime\":\"2024-07-10 17:33:20\",\"updateBy\":\"%s\","
	    "\"updateTime\":\"2024-07-10 17:33:11\",\"params\":{},\"tenantId\":\"2\",\"id\":\"7\",\"userId\":\"42\","
	    "%s,\"modelServiceId\":3,%s,\"isUser\":false,\"realEventSource\":{},"
	    "\"speechUserDialogueMessage\":{\"createBy\":\"%s\",\"createTime\":\"2024-07-10 17:33:11\","
	    "\"params\":{},\"id\":\"9\",\"content\":\"was \\\"ist\\\" das?\",\"role\":\"user\","
	    "\"parentId\":\"%s\",\"userDialogueId\":\"7\",\"completionTokens\":0,\"promptTokens\":0,"
	    "\"totalTokens\":0,\"youtaizhis\":0,\"userId\":\"42\"},\"closeSse\":false}",
	    by, by, scene, spent, by, parent);
	assert_string_equal(said, s.p);
	str_free(&s);
}

static void
begins(void **state)
{
	(void)state;
	assert_begins("sunche", "\"sceneId\":\"6\",\"manageId\":\"5\"", "\"totalTokens\":0,\"youtaizhis\":0", "8");
	turn.ref = copywriting_ref(arena, 700, 0.00125);
	session.version = session.assistant = turn.parent = 0;
	question.author_name = "Sun Che";
	assert_begins("Sun Che", "\"sceneId\":null,\"manageId\":null", "\"totalTokens\":700,\"youtaizhis\":0.125", "7");
}

static void
assert_delta(const char *text, int flags, const char *result)
{
	struct delta	 d = { .text = text, .len = strlen(text), .flags = flags };
	struct str	 s = STR_INIT(0);
	int		 before = messages;

	copywriting_voice.delta(&out, &lane, &d);
	assert_int_equal(messages, before + 1);
	str_printf(&s, "{\"result\":\"%s\",\"isEnd\":false,\"userDialogueId\":\"7\"}", result);
	assert_string_equal(said, s.p);
	str_free(&s);
}

static void
deltas(void **state)
{
	(void)state;
	assert_delta("a \"b\" 你\n", 0, "a \\\"b\\\" 你\\n");
	assert_delta("", 0, "");
	assert_delta("hm", DELTA_REASONING | DELTA_OPENS, "<think>hm");
	assert_delta("So", DELTA_CLOSES, "</think>So");
	copywriting_voice.whole(&out, &lane);
	assert_string_equal(said, "{\"result\":\"\",\"isEnd\":false,\"userDialogueId\":\"7\"}");
	str_puts(&lane.reasoning, "hm");
	str_puts(&lane.text, "So");
	copywriting_voice.whole(&out, &lane);
	assert_string_equal(said, "{\"result\":\"<think>hm</think>So\",\"isEnd\":false,\"userDialogueId\":\"7\"}");
}

static void
ends(void **state)
{
	(void)state;
	turn.ref = copywriting_voice.ref(arena, &turn, &question);
	lane.status = "length";
	copywriting_voice.end(&out, &lane);
	assert_string_equal(said, LAST "}");
	lane.status = "stopped";
	copywriting_voice.end(&out, &lane);
	assert_string_equal(said, LAST ",\"stopped\":true}");
	lane.status = "timeout";
	lane.why = F_TIMEOUT;
	copywriting_voice.fail(&out, &lane);
	assert_string_equal(said, LAST ",\"error\":{\"code\":504,"
	    "\"msg\":\"modelServiceId 3 did not answer in time\"}}");
	turn.lang = LANG_ZH;
	copywriting_voice.fail(&out, &lane);
	assert_string_equal(said, LAST ",\"error\":{\"code\":504,\"msg\":\"响应超时: modelServiceId 3\"}}");
}

/* A turn that is made again from its first record tells all of it alike. */
static void
again(void **state)
{
	static const struct voice *const	 voices[] = { &copywriting_voice, NULL };
	struct str				 s = STR_INIT(0);
	struct spool_record			 r = { .turn = 9, .kind = SPOOL_BEGIN };
	struct turn				*t;
	char					*first;

	(void)state;
	turn.ref = copywriting_voice.ref(arena, &turn, &question);
	copywriting_voice.begin(&out, &turn);
	first = arena_strdup(arena, said);
	retell_write(&s, &turn);
	r.data = s.p;
	r.len = s.len;
	assert_non_null(t = retell_read(&r, voices));
	copywriting_voice.begin(&out, t);
	assert_string_equal(said, first);
	t->lanes[0].status = "error";
	t->lanes[0].why = F_UPSTREAM;
	copywriting_voice.fail(&out, &t->lanes[0]);
	assert_string_equal(said, LAST ",\"error\":{\"code\":502,"
	    "\"msg\":\"the model's server failed: modelServiceId 3\"}}");
	turn_free(t);
	str_free(&s);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(begins),
		TEST(deltas),
		TEST(ends),
		TEST(again),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("copywriting-voice", tests, NULL, NULL);
}
