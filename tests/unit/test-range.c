/* What Range headers ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "web/range.h"

#include <cmocka.h>
#undef fail

static void
assert_range(const char *header, int64_t len, enum range want, int64_t first, int64_t n)
{
	int64_t	 at = -1, count = -1;

	assert_int_equal(range_parse(header, len, &at, &count), want);
	if (want == RANGE_OUTSIDE)
		return;
	assert_int_equal(at, first);
	assert_int_equal(count, n);
}

static void
parts(void **state)
{
	(void)state;
	assert_range("bytes=0-0", 10, RANGE_PART, 0, 1);
	assert_range("bytes=3-6", 10, RANGE_PART, 3, 4);
	assert_range("Bytes= 3-", 10, RANGE_PART, 3, 7);
	assert_range("bytes=9-9", 10, RANGE_PART, 9, 1);
	assert_range("bytes=0-9", 10, RANGE_PART, 0, 10);
	assert_range("bytes=5-10", 10, RANGE_PART, 5, 5);
	assert_range("bytes=5-99999999999999999999", 10, RANGE_PART, 5, 5);
	assert_range("bytes=-1", 10, RANGE_PART, 9, 1);
	assert_range("bytes=-10", 10, RANGE_PART, 0, 10);
	assert_range("bytes=-11", 10, RANGE_PART, 0, 10);
	assert_range("bytes=-99999999999999999999", 10, RANGE_PART, 0, 10);
}

static void
outside(void **state)
{
	static const char *const	 v[] = {
		"bytes=10-", "bytes=10-10", "bytes=11-20", "bytes=-0",
		"bytes=99999999999999999999-", "bytes=9223372036854775807-9223372036854775807",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		assert_range(v[i], 10, RANGE_OUTSIDE, 0, 0);
	assert_range("bytes=0-", 0, RANGE_OUTSIDE, 0, 0);
	assert_range("bytes=-1", 0, RANGE_OUTSIDE, 0, 0);
}

static void
whole(void **state)
{
	static const char *const	 v[] = {
		NULL, "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=1-a", "bytes=2-1",
		"bytes=--1", "bytes=1-2-3", "bytes=1-2,4-5", "bytes=1-2,", "bytes=1 -2", "bytes=+1-2",
		"lines=1-2", "1-2", "bytes: 1-2",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		assert_range(v[i], 10, RANGE_WHOLE, 0, 10);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(parts),
		cmocka_unit_test(outside),
		cmocka_unit_test(whole),
	};

	return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
