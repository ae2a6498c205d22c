/* figures: what several processes count is one sum, and what dies with a process is gone. */
#include <sys/wait.h>

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/figures.h"
#include "base/slot.h"

static char	dir[] = "/tmp/parley-figures-XXXXXX";
static char	text[1 << 20];

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

static void
read_all(void)
{
	struct str	s = STR_INIT(sizeof(text) - 1);

	figures_write(&s);
	assert_false(s.full);
	memcpy(text, s.p, s.len + 1);
	str_free(&s);
}

/* The value that stands behind this name; NaN, which is not equal to itself: it is not there. */
static double
value(const char *name)
{
	char		 line[256];
	const char	*at;

	snprintf(line, sizeof(line), "\n%s ", name);
	at = strstr(text, line);
	return at != NULL ? strtod(at + strlen(line), NULL) : (double)__builtin_nan("");
}

/* A process with a slot that does its part and stays; its id. */
static pid_t
worker(void (*work)(void))
{
	int	 fd[2];
	char	 byte;
	pid_t	 pid;

	assert_int_equal(pipe(fd), 0);
	if ((pid = fork()) == 0) {
		if (slot_take() == -1)
			_exit(1);
		work();
		_exit(write(fd[1], "x", 1) == 1 && pause() == 0);
	}
	close(fd[1]);
	assert_int_equal(read(fd[0], &byte, 1), 1);
	close(fd[0]);
	return pid;
}

static void
end_worker(pid_t pid)
{
	int	status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	slot_sweep();
}

static void
nothing_without_a_slot(void **state)
{
	(void)state;
	figure_add(FIG_STREAMS, 1);
	figure_add_for(FIG_ANSWERS, 1, FIGURE_FOR("stop"));
	figure_time(FIG_DELTA_SECONDS, 1, 1);
	read_all();
	assert_true(value("parley_streams") == 0);
	assert_int_equal(slot_open(dir), 0);
	assert_int_equal(figures_open(dir), 0);
	figure_add(FIG_STREAMS, 1);
	figure_add_for(FIG_ANSWERS, 1, FIGURE_FOR("stop"));
	read_all();
	assert_true(value("parley_streams") == 0);
	assert_null(strstr(text, "status="));
	assert_true(value("process_start_time_seconds") > 1.7e9);
	assert_non_null(strstr(text, "\nparley_build_info{version=\""));
}

static void
some_work(void)
{
	figure_add(FIG_STREAMS, 3);
	figure_add(FIG_STREAMS, -1);
	figure_set(FIG_SPOOL_BYTES, 100);
	figure_set(FIG_SPOOL_BYTES, 50);
	figure_add(FIG_DATABASE_UNAVAILABLE, 2);
	figure_add_for(FIG_ANSWERS, 4, FIGURE_FOR("stop"));
	figure_add_for(FIG_TOKENS, 7, FIGURE_FOR("m", "prompt"));
	figure_add_for(FIG_TOKENS, 1, FIGURE_FOR("mp", "rompt"));
	figure_add_for(FIG_COST, 25, FIGURE_FOR("a \"b\\c\nd"));
	figure_time(FIG_DELTA_SECONDS, 100, 2);
	figure_time(FIG_DELTA_SECONDS, 101, 1);
	figure_time(FIG_DELTA_SECONDS, (int64_t)1000 * 1000000, 1);
}

static void
is_one_sum(void **state)
{
	pid_t	 one = worker(some_work), two = worker(some_work);

	(void)state;
	read_all();
	assert_true(value("parley_streams") == 4);
	assert_true(value("parley_spool_bytes") == 100);
	assert_true(value("parley_database_unavailable_total") == 4);
	assert_true(value("parley_answers_total{status=\"stop\"}") == 8);
	assert_true(value("parley_tokens_total{model=\"m\",kind=\"prompt\"}") == 14);
	assert_true(value("parley_tokens_total{model=\"mp\",kind=\"rompt\"}") == 2);
	assert_true(value("parley_cost_total{model=\"a \\\"b\\\\c\\nd\"}") == 5e-9);
	assert_true(value("parley_delta_seconds_bucket{le=\"0.0001\"}") == 4);
	assert_true(value("parley_delta_seconds_bucket{le=\"0.00025\"}") == 6);
	assert_true(value("parley_delta_seconds_bucket{le=\"300\"}") == 6);
	assert_true(value("parley_delta_seconds_bucket{le=\"+Inf\"}") == 8);
	assert_true(value("parley_delta_seconds_count") == 8);
	assert_true(value("parley_delta_seconds_sum") == 2000.000602);

	end_worker(one);
	read_all();
	assert_true(value("parley_streams") == 2);
	assert_true(value("parley_spool_bytes") == 50);
	assert_true(value("parley_answers_total{status=\"stop\"}") == 8);
	one = worker(some_work);		/* in the place of the dead one */
	read_all();
	assert_true(value("parley_streams") == 4);
	assert_true(value("parley_answers_total{status=\"stop\"}") == 12);
	end_worker(one);
	end_worker(two);
	read_all();
	assert_true(value("parley_streams") == 0);
	assert_true(value("parley_database_unavailable_total") == 6);

	assert_int_equal(figures_open(dir), 0);		/* as a service that starts again */
	read_all();
	assert_true(value("parley_answers_total{status=\"stop\"}") == 12);
}

static void *
name_them(void *barrier)
{
	char	name[16];

	pthread_barrier_wait(barrier);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "same-%d", i);
		figure_add_for(FIG_TOKENS, 1, FIGURE_FOR(name, "prompt"));
	}
	return NULL;
}

static void
threads_of_a_worker(void)
{
	pthread_barrier_t	barrier;
	pthread_t		thread[4];

	if (slot_take() == -1 || pthread_barrier_init(&barrier, NULL, 4) != 0)
		exit(1);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&thread[i], NULL, name_them, &barrier) != 0)
			exit(1);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	exit(0);			/* where ThreadSanitizer says what it saw */
}

static void
names_at_once(void **state)
{
	char	name[64];
	int	status;
	pid_t	pid;

	(void)state;
	fflush(NULL);
	if ((pid = fork()) == 0)
		threads_of_a_worker();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	slot_sweep();
	read_all();
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "parley_tokens_total{model=\"same-%d\",kind=\"prompt\"}",
		    i);
		assert_true(value(name) == 4);
	}
}

static void
many_names(void)
{
	char	name[400];

	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "name-%d", i);
		figure_add_for(FIG_UPSTREAM_ERRORS, 1, FIGURE_FOR(name, "upstream"));
	}
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	figure_add_for(FIG_UPSTREAM_ERRORS, 1, FIGURE_FOR(name, "upstream"));
	figure_add_for(FIG_ANSWERS, 1, FIGURE_FOR("stop"));
}

static void
names_are_bounded(void **state)
{
	pid_t		 pid = worker(many_names);
	const char	*line = text;
	double		 sum = 0;
	int		 n = 0;

	(void)state;
	read_all();
	while ((line = strstr(line, "\nparley_upstream_errors_total{")) != NULL) {
		sum += strtod(strstr(line, "} ") + 2, NULL);
		line++;
		n++;
	}
	assert_in_range(n, 1000, 2049);
	assert_true(sum == 5001);
	assert_true(value("parley_upstream_errors_total{model=\"other\",kind=\"other\"}") > 2900);
	assert_true(value("parley_answers_total{status=\"stop\"}") == 13);
	assert_null(strstr(text, "xxxx"));
	end_worker(pid);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(nothing_without_a_slot),
		cmocka_unit_test(is_one_sum),
		cmocka_unit_test(names_at_once),
		cmocka_unit_test(names_are_bounded),
	};

	return cmocka_run_group_tests_name("figures", tests, begin, end);
}
