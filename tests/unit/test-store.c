/* Every family of the store against a real server: what it does, for a stranger, for what is not there. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail			/* ctx.h has its own */

#include "base/arena.h"
#include "base/clock.h"
#include "base/ident.h"
#include "private-db.h"
#include "store/call.h"
#include "store/migrate.h"
#include "store/model.h"
#include "store/session.h"
#include "store/task.h"
#include "store/turn.h"
#include "store/user.h"
#include "store/vote.h"

static struct private_db	server;
static struct ctx		cx;
static int64_t			ann, bob;	/* two users; bob is always the stranger */
static int64_t			models[2];

#define FAILED_WITH(kind_) do { \
	assert_int_equal(cx.fail.kind, kind_); \
	fail_clear(&cx); \
} while (0)

/* Material. */

static struct model
model(const char *code)
{
	return (struct model){
		.code = arena_strdup(cx.a, code), .name = arena_printf(cx.a, "Model %s", code),
		.kind = arena_strdup(cx.a, "chat"), .url = arena_strdup(cx.a, "http://127.0.0.1:1/v1"),
		.upstream_name = arena_strdup(cx.a, "up"), .price_in = 0.15, .price_out = 12.3456789, .arena = true,
		.enabled = true, .context_tokens = 8192, .connect_s = 7,
	};
}

static int64_t
session(int64_t owner, int64_t task)
{
	const int64_t	 id = ident_new();
	struct session	 s = { .id = id, .tenant = TENANT_DEFAULT, .owner = owner, .task = task,
		.title = arena_strdup(cx.a, "新对话"), .created_ms = clock_ms() };
	struct lane_row	 lanes[2];

	for (int i = 0; i < 2; i++)
		lanes[i] = (struct lane_row){ .session = id, .lane = i, .model = models[i],
			.mask = arena_strdup(cx.a, i == 0 ? "ALPHA" : "BRAVO"),
			.pri_id = arena_printf(cx.a, "%016llx%016x", (unsigned long long)id, (unsigned)i) };
	assert_int_equal(session_add(&cx, &s, lanes, 2), 0);
	return id;
}

static struct turn_row
turn(int64_t s, const char *question)
{
	const int64_t	 id = ident_new();
	struct turn_row	 t = { .id = id, .tenant = TENANT_DEFAULT, .owner = ann, .session = s, .group_id = id,
		.worker = 99, .voice = arena_strdup(cx.a, "arena"), .question = arena_strdup(cx.a, question),
		.created_ms = clock_ms() };

	return t;
}

static struct answer_row
answer(const struct turn_row *t, int lane)
{
	return (struct answer_row){ .id = ident_new(), .turn = t->id, .session = t->session, .lane = lane,
		.model = models[lane], .created_ms = clock_ms() };
}

static void
ended(struct answer_row *a, const char *status, const char *text)
{
	a->status = arena_strdup(cx.a, status);
	a->text = arena_strdup(cx.a, text);
	a->cost = arena_strdup(cx.a, "0.0000000001");
	a->ended_ms = clock_ms();
}

/* Asks and answers, lane by lane; ids of the answers in `ids`. */
static int64_t
asked(int64_t s, bool private, const char *question, const char *first, const char *second, int64_t ids[2])
{
	const char	*texts[] = { first, second };
	struct turn_row	 t = turn(s, question);

	t.private = private;
	assert_int_equal(turn_add(&cx, &t), 0);
	for (int lane = 0; lane < 2; lane++) {
		struct answer_row	 a = answer(&t, lane);

		if (texts[lane] == NULL)
			continue;
		assert_int_equal(answer_add(&cx, &a), 0);
		ended(&a, "stop", texts[lane]);
		assert_int_equal(answer_close(&cx, &a), 1);
		if (ids != NULL)
			ids[lane] = a.id;
	}
	assert_int_equal(turn_close(&cx, t.id, clock_ms()), 1);
	return t.id;
}

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
	assert_string_equal(user_ensure(&cx, TENANT_DEFAULT, "carol", NULL, NULL)->name, "Caroline");

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
	assert_string_equal(private_db_ask(&server, "SELECT COUNT(*) FROM user u JOIN task t ON t.owner = u.id"
	    " WHERE u.subject = 'crowd'"), "1");
}

/* Models. */

static void
model_family(void **state)
{
	struct model	 m = model("zeta"), *got, *list;
	const char	*fallbacks[] = { "m1", "m0" }, *unknown[] = { "nosuch" };
	char		**codes;
	size_t		 n;

	(void)state;
	m.key_env = arena_strdup(cx.a, "ZETA_KEY");
	assert_int_equal(model_add(&cx, &m, fallbacks, 2), 0);
	got = model_get(&cx, "zeta");
	assert_non_null(got);
	assert_true(got->id == m.id && got->created_ms == m.created_ms && got->arena && got->enabled);
	assert_true(got->price_in == 0.15 && got->price_out == 12.3456789);
	assert_int_equal(got->context_tokens, 8192);
	assert_int_equal(got->connect_s, 7);
	assert_string_equal(got->key_env, "ZETA_KEY");
	assert_null(got->key_file);
	assert_int_equal(model_fallbacks(&cx, m.id, &codes, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(codes[0], "m1");
	assert_string_equal(codes[1], "m0");

	assert_int_equal(model_add(&cx, &m, NULL, 0), -1);
	assert_non_null(strstr(cx.fail.what, "zeta"));
	FAILED_WITH(F_CONFLICT);
	m = model("eta");
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

	session(ann, 0);
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
	s = session(ann, task);
	silent = session(ann, task);
	asked(s, false, "q", "a", "b", NULL);
	asked(session(ann, def->id), false, "q", "a", NULL, NULL);
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
	const int64_t	 s = session(ann, 0);
	int64_t		 mine[] = { ann, s }, his[] = { bob, s };
	struct session	*got;
	struct lane_row	*lanes, *lane;
	size_t		 n;

	(void)state;
	got = session_get(&cx, ann, s);
	assert_non_null(got);
	assert_true(got->task == 0 && got->revealed_ms == 0 && got->owner == ann && got->tenant == TENANT_DEFAULT);
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
	struct session	 s = { .id = ident_new(), .tenant = 1, .owner = ann, .title = arena_strdup(cx.a, "t") };
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

/* Turns. */

static void
turn_life(void **state)
{
	const int64_t		 s = session(ann, task_default(&cx, ann)->id);
	struct turn_row		 t = turn(s, "why?"), other = turn(s, "meanwhile");
	struct answer_row	 a = answer(&t, 0), b = answer(&t, 1), busy = answer(&other, 0);
	struct citation_row	 c = { .answer = a.id, .position = 1, .body = arena_strdup(cx.a, "{\"id\":\"2\"}") }, *cites;
	struct orphan		*orphans;
	size_t			 n;

	(void)state;
	assert_int_equal(turn_count(&cx, s), 0);
	assert_null(turn_newest_group(&cx, s));
	t.worker = 4242;
	t.context = arena_strdup(cx.a, "[{\"role\":\"user\"}]");
	assert_int_equal(turn_add(&cx, &t), 0);
	assert_int_equal(answer_add(&cx, &a), 0);
	assert_int_equal(answer_add(&cx, &b), 0);
	assert_int_equal(turn_running(&cx, s, 0), 1);
	assert_int_equal(turn_running(&cx, s, -1), 2);
	assert_string_equal(answer_status(&cx, a.id), "running");
	assert_null(answer_status(&cx, 5));
	assert_int_equal(cx.fail.kind, F_NONE);

	/* The database itself keeps a lane from answering twice at once. */
	assert_int_equal(turn_add(&cx, &other), 0);
	assert_int_equal(answer_add(&cx, &busy), -1);
	FAILED_WITH(F_BUSY);

	assert_int_equal(turn_orphans(&cx, 4242, &orphans, &n), 0);
	assert_int_equal(n, 2);
	assert_true(orphans[0].answer == a.id && orphans[1].answer == b.id && orphans[0].stored == 1);
	assert_true(orphans[1].price_out == 12.3456789 && orphans[1].session == s && orphans[1].lane == 1);
	assert_string_equal(orphans[0].question, "why?");
	assert_int_equal(turn_orphans(&cx, 1, &orphans, &n), 0);
	assert_int_equal(n, 0);

	ended(&a, "stop", "because 🎈");
	a.reasoning = arena_strdup(cx.a, "hm");
	a.prompt_tokens = 12;
	a.completion_tokens = 34;
	a.estimated = true;
	a.first_ms = 1000;
	a.last_ms = 2000;
	a.cost = arena_strdup(cx.a, "0.1234567891");
	assert_int_equal(answer_close(&cx, &a), 1);
	assert_int_equal(answer_close(&cx, &a), 0);
	assert_string_equal(answer_status(&cx, a.id), "stop");
	assert_int_equal(citation_add(&cx, &c), 0);
	c.position = 0;
	c.body = arena_strdup(cx.a, "{\"id\":\"1\"}");
	assert_int_equal(citation_add(&cx, &c), 0);
	assert_int_equal(citation_add(&cx, &c), -1);
	FAILED_WITH(F_CONFLICT);
	assert_int_equal(citation_list(&cx, s, &cites, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(cites[0].body, "{\"id\":\"1\"}");
	assert_int_equal(cites[1].position, 1);
	assert_int_equal(turn_close(&cx, t.id, 5), 0);
	assert_int_equal(turn_running(&cx, s, -1), 1);

	ended(&b, "error", "");
	b.error = arena_strdup(cx.a, "F_UPSTREAM");
	assert_int_equal(answer_close(&cx, &b), 1);
	assert_int_equal(turn_close(&cx, t.id, clock_ms()), 1);
	assert_int_equal(turn_close(&cx, t.id, clock_ms()), 0);
	assert_int_equal(turn_orphans(&cx, 4242, &orphans, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(turn_count(&cx, s), 2);
	assert_string_equal(private_db_ask(&server, "SELECT CONCAT_WS('|', estimated, prompt_tokens, completion_tokens,"
	    " cost, first_ms, last_ms, reasoning, error IS NULL) FROM answer WHERE reasoning = 'hm'"),
	    "1|12|34|0.1234567891|1000|2000|hm|1");
}

struct close_both {
	struct answer_row	*a;
	int64_t			 turn;
	pthread_barrier_t	*meet;
	int			 closed, runs;
};

static int
close_one(struct ctx *c, void *arg)
{
	struct close_both	*b = arg;

	if (answer_close(c, b->a) != 1)
		return -1;
	if (b->runs++ == 0)
		pthread_barrier_wait(b->meet);
	return (b->closed = turn_close(c, b->turn, 1)) == -1 ? -1 : 0;
}

static void *
close_thread(void *arg)
{
	struct ctx	 c;

	private_ctx_open(&server, &c);
	assert_int_equal(db_txn(&c, close_one, arg), 0);
	private_ctx_close(&c);
	return NULL;
}

/* Two lanes that end at the same moment: one of them closes the turn. */
static void
last_lane_closes(void **state)
{
	const int64_t		 s = session(ann, 0);
	struct turn_row		 t = turn(s, "who is last?");
	struct answer_row	 a = answer(&t, 0), b = answer(&t, 1);
	pthread_barrier_t	 meet;
	struct close_both	 one = { &a, t.id, &meet, -1, 0 }, two = { &b, t.id, &meet, -1, 0 };
	pthread_t		 thread;

	(void)state;
	asked(s, false, "before", "a", "b", NULL);	/* the session has been answered: no lock of its row */
	assert_int_equal(turn_add(&cx, &t), 0);
	assert_int_equal(answer_add(&cx, &a), 0);
	assert_int_equal(answer_add(&cx, &b), 0);
	ended(&a, "stop", "me");
	ended(&b, "stop", "me");
	pthread_barrier_init(&meet, NULL, 2);
	pthread_create(&thread, NULL, close_thread, &two);
	assert_int_equal(db_txn(&cx, close_one, &one), 0);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&meet);
	assert_int_equal(one.closed + two.closed, 1);
}

static void
said_and_history(void **state)
{
	const int64_t	 s = session(ann, 0);
	struct turn_row	 running, *group, joined;
	struct answer_row a, late;
	struct said	*said;
	struct past	*past;
	int64_t		 ids[2], first;
	size_t		 n;

	(void)state;
	first = asked(s, false, "one", "1a", "1b", ids);
	asked(s, true, "secret", NULL, "2b", NULL);
	asked(s, false, "three", "", "3b", NULL);
	running = turn(s, "still?");
	a = answer(&running, 0);
	assert_int_equal(turn_add(&cx, &running), 0);
	assert_int_equal(answer_add(&cx, &a), 0);

	assert_int_equal(turn_said(&cx, s, 1, false, &said, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(said[0].question, "one");
	assert_string_equal(said[1].text, "3b");
	assert_int_equal(turn_said(&cx, s, 1, true, &said, &n), 0);
	assert_int_equal(n, 3);
	assert_true(said[1].private && !said[2].private);
	assert_string_equal(said[1].text, "2b");
	assert_int_equal(turn_said(&cx, s, 0, true, &said, &n), 0);
	assert_int_equal(n, 2);		/* neither the other's secret nor what still runs */
	assert_null(said[1].text);
	assert_null(said[0].context);

	assert_int_equal(vote_like(&cx, ann, ids[1], s, first, 1, 1), 0);
	assert_int_equal(turn_history(&cx, ann, s, -1, &past, &n), 0);
	assert_int_equal(n, 5);		/* 2 + 2 public answers and the running one */
	assert_true(past[0].turn == first && past[0].lane == 0 && past[0].liked == 0);
	assert_true(past[1].lane == 1 && past[1].liked == 1 && past[1].ended_ms != 0);
	assert_string_equal(past[1].model_code, "m1");
	assert_string_equal(past[4].status, "running");
	assert_null(past[4].text);
	assert_int_equal(turn_history(&cx, bob, s, 1, &past, &n), 0);
	assert_int_equal(n, 3);
	assert_true(past[1].private && past[0].liked == 0);

	group = turn_newest_group(&cx, s);
	assert_true(group->id == running.id && group->group_id == running.id);
	assert_string_equal(group->question, "still?");
	assert_int_equal(turn_group_has(&cx, s, running.id, 0), 1);
	assert_int_equal(turn_group_has(&cx, s, running.id, 1), 0);
	joined = turn(s, "still?");
	joined.group_id = running.id;
	late = answer(&joined, 1);
	assert_int_equal(turn_add(&cx, &joined), 0);
	assert_int_equal(answer_add(&cx, &late), 0);
	assert_int_equal(turn_group_has(&cx, s, running.id, 1), 1);
	assert_true(turn_newest_group(&cx, s)->group_id == running.id);
}

/* What is not stored keeps its figures only, and stands in nobody's way. */
static void
not_stored(void **state)
{
	struct turn_row		 t[2] = { turn(0, ""), turn(0, "") };
	struct answer_row	 a[2];
	struct orphan		*orphans;
	size_t			 n;

	(void)state;
	for (int i = 0; i < 2; i++) {
		t[i].question = NULL;
		t[i].worker = 777;
		t[i].owner = i == 0 ? ann : 0;
		a[i] = answer(&t[i], 0);
		assert_int_equal(turn_add(&cx, &t[i]), 0);
		assert_int_equal(answer_add(&cx, &a[i]), 0);
	}
	assert_int_equal(turn_orphans(&cx, 777, &orphans, &n), 0);
	assert_int_equal(n, 2);
	assert_true(orphans[0].stored == 0 && orphans[0].session == 0 && orphans[0].question == NULL);
	ended(&a[0], "stop", "");
	a[0].text = NULL;
	assert_int_equal(answer_close(&cx, &a[0]), 1);
	assert_int_equal(turn_close(&cx, t[0].id, 1), 1);
}

/* Four megabytes of answer, byte for byte. */
static void
long_answer(void **state)
{
	const size_t		 big = 4 << 20;
	const int64_t		 s = session(ann, 0);
	struct turn_row		 t = turn(s, "long?");
	struct answer_row	 a = answer(&t, 0);
	struct past		*past;
	size_t			 n;

	(void)state;
	assert_int_equal(turn_add(&cx, &t), 0);
	assert_int_equal(answer_add(&cx, &a), 0);
	ended(&a, "length", "");
	a.text = arena_get(cx.a, big + 1);
	for (size_t i = 0; i < big; i += 4)
		memcpy(a.text + i, i % 3 == 0 ? "\xf0\x9f\x8e\x88" : "a'\\\n", 4);
	assert_int_equal(answer_close(&cx, &a), 1);
	assert_int_equal(turn_history(&cx, ann, s, 0, &past, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(strlen(past[0].text), big);
	assert_memory_equal(past[0].text, a.text, big);
}

/* Ten small amounts that a float could not add up. */
static void
money(void **state)
{
	const int64_t	 s = session(ann, 0);

	(void)state;
	private_db_feed(&server, "DELETE FROM ledger; UPDATE answer SET cost = 0");
	for (int i = 0; i < 10; i++) {
		struct turn_row		 t = turn(s, "how much?");
		struct answer_row	 a = answer(&t, 0);

		assert_int_equal(turn_add(&cx, &t), 0);
		assert_int_equal(answer_add(&cx, &a), 0);
		ended(&a, "stop", "this much");
		a.cost = arena_strdup(cx.a, i == 0 ? "12345678901234.0000000001" : "0.1000000001");
		assert_int_equal(answer_close(&cx, &a), 1);
		assert_int_equal(ledger_add(&cx, a.id, a.cost, clock_ms()), 0);
		assert_int_equal(ledger_add(&cx, a.id, a.cost, clock_ms()), -1);	/* settled is settled */
		FAILED_WITH(F_CONFLICT);
	}
	assert_string_equal(private_db_ask(&server, "SELECT SUM(amount) FROM ledger WHERE kind = 'answer'"
	    " AND api_key IS NULL"), "12345678901234.9000000010");
	assert_string_equal(private_db_ask(&server, "SELECT SUM(cost) FROM answer"), "12345678901234.9000000010");
}

static void
vote_family(void **state)
{
	const int64_t	 s = session(ann, 0);
	int64_t		 ids[2], older[2], group = 0, t;

	(void)state;
	assert_int_equal(vote_target(&cx, s, 0, &group), 0);
	asked(s, false, "one", "1a", "1b", older);
	t = asked(s, false, "two", "2a", "", ids);
	asked(s, true, "secret", "3a", NULL, NULL);
	assert_true(vote_target(&cx, s, 0, &group) == ids[0]);
	assert_true(group == t);
	assert_true(vote_target(&cx, s, 1, &group) == older[1]);	/* the last that said something */

	assert_int_equal(vote_like(&cx, ann, ids[0], s, t, 0, 10), 0);
	assert_int_equal(vote_like(&cx, ann, ids[0], s, t, 0, 20), 0);
	assert_string_equal(private_db_ask(&server, "SELECT CONCAT(COUNT(*), ' ', MAX(created_ms)) FROM vote"
	    " WHERE created_ms BETWEEN 10 AND 20"), "1 10");
	assert_int_equal(vote_unlike(&cx, ann, ids[0]), 0);
	assert_int_equal(vote_unlike(&cx, ann, ids[0]), 0);
	assert_int_equal(vote_like(&cx, ann, 4711, s, t, 0, 10), -1);
	FAILED_WITH(F_NOT_FOUND);

	assert_int_equal(vote_rate(&cx, ann, s, 0, "{\"tone\":3}", "so so", 30), 0);
	assert_int_equal(vote_rate(&cx, ann, s, 0, "{\"tone\":9}", NULL, 31), 0);
	assert_string_equal(private_db_ask(&server, "SELECT CONCAT(COUNT(*), MAX(scores), MAX(remark IS NULL)) FROM rating"),
	    "1{\"tone\":9}1");
	assert_int_equal(vote_rate(&cx, ann, s, 7, "{}", NULL, 31), -1);
	FAILED_WITH(F_NOT_FOUND);
}

/* Call records. */

static struct call_record
call(const char *ref, const char *summary, int64_t start_ms, int64_t tokens)
{
	return (struct call_record){ .ref = arena_strdup(cx.a, ref), .summary = arena_strdup(cx.a, summary),
		.start_ms = start_ms, .duration = 60, .callnumber = arena_strdup(cx.a, "100"),
		.labels = arena_strdup(cx.a, "a|b"), .tokens = tokens };
}

static void
call_family(void **state)
{
	const struct posting	 both[] = { { INT64_MIN, 2 }, { 7, 1 } }, one[] = { { 7, 1 } }, far[] = { { INT64_MAX, 255 } };
	struct call_record	 a = call("a", "refund twice", 1000, 3), b = call("b", "refund once", 2000, 4),
				 c = call("c", "else", 3000, 5), again = call("a", "else again", 1500, 9), *found;
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
	/* ln(1 + (3 - 1 + .5) / 1.5) * 2 * 2.2 / (2 + 1.2 * (.25 + .75 * 3 / 4)) and the same for the other token, by hand */
	assert_float_equal(found[0].score, 0.9808292530 * 4.4 / 2.975 + 0.4700036292 * 2.2 / 1.975, 1e-6);

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
	assert_string_equal(private_db_ask(&server, "SELECT CONCAT_WS(' ', s.tokens, (SELECT SUM(tokens) FROM call_record),"
	    " (SELECT COUNT(*) FROM call_posting)) FROM call_stats s"), "18 18 3");
}

/* Does a line of EXPLAIN say that a table of any size is read from end to end? */
static bool
full_scan(const char *line)
{
	static const char	 small[] = " model m f j schema_migration TABLES ";
	char			 table[64], type[32], name[70];

	if (sscanf(line, "%*[^\t]\t%*[^\t]\t%63[^\t]\t%31[^\t]", table, type) != 2)
		return true;
	if (strcmp(type, "ALL") != 0 && strcmp(type, "index") != 0)
		return false;
	snprintf(name, sizeof(name), " %s ", table);
	return *table != '<' && strstr(small, name) == NULL;
}

/* The statement with constants in the place of placeholders: quoted, so that they suit every type, but for LIMIT. */
static void
with_constants(struct str *s, const char *sql)
{
	const char	*p;

	str_reset(s);
	str_puts(s, "EXPLAIN ");
	for (; (p = strchr(sql, '?')) != NULL; sql = p + 1) {
		str_put(s, sql, (size_t)(p - sql));
		if (strncmp(p - 6, "LIMIT ", 6) == 0)
			str_puts(s, "8");
		else if (strncmp(p - 11, "JSON_TABLE(", 11) == 0)
			str_puts(s, "'[1,2,3]'");
		else
			str_puts(s, "'1000001'");
	}
	str_puts(s, sql);
}

static void
no_full_scans(void **state)
{
	struct str	 sql = STR_INIT(0);
	const char	*text;
	char		*plan, *line;
	int		 bad = 0;

	(void)state;
	private_db_feed(&server,
	    "SET foreign_key_checks = 0;"
	    "INSERT INTO user SELECT 1000000 + seq, 1, CONCAT('u', seq), NULL, NULL, 0 FROM seq_1_to_3000;"
	    "INSERT INTO task SELECT 1000000 + seq, 1000000 + seq DIV 3, NULL, 't', '', '', '', '', 0 FROM seq_1_to_3000;"
	    "INSERT INTO session SELECT 1000000 + seq, 1, 1000000 + seq DIV 3, 1000000 + seq, 's', 0, NULL, 1, NULL"
	    "  FROM seq_1_to_3000;"
	    "INSERT INTO lane SELECT 1000000 + seq DIV 2, seq MOD 2, 1, 'A', CONCAT('p', seq) FROM seq_2_to_6001;"
	    "INSERT INTO turn SELECT 1000000 + seq, 1, 1000000, 1000000 + seq DIV 3, 1000000 + seq, seq MOD 4, 0, 'arena',"
	    "  'q', NULL, 0, 1 FROM seq_1_to_6000;"
	    "INSERT INTO answer (id, turn, session, lane, model, status, text, created_ms) SELECT 1000000 + seq,"
	    "  1000000 + seq DIV 2, 1000000 + seq DIV 6, seq MOD 2, 1, 'stop', 'a', 0 FROM seq_1_to_12000;"
	    "INSERT INTO citation SELECT 1000000 + seq DIV 3, seq MOD 3, '{}' FROM seq_3_to_9000;"
	    "INSERT INTO ledger SELECT seq, NULL, 1000000 + seq, 'answer', 1, 0 FROM seq_1_to_5000;"
	    "INSERT INTO vote SELECT 1000000 + seq DIV 5, 1000000 + seq, 1000000, 1, 0, 0 FROM seq_1_to_5000;"
	    "INSERT INTO call_record SELECT seq, 1, CONCAT('r', seq), 's', seq, 1, NULL, NULL, NULL, 5, '[]', 0"
	    "  FROM seq_1_to_3000;"
	    "INSERT INTO call_posting SELECT 1, seq DIV 10, seq MOD 3000, 1 FROM seq_1_to_20000;"
	    "ANALYZE TABLE user, task, session, lane, turn, answer, citation, ledger, vote, call_record, call_posting");
	for (int id = 0; id < SQL_COUNT; id++) {
		text = db_sql_text(id);
		if (strncmp(text, "CREATE", 6) == 0 || strstr(text, " VALUES (") != NULL)
			continue;
		with_constants(&sql, text);
		plan = private_db_ask(&server, sql.p);
		assert_true(*plan != '\0');
		while ((line = strsep(&plan, "\n")) != NULL) {
			if (*line == '\0' || !full_scan(line))
				continue;
			print_message("# %s: %s\n", db_sql_name(id), line);
			bad++;
		}
	}
	str_free(&sql);
	assert_int_equal(bad, 0);
}

/* The schema itself. */

static void
schema(void **state)
{
	char	 command[4400];

	(void)state;
	assert_string_equal(private_db_ask(&server, "SELECT COUNT(*) FROM information_schema.COLUMNS"
	    " WHERE TABLE_SCHEMA = 'parley' AND COLUMN_COMMENT = ''"), "0");
	assert_string_equal(private_db_ask(&server, "SELECT COUNT(*) FROM information_schema.TABLES"
	    " WHERE TABLE_SCHEMA = 'parley' AND (TABLE_COMMENT = '' OR ENGINE <> 'InnoDB')"), "0");
	snprintf(command, sizeof(command), "%s/scripts/check-schema --socket %s >&2", server.top, server.socket);
	assert_int_equal(system(command), 0);
}

static int
fresh(void **state)
{
	(void)state;
	private_ctx_open(&server, &cx);
	return 0;
}

static int
gone(void **state)
{
	const int	 kind = cx.fail.kind;

	(void)state;
	private_ctx_close(&cx);
	return kind == F_NONE ? 0 : -1;		/* a failure that no test asked for */
}

static int
furnish(void **state)
{
	struct model	 m;

	fresh(state);
	if (migrate(&cx, server.schema, NULL, NULL) == -1)
		return -1;
	for (int i = 0; i < 2; i++) {
		m = model(i == 0 ? "m0" : "m1");
		if (model_add(&cx, &m, NULL, 0) == -1)
			return -1;
		models[i] = m.id;
	}
	ann = user_ensure(&cx, TENANT_DEFAULT, "ann", "Ann", NULL)->id;
	bob = user_ensure(&cx, TENANT_DEFAULT, "bob", NULL, NULL)->id;
	return gone(state);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fresh, gone)
	const struct CMUnitTest	tests[] = {
		TEST(users),
		TEST(first_come),
		TEST(model_family),
		TEST(task_family),
		TEST(session_family),
		TEST(session_whole),
		TEST(turn_life),
		TEST(last_lane_closes),
		TEST(said_and_history),
		TEST(not_stored),
		TEST(long_answer),
		TEST(money),
		TEST(vote_family),
		TEST(call_family),
		TEST(no_full_scans),
		TEST(schema),
	};
	int	failed;

	if (!private_db_possible()) {
		printf("1..0 # SKIP mariadbd is not installed\n");
		return 0;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	private_db_start(&server);
	failed = cmocka_run_group_tests_name("store", tests, furnish, NULL);
	if (private_db_logged(&server, "\"level\":\"error\"") != 0) {
		print_error("# errors were logged: see above\n");
		failed++;
	}
	private_db_stop(&server);
	return failed;
}
