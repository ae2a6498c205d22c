/* limit: rates with made-up clocks, and places over processes. */
#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limit.h"
#include "base/slot.h"

#define SECOND	1000000

static char	dir[] = "/tmp/parley-limit-XXXXXX";

static int
begin(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	/* Before it is open nobody is limited. */
	if (limit_call(limit_user(1), 1, 1) != 0 || limit_call(limit_user(1), 1, 1) != 0 ||
	    !limit_enter(limit_user(1), 1) || !limit_enter(limit_user(1), 1))
		return -1;
	return slot_open(dir) == -1 || limit_open(dir) == -1 ? -1 : 0;
}

static int
end(void **state)
{
	char	cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

/* How many calls at this moment are let through. */
static int
calls(uint64_t whom, int rate, int64_t now_us)
{
	int	n = 0;

	while (limit_call(whom, rate, now_us) == 0 && n < 1000000)
		n++;
	return n;
}

static void
a_rate(void **state)
{
	const uint64_t	a = limit_user(7), b = limit_user(8);
	int64_t		now = (int64_t)500 * SECOND;

	(void)state;
	assert_true(limit_sockets(7) != a && limit_sockets(7) != limit_sockets(8));
	assert_int_equal(limit_sockets(0), 0);
	assert_int_equal(calls(a, 5, now), 5);		/* a second's worth at once */
	assert_int_equal(limit_call(a, 5, now), SECOND / 5);
	assert_int_equal(limit_call(a, 5, now + SECOND / 10), SECOND / 10);
	assert_int_equal(calls(b, 5, now), 5);		/* another has his own */
	assert_int_equal(calls(a, 5, now + SECOND / 5), 1);
	assert_int_equal(calls(a, 5, now + SECOND), 4);
	assert_int_equal(calls(a, 5, now + (int64_t)100 * SECOND), 5);
	assert_int_equal(calls(limit_user(9), 1, now), 1);
	assert_int_equal(limit_call(limit_user(9), 1, now), SECOND);
	assert_int_equal(calls(limit_user(10), 100000, now), 100000);
	assert_int_equal(limit_call(limit_user(11), 0, now), 0);	/* no limit */
	assert_int_equal(limit_call(0, 1, now), 0);			/* nobody */
	assert_int_equal(limit_call(0, 1, now), 0);
}

/* However evenly they come, the first over the rate within a second is too early. */
static void
a_window(void **state)
{
	const uint64_t	a = limit_key(7);
	const int64_t	now = (int64_t)700 * SECOND;

	(void)state;
	assert_true(a != limit_user(7) && a != limit_key(8));
	assert_int_equal(limit_key(0), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(limit_window(a, 4, now + i * 240000), 0);
	assert_int_equal(limit_window(a, 4, now + 960000), 40000);
	assert_int_equal(limit_window(a, 4, now + 999000), 1000);
	assert_int_equal(limit_window(limit_key(8), 1, now), 0);	/* another has its own */
	assert_int_equal(limit_window(limit_key(8), 1, now), SECOND);
	for (int i = 0; i < 4; i++)
		assert_int_equal(limit_window(a, 4, now + SECOND), 0);
	assert_int_equal(limit_window(a, 4, now + SECOND), SECOND);
	assert_int_equal(limit_window(a, 4, SECOND), 0);	/* the host was started again */
	assert_int_equal(limit_window(a, 0, SECOND), 0);	/* no limit */
	assert_int_equal(limit_window(0, 1, SECOND), 0);	/* nobody */
	assert_int_equal(limit_window(0, 1, SECOND), 0);
}

static void
steady(void **state)
{
	int64_t	now = (int64_t)900 * SECOND;
	int	n = 0;

	(void)state;
	for (int ms = 0; ms < 20000; ms++)	/* a call each millisecond */
		n += limit_call(limit_user(12), 50, now + (int64_t)ms * 1000) == 0;
	assert_in_range(n, 50 + 19 * 50, 50 + 20 * 50);
}

static void
clocks_begin_anew(void **state)
{
	const uint64_t	a = limit_user(20);
	int64_t		late = (int64_t)1 << 33;

	(void)state;
	assert_int_equal(calls(a, 3, late), 3);
	assert_int_equal(calls(a, 3, 5 * SECOND), 3);		/* the host was started again */
	assert_int_equal(calls(a, 3, ((int64_t)1 << 34) - 10), 3);
	assert_int_equal(limit_call(a, 3, ((int64_t)1 << 34) + 10) > 0, 1);	/* the word wraps */
	assert_int_equal(calls(a, 3, ((int64_t)1 << 34) + SECOND), 3);
}

static void
many(void **state)
{
	int64_t	now = (int64_t)2000 * SECOND;
	int	refused = 0;

	(void)state;
	for (int i = 1; i <= 5000; i++)
		assert_int_equal(limit_call(limit_user(100000 + i), 1, now), 0);
	for (int i = 1; i <= 5000; i++)
		refused += limit_call(limit_user(100000 + i), 1, now) != 0;
	assert_in_range(refused, 4990, 5000);
	refused = 0;
	for (int i = 1; i <= 200000; i++)	/* more than there is room for: nobody is stopped */
		refused += limit_call(limit_user(1000000 + i), 1, now) != 0;
	assert_in_range(refused, 0, 2);
}

static void
addresses(void **state)
{
	const uint64_t	v4 = limit_address("192.0.2.7");

	(void)state;
	assert_int_not_equal(v4, 0);
	assert_true(limit_address("192.0.2.8") != v4);
	assert_true(limit_address("::ffff:192.0.2.7") == v4);
	assert_true(limit_address("2001:db8:1:2::1") == limit_address("2001:db8:1:2:ffff::9"));
	assert_true(limit_address("2001:db8:1:3::1") != limit_address("2001:db8:1:2::1"));
	assert_true(limit_address("unix:") == 0);
	assert_true(limit_address("") == 0);
	assert_true(limit_user(0) == 0);
	assert_true(limit_user(7) != limit_user(8));
}

/* A process that takes n places and stays; its id. */
static pid_t
holder(uint64_t whom, int n, int places)
{
	int	 fd[2];
	char	 got = 0;
	pid_t	 pid;

	assert_int_equal(pipe(fd), 0);
	if ((pid = fork()) == 0) {
		if (slot_take() == -1)
			_exit(1);
		for (int i = 0; i < n; i++)
			got += limit_enter(whom, places);
		_exit(write(fd[1], &got, 1) == 1 && pause() == 0);
	}
	close(fd[1]);
	assert_int_equal(read(fd[0], &got, 1), 1);
	assert_int_equal(got, n);
	close(fd[0]);
	return pid;
}

static void
places(void **state)
{
	const uint64_t	a = limit_user(1), b = limit_user(2);
	int		status;
	pid_t		pid;

	(void)state;
	assert_true(limit_enter(a, 1));		/* without a slot nothing is held */
	assert_true(limit_enter(a, 1));
	pid = holder(a, 2, 3);
	assert_int_not_equal(slot_take(), -1);
	assert_true(limit_enter(a, 3));
	assert_false(limit_enter(a, 3));
	assert_false(limit_enter(a, 3));	/* the refused one holds none */
	assert_true(limit_enter(b, 1));
	assert_false(limit_enter(b, 1));
	assert_true(limit_enter(a, 0));		/* no limit: not held either */
	limit_leave(a);
	assert_true(limit_enter(a, 3));
	assert_false(limit_enter(a, 3));
	limit_leave(b);
	assert_true(limit_enter(b, 1));

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	slot_sweep();
	assert_true(limit_enter(a, 3));
	assert_true(limit_enter(a, 3));
	assert_false(limit_enter(a, 3));
	for (int i = 0; i < 3; i++)
		limit_leave(a);
	limit_leave(a);				/* one too many harms nobody */
	limit_leave(0);
	assert_true(limit_enter(a, 1));
}

static void
many_places(void **state)
{
	int	n = 0;

	(void)state;
	for (int i = 0; i < 4000; i++)
		n += limit_enter(limit_user(5000 + i), 1);
	assert_int_equal(n, 4000);
	for (int i = 0; i < 4000; i++)
		assert_false(limit_enter(limit_user(5000 + i), 1));
	for (int i = 0; i < 4000; i++)
		limit_leave(limit_user(5000 + i));
	for (int i = 0; i < 4000; i++)
		assert_true(limit_enter(limit_user(5000 + i), 1));
	for (int i = 0; i < 300; i++)
		assert_true(limit_enter(limit_user(3), 300));
	assert_false(limit_enter(limit_user(3), 300));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(a_rate),
		cmocka_unit_test(a_window),
		cmocka_unit_test(steady),
		cmocka_unit_test(clocks_begin_anew),
		cmocka_unit_test(many),
		cmocka_unit_test(addresses),
		cmocka_unit_test(places),
		cmocka_unit_test(many_places),
	};

	return cmocka_run_group_tests_name("limit", tests, begin, end);
}
