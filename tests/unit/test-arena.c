#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"

static void
zeroed_and_aligned(void **state)
{
	struct arena	*a = arena_new(64);

	(void)state;
	for (size_t n = 0; n < 3000; n++) {
		char	*p = arena_get(a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);		/* the next one must not overlap */
	}
	arena_free(a);
	arena_free(NULL);
}

/* Pieces stay what they are while others come, small ones and some larger than any block. */
static void
pieces_keep(void **state)
{
	struct arena	*a = arena_new(0);
	unsigned char	*piece[300];
	size_t		 size[300];

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		size[i] = i % 50 == 49 ? 200000 : 1 + i * 7 % 900;
		piece[i] = arena_get(a, size[i]);
		memset(piece[i], (int)(i & 0xff), size[i]);
	}
	for (size_t i = 0; i < 300; i++)
		for (size_t k = 0; k < size[i]; k++)
			assert_int_equal(piece[i][k], i & 0xff);
	arena_free(a);
}

static void
strings(void **state)
{
	struct arena	*a = arena_new(0);
	char		 text[1000];
	char		*s;

	(void)state;
	assert_null(arena_strdup(a, NULL));
	assert_string_equal(arena_strdup(a, ""), "");
	assert_string_equal(arena_strdup(a, "hello"), "hello");
	assert_string_equal(arena_strndup(a, "hello", 2), "he");
	s = arena_strndup(a, "a\0b", 3);
	assert_memory_equal(s, "a\0b", 4);
	assert_string_equal(arena_strndup(a, NULL, 0), "");
	assert_string_equal(arena_printf(a, "%s %d", "x", 7), "x 7");

	/* Around the length where formatting takes its second way. */
	memset(text, 'x', sizeof text);
	for (int n = 250; n < 262; n++) {
		s = arena_printf(a, "%.*s", n, text);
		assert_int_equal(strlen(s), n);
	}
	assert_int_equal(strlen(arena_printf(a, "%.*s", 1000, text)), 1000);
	arena_free(a);
}

static void
held(void **state)
{
	struct arena	*a = arena_new(512);
	size_t		 first = arena_held(a);

	(void)state;
	assert_in_range(first, 512, 640);
	arena_get(a, 100);
	assert_int_equal(arena_held(a), first);
	arena_get(a, 1000000);
	assert_in_range(arena_held(a), first + 1000000, first + 1000200);
	/* The large piece did not waste the rest of the first block. */
	arena_get(a, 100);
	assert_in_range(arena_held(a), first + 1000000, first + 1000200);
	arena_free(a);
}

/* Runs fn in a child; its exit status. */
static int
dies(void (*fn)(void))
{
	int	 status;
	pid_t	 pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		close(STDERR_FILENO);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static volatile size_t	 half = SIZE_MAX / 2;
static struct arena	*volatile dying;	/* reachable to the end, for valgrind */

static void
array_overflows(void)
{
	arena_array(dying = arena_new(0), half, 4);
}

static void
array_wraps_to_nothing(void)
{
	arena_array(dying = arena_new(0), half + 1, 2);
}

static void
piece_too_large(void)
{
	arena_get(dying = arena_new(0), half * 2);
}

static void
overflow_dies(void **state)
{
	(void)state;
	assert_int_equal(dies(array_overflows), EX_OSERR);
	assert_int_equal(dies(array_wraps_to_nothing), EX_OSERR);
	assert_int_equal(dies(piece_too_large), EX_OSERR);
}

static void
mallocs(void **state)
{
	char	*p;

	(void)state;
	assert_non_null(p = xmalloc(0));
	free(p);
	assert_non_null(p = xcalloc(0, 8));
	free(p);
	p = xstrdup("abc");
	p = xrealloc(p, 100);
	assert_string_equal(p, "abc");
	free(p);
	p = xprintf("%s/%08x", "spool", 0xabcu);
	assert_string_equal(p, "spool/00000abc");
	free(p);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(zeroed_and_aligned),
		cmocka_unit_test(pieces_keep),
		cmocka_unit_test(strings),
		cmocka_unit_test(held),
		cmocka_unit_test(overflow_dies),
		cmocka_unit_test(mallocs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
