/* Turns from opening to history, their answers, citations, cost and votes. */
#include "material.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ident.h"
#include "store/ledger.h"
#include "store/task.h"
#include "store/vote.h"

/* Turns. */

static void
turn_life(void **state)
{
	const int64_t		 s = a_session(ann, task_default(&cx, ann)->id);
	struct turn_row		 t = a_turn(s, "why?"), other = a_turn(s, "meanwhile");
	struct answer_row	 a = an_answer(&t, 0), b = an_answer(&t, 1);
	struct answer_row	 busy = an_answer(&other, 0);
	struct citation_row	 c = { .answer = a.id, .position = 1,
		.body = arena_strdup(cx.a, "{\"id\":\"2\"}") }, *cites;
	struct orphan		*orphans;
	struct past		*past;
	size_t			 n;

	(void)state;
	assert_true(turn_tally(&cx, s, INT64_MAX)->turns == 0);
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
	assert_true(orphans[0].answer == a.id && orphans[1].answer == b.id &&
	    orphans[0].stored == 1);
	assert_true(orphans[1].price_out == 12.3456789 && orphans[1].session == s &&
	    orphans[1].lane == 1);
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
	a.model = models[1];		/* which stood in for the lane's own */
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
	assert_true(turn_tally(&cx, s, INT64_MAX)->turns == 2);
	assert_string_equal(private_db_ask(&server,
	    "SELECT CONCAT_WS('|', estimated, prompt_tokens, completion_tokens,"
	    " cost, first_ms, last_ms, reasoning, error IS NULL, m.code) FROM answer a"
	    " JOIN model m ON m.id = a.model WHERE reasoning = 'hm'"),
	    "1|12|34|0.1234567891|1000|2000|hm|1|m1");
	assert_int_equal(turn_history(&cx, ann, s, 0, &past, &n), 0);
	assert_string_equal(past[0].model_code, "m1");	/* who gave it, whosever the lane */
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
	const struct timespec	 soon = { .tv_nsec = 50 * 1000000L };
	struct close_both	*b = arg;

	if (answer_close(c, b->a) != 1)
		return -1;
	if (b->runs++ == 0)
		pthread_barrier_wait(b->meet);
	b->closed = turn_close(c, b->turn, 1);
	nanosleep(&soon, NULL);		/* the other one looks before this commit */
	return b->closed == -1 ? -1 : 0;
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
	const int64_t		 s = a_session(ann, 0);
	struct turn_row		 t = a_turn(s, "who is last?");
	struct answer_row	 a = an_answer(&t, 0), b = an_answer(&t, 1);
	pthread_barrier_t	 meet;
	struct close_both	 one = { &a, t.id, &meet, -1, 0 }, two = { &b, t.id, &meet, -1, 0 };
	pthread_t		 thread;

	(void)state;
	/* The session has been answered before, so that its row is not what one waits for. */
	asked(s, false, "before", "a", "b", NULL);
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
	const int64_t	 s = a_session(ann, 0);
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
	running = a_turn(s, "still?");
	a = an_answer(&running, 0);
	assert_int_equal(turn_add(&cx, &running), 0);
	assert_int_equal(answer_add(&cx, &a), 0);

	assert_int_equal(turn_said(&cx, s, 1, false, 0, &said, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(said[0].question, "one");
	assert_string_equal(said[1].text, "3b");
	assert_int_equal(turn_said(&cx, s, 1, true, 0, &said, &n), 0);
	assert_int_equal(n, 3);
	assert_true(said[1].private && !said[2].private);
	assert_string_equal(said[1].text, "2b");
	assert_int_equal(turn_said(&cx, s, 1, true, said[2].group_id, &said, &n), 0);
	assert_int_equal(n, 2);		/* what was said before that question */
	assert_true(said[0].turn == first && said[0].group_id == first && !said[0].failed);
	assert_non_null(group = turn_of_group(&cx, s, first));
	assert_string_equal(group->question, "one");
	assert_string_equal(group->content_type, "text");
	assert_null(group->file_url);
	assert_null(turn_of_group(&cx, s + 1, first));		/* not in that session */
	assert_null(turn_of_group(&cx, s, first + 1));
	assert_int_equal(turn_said(&cx, s, 0, true, 0, &said, &n), 0);
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
	joined = a_turn(s, "still?");
	joined.group_id = running.id;
	late = an_answer(&joined, 1);
	assert_int_equal(turn_add(&cx, &joined), 0);
	assert_int_equal(answer_add(&cx, &late), 0);
	assert_int_equal(turn_group_has(&cx, s, running.id, 1), 1);
	assert_true(turn_newest_group(&cx, s)->group_id == running.id);
}

/* One turn, as who tells it again reads it. */
static void
told_again(void **state)
{
	const int64_t		 s = a_session(ann, 0);
	struct turn_row		 running = a_turn(s, "still?"), *t;
	struct answer_told	*a;
	struct citation_row	*c;
	int64_t			 ids[2], turn;
	size_t			 n;

	(void)state;
	turn = asked(s, false, "one", "1a", "1b", ids);
	asked(s, false, "two", "2a", NULL, NULL);
	for (int i = 0; i < 2; i++)
		assert_int_equal(citation_add(&cx, &(struct citation_row){ .answer = ids[1],
		    .position = 1 - i, .body = arena_printf(cx.a, "{\"id\":\"%d\"}", i) }), 0);
	t = turn_get(&cx, ann, turn);
	assert_true(t->id == turn && t->owner == ann && t->session == s && t->worker == 99);
	assert_string_equal(t->voice, "arena");
	assert_true(t->created_ms != 0 && t->ended_ms >= t->created_ms);
	assert_int_equal(turn_told(&cx, turn, &a, &n), 0);
	assert_int_equal(n, 2);
	assert_true(a[0].answer == ids[0] && a[0].lane == 0 && a[1].lane == 1);
	assert_string_equal(a[0].mask, "ALPHA");
	assert_string_equal(a[1].text, "1b");
	assert_string_equal(a[1].status, "stop");
	assert_null(a[1].error);
	assert_int_equal(strlen(a[1].pri_id), 32);
	assert_int_equal(turn_citations(&cx, turn, &c, &n), 0);
	assert_int_equal(n, 2);
	assert_true(c[0].answer == ids[1] && c[0].position == 0 && c[1].position == 1);

	assert_int_equal(turn_add(&cx, &running), 0);
	assert_int_equal(turn_get(&cx, ann, running.id)->ended_ms, 0);
	assert_null(turn_get(&cx, bob, turn));
	assert_null(turn_get(&cx, ann, turn + 1));
	assert_int_equal(session_delete(&cx, ann, s), 0);
	assert_null(turn_get(&cx, ann, turn));
	assert_int_equal(cx.fail.kind, F_NONE);
}

/* What is not stored keeps its figures only, and stands in nobody's way. */
static void
not_stored(void **state)
{
	struct turn_row		 t[2] = { a_turn(0, ""), a_turn(0, "") };
	struct answer_row	 a[2];
	struct orphan		*orphans;
	size_t			 n;

	(void)state;
	for (int i = 0; i < 2; i++) {
		t[i].question = NULL;
		t[i].worker = 777;
		t[i].owner = i == 0 ? ann : 0;
		a[i] = an_answer(&t[i], 0);
		assert_int_equal(turn_add(&cx, &t[i]), 0);
		assert_int_equal(answer_add(&cx, &a[i]), 0);
	}
	assert_int_equal(turn_orphans(&cx, 777, &orphans, &n), 0);
	assert_int_equal(n, 2);
	assert_true(orphans[0].stored == 0 && orphans[0].session == 0 &&
	    orphans[0].question == NULL);
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
	const int64_t		 s = a_session(ann, 0);
	struct turn_row		 t = a_turn(s, "long?");
	struct answer_row	 a = an_answer(&t, 0);
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
	const int64_t	 s = a_session(ann, 0);

	(void)state;
	private_db_feed(&server, "DELETE FROM ledger; UPDATE answer SET cost = 0");
	for (int i = 0; i < 10; i++) {
		struct turn_row		 t = a_turn(s, "how much?");
		struct answer_row	 a = an_answer(&t, 0);

		assert_int_equal(turn_add(&cx, &t), 0);
		assert_int_equal(answer_add(&cx, &a), 0);
		ended(&a, "stop", "this much");
		a.cost = arena_strdup(cx.a, i == 0 ? "12345678901234.0000000001" : "0.1000000001");
		assert_int_equal(answer_close(&cx, &a), 1);
		assert_int_equal(ledger_add(&cx, a.id, 0, a.cost, clock_ms()), 0);
		assert_int_equal(ledger_add(&cx, a.id, 0, a.cost, clock_ms()), -1);
		FAILED_WITH(F_CONFLICT);	/* settled is settled */
	}
	assert_string_equal(private_db_ask(&server,
	    "SELECT SUM(amount) FROM ledger WHERE kind = 'answer'"
	    " AND api_key IS NULL"), "12345678901234.9000000010");
	assert_string_equal(private_db_ask(&server, "SELECT SUM(cost) FROM answer"),
	    "12345678901234.9000000010");
}

static void
vote_family(void **state)
{
	const int64_t	 s = a_session(ann, 0);
	int64_t		 ids[2], older[2], group = 0, t;

	(void)state;
	assert_int_equal(vote_target(&cx, s, 0, &group), 0);
	asked(s, false, "one", "1a", "1b", older);
	t = asked(s, false, "two", "2a", "", ids);
	asked(s, true, "secret", "3a", NULL, NULL);
	assert_true(vote_target(&cx, s, 0, &group) == ids[0]);
	assert_true(group == t);
	assert_true(vote_target(&cx, s, 1, &group) == older[1]);	/* that said something */

	assert_int_equal(vote_like(&cx, ann, ids[0], s, t, 0, 10), 0);
	assert_int_equal(vote_like(&cx, ann, ids[0], s, t, 0, 20), 0);
	assert_string_equal(private_db_ask(&server,
	    "SELECT CONCAT(COUNT(*), ' ', MAX(created_ms)) FROM vote"
	    " WHERE created_ms BETWEEN 10 AND 20"), "1 10");
	assert_int_equal(vote_unlike(&cx, ann, ids[0]), 0);
	assert_int_equal(vote_unlike(&cx, ann, ids[0]), 0);
	assert_int_equal(vote_like(&cx, ann, 4711, s, t, 0, 10), -1);
	FAILED_WITH(F_NOT_FOUND);

	assert_int_equal(vote_rate(&cx, ann, s, 0, "{\"tone\":3}", "so so", 30), 0);
	assert_int_equal(vote_rate(&cx, ann, s, 0, "{\"tone\":9}", NULL, 31), 0);
	assert_string_equal(private_db_ask(&server,
	    "SELECT CONCAT(COUNT(*), MAX(scores), MAX(remark IS NULL)) FROM rating"),
	    "1{\"tone\":9}1");
	assert_int_equal(vote_rate(&cx, ann, s, 7, "{}", NULL, 31), -1);
	FAILED_WITH(F_NOT_FOUND);
}

/* Branches: what is heard is the way to the message that is gone on from. */

/* A turn of one lane that goes on from the parent (0: the rest); *answer: its answer's id. */
static int64_t
branch(int64_t s, int64_t parent, int64_t group, const char *question, const char *text,
    int64_t *answer)
{
	struct turn_row		 t = a_turn(s, question);
	struct answer_row	 a = an_answer(&t, 0);

	t.parent = parent;
	if (group != 0)
		t.group_id = group;
	assert_int_equal(turn_add(&cx, &t), 0);
	assert_int_equal(answer_add(&cx, &a), 0);
	ended(&a, "stop", text);
	assert_int_equal(answer_close(&cx, &a), 1);
	assert_int_equal(turn_close(&cx, t.id, clock_ms()), 1);
	*answer = a.id;
	return t.id;
}

/* The path to the message, as "question=answer " for each turn. */
static void
path_is(int64_t s, int64_t message, const char *want)
{
	struct said	*said;
	char		 got[256] = "";
	size_t		 n, used = 0;

	assert_int_equal(turn_path(&cx, s, 0, message, &said, &n), 0);
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%s=%s ", said[i].question,
		    said[i].text != NULL ? said[i].text : "");
	assert_string_equal(got, want);
}

static void
branches(void **state)
{
	const int64_t	 s = a_session(ann, task_default(&cx, ann)->id);
	const int64_t	 other = a_session(ann, task_default(&cx, ann)->id);
	int64_t		 a[5], b, strange, t[4];

	(void)state;
	t[0] = branch(s, 0, 0, "q0", "a0", &a[0]);
	t[1] = branch(s, 0, 0, "q1", "a1", &a[1]);
	branch(other, 0, 0, "x", "y", &strange);
	path_is(s, a[0], "q0=a0 ");
	path_is(s, a[1], "q0=a0 q1=a1 ");
	path_is(s, t[1], "q0=a0 q1= ");

	t[2] = branch(s, a[0], 0, "q2", "a2", &a[2]);		/* instead of q1 */
	t[3] = branch(s, a[2], 0, "q3", "", &a[3]);
	branch(s, a[1], 0, "q4", "a4", &a[4]);
	path_is(s, a[2], "q0=a0 q2=a2 ");
	path_is(s, a[3], "q0=a0 q2=a2 q3= ");
	path_is(s, a[4], "q0=a0 q1=a1 q4=a4 ");
	branch(s, t[2], 0, "q5", "a5", &b);			/* from a question */
	path_is(s, b, "q0=a0 q2= q5=a5 ");

	/* What is not there, or another session's, is no path; nor is it a part of one. */
	path_is(s, 4711, "");
	path_is(s, strange, "");
	branch(s, strange, 0, "q6", "a6", &b);
	path_is(s, b, "q6=a6 ");

	/* An answer that was given once more has all that came before its question. */
	branch(s, 0, t[1], "q1", "a1'", &b);
	path_is(s, b, "q0=a0 q1=a1' ");
	assert_int_equal(turn_tally(&cx, s, t[1])->rounds, 1);
	assert_int_equal(turn_tally(&cx, s, INT64_MAX)->rounds, 7);
	assert_int_equal(turn_tally(&cx, s, INT64_MAX)->turns, 8);
	assert_int_equal(turn_owner(&cx, t[0]), ann);
	assert_int_equal(turn_owner(&cx, 4711), 0);

	/* What goes on from the session itself begins anew, for those behind it, too. */
	branch(s, s, 0, "q7", "a7", &a[0]);
	branch(s, a[0], 0, "q8", "a8", &b);
	path_is(s, a[0], "q7=a7 ");
	path_is(s, b, "q7=a7 q8=a8 ");
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(turn_life),
		TEST(last_lane_closes),
		TEST(said_and_history),
		TEST(told_again),
		TEST(branches),
		TEST(not_stored),
		TEST(long_answer),
		TEST(money),
		TEST(vote_family),
	};

	return run_furnished("turns", tests);
}
