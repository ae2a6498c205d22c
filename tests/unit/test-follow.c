/* Turns told again: from the first event or the middle, live, over, after a crash, from the database. */
#include "office.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ident.h"

static struct office	one, two;

static void
nap(int ms)
{
	const struct timespec	 t = { .tv_nsec = ms * 1000000L };

	nanosleep(&t, NULL);
}

/* Waits until the office has no turn that runs or is not stored yet. */
static void
idle(struct office *o)
{
	for (int i = 0; office_running(o) > 0; i++) {
		assert_true(i < 2000);
		nap(10);
	}
}

/* What a client that came after so many events gets of what another got from the first on. */
static const char *
rest_of(const struct str *all, int64_t turn, int64_t after)
{
	char		 id[64];
	const char	*p;

	if (after == 0)
		return strchr(all->p, '\n') + 1;
	snprintf(id, sizeof id, "\n%" PRId64 "-%" PRId64 " ", turn, after + 1);
	p = strstr(all->p, id);
	return p != NULL ? p + 1 : "";
}

#define FOUND(as_, stored_) do { \
	assert_int_equal((as_).why, F_NONE); \
	assert_int_equal((as_).stored, stored_); \
	assert_false((as_).over); \
} while (0)

/* A follower that gets, to its end, just what `all` has after its first `after` events. */
static void
assert_follows(struct office *o, int64_t turn, const struct str *all, int64_t after)
{
	struct found_as	 as = office_follow(o, ann, turn, after);
	struct str	 got = STR_INIT(0);

	FOUND(as, false);
	line_read(o, as.line, &got, NULL);
	assert_string_equal(rest_of(&got, turn, 0), rest_of(all, turn, after));
	str_free(&got);
}

static int64_t
session_now(void)
{
	return a_session(ann, 0);
}

/* Two lanes that think, speak and cite; who asked, who came early, late, and from elsewhere. */
static void
live(void **state)
{
	struct str	 all = STR_INIT(0), got[4] = { { 0 } };
	struct found_as	 as[4];
	struct office	*at[4] = { &one, &one, &two, &two };
	int64_t		 turn;
	int		 line, a, b;

	(void)state;
	turn = office_ask(&one, session_now(), 2, &line);
	a = model_called(0);
	b = model_called(1);
	line_read(&one, line, &all, "begin");
	as[0] = office_follow(&one, ann, turn, 0);
	as[2] = office_follow(&two, ann, turn, 0);
	model_says(a, "~hm");
	model_says(a, "because");
	line_read(&one, line, &all, "because");
	as[1] = office_follow(&one, ann, turn, 2);
	as[3] = office_follow(&two, ann, turn, 2);
	for (int i = 0; i < 4; i++) {
		FOUND(as[i], false);
		line_read(at[i], as[i].line, &got[i], "because");	/* while it is said */
	}
	model_says(b, "~never said to its end");
	model_says(a, " of this");
	model_ends(b);
	model_ends(a);
	line_read(&one, line, &all, NULL);
	for (int i = 0; i < 4; i++) {
		line_read(at[i], as[i].line, &got[i], NULL);
		assert_string_equal(rest_of(&got[i], turn, 0),
		    rest_of(&all, turn, i % 2 == 0 ? 0 : 2));
		str_free(&got[i]);
	}
	assert_non_null(strstr(all.p, "ALPHA stop at "));
	assert_non_null(strstr(all.p, "BRAVO cites 1:{\"id\":\"1\"}"));
	assert_non_null(strstr(all.p, " done\n"));

	/* Over, and still in the spool. */
	for (int64_t after = 0; after < 8; after++) {
		assert_follows(&one, turn, &all, after);
		if (after % 3 == 0)
			assert_follows(&two, turn, &all, after);
		line_hang_up(&one, one.nlines - 1);
	}
	str_free(&all);
}

/* More events than a mark stands for; each position finds its place. */
static void
long_turn(void **state)
{
	struct str	 all = STR_INIT(0);
	char		 word[16];
	int64_t		 turn;
	int		 line, a;

	(void)state;
	turn = office_ask(&one, session_now(), 1, &line);
	a = model_called(0);
	for (int i = 0; i < 700; i++) {
		snprintf(word, sizeof word, "w%d ", i);
		model_says(a, word);
	}
	model_ends(a);
	line_read(&one, line, &all, NULL);
	for (int64_t after = 0; after < 704; after += 234)
		assert_follows(&two, turn, &all, after);
	assert_true(office_follow(&one, ann, turn, 704).over);
	assert_true(office_follow(&one, ann, turn, 9999999).over);
	str_free(&all);
}

/* Who does not read gets nothing for a while, then everything once, and holds nobody up. */
static void
slow(void **state)
{
	const int	 n = 8000;
	struct str	 fast = STR_INIT(0), late = STR_INIT(0);
	char		 word[96];
	int64_t		 turn;
	struct found_as	 as;
	int		 line, a;

	(void)state;
	turn = office_ask(&one, session_now(), 1, &line);
	a = model_called(0);
	as = office_follow(&one, ann, turn, 0);
	FOUND(as, false);
	for (int i = 0; i < n; i++) {
		snprintf(word, sizeof word, "%06d and %60d", i, i);
		model_says(a, word);
		if (i % 100 == 0)
			line_read(&one, as.line, &fast, word);
	}
	model_ends(a);
	line_read(&one, as.line, &fast, NULL);
	idle(&one);			/* stored, and nobody waits for the slow one */
	line_read(&one, line, &late, NULL);
	assert_int_equal(late.len, fast.len);
	assert_string_equal(late.p, fast.p);
	str_free(&fast);
	str_free(&late);
}

static void
not_found(void **state)
{
	const int64_t	 s = session_now();
	struct found_as	 as;
	int64_t		 turn;
	int		 a;

	(void)state;
	turn = office_ask(&one, s, 1, NULL);
	a = model_called(0);
	assert_int_equal(office_follow(&one, bob, turn, 0).why, F_NOT_FOUND);
	assert_int_equal(office_follow(&one, ann, turn + 1, 0).why, F_NOT_FOUND);
	as = office_follow(&one, ann, turn, 0);
	FOUND(as, false);
	model_ends(a);
	idle(&one);
	assert_int_equal(session_delete(&cx, ann, s), 0);
	assert_int_equal(office_follow(&one, ann, turn, 0).why, F_NOT_FOUND);
}

/* Neither the one who asked nor a follower is there: the turn goes on. */
static void
nobody_listens(void **state)
{
	struct str	 all = STR_INIT(0);
	struct found_as	 as;
	int64_t		 turn;
	int		 line, a;

	(void)state;
	turn = office_ask(&one, session_now(), 1, &line);
	a = model_called(0);
	line_read(&one, line, &all, "begin");
	as = office_follow(&two, ann, turn, 0);
	FOUND(as, false);
	line_hang_up(&one, line);
	line_hang_up(&two, as.line);
	str_free(&all);
	model_says(a, "alone");
	model_ends(a);
	idle(&one);
	as = office_follow(&two, ann, turn, 1);
	FOUND(as, false);
	line_read(&two, as.line, &all, NULL);
	assert_non_null(strstr(all.p, "alone"));
	assert_non_null(strstr(all.p, "done"));
	str_free(&all);
}

/* ---- crashes ---- */

/*
 * Its worker dies; a client elsewhere waits until another one has told the rest, and whoever comes
 * later gets the same.
 */
static void
crash(void **state)
{
	struct office	 victim, heir;
	struct str	 seen = STR_INIT(0), all = STR_INIT(0);
	struct found_as	 as;
	int64_t		 turn;
	char		*answers;
	int		 line, a, b;

	(void)state;
	office_open(&victim, 60);
	turn = office_ask(&victim, session_now(), 2, &line);
	a = model_called(0);
	b = model_called(1);
	as = office_follow(&two, ann, turn, 0);
	FOUND(as, false);
	model_says(a, "whole");
	model_ends(a);
	line_read(&victim, line, &seen, "ALPHA cites");
	model_says(b, "~thinks");
	line_read(&victim, line, &seen, "thinks\n");
	line_read(&two, as.line, &all, "thinks\n");
	office_kill(&victim);

	office_open(&heir, 60);
	line_read(&two, as.line, &all, NULL);
	assert_memory_equal(all.p, seen.p, seen.len);
	assert_non_null(strstr(all.p, "BRAVO failed: F_UNAVAILABLE, 2 tokens ["));
	assert_non_null(strstr(all.p, "BRAVO cites 1:"));
	assert_non_null(strstr(all.p, " done\n"));
	assert_follows(&heir, turn, &all, 0);
	assert_follows(&one, turn, &all, 5);
	answers = private_db_ask(&server, arena_printf(cx.a, "SELECT GROUP_CONCAT(CONCAT_WS('|',"
	    " status, text, reasoning) ORDER BY lane) FROM answer WHERE turn = %" PRId64, turn));
	assert_string_equal(answers, "stop|whole,error||thinks");
	str_free(&seen);
	str_free(&all);
	model_ends(b);
	office_close(&heir);
}

/*
 * The table of turns is lost, as it is when the machine was; the spools are not: of one that left,
 * of one that died when all was told, and of one that died before.
 */
static void
table_lost(void **state)
{
	struct office	 left, dead, heir;
	struct str	 all[3] = { { 0 } };
	int64_t		 turns[3];
	int		 line, a;

	(void)state;
	office_open(&left, 60);
	turns[0] = office_ask(&left, session_now(), 1, &line);
	model_ends(model_called(0));
	line_read(&left, line, &all[0], NULL);
	idle(&left);
	office_close(&left);
	office_open(&dead, 60);
	turns[1] = office_ask(&dead, session_now(), 1, &line);
	model_ends(model_called(0));
	line_read(&dead, line, &all[1], NULL);
	turns[2] = office_ask(&dead, session_now(), 1, &line);
	a = model_called(0);
	model_says(a, "half");
	line_read(&dead, line, &all[2], "half\n");
	office_kill(&dead);
	model_ends(a);

	office_lose_table();
	office_open(&heir, 60);
	assert_follows(&heir, turns[0], &all[0], 0);
	assert_follows(&heir, turns[1], &all[1], 2);
	line = office_follow(&heir, ann, turns[2], 2).line;
	line_read(&heir, line, &all[2], NULL);
	assert_non_null(strstr(all[2].p, "half\n"));
	assert_non_null(strstr(all[2].p, "failed: F_UNAVAILABLE"));
	assert_non_null(strstr(all[2].p, " done\n"));
	for (int i = 0; i < 3; i++)
		str_free(&all[i]);
	office_close(&heir);
}

/* on_disconnect = cancel: though it is slow, the client who asked ends the turn by leaving. */
static void
slow_one_leaves(void **state)
{
	struct office	 o;
	struct found_as	 as;
	int64_t		 turn;
	char		*status;
	int		 line, a;

	(void)state;
	server.conf.on_disconnect = (char *)"cancel";
	office_open(&o, 60);
	server.conf.on_disconnect = (char *)"finish";
	turn = office_ask(&o, session_now(), 1, &line);
	a = model_called(0);
	as = office_follow(&o, ann, turn, 0);
	FOUND(as, false);
	for (int i = 0; i < 4000; i++)
		model_says(a, "forty bytes of an answer, at least if not");
	line_hang_up(&o, as.line);		/* who only follows ends nothing */
	model_says(a, "more");
	assert_int_equal(office_running(&o), 1);
	line_hang_up(&o, line);
	idle(&o);
	status = private_db_ask(&server, arena_printf(cx.a,
	    "SELECT status FROM answer WHERE turn = %" PRId64, turn));
	assert_string_equal(status, "stopped");
	model_ends(a);
	office_close(&o);
}

/* The worker must end: who follows what runs hears its failure, whoever is slow is not waited for. */
static void
all_fail(void **state)
{
	struct office	 o;
	struct str	 all = STR_INIT(0), got = STR_INIT(0);
	struct found_as	 as;
	int64_t		 turn;
	int		 line, a;

	(void)state;
	office_open(&o, 60);
	turn = office_ask(&o, session_now(), 1, &line);
	a = model_called(0);
	model_says(a, "so far");
	line_read(&o, line, &all, "so far");
	as = office_follow(&o, ann, turn, 0);
	FOUND(as, false);
	office_fail_all(&o);
	line_read(&o, line, &all, NULL);
	line_read(&o, as.line, &got, NULL);
	assert_string_equal(got.p, all.p);
	assert_non_null(strstr(got.p, "failed: F_UNAVAILABLE"));
	idle(&o);
	model_ends(a);
	str_free(&all);
	str_free(&got);
	office_close(&o);
}

/* Nothing is kept: the slow client of a turn that is over gets all of it, others what is stored. */
static void
keeps_nothing(void **state)
{
	struct office	 hasty;
	struct str	 all = STR_INIT(0);
	struct found_as	 as;
	int64_t		 turn;
	char		 word[96];
	int		 line, a;

	(void)state;
	office_open(&hasty, 0);
	turn = office_ask(&hasty, session_now(), 1, &line);
	a = model_called(0);
	for (int i = 0; i < 2000; i++) {
		snprintf(word, sizeof word, "%06d and %60d", i, i);
		model_says(a, word);
	}
	model_ends(a);
	idle(&hasty);
	nap(900);
	nap(900);
	nap(900);			/* the spool was swept, were it not for the client */
	line_read(&hasty, line, &all, NULL);
	assert_non_null(strstr(all.p, "001999 and"));
	assert_non_null(strstr(all.p, " done\n"));

	turn = office_ask(&hasty, session_now(), 2, NULL);
	a = model_called(0);
	model_says(a, "~so");
	model_says(a, "it is");
	model_ends(a);
	model_ends(model_called(1));
	idle(&hasty);
	str_reset(&all);
	while (!(as = office_follow(&hasty, ann, turn, 3)).stored)
		nap(300);
	FOUND(as, true);
	line_read(&hasty, as.line, &all, NULL);
	assert_non_null(strstr(all.p, "\nALPHA all [so][it is]\nALPHA stop at "));
	assert_non_null(strstr(all.p, "\nBRAVO all [][]\nBRAVO stop at "));
	assert_non_null(strstr(all.p, arena_printf(cx.a, "\n%" PRId64 "-999999999 done\n", turn)));
	str_free(&all);
	assert_true(office_follow(&hasty, ann, turn, 999999999).over);
	office_close(&hasty);
}

static int
begin(void **state)
{
	if (furnish(state) == -1 || fresh(state) == -1)
		return -1;
	office_prepare();
	return gone(state);
}

/* Each test has lines enough when its offices are new. */
static int
offices(void **state)
{
	fresh(state);
	office_open(&one, 60);
	office_open(&two, 60);
	return 0;
}

static int
no_offices(void **state)
{
	office_close(&one);
	office_close(&two);
	return gone(state);
}

#define WITH_OFFICES(fn)	cmocka_unit_test_setup_teardown(fn, offices, no_offices)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		WITH_OFFICES(live),
		WITH_OFFICES(long_turn),
		WITH_OFFICES(slow),
		WITH_OFFICES(not_found),
		WITH_OFFICES(nobody_listens),
		WITH_OFFICES(crash),
		TEST(table_lost),
		TEST(slow_one_leaves),
		TEST(all_fail),
		TEST(keeps_nothing),
	};

	if (!furnished_begin())
		return 0;
	return furnished_end(cmocka_run_group_tests_name("follow", tests, begin, NULL));
}
