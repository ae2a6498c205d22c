/* registry: rows that many processes make, read and use again at once. */
#include <sys/wait.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mapped.h"
#include "core/registry.h"

#define ROWS		131072
#define SECOND		(INT64_C(1) << 23)	/* of an id */
#define WRITERS		4
#define READERS		2
#define EACH		10000			/* turns of a writer */

static char			 dir[] = "/tmp/parley-registry-XXXXXX";
static struct registry_row	*table;

static int
begin(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
end(void **state)
{
	char	path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/turns", dir);
	unlink(path);
	return rmdir(dir);
}

/* An empty one for every test. */
static int
fresh(void **state)
{
	char	path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/turns", dir);
	unlink(path);
	if (registry_open(dir) == -1)
		return -1;
	table = mapped_open(dir, "turns", "PARLEY turns 1", ROWS * sizeof(*table));
	return table == NULL ? -1 : 0;
}

static void
count(void *arg, const struct registry_found *f)
{
	(void)f;
	++*(int *)arg;
}

static int
listed(void)
{
	int	n = 0;

	assert_int_equal(registry_list(dir, count, &n), 0);
	return n;
}

static void
test_not_open(void **state)
{
	struct registry_found	 f;

	(void)state;
	assert_null(registry_add(1, 2, 3));
	assert_false(registry_find(1, &f));
	registry_tell(NULL, 1);
	registry_done(NULL, 1, 1);
	registry_forget(1);
	assert_int_equal(registry_list(dir, count, NULL), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(registry_open("/nowhere"), -1);
}

static void
test_row(void **state)
{
	struct registry_row	*r = registry_add(100, 7, 9);
	struct registry_found	 f;

	(void)state;
	assert_int_equal(sizeof(*r), 64);
	assert_non_null(r);
	assert_true(registry_find(100, &f));
	assert_int_equal(f.turn, 100);
	assert_int_equal(f.worker, 7);
	assert_int_equal(f.owner, 9);
	assert_true(f.last == 0);
	assert_int_equal(f.done_ms, 0);
	registry_tell(r, 55);
	assert_ptr_equal(registry_add(100, 7, 9), r);		/* nothing is reset */
	assert_true(registry_find(100, &f));
	assert_true(f.last == 55);
	assert_int_equal(listed(), 1);
	registry_done(r, 66, 1000);
	assert_true(registry_find(100, &f));
	assert_true(f.last == 66);
	assert_int_equal(f.done_ms, 1000);
	assert_int_equal(listed(), 0);
	assert_false(registry_find(101, &f));
	assert_false(registry_find(0, &f));
	assert_false(registry_find(-1, &f));

	assert_non_null(registry_add(200, 8, 0));
	assert_non_null(registry_add(201, 7, 0));
	registry_forget(7);
	assert_false(registry_find(100, &f));
	assert_false(registry_find(201, &f));
	assert_true(registry_find(200, &f));
	/* A row that was given back shows nothing of the turn before. */
	assert_non_null(registry_add(300, 9, 0));
	assert_true(registry_find(300, &f));
	assert_true(f.last == 0);
	assert_int_equal(f.done_ms, 0);
	assert_int_equal(f.worker, 9);
}

/* The turns of a second lie together; ten thousand of one second find room too. */
static void
test_places(void **state)
{
	int64_t			 base = 1000 * SECOND;
	struct registry_row	*low = registry_add(base, 1, 0), *high = low, *r;
	struct registry_found	 f;

	(void)state;
	for (int i = 1; i < 64; i++) {
		assert_non_null(r = registry_add(base + i * 8191, 1, 0));
		low = r < low ? r : low;
		high = r > high ? r : high;
	}
	assert_int_equal(high - low, 63);			/* a page */
	for (int i = 64; i < 10000; i++)
		assert_non_null(registry_add(base + i * 800, 1, 0));
	for (int i = 64; i < 10000; i++)
		assert_true(registry_find(base + i * 800, &f));
	assert_true(listed() > 9990);				/* some are of both series */
	assert_int_equal(registry_list("/nowhere", count, NULL), -1);
}

/* Where a turn has no free row left, the one that ended first goes; one that runs never does. */
static void
test_used_again(void **state)
{
	static struct registry_row	*row[ROWS];
	struct registry_found		 f;
	int64_t				 base = 5000 * SECOND, gone = -1;
	int				 n;

	(void)state;
	/* All of one second: 64 rows of that second, then wherever the hash leads. */
	for (n = 0; n < ROWS && (row[n] = registry_add(base + n, 1, 0)) != NULL; n++)
		continue;
	assert_in_range(n, 64 * 500, ROWS);			/* one whose window is full has none */
	for (int i = 0; i < n; i++)
		assert_true(registry_find(base + i, &f));	/* nobody was put out */

	for (int i = 10; i < 64; i++)
		registry_done(row[i], 1, 100000 + (i * 37) % 64);
	assert_non_null(registry_add(base + n, 2, 0));
	for (int i = 0; i < n; i++)
		if (!registry_find(base + i, &f)) {
			assert_int_equal(gone, -1);
			gone = i;
		}
	assert_in_range(gone, 10, 63);
	for (int i = 10; i < 64; i++)
		assert_true(i == gone || (i * 37) % 64 > (gone * 37) % 64);
	assert_true(registry_find(base + n, &f));
	assert_int_equal(f.worker, 2);
}

/* One who died while it filled a row holds it no longer than a few seconds. */
static void
test_died_filling(void **state)
{
	struct registry_row	*r = registry_add(900, 1, 0), *other;
	struct registry_found	 f;

	(void)state;
	atomic_store(&r->turn, -clock_ms());
	assert_false(registry_find(900, &f));
	assert_int_equal(listed(), 0);
	other = registry_add(901, 1, 0);
	assert_ptr_not_equal(other, r);				/* it may be at work */
	atomic_store(&r->turn, -(clock_ms() - 60000));
	assert_ptr_equal(registry_add(902, 1, 0), r);
	atomic_store(&r->turn, -(clock_ms() + 60000));		/* the clock was set back */
	assert_ptr_equal(registry_add(903, 1, 0), r);
	assert_true(registry_find(903, &f));
}

/*
 * A writer's turns: what a row says follows from its turn and worker, so that a mixture of two
 * shows. Few windows, many turns: rows are used again all the time.
 */
static int
write_rows(int64_t worker, int64_t run)
{
	struct registry_row	*r;
	struct registry_found	 f;
	int			 lost = 0;

	for (int64_t i = 1; i <= EACH; i++) {
		/* Of one of twenty seconds, and no two the same */
		int64_t	turn = i % 20 * SECOND + (run * EACH + i) * 16 + worker;

		if ((r = registry_add(turn, worker, turn + 1)) == NULL)
			return 1;
		for (uint64_t k = 1; k <= 3; k++)
			registry_tell(r, (uint64_t)turn * 4 + k);
		/* It runs: nobody may take it away. */
		if (!registry_find(turn, &f) || f.last != (uint64_t)turn * 4 + 3 || f.worker != worker)
			lost++;
		registry_done(r, (uint64_t)turn * 4 + 3, i + 1);
	}
	return lost > 0 ? 2 : 0;
}

static bool
is_mixed(const struct registry_found *f)
{
	int64_t	worker = f->turn % 16;

	return f->worker != worker || f->owner != f->turn + 1 ||
	    (f->last != 0 && f->last / 4 != (uint64_t)f->turn) ||
	    (f->done_ms != 0 && f->last % 4 != 3);
}

static int
read_rows(void)
{
	struct registry_found	 f;
	unsigned		 x = (unsigned)getpid();

	for (int64_t found = 0; found < 20000;) {
		struct registry_row	*r;
		int64_t			 turn;

		x = x * 1103515245u + 12345u;
		/* The rows of those twenty seconds, */
		r = table + (x >> 8) % 20 * 64 + (x >> 16) % 64;
		if ((turn = atomic_load(&r->turn)) <= 0 || !registry_find(turn, &f))
			continue;
		found++;
		if (f.turn != turn || is_mixed(&f))
			return 3;
	}
	return 0;
}

static void
test_many_processes(void **state)
{
	pid_t	 pid[WRITERS + READERS];
	int	 status;

	(void)state;
	for (int i = 0; i < WRITERS + READERS; i++) {
		assert_int_not_equal(pid[i] = fork(), -1);
		if (pid[i] == 0)
			_exit(i < WRITERS ? write_rows(i + 1, 0) : read_rows());
	}
	for (int i = 0; i < WRITERS + READERS; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	assert_int_equal(listed(), 0);
}

/* Killed at any moment, a writer leaves only whole rows and rows that come free. */
static void
test_killed(void **state)
{
	struct registry_found	 f;
	int			 status;
	pid_t			 pid;

	(void)state;
	for (int i = 0; i < 50; i++) {
		assert_int_not_equal(pid = fork(), -1);
		if (pid == 0)
			_exit(write_rows(i % 15 + 1, i) != 0 || pause() != 0);
		usleep((useconds_t)(i * 100));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	for (size_t i = 0; i < ROWS; i++) {
		int64_t	turn = atomic_load(&table[i].turn);

		if (turn > 0 && registry_find(turn, &f))
			assert_false(is_mixed(&f));
	}
	for (int i = 1; i <= 15; i++)
		registry_forget(i);
	assert_int_equal(listed(), 0);
	assert_int_equal(write_rows(1, 50), 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_not_open),
		cmocka_unit_test_setup(test_row, fresh),
		cmocka_unit_test_setup(test_places, fresh),
		cmocka_unit_test_setup(test_used_again, fresh),
		cmocka_unit_test_setup(test_died_filling, fresh),
		cmocka_unit_test_setup(test_many_processes, fresh),
		cmocka_unit_test_setup(test_killed, fresh),
	};

	return cmocka_run_group_tests_name("registry", tests, begin, end);
}
