/* mapped, slot: files that processes share as memory, and who holds what in them. */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
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

static char	dir[] = "/tmp/parley-mapped-XXXXXX";
static int	freed[SLOTS];

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
is_shared(void **state)
{
	char		*a = mapped_open(dir, "a", "kind 1", 100000), *b;
	const char	*look;
	struct stat	 st;
	char		 path[64];

	(void)state;
	assert_non_null(a);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(a[i], 0);
	memcpy(a + 99990, "said", 5);
	b = mapped_open(dir, "a", "kind 1", 100000);
	assert_string_equal(b + 99990, "said");
	look = mapped_look(dir, "a", "kind 1", 100000);
	assert_string_equal(look + 99990, "said");
	memcpy(b, "more", 5);
	assert_string_equal(a, "more");
	snprintf(path, sizeof(path), "%s/a", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
another_kind_takes_its_place(void **state)
{
	char	*a = mapped_open(dir, "b", "kind 1", 64), *b, *c;

	(void)state;
	memcpy(a, "old", 4);
	b = mapped_open(dir, "b", "kind 2", 64);
	assert_int_equal(b[0], 0);
	memcpy(b, "new", 4);
	assert_string_equal(a, "old");
	c = mapped_open(dir, "b", "kind 2", 128);
	assert_int_equal(c[0], 0);
	assert_null(mapped_look(dir, "b", "kind 2", 64));
	assert_null(mapped_look(dir, "none", "kind 1", 64));
	assert_int_equal(errno, ENOENT);
	assert_null(mapped_open("/nowhere", "b", "kind 1", 64));
}

static void
note_free(int slot)
{
	freed[slot]++;
}

static void
slots_go_back(void **state)
{
	int	 fd[2], slot, status;
	pid_t	 pid;

	(void)state;
	assert_int_equal(slot_open(dir), 0);
	slot_on_free(note_free);
	slot_on_free(note_free);
	assert_int_equal(slot_self(), -1);
	assert_int_equal(pipe(fd), 0);
	if ((pid = fork()) == 0) {
		slot = slot_take();
		_exit(write(fd[1], &slot, sizeof(slot)) == sizeof(slot) && pause() == 0);
	}
	assert_int_equal(read(fd[0], &slot, sizeof(slot)), sizeof(slot));
	assert_int_equal(slot, 0);
	assert_int_equal(slot_take(), 1);	/* 0 is the child's */
	assert_int_equal(slot_self(), 1);
	assert_int_equal(freed[1], 1);

	memset(freed, 0, sizeof(freed));
	slot_sweep();
	assert_int_equal(freed[0], 0);		/* it lives */
	assert_int_equal(freed[1], 0);		/* and so do we */
	assert_int_equal(freed[2], 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	slot_sweep();
	assert_int_equal(freed[0], 1);
	assert_int_equal(freed[1], 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(is_shared),
		cmocka_unit_test(another_kind_takes_its_place),
		cmocka_unit_test(slots_go_back),
	};

	return cmocka_run_group_tests_name("mapped", tests, begin, end);
}
