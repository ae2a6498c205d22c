/* breaker, health: by made-up clocks, and shared by processes that hurry and die. */
#include <sys/wait.h>

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mapped.h"
#include "base/slot.h"
#include "upstream/health.h"

#define MIDDLE	20		/* noise: no jitter */

static char	dir[] = "/tmp/parley-health-XXXXXX";

static int
begin(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
end(void **state)
{
	char	cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

/* ---- the breaker ----------------------------------------------------------------------------- */

/* A call that fails, asked for and answered at once. True: it was let through. */
static bool
fails(struct breaker *b, int64_t now, int64_t wait_ms)
{
	struct breaker_call	 c;

	if (breaker_enter(b, &c, 0, now) > 0)
		return false;
	breaker_bad(b, &c, wait_ms, MIDDLE, now);
	return true;
}

static bool
succeeds(struct breaker *b, int64_t now)
{
	struct breaker_call	 c;

	if (breaker_enter(b, &c, 0, now) > 0)
		return false;
	breaker_good(b, &c, now);
	return true;
}

static void
open_it(struct breaker *b, int64_t now)
{
	for (int i = 0; i < BREAKER_LEAST; i++)
		assert_true(fails(b, now, 0));
	assert_int_equal(breaker_look(b, now, NULL), BREAKER_OPEN);
}

static void
opens_by_number_and_share(void **state)
{
	struct breaker	 b = { 0 };
	int64_t		 wait;

	(void)state;
	for (int i = 0; i < BREAKER_LEAST - 1; i++)
		assert_true(fails(&b, 1000, 0));
	assert_int_equal(breaker_look(&b, 1000, &wait), BREAKER_CLOSED);
	assert_int_equal(wait, 0);
	assert_true(fails(&b, 1000, 0));
	assert_int_equal(breaker_look(&b, 1000, &wait), BREAKER_OPEN);
	assert_int_equal(wait, BREAKER_OPEN_MS);
	assert_false(fails(&b, 1000, 0));

	breaker_forget(&b);
	for (int i = 0; i < 8; i++)
		assert_true(succeeds(&b, 1000));
	for (int i = 0; i < 7; i++)
		assert_true(fails(&b, 1000, 0));
	assert_int_equal(breaker_look(&b, 1000, NULL), BREAKER_CLOSED);
	assert_true(fails(&b, 1000, 0));
	assert_int_equal(breaker_look(&b, 1000, NULL), BREAKER_OPEN);
}

static void
forgets_what_is_long_ago(void **state)
{
	const int64_t	 window = (int64_t)BREAKER_BUCKET_MS * BREAKER_BUCKETS;
	struct breaker	 b = { 0 };

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_true(fails(&b, 0, 0));
	assert_true(fails(&b, window, 0));
	assert_int_equal(breaker_look(&b, window, NULL), BREAKER_CLOSED);
	for (int i = 0; i < 4; i++)
		assert_true(fails(&b, window + (i + 1) * BREAKER_BUCKET_MS, 0));
	assert_int_equal(breaker_look(&b, window + 4 * BREAKER_BUCKET_MS, NULL), BREAKER_OPEN);
}

static void
a_call_that_spoke_can_fail(void **state)
{
	struct breaker		 b = { 0 };
	struct breaker_call	 c[10];

	(void)state;
	/* All of them speak first; each failure then takes its success back. */
	for (int i = 0; i < 10; i++) {
		assert_int_equal(breaker_enter(&b, &c[i], 0, 1000), 0);
		breaker_good(&b, &c[i], 1000);
		breaker_good(&b, &c[i], 1000);
	}
	for (int i = 0; i < 4; i++)
		assert_false(breaker_bad(&b, &c[i], 0, MIDDLE, 9000));
	assert_true(breaker_bad(&b, &c[4], 0, MIDDLE, 9000));
}

static void
tries_again_one_at_a_time(void **state)
{
	struct breaker		 b = { 0 };
	struct breaker_call	 trial, other, late;
	int64_t			 now = 1000, wait;

	(void)state;
	assert_int_equal(breaker_enter(&b, &late, 0, now), 0);
	open_it(&b, now);
	assert_int_equal(breaker_enter(&b, &other, 0, now + BREAKER_OPEN_MS - 1), 1);
	now += BREAKER_OPEN_MS;
	assert_int_equal(breaker_look(&b, now, &wait), BREAKER_HALF_OPEN);
	assert_int_equal(wait, 0);
	assert_int_equal(breaker_enter(&b, &trial, 0, now), 0);
	assert_true(breaker_enter(&b, &other, 0, now) > 0);
	assert_int_equal(breaker_look(&b, now, NULL), BREAKER_HALF_OPEN);
	breaker_good(&b, &late, now);		/* one from before decides nothing */
	assert_int_equal(breaker_look(&b, now, NULL), BREAKER_HALF_OPEN);
	breaker_good(&b, &trial, now);
	assert_int_equal(breaker_look(&b, now, NULL), BREAKER_CLOSED);
	for (int i = 0; i < BREAKER_LEAST - 1; i++)	/* and all is as in the beginning */
		assert_true(fails(&b, now, 0));
	assert_int_equal(breaker_look(&b, now, NULL), BREAKER_CLOSED);
}

static void
opens_longer_each_time(void **state)
{
	struct breaker	 b = { 0 };
	int64_t		 now = 1000, wait, want = BREAKER_OPEN_MS;

	(void)state;
	open_it(&b, now);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(breaker_look(&b, now, &wait), BREAKER_OPEN);
		assert_int_equal(wait, want);
		now += wait;
		assert_true(fails(&b, now, 0));
		want = want * 2 < BREAKER_OPEN_MOST_MS ? want * 2 : BREAKER_OPEN_MOST_MS;
	}
	breaker_look(&b, now, &wait);
	now += wait;
	assert_true(succeeds(&b, now));
	open_it(&b, now);
	breaker_look(&b, now, &wait);
	assert_int_equal(wait, BREAKER_OPEN_MS);
}

static void
jitters(void **state)
{
	int64_t	 wait, least = INT64_MAX, most = 0;

	(void)state;
	for (uint32_t noise = 0; noise < 1000; noise++) {
		struct breaker		 b = { 0 };
		struct breaker_call	 c = { 0 };

		for (int i = 0; i < BREAKER_LEAST; i++)
			breaker_bad(&b, &c, 0, noise, 1000);
		breaker_look(&b, 1000, &wait);
		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
	}
	assert_int_equal(least, BREAKER_OPEN_MS * 8 / 10);
	assert_int_equal(most, BREAKER_OPEN_MS * 12 / 10);
}

static void
retry_after_is_the_floor(void **state)
{
	struct breaker	 b = { 0 };
	int64_t		 wait;

	(void)state;
	/* Alone it does not open; whatever opens it then, and however late it comes, it holds. */
	assert_true(fails(&b, 1000, 60000));
	assert_int_equal(breaker_look(&b, 1000, NULL), BREAKER_CLOSED);
	assert_int_equal(breaker_wait(&b, 2000), 59000);
	assert_int_equal(breaker_wait(&b, 61001), 0);
	for (int i = 0; i < BREAKER_LEAST - 1; i++)
		assert_true(fails(&b, 2000, 1000));
	assert_int_equal(breaker_look(&b, 2000, &wait), BREAKER_OPEN);
	assert_int_equal(wait, 59000);
	assert_false(fails(&b, 60999, 0));
	assert_true(succeeds(&b, 61000));
	assert_int_equal(breaker_look(&b, 61000, NULL), BREAKER_CLOSED);

	assert_int_equal(breaker_wait(&b, 61000), 0);

	open_it(&b, 100000);
	breaker_look(&b, 100000, &wait);
	assert_int_equal(wait, BREAKER_OPEN_MS);	/* not below its own time either */
	assert_int_equal(breaker_wait(&b, 100000), BREAKER_OPEN_MS);
}

static void
a_trial_has_a_time_limit(void **state)
{
	struct breaker		 b = { 0 };
	struct breaker_call	 first, second;
	int64_t			 now = 1000 + BREAKER_OPEN_MS;

	(void)state;
	open_it(&b, 1000);
	assert_int_equal(breaker_enter(&b, &first, 3, now), 0);
	assert_int_equal(breaker_enter(&b, &second, 4, now + BREAKER_TRIAL_MS - 1), 1);
	assert_int_equal(breaker_enter(&b, &second, 4, now + BREAKER_TRIAL_MS), 0);
	/* The first comes too late to decide; who dies gives its trial up. */
	breaker_bad(&b, &first, 0, MIDDLE, now + BREAKER_TRIAL_MS);
	assert_int_equal(breaker_look(&b, now + BREAKER_TRIAL_MS, NULL), BREAKER_HALF_OPEN);
	breaker_died(&b, 3);
	assert_true(breaker_enter(&b, &first, 3, now + BREAKER_TRIAL_MS) > 0);
	breaker_died(&b, 4);
	assert_int_equal(breaker_enter(&b, &first, 3, now + BREAKER_TRIAL_MS), 0);
	/* So does a call that says nothing. */
	breaker_neither(&b, &first);
	assert_int_equal(breaker_enter(&b, &second, 4, now + BREAKER_TRIAL_MS), 0);
	breaker_good(&b, &second, now + BREAKER_TRIAL_MS);
	assert_int_equal(breaker_look(&b, now + BREAKER_TRIAL_MS, NULL), BREAKER_CLOSED);
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void
statuses(void **state)
{
	static const struct { int status; enum fault fault; } want[] = {
		{ 302, FAULT_DENIED }, { 400, FAULT_REQUEST }, { 401, FAULT_DENIED },
		{ 403, FAULT_DENIED }, { 404, FAULT_DENIED }, { 413, FAULT_REQUEST },
		{ 422, FAULT_REQUEST }, { 429, FAULT_LIMITED }, { 500, FAULT_SERVER },
		{ 502, FAULT_SERVER }, { 503, FAULT_SERVER }, { 504, FAULT_SERVER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_int_equal(fault_of_status(want[i].status), want[i].fault);
	assert_string_equal(fault_rule(FAULT_LIMITED)->name, "status_429");
}

/* ---- shared ---------------------------------------------------------------------------------- */

static struct health_report	 seen;
static int			 nseen;

static void
see(void *arg, const struct health_report *r)
{
	nseen++;
	if (r->model == *(const int64_t *)arg)
		seen = *r;
}

static const struct health_report *
look(int64_t model)
{
	nseen = 0;
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(health_list(dir, see, &model), 0);
	return &seen;
}

static void
without_a_slot_all_goes(void **state)
{
	struct health_call	 c;
	int64_t			 wait, model = 7;

	(void)state;
	assert_int_equal(health_list(dir, see, &model), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(health_forget(dir, 7), 0);
	assert_int_equal(health_enter(&c, 7, 1, 0, &wait), HEALTH_GO);
	health_leave(&c, FAULT_CUT, 0, 0);
	assert_int_equal(slot_open(dir), 0);
	assert_int_equal(health_open(dir), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(health_enter(&c, 7, 1, 0, &wait), HEALTH_GO);
		health_leave(&c, FAULT_CUT, 0, 0);
	}
	assert_int_equal(look(7)->asked, 0);
	assert_int_equal(health_state(7, 0), BREAKER_CLOSED);
	assert_int_equal(health_wait(7, 0), 0);
}

static void
counts(void **state)
{
	struct health_call	 a, b, c;
	int64_t			 wait;

	(void)state;
	assert_true(slot_take() != -1);
	assert_int_equal(health_enter(&a, 7, 2, 1000, &wait), HEALTH_GO);
	assert_int_equal(health_enter(&b, 7, 2, 1000, &wait), HEALTH_GO);
	assert_int_equal(health_enter(&c, 7, 2, 1000, &wait), HEALTH_FULL);
	health_leave(&c, FAULT_CUT, 0, 1000);		/* it never was */
	assert_int_equal(health_enter(&c, 8, 2, 1000, &wait), HEALTH_GO);
	assert_int_equal(look(7)->in_flight, 2);
	assert_int_equal(nseen, 2);
	health_heard(&a, 250, 1250);
	health_leave(&a, FAULT_NONE, 0, 2000);
	health_leave(&a, FAULT_CUT, 0, 2000);		/* once only */
	health_leave(&b, FAULT_REQUEST, 0, 2000);
	health_leave(&c, FAULT_LEFT, 0, 2000);
	assert_int_equal(health_enter(&c, 9, 0, 2000, &wait), HEALTH_GO);
	health_leave(&c, FAULT_LIMITED, 5, 2000);
	assert_int_equal(health_state(9, 3000), BREAKER_CLOSED);
	assert_int_equal(health_wait(9, 3000), 4000);
	assert_int_equal(health_wait(7, 3000), 0);
	health_note(7, HEALTH_QUEUED);
	assert_int_equal(look(7)->in_flight, 0);
	assert_int_equal(seen.asked, 2);
	assert_int_equal(seen.ended[FAULT_NONE], 1);
	assert_int_equal(seen.ended[FAULT_REQUEST], 1);
	assert_int_equal(seen.ended[FAULT_CUT], 0);
	assert_int_equal(seen.firsts, 1);
	assert_int_equal(seen.first_ms, 250);
	assert_int_equal(seen.notes[HEALTH_QUEUED], 1);
}

static void
only_what_breaks_opens(void **state)
{
	struct health_call	 c;
	int64_t			 wait, model = 100;

	(void)state;
	for (int f = 0; f < FAULT_KINDS; f++, model++) {
		for (int i = 0; i < 20; i++)
			if (health_enter(&c, model, 0, 1000, &wait) == HEALTH_GO)
				health_leave(&c, (enum fault)f, 0, 1000);
		assert_int_equal(health_state(model, 1000) == BREAKER_OPEN,
		    fault_rule((enum fault)f)->breaks);
		assert_int_equal(look(model)->ended[f], fault_rule((enum fault)f)->breaks ?
		    BREAKER_LEAST : 20);
		assert_int_equal(seen.in_flight, 0);
		assert_int_equal(seen.notes[HEALTH_OPENED], fault_rule((enum fault)f)->breaks);
	}
	model = 100 + FAULT_CUT;
	assert_int_equal(health_enter(&c, model, 0, 1000, &wait), HEALTH_OPEN);
	assert_in_range(wait, BREAKER_OPEN_MS * 8 / 10, BREAKER_OPEN_MS * 12 / 10);
	assert_int_equal(health_forget(dir, model), 0);
	assert_int_equal(health_enter(&c, model, 0, 1000, &wait), HEALTH_GO);
	health_leave(&c, FAULT_LEFT, 0, 1000);
}

static void
more_models_than_rows(void **state)
{
	struct health_call	 c;
	int64_t			 wait;

	(void)state;
	for (int64_t model = 1000; model < 1000 + 2 * HEALTH_MODELS; model++) {
		assert_int_equal(health_enter(&c, model, 0, 1000, &wait), HEALTH_GO);
		health_leave(&c, FAULT_NONE, 0, 1000);
	}
	look(7);
	assert_int_equal(nseen, HEALTH_MODELS);
	assert_int_equal(health_enter(&c, 5000, 1, 1000, &wait), HEALTH_GO);
	assert_int_equal(health_enter(&c, 5000, 1, 1000, &wait), HEALTH_GO);
	assert_int_equal(health_state(5000, 1000), BREAKER_CLOSED);
}

#define HURRIED	4
#define PLACES	2
#define ROUNDS	20000

/* One of many at one row: never more than PLACES may hold a place, by a count of their own. */
static void
hurry(_Atomic int *inside)
{
	struct health_call	 c;
	int64_t			 wait;
	int			 gone = 0;

	if (slot_take() == -1)
		_exit(2);
	/* Who holds a place may be off the processor for long: the others wait for their turn. */
	for (int i = 0; i < ROUNDS || gone == 0; i++) {
		if (health_enter(&c, 7, PLACES, 1000, &wait) != HEALTH_GO) {
			sched_yield();
			continue;
		}
		if (atomic_fetch_add(inside, 1) >= PLACES)
			_exit(3);
		gone++;
		atomic_fetch_sub(inside, 1);
		health_leave(&c, FAULT_NONE, 0, 1000);
	}
	_exit(0);
}

static void
many_at_once(void **state)
{
	_Atomic int	*inside;
	int		 status;
	pid_t		 pid[HURRIED];
	uint64_t	 asked;

	(void)state;
	inside = mapped_open(dir, "inside", "test", sizeof(*inside));
	assert_non_null(inside);
	asked = look(7)->asked;
	for (int i = 0; i < HURRIED; i++)
		if ((pid[i] = fork()) == 0)
			hurry(inside);
	for (int i = 0; i < HURRIED; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	assert_int_equal(look(7)->in_flight, 0);
	assert_true(seen.asked > asked);
	assert_int_equal(seen.asked - asked + 1, seen.ended[FAULT_NONE]);
}

static void
the_dead_hold_nothing(void **state)
{
	struct health_call	 c;
	int64_t			 wait;
	int			 fd[2], status, ready = 0;
	pid_t			 pid;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	for (int i = 0; i < BREAKER_LEAST; i++) {
		assert_int_equal(health_enter(&c, 8, 0, 1000, &wait), HEALTH_GO);
		health_leave(&c, FAULT_CUT, 0, 1000);
	}
	if ((pid = fork()) == 0) {
		ready = slot_take() != -1 && health_enter(&c, 7, 2, 1000, &wait) == HEALTH_GO &&
		    health_enter(&c, 7, 2, 1000, &wait) == HEALTH_GO &&
		    health_enter(&c, 8, 0, 100000, &wait) == HEALTH_GO;
		_exit(write(fd[1], &ready, sizeof(ready)) == sizeof(ready) && pause() == 0);
	}
	assert_int_equal(read(fd[0], &ready, sizeof(ready)), sizeof(ready));
	assert_true(ready);
	slot_sweep();
	assert_int_equal(look(7)->in_flight, 2);	/* it lives */
	assert_int_equal(health_enter(&c, 7, 2, 1000, &wait), HEALTH_FULL);
	assert_int_equal(health_enter(&c, 8, 0, 100000, &wait), HEALTH_OPEN);
	assert_int_equal(health_open(dir), 0);		/* so nothing is forgotten */
	assert_int_equal(look(7)->in_flight, 2);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	slot_sweep();
	assert_int_equal(look(7)->in_flight, 0);
	assert_int_equal(health_enter(&c, 8, 0, 100000, &wait), HEALTH_GO);	/* its trial */
	health_leave(&c, FAULT_NONE, 0, 100000);
	assert_int_equal(health_state(8, 100000), BREAKER_CLOSED);
}

/* A master that starts where nobody lives knows nothing. */
static void
starts_anew(void **state)
{
	static char	 other[] = "/tmp/parley-health-XXXXXX";
	char		 cmd[128];
	int		 status;
	pid_t		 pid;

	(void)state;
	assert_non_null(mkdtemp(other));
	if ((pid = fork()) == 0) {
		struct health_call	 c;
		int64_t			 wait;

		_exit(slot_open(other) != 0 || health_open(other) != 0 || slot_take() == -1 ||
		    health_enter(&c, 7, 0, 1000, &wait) != HEALTH_GO);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(slot_open(other), 0);
	assert_false(slot_any());
	nseen = 0;
	assert_int_equal(health_list(other, see, &(int64_t){ 7 }), 0);
	assert_int_equal(nseen, 1);
	assert_int_equal(health_open(other), 0);
	nseen = 0;
	assert_int_equal(health_list(other, see, &(int64_t){ 7 }), 0);
	assert_int_equal(nseen, 0);
	assert_int_equal(health_open("/nowhere"), -1);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", other);
	assert_int_equal(system(cmd), 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(opens_by_number_and_share),
		cmocka_unit_test(forgets_what_is_long_ago),
		cmocka_unit_test(a_call_that_spoke_can_fail),
		cmocka_unit_test(tries_again_one_at_a_time),
		cmocka_unit_test(opens_longer_each_time),
		cmocka_unit_test(jitters),
		cmocka_unit_test(retry_after_is_the_floor),
		cmocka_unit_test(a_trial_has_a_time_limit),
		cmocka_unit_test(statuses),
		cmocka_unit_test(without_a_slot_all_goes),
		cmocka_unit_test(counts),
		cmocka_unit_test(only_what_breaks_opens),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(the_dead_hold_nothing),
		cmocka_unit_test(more_models_than_rows),
		cmocka_unit_test(starts_anew),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
