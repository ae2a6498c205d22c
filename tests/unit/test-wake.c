/* Waking other processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wake.h"

static char	dir[] = "/tmp/test-wake-XXXXXX";

static void
waits(void **state)
{
	const int64_t	 from = clock_mono_ms();

	(void)state;
	wake_wait(wake_count(), 50);
	assert_true(clock_mono_ms() - from >= 45);
}

/* What was sent between the look and the wait is not lost. */
static void
nothing_is_missed(void **state)
{
	const uint32_t	 seen = wake_count();
	const int64_t	 from = clock_mono_ms();

	(void)state;
	wake_send();
	wake_wait(seen, 60000);
	assert_true(clock_mono_ms() - from < 30000);
	assert_int_not_equal(wake_count(), seen);
}

/* A process that has opened the file by itself, as a command does. */
static void
from_elsewhere(void **state)
{
	const uint32_t	 seen = wake_count();
	const int64_t	 from = clock_mono_ms();
	pid_t		 pid;

	(void)state;
	if ((pid = fork()) == 0) {
		usleep(50000);
		if (wake_open(dir) == 0)
			wake_send();
		_exit(0);
	}
	while (wake_count() == seen && clock_mono_ms() - from < 30000)
		wake_wait(seen, 30000);
	assert_int_not_equal(wake_count(), seen);
	waitpid(pid, NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(waits), cmocka_unit_test(nothing_is_missed),
		cmocka_unit_test(from_elsewhere),
	};
	char			file[64];
	int			failed;

	if (mkdtemp(dir) == NULL || wake_open(dir) == -1) {
		perror(dir);
		return 1;
	}
	failed = cmocka_run_group_tests_name("wake", tests, NULL, NULL);
	snprintf(file, sizeof(file), "%s/wake", dir);
	unlink(file);
	rmdir(dir);
	return failed;
}
