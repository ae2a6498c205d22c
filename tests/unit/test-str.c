#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static void
grows(void **state)
{
	struct str	 s = STR_INIT(0);

	(void)state;
	assert_null(s.p);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(str_putc(&s, (char)('a' + i % 26)), 0);
	assert_int_equal(s.len, 10000);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(s.p[i], 'a' + i % 26);
	assert_int_equal(s.p[s.len], '\0');
	assert_int_equal(str_put(&s, "\0x", 2), 0);
	assert_memory_equal(s.p + 10000, "\0x", 3);
	assert_int_equal(str_put(&s, NULL, 0), 0);
	assert_false(s.full);
	str_free(&s);
	assert_null(s.p);
}

/* What is there stays, what does not fit is dropped whole, smaller things still fit. */
static void
cap(void **state)
{
	struct str	 s = STR_INIT(10);

	(void)state;
	assert_int_equal(str_puts(&s, "12345678"), 0);
	assert_int_equal(str_puts(&s, "abc"), -1);
	assert_true(s.full);
	assert_string_equal(s.p, "12345678");
	assert_int_equal(str_puts(&s, "ab"), 0);
	assert_string_equal(s.p, "12345678ab");
	assert_int_equal(str_putc(&s, 'c'), -1);
	assert_int_equal(s.len, 10);
	assert_true(s.size <= 11);
	str_reset(&s);
	assert_false(s.full);
	assert_int_equal(s.len, 0);
	assert_string_equal(s.p, "");
	assert_int_equal(str_put(&s, "x", SIZE_MAX), -1);
	str_free(&s);
	assert_int_equal(s.cap, 10);
	assert_false(s.full);
}

static void
formats(void **state)
{
	struct str	 s = STR_INIT(100);

	(void)state;
	assert_int_equal(str_printf(&s, "%s=%d", "n", 42), 0);
	assert_string_equal(s.p, "n=42");
	/* Longer than what is allocated, up to the cap and one over it. */
	assert_int_equal(str_printf(&s, "%0*d", 96, 7), 0);
	assert_int_equal(s.len, 100);
	assert_int_equal(str_printf(&s, "%s", ""), 0);
	assert_int_equal(str_printf(&s, "x"), -1);
	assert_int_equal(s.len, 100);
	assert_int_equal(strlen(s.p), 100);
	str_reset(&s);
	assert_int_equal(str_printf(&s, "%0*d", 101, 7), -1);
	assert_string_equal(s.p, "");
	assert_true(s.full);
	str_free(&s);
}

static void
room_and_cut(void **state)
{
	struct str	 s = STR_INIT(20);
	char		*p;

	(void)state;
	str_cut(&s, 5);
	assert_int_equal(s.len, 0);
	p = str_room(&s, 5);
	assert_non_null(p);
	memcpy(p, "hello", 5);
	s.len += 5;
	assert_string_equal(s.p, "hello");
	assert_null(str_room(&s, 16));
	assert_true(s.full);
	assert_string_equal(s.p, "hello");
	str_cut(&s, 2);
	assert_string_equal(s.p, "llo");
	str_cut(&s, 0);
	assert_string_equal(s.p, "llo");
	str_cut(&s, 99);
	assert_string_equal(s.p, "");
	assert_int_equal(s.len, 0);
	str_free(&s);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(grows),
		cmocka_unit_test(cap),
		cmocka_unit_test(formats),
		cmocka_unit_test(room_and_cut),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
