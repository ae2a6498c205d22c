#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cidr.h"

static void
match(void **state)
{
	static const struct {
		const char	*list, *addr;
		bool		 in;
	} cases[] = {
		{ "127.0.0.0/8,::1", "127.0.0.1", true },
		{ "127.0.0.0/8,::1", "127.255.255.255", true },
		{ "127.0.0.0/8,::1", "128.0.0.0", false },
		{ "127.0.0.0/8,::1", "::1", true },
		{ "127.0.0.0/8,::1", "::2", false },
		{ "127.0.0.0/8,::1", "::ffff:127.0.0.1", true },
		{ "127.0.0.0/8,::1", "::ffff:7f00:1", true },
		{ "127.0.0.0/8,::1", "::127.0.0.1", false },
		{ "::ffff:10.0.0.0/104", "10.255.0.1", true },
		{ "::ffff:10.0.0.0/104", "11.0.0.1", false },
		{ "::ffff:10.0.0.0/90", "10.0.0.1", false },
		{ "10.0.0.7", "10.0.0.7", true },
		{ "10.0.0.7", "10.0.0.70", false },
		{ "10.0.0.7/8", "10.1.2.3", true },
		{ "10.0.0.0/9", "10.127.0.1", true },
		{ "10.0.0.0/9", "10.128.0.1", false },
		{ "192.168.4.0/22", "192.168.7.255", true },
		{ "192.168.4.0/22", "192.168.8.0", false },
		{ "10.0.0.4/31", "10.0.0.5", true },
		{ "10.0.0.4/32", "10.0.0.5", false },
		{ "0.0.0.0/0", "8.8.8.8", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "8.8.8.8", false },
		{ "::/0", "::ffff:8.8.8.8", false },
		{ "2001:db8::/32", "2001:db8:ffff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "2001:db8::1/128", "2001:0DB8:0:0::1", true },
		{ " 10.0.0.1 ,\t10.0.0.2 ", "10.0.0.2", true },
		{ "10.0.0.1,,10.0.0.2", "10.0.0.2", true },
		{ "", "127.0.0.1", false },
		{ ",", "127.0.0.1", false },
		{ "0.0.0.0/0,::/0", "unix:", false },
		{ "0.0.0.0/0,::/0", "", false },
		{ "0.0.0.0/0,::/0", "127.0.0.1x", false },
		{ "0.0.0.0/0,::/0", "127.1", false },
		{ "0.0.0.0/0,::/0", "127.0.0.0/8", false },
		{ "0.0.0.0/0,::/0", "fe80::1%lo", false },
		{ "nonsense,127.0.0.1", "127.0.0.1", true },
		{ "127.0.0.1/33", "127.0.0.1", false },
	};
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (conf_cidr_match(cases[i].list, cases[i].addr) != cases[i].in)
			fail_msg("%s in %s", cases[i].addr, cases[i].list);
	assert_false(conf_cidr_match("0.0.0.0/0", NULL));
}

static void
check(void **state)
{
	static const char *const	bad[] = {
		"10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8x", "10.0.0/8",
		"localhost", ",", "/8", "10.0.0.0/8/8", "::ffff:10.0.0.0/129", "10.0.0.0/ 8",
		"10.0.0.0/99999999999999999999", "unix:",
		"0000000000000000000000000000000000000000000000000000000000000000000000",
	};
	const char	*list = "10.0.0.0/8, x,::1";
	size_t		 i;

	(void)state;
	assert_null(conf_cidr_check(""));
	assert_null(conf_cidr_check("  "));
	assert_null(conf_cidr_check("127.0.0.0/8,::1"));
	assert_null(conf_cidr_check(" 127.0.0.1 , fe80::/10 "));
	assert_ptr_equal(conf_cidr_check(list), list + 11);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (conf_cidr_check(bad[i]) == NULL)
			fail_msg("%s is taken", bad[i]);
	assert_non_null(conf_cidr_check("10.0.0.0/8,"));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(match),
		cmocka_unit_test(check),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("cidr", tests, NULL, NULL);
}
