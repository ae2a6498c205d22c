/* The messages of the dialect "visitor", byte for byte, also of a turn that is told again. */
#include "said.h"

#include <stdio.h>
#include <string.h>

#include "api/visitor.h"
#include "base/arena.h"
#include "core/retell.h"
#include "core/running.h"
#include "store/session.h"

#define KEY	"api_93527fda-6b49-4701-b688-6b9ac2346147"

static const struct model	model = { .id = 3, .name = (char *)"Three", .code = (char *)"m3" };
static struct session		session;
static struct arena		*arena;

static void
refer(const char *visitor)
{
	const struct question	 q = { .text = "?", .session = &session };

	session = (struct session){ .msg_key = (char *)KEY, .visitor = (char *)visitor };
	turn.ref = visitor_voice.ref(arena, &turn, &q);
}

static int
setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	lane = (struct lane){ .turn = &turn, .answer = 12, .status = "stop", .model = &model,
		.cost = 0.001 };
	turn = (struct turn){ .id = 9, .session = 7, .group = 8, .owner = 42, .lang = LANG_EN,
		.lanes = &lane, .nlanes = 1, .voice = &visitor_voice, .stored = true };
	refer("v 1 \"x\"");
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

#define IDS	"\"msgKey\":\"" KEY "\",\"visitorId\":\"v 1 \\\"x\\\"\""

static void
assert_delta(const char *text, int flags, const char *desc)
{
	struct delta	 d = { .text = text, .len = strlen(text), .flags = flags };
	int		 before = messages;

	visitor_voice.delta(&out, &lane, &d);
	assert_int_equal(messages, before + 1);
	assert_said("{\"desc\":\"%s\"," IDS "}", desc);
}

static void
deltas(void **state)
{
	(void)state;
	assert_delta("a \"b\" 你\n", 0, "a \\\"b\\\" 你\\n");
	assert_delta("", 0, "");
	assert_delta("hm", DELTA_REASONING | DELTA_OPENS, "");
	assert_delta("So", DELTA_CLOSES, "So");
	str_puts(&lane.reasoning, "hm");
	str_puts(&lane.text, "So it is");
	visitor_voice.whole(&out, &lane);
	assert_said("{\"desc\":\"So it is\"," IDS "}");
	refer(NULL);
	visitor_voice.whole(&out, &lane);
	assert_said("{\"desc\":\"So it is\",\"msgKey\":\"" KEY "\",\"visitorId\":null}");
}

static void
ends(void **state)
{
	static char	*cited[] = {
		(char *)"{\"link\":\"https://a.example/\",\"snippet\":\"<b>s</b>\",\"title\":\"t\"}",
		(char *)"{\"documentId\":1,\"fileName\":\"a.txt\",\"segment\":0,\"text\":\"say\",\"score\":1}",
		(char *)"{\"url\":\"u\",\"content\":\"c\"}",
		(char *)"{\"link\":7}",
	};

	(void)state;
	visitor_voice.end(&out, &lane);
	assert_said("{\"desc\":\"\",\"msgKey\":\"" KEY "\",\"source\":[],\"usage\":{\"total_cost\":0.001},"
	    "\"visitorId\":\"v 1 \\\"x\\\"\",\"finished\":true}");
	lane.status = "stopped";
	lane.cost = 0;
	lane.citations = cited;
	lane.ncitations = 4;
	refer(NULL);
	visitor_voice.end(&out, &lane);
	assert_said("{\"desc\":\"\",\"msgKey\":\"" KEY "\",\"source\":["
	    "{\"link\":\"https://a.example/\",\"snippet\":\"<b>s</b>\",\"title\":\"t\"},"
	    "{\"link\":\"\",\"snippet\":\"say\",\"title\":\"a.txt\"},"
	    "{\"link\":\"u\",\"snippet\":\"c\",\"title\":\"\"},"
	    "{\"link\":\"\",\"snippet\":\"\",\"title\":\"\"}],"
	    "\"usage\":{\"total_cost\":0},\"visitorId\":null,\"finished\":true,\"stopped\":true}");
}

static void
fails(void **state)
{
	(void)state;
	lane.status = "error";
	lane.why = F_UPSTREAM;
	visitor_voice.fail(&out, &lane);
	assert_said("{\"Code\":4000,\"Data\":null,\"Msg\":\"the model's server failed: Three\","
	    "\"finished\":true}");
	turn.lang = LANG_ZH;
	lane.model = NULL;		/* what a dead worker left */
	visitor_voice.fail(&out, &lane);
	assert_said("{\"Code\":4000,\"Data\":null,\"Msg\":\"模型服务出错: \",\"finished\":true}");
}

static void
told_again(void **state)
{
	static const struct voice *const	 voices[] = { &visitor_voice, NULL };
	const struct spool_ended	 ended = { .status = "stop", .ended_ms = 5, .cost = 0.25 };
	struct str			 first = STR_INIT(0);
	struct turn			*t;

	(void)state;
	retell_write(&first, &turn);
	t = retell_read(&(struct spool_record){ .turn = 9, .kind = SPOOL_BEGIN, .data = first.p,
	    .len = first.len }, voices);
	str_free(&first);
	assert_non_null(t);
	visitor_voice.delta(&out, &t->lanes[0], &(struct delta){ .text = "x", .len = 1 });
	assert_said("{\"desc\":\"x\"," IDS "}");
	retell_note(t, &(struct spool_record){ .turn = 9, .kind = SPOOL_END,
	    .data = (const char *)&ended, .len = sizeof(ended) });
	visitor_voice.end(&out, &t->lanes[0]);
	assert_said("{\"desc\":\"\",\"msgKey\":\"" KEY "\",\"source\":[],\"usage\":{\"total_cost\":0.25},"
	    "\"visitorId\":\"v 1 \\\"x\\\"\",\"finished\":true}");
	turn_free(t);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(deltas, setup, teardown),
		cmocka_unit_test_setup_teardown(ends, setup, teardown),
		cmocka_unit_test_setup_teardown(fails, setup, teardown),
		cmocka_unit_test_setup_teardown(told_again, setup, teardown),
	};

	return cmocka_run_group_tests_name("visitor-voice", tests, NULL, NULL);
}
