/*
 * Users, models, tasks, sessions, call records: what each family does, for a stranger too, and for
 * what is not there.
 */
#include "material.h"

#include <pthread.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ident.h"
#include "store/call.h"
#include "store/task.h"
#include "store/user.h"

/* Users. */

static void
users(void **state)
{
	struct user	*u = user_ensure(&cx, TENANT_DEFAULT, "carol", "Carol", NULL), *again;

	(void)state;
	assert_non_null(u);
	assert_string_equal(u->name, "Carol");
	assert_null(u->avatar);
	again = user_ensure(&cx, TENANT_DEFAULT, "carol", NULL, "http://pic");
	assert_true(again->id == u->id);
	assert_string_equal(again->name, "Carol");
	assert_string_equal(again->avatar, "http://pic");
	again = user_ensure(&cx, TENANT_DEFAULT, "carol", "Caroline", NULL);
	assert_string_equal(again->name, "Caroline");
	assert_string_equal(again->avatar, "http://pic");
	assert_string_equal(user_ensure(&cx, TENANT_DEFAULT, "carol", NULL, NULL)->name,
	    "Caroline");

	/* Neither case nor blanks make the same person. */
	assert_true(user_ensure(&cx, TENANT_DEFAULT, "carol ", NULL, NULL)->id != u->id);
	assert_true(user_ensure(&cx, TENANT_DEFAULT, "Carol", NULL, NULL)->id != u->id);
	assert_int_equal(tenant_by_name(&cx, "default"), TENANT_DEFAULT);
	assert_int_equal(tenant_by_name(&cx, "nobody"), 0);
	assert_null(user_ensure(&cx, 4711, "carol", NULL, NULL));
	FAILED_WITH(F_NOT_FOUND);
}

static void *
ensure_thread(void *arg)
{
	struct ctx	 c;
	struct user	*u;

	private_ctx_open(&server, &c);
	db_ping(&c);
	pthread_barrier_wait(arg);
	u = user_ensure(&c, TENANT_DEFAULT, "crowd", NULL, NULL);
	if (u != NULL && task_default(&c, u->id) == NULL)
		u = NULL;
	private_ctx_close(&c);
	return u != NULL ? arg : NULL;
}

/* Many at once make one user and one default task. */
static void
first_come(void **state)
{
	pthread_barrier_t	 start;
	pthread_t		 threads[8];
	void			*well;

	(void)state;
	pthread_barrier_init(&start, NULL, 8);
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, ensure_thread, &start);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], &well);
		assert_non_null(well);
	}
	pthread_barrier_destroy(&start);
	assert_string_equal(private_db_ask(&server,
	    "SELECT COUNT(*) FROM user u JOIN task t ON t.owner = u.id"
	    " WHERE u.subject = 'crowd'"), "1");
}

/* Models. */

static void
model_family(void **state)
{
	struct model	 m = a_model("zeta"), *got, *list;
	const char	*fallbacks[] = { "m1", "m0" }, *unknown[] = { "nosuch" };
	char		**codes;
	size_t		 n;

	(void)state;
	m.key_env = arena_strdup(cx.a, "ZETA_KEY");
	assert_int_equal(model_add(&cx, &m, fallbacks, 2), 0);
	got = model_get(&cx, "zeta");
	assert_non_null(got);
	assert_true(got->id == m.id && got->created_ms == m.created_ms && got->arena &&
	    got->enabled);
	assert_true(got->price_in == 0.15 && got->price_out == 12.3456789);
	assert_int_equal(got->context_tokens, 8192);
	assert_int_equal(got->connect_s, 7);
	assert_string_equal(got->key_env, "ZETA_KEY");
	assert_null(got->key_file);
	assert_int_equal(model_fallbacks(&cx, m.id, &codes, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(codes[0], "m1");
	assert_string_equal(codes[1], "m0");
	assert_int_equal(got->fallbacks, 2);
	assert_int_equal(model_stand_ins(&cx, m.id, &list, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].code, "m1");
	assert_true(list[0].price_in == 0.15 && list[0].fallbacks == 0);
	assert_int_equal(model_enable(&cx, "m1", false), 0);
	assert_int_equal(model_stand_ins(&cx, m.id, &list, &n), 0);
	assert_int_equal(n, 1);			/* what is disabled stands in for nobody */
	assert_string_equal(list[0].code, "m0");
	assert_int_equal(model_enable(&cx, "m1", true), 0);
	got = model_by_id(&cx, m.id);
	assert_non_null(got);
	assert_string_equal(got->code, "zeta");
	assert_null(model_by_id(&cx, 1));
	FAILED_WITH(F_NOT_FOUND);

	assert_int_equal(model_add(&cx, &m, NULL, 0), -1);
	assert_non_null(strstr(cx.fail.what, "zeta"));
	FAILED_WITH(F_CONFLICT);
	m = a_model("eta");
	assert_int_equal(model_add(&cx, &m, unknown, 1), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_null(model_get(&cx, "eta"));		/* nothing half added */
	assert_non_null(strstr(cx.fail.what, "eta"));
	FAILED_WITH(F_NOT_FOUND);

	assert_int_equal(model_list(&cx, true, &list, &n), 0);
	assert_int_equal(n, 3);
	assert_string_equal(list[0].code, "m0");
	assert_string_equal(list[2].code, "zeta");
	assert_int_equal(model_enable(&cx, "zeta", false), 0);
	assert_int_equal(model_enable(&cx, "zeta", false), 0);
	assert_int_equal(model_list(&cx, true, &list, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(model_list(&cx, false, &list, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(model_enable(&cx, "nosuch", true), -1);
	FAILED_WITH(F_NOT_FOUND);

	a_session(ann, 0);
	assert_int_equal(model_remove(&cx, "m0"), -1);
	FAILED_WITH(F_CONFLICT);
	assert_int_equal(model_remove(&cx, "zeta"), 0);
	assert_int_equal(model_remove(&cx, "zeta"), -1);
	FAILED_WITH(F_NOT_FOUND);
}

/* Tasks and sessions. */

static void
task_family(void **state)
{
	const struct task_text	 text = { .title = "保险", .work_goal = "goal" };
	const struct task	*def = task_default(&cx, ann);
	struct session_node	*nodes;
	struct task		*list;
	int64_t			 task, s, silent;
	size_t			 n;

	(void)state;
	assert_non_null(def);
	assert_true(def->is_default);
	assert_string_equal(def->title, "默认任务");
	assert_true(task_default(&cx, ann)->id == def->id);
	task = task_add(&cx, ann, &text);
	assert_true(task > def->id);
	assert_string_equal(task_get(&cx, ann, task)->title, "保险");
	assert_null(task_get(&cx, bob, task));
	FAILED_WITH(F_NOT_FOUND);
	assert_null(task_get(&cx, ann, 12345));
	assert_non_null(strstr(cx.fail.what, "12345"));
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(task_list(&cx, ann, &list, &n), 0);
	assert_int_equal(n, 2);
	assert_true(list[0].id == task && !list[0].is_default);
	assert_true(list[1].id == def->id && list[1].is_default);
	assert_int_equal(task_list(&cx, bob, &list, &n), 0);
	assert_int_equal(n, 0);

	/* Only sessions with an answer are seen, newest first; a deleted one is not. */
	s = a_session(ann, task);
	silent = a_session(ann, task);
	asked(s, false, "q", "a", "b", NULL);
	asked(a_session(ann, def->id), false, "q", "a", NULL, NULL);
	assert_int_equal(task_sessions(&cx, ann, &nodes, &n), 0);
	assert_int_equal(n, 2);
	assert_true(nodes[0].id > nodes[1].id && nodes[1].id == s && nodes[1].task == task);
	assert_string_equal(nodes[1].title, "新对话");
	assert_int_equal(task_sessions(&cx, bob, &nodes, &n), 0);
	assert_int_equal(n, 0);

	assert_int_equal(task_rename(&cx, ann, task, "new"), 0);
	assert_int_equal(task_rename(&cx, ann, task, "new"), 0);
	assert_string_equal(task_get(&cx, ann, task)->title, "new");
	assert_int_equal(task_rename(&cx, bob, task, "mine"), -1);
	FAILED_WITH(F_NOT_FOUND);

	assert_int_equal(task_delete(&cx, bob, task), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(task_delete(&cx, ann, def->id), -1);
	FAILED_WITH(F_CONFLICT);
	assert_int_equal(task_delete(&cx, ann, task), 0);
	assert_int_equal(task_delete(&cx, ann, task), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_true(session_get(&cx, ann, s)->task == def->id);
	assert_true(session_get(&cx, ann, silent)->task == def->id);

	/* Whoever had no default task when one was deleted has it then. */
	task = task_add(&cx, bob, &text);
	assert_int_equal(task_delete(&cx, bob, task), 0);
	assert_int_equal(task_list(&cx, bob, &list, &n), 0);
	assert_int_equal(n, 1);
	assert_true(list[0].is_default);
}

static int
lock_session(struct ctx *c, void *arg)
{
	const int64_t	*who_what = arg;

	return session_lock(c, who_what[0], who_what[1]) != NULL ? 0 : -1;
}

static void
session_family(void **state)
{
	const int64_t	 s = a_session(ann, 0);
	int64_t		 mine[] = { ann, s }, his[] = { bob, s };
	struct session	*got;
	struct lane_row	*lanes, *lane;
	size_t		 n;

	(void)state;
	got = session_get(&cx, ann, s);
	assert_non_null(got);
	assert_true(got->task == 0 && got->revealed_ms == 0 && got->owner == ann &&
	    got->tenant == TENANT_DEFAULT);
	assert_null(session_get(&cx, bob, s));
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(db_txn(&cx, lock_session, mine), 0);
	assert_int_equal(db_txn(&cx, lock_session, his), -1);
	FAILED_WITH(F_NOT_FOUND);

	assert_int_equal(session_lanes(&cx, s, &lanes, &n), 0);
	assert_int_equal(n, 2);
	assert_true(lanes[1].lane == 1 && lanes[1].model == models[1]);
	assert_string_equal(lanes[1].mask, "BRAVO");
	lane = session_lane(&cx, ann, lanes[1].pri_id);
	assert_non_null(lane);
	assert_true(lane->session == s && lane->lane == 1);
	assert_null(session_lane(&cx, bob, lanes[1].pri_id));
	FAILED_WITH(F_NOT_FOUND);
	assert_null(session_lane(&cx, ann, "ffff"));
	FAILED_WITH(F_NOT_FOUND);

	assert_int_equal(session_title(&cx, s, "其他", "x"), 0);
	assert_string_equal(session_get(&cx, ann, s)->title, "新对话");
	assert_int_equal(session_title(&cx, s, "新对话", "first question"), 0);
	assert_string_equal(session_get(&cx, ann, s)->title, "first question");
	assert_int_equal(session_rename(&cx, ann, s, "🎈"), 0);
	assert_string_equal(session_get(&cx, ann, s)->title, "🎈");
	assert_int_equal(session_rename(&cx, bob, s, "x"), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(session_reveal(&cx, s, 1000), 0);
	assert_int_equal(session_reveal(&cx, s, 2000), 0);
	assert_int_equal(session_get(&cx, ann, s)->revealed_ms, 1000);

	assert_int_equal(session_delete(&cx, bob, s), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(session_delete(&cx, ann, s), 0);
	assert_int_equal(session_delete(&cx, ann, s), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_null(session_get(&cx, ann, s));
	FAILED_WITH(F_NOT_FOUND);
	assert_null(session_lane(&cx, ann, lanes[0].pri_id));
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(session_rename(&cx, ann, s, "x"), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(db_txn(&cx, lock_session, mine), -1);
	FAILED_WITH(F_NOT_FOUND);
}

/* A session whose lanes cannot be added is not there either. */
static void
session_whole(void **state)
{
	struct session	 s = { .id = ident_new(), .tenant = 1, .owner = ann,
	    .title = arena_strdup(cx.a, "t") };
	struct lane_row	 lanes[2] = {
		{ .lane = 0, .model = models[0], .pri_id = arena_strdup(cx.a, "same") },
		{ .lane = 1, .model = models[1], .pri_id = arena_strdup(cx.a, "same") },
	};

	(void)state;
	assert_int_equal(session_add(&cx, &s, lanes, 2), -1);
	FAILED_WITH(F_CONFLICT);
	assert_null(session_get(&cx, ann, s.id));
	FAILED_WITH(F_NOT_FOUND);
}

/* Call records. */

static struct call_record
call(const char *ref, const char *summary, int64_t start_ms, int64_t tokens)
{
	return (struct call_record){ .ref = arena_strdup(cx.a, ref),
		.summary = arena_strdup(cx.a, summary),
		.start_ms = start_ms, .duration = 60, .callnumber = arena_strdup(cx.a, "100"),
		.labels = arena_strdup(cx.a, "a|b"), .tokens = tokens };
}

static void
call_family(void **state)
{
	const struct posting	 both[] = { { INT64_MIN, 2 }, { 7, 1 } };
	const struct posting	 one[] = { { 7, 1 } }, far[] = { { INT64_MAX, 255 } };
	struct call_record	 a = call("a", "refund twice", 1000, 3);
	struct call_record	 b = call("b", "refund once", 2000, 4);
	struct call_record	 c = call("c", "else", 3000, 5);
	struct call_record	 again = call("a", "else again", 1500, 9), *found;
	const int64_t		 question[] = { 7, INT64_MIN, 7, 99 }, rare[] = { INT64_MAX };
	int64_t			 many[100];
	size_t			 n;

	(void)state;
	assert_int_equal(call_count(&cx, TENANT_DEFAULT), 0);
	assert_int_equal(call_search(&cx, TENANT_DEFAULT, question, 4, 0, 0, 8, &found, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(call_put(&cx, TENANT_DEFAULT, &a, both, 2), 0);
	assert_int_equal(call_put(&cx, TENANT_DEFAULT, &b, one, 1), 0);
	assert_int_equal(call_put(&cx, TENANT_DEFAULT, &c, far, 1), 0);
	assert_int_equal(call_count(&cx, TENANT_DEFAULT), 3);
	assert_int_equal(call_count(&cx, 2), 0);

	assert_int_equal(call_search(&cx, TENANT_DEFAULT, question, 4, 0, 0, 8, &found, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(found[0].ref, "a");
	assert_string_equal(found[1].ref, "b");
	assert_true(found[0].score > found[1].score && found[1].score > 0);
	assert_true(found[0].id == a.id && found[0].duration == 60 && found[0].tokens == 3);
	assert_null(found[0].callednumber);
	/*
	 * ln(1 + (3 - 1 + .5) / 1.5) * 2 * 2.2 / (2 + 1.2 * (.25 + .75 * 3 / 4)) and the same for
	 * the other token, by hand
	 */
	assert_float_equal(found[0].score, 0.9808292530 * 4.4 / 2.975 + 0.4700036292 * 2.2 / 1.975,
	    1e-6);

	assert_int_equal(call_search(&cx, TENANT_DEFAULT, question, 4, 1001, 0, 8, &found, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(call_search(&cx, TENANT_DEFAULT, question, 4, 0, 1000, 8, &found, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(call_search(&cx, TENANT_DEFAULT, question, 4, 0, 0, 1, &found, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(found[0].ref, "a");
	assert_int_equal(call_search(&cx, 2, question, 4, 0, 0, 8, &found, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(call_search(&cx, TENANT_DEFAULT, question, 0, 0, 0, 8, &found, &n), 0);
	assert_int_equal(n, 0);
	for (int i = 0; i < 100; i++)
		many[i] = 1000 + i;
	many[63] = 7;
	assert_int_equal(call_search(&cx, TENANT_DEFAULT, many, 100, 0, 0, 8, &found, &n), 0);
	assert_int_equal(n, 2);

	/* The same ref again: the old words are forgotten, the statistics stay right. */
	assert_int_equal(call_put(&cx, TENANT_DEFAULT, &again, far, 1), 0);
	assert_true(again.id == a.id);
	assert_int_equal(call_count(&cx, TENANT_DEFAULT), 3);
	assert_int_equal(call_search(&cx, TENANT_DEFAULT, question, 4, 0, 0, 8, &found, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(call_search(&cx, TENANT_DEFAULT, rare, 1, 0, 0, 8, &found, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(private_db_ask(&server,
	    "SELECT CONCAT_WS(' ', s.tokens, (SELECT SUM(tokens) FROM call_record),"
	    " (SELECT COUNT(*) FROM call_posting)) FROM call_stats s"), "18 18 3");
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(users),
		TEST(first_come),
		TEST(model_family),
		TEST(task_family),
		TEST(session_family),
		TEST(session_whole),
		TEST(call_family),
	};

	return run_furnished("store", tests);
}
