#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/zone.h"

#define MS(s)	((int64_t)(s) * 1000)

static void
assert_format(int64_t s, const char *zone, const char *expected)
{
	char	text[32];

	clock_format(text, sizeof(text), MS(s), zone);
	assert_string_equal(text, expected);
}

static void
assert_parse(const char *text, const char *zone, int64_t expected)
{
	int64_t	ms = 0;

	if (clock_parse(text, zone, &ms) == -1)
		fail_msg("%s is refused", text);
	assert_int_equal(ms, expected);
}

static void
now(void **state)
{
	int64_t	wall = clock_ms(), mono = clock_mono_ms(), us = clock_mono_us();

	(void)state;
	assert_true(wall > INT64_C(1700000000000));
	assert_true(us / 1000 - mono >= 0 && us / 1000 - mono < 1000);
	usleep(3000);
	assert_true(clock_mono_us() - us >= 3000);
}

static void
format(void **state)
{
	char	text[32];

	(void)state;
	assert_format(1730701729, "Asia/Shanghai", "2024-11-04 14:28:49");
	assert_format(1730701729, "UTC", "2024-11-04 06:28:49");
	assert_format(1730701729, "+08:00", "2024-11-04 14:28:49");
	assert_format(1730701729, "-0330", "2024-11-04 02:58:49");
	assert_format(1730701729, "+08", "2024-11-04 14:28:49");
	assert_format(1730701730, "+08", "2024-11-04 14:28:50");
	assert_format(1730701729, "no/where", "2024-11-04 06:28:49");
	assert_format(0, "UTC", "1970-01-01 00:00:00");
	assert_format(951782400, "UTC", "2000-02-29 00:00:00");
	assert_format(INT64_C(9000000000000), "UTC", "9999-12-31 23:59:59");

	clock_rfc3339(text, sizeof(text), 1730701729416);
	assert_string_equal(text, "2024-11-04T06:28:49.416Z");
	clock_rfc3339(text, sizeof(text), 1730701729007);
	assert_string_equal(text, "2024-11-04T06:28:49.007Z");
	clock_rfc3339(text, sizeof(text), -1);
	assert_string_equal(text, "1969-12-31T23:59:59.999Z");
}

static void
parse(void **state)
{
	(void)state;
	assert_parse("2024-11-04 14:28:49", "Asia/Shanghai", MS(1730701729));
	assert_parse("2024-11-04 06:28:49", "UTC", MS(1730701729));
	assert_parse("2024-11-04", "Asia/Shanghai", MS(1730649600));
	assert_parse("2024-11-04T06:28:49.416Z", "Asia/Shanghai", 1730701729416);
	assert_parse("2024-11-04T06:28:49.4169999Z", "Asia/Shanghai", 1730701729416);
	assert_parse("2024-11-04T06:28:49,4z", "Asia/Shanghai", 1730701729400);
	assert_parse("2024-11-04T14:28:49+08:00", "UTC", MS(1730701729));
	assert_parse("2024-11-04t01:28:49.5-0500", "UTC", 1730701729500);
	assert_parse("2024-11-04T14:28:49", "Asia/Shanghai", MS(1730701729));
	assert_parse("2024-11-04T14:28", "Asia/Shanghai", MS(1730701680));
	assert_parse("2024-02-29", "UTC", MS(1709164800));
	assert_parse("1969-12-31 23:59:59", "UTC", -1000);
}

static void
parse_refuses(void **state)
{
	static const char *const	bad[] = {
		"", "2024", "2024-11", "2024-1-4", "24-11-04", "2024-02-30", "2023-02-29",
		"2024-13-01", "2024-00-01", "2024-01-00", "2024-04-31", "2024/11/04", " 2024-11-04",
		"2024-11-04 ", "2024-11-04 14", "2024-11-04 24:00:00", "2024-11-04 14:60:00",
		"2024-11-04 14:28:60", "2024-11-04 14:28:49.", "2024-11-04 14:28:49 x",
		"2024-11-04T14:28:49+8", "2024-11-04T14:28:49Zx", "2024-11-04T14:28:49+08:60",
		"2024-11-04X14:28:49", "2024-11-04 14:28:49-99:00",
	};
	int64_t	ms = 42;
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (clock_parse(bad[i], "UTC", &ms) != -1)
			fail_msg("%s is taken", bad[i]);
	assert_int_equal(ms, 42);
}

static void
zone_check(void **state)
{
	(void)state;
	assert_int_equal(clock_zone_check("Asia/Shanghai"), 0);
	assert_int_equal(clock_zone_check("UTC"), 0);
	assert_int_equal(clock_zone_check("+05:30"), 0);
	assert_int_equal(clock_zone_check(""), -1);
	assert_int_equal(clock_zone_check("Mars/Olympus"), -1);
	assert_int_equal(clock_zone_check("../zoneinfo/UTC"), -1);
	assert_int_equal(clock_zone_check("/etc/localtime"), -1);
	assert_int_equal(clock_zone_check("+8"), -1);
	assert_int_equal(clock_zone_check("+08:00x"), -1);
	assert_int_equal(clock_zone_check("Far/Far/Far/Far/Far/Far/Far/Far/Far/Far/Far/Far/Far/Far/"
	    "Far/Far/Away"), -1);
}

/* A zone file of our own: no changes listed, only one type and the rule. */
static size_t
zone_file(unsigned char *p, const char *rule, int32_t offset)
{
	size_t	n = 0;
	int	block;

	for (block = 0; block < 2; block++) {
		memcpy(p + n, "TZif2", 5);
		memset(p + n + 5, 0, 39);
		p[n + 39] = 1;			/* types */
		p[n + 43] = 1;			/* characters */
		n += 44;
		p[n++] = (unsigned char)(offset >> 24);
		p[n++] = (unsigned char)(offset >> 16);
		p[n++] = (unsigned char)(offset >> 8);
		p[n++] = (unsigned char)offset;
		p[n++] = 0;
		p[n++] = 0;
		p[n++] = 0;
	}
	return n + (size_t)sprintf((char *)p + n, "\n%s\n", rule);
}

static void
zone_write(const char *dir, const char *name, const unsigned char *p, size_t n)
{
	char	 path[256];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_non_null(f = fopen(path, "w"));
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

static void
zone_files(void **state)
{
	char		 dir[] = "/tmp/test-clock.XXXXXX", name[32], path[256];
	const char	*old = getenv("TZDIR");
	unsigned char	 p[512];
	size_t		 n, i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	setenv("TZDIR", dir, 1);

	n = zone_file(p, "CET-1CEST,M3.5.0,M10.5.0/3", 3600);
	zone_write(dir, "Berlin", p, n);
	assert_format(1705312800, "Berlin", "2024-01-15 11:00:00");
	assert_format(1720000800, "Berlin", "2024-07-03 12:00:00");
	assert_format(1711846799, "Berlin", "2024-03-31 01:59:59");	/* to the second */
	assert_format(1711846800, "Berlin", "2024-03-31 03:00:00");
	assert_format(1729990799, "Berlin", "2024-10-27 02:59:59");
	assert_format(1729990800, "Berlin", "2024-10-27 02:00:00");
	assert_format(INT64_C(4118040000), "Berlin", "2100-06-30 14:00:00");
	assert_parse("2024-01-15 11:00:00", "Berlin", MS(1705312800));
	assert_parse("2024-07-03 12:00:00", "Berlin", MS(1720000800));
	assert_parse("2024-10-27 02:30:00", "Berlin", MS(1729989000));	/* twice */
	assert_parse("2024-03-31 02:30:00", "Berlin", MS(1711848600));	/* never */

	/* summer over New Year */
	n = zone_file(p, "AEST-10AEDT,M10.1.0,M4.1.0/3", 36000);
	zone_write(dir, "Sydney", p, n);
	assert_format(1705312800, "Sydney", "2024-01-15 21:00:00");
	assert_format(1720000800, "Sydney", "2024-07-03 20:00:00");

	/* days of the year, names in brackets */
	n = zone_file(p, "<+0330>-3:30<+0430>,J79/24,J263/24", 12600);
	zone_write(dir, "Tehran", p, n);
	assert_format(1705312800, "Tehran", "2024-01-15 13:30:00");
	assert_format(1720000800, "Tehran", "2024-07-03 14:30:00");

	/* summer time for ever */
	n = zone_file(p, "XXX-2<+01>-1,0/0,J365/23", 3600);
	zone_write(dir, "Morocco", p, n);
	assert_format(1705312800, "Morocco", "2024-01-15 11:00:00");
	assert_format(1720000800, "Morocco", "2024-07-03 11:00:00");

	/* Files that are not whole are unknown zones, wherever they end. */
	n = zone_file(p, "CET-1CEST,M3.5.0,M10.5.0/3", 3600);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "cut%zu", i);
		zone_write(dir, name, p, i);
		if (clock_zone_check(name) != -1)
			fail_msg("a zone file cut at %zu is taken", i);
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		unlink(path);
	}
	for (i = 0; i < 6; i++) {		/* counts that promise more than there is */
		n = zone_file(p, "", 0);
		p[51 + 20 + 4 * i] = 0x7f;
		zone_write(dir, "huge", p, n);
		assert_int_equal(clock_zone_check("huge"), -1);
	}
	n = zone_file(p, "CET-1CEST,M13.5.0,M10.5.0/3", 3600);
	zone_write(dir, "huge", p, n);
	assert_int_equal(clock_zone_check("huge"), -1);

	/* Without a database the zones a small machine needs are there. */
	assert_format(1730701729, "PRC", "2024-11-04 14:28:49");
	assert_int_equal(clock_zone_check("Etc/UTC"), 0);
	assert_int_equal(clock_zone_check("America/New_York"), -1);

	for (i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir,
		    ((const char *[]){ "Berlin", "Sydney", "Tehran", "Morocco", "huge" })[i]);
		unlink(path);
	}
	rmdir(dir);
	if (old != NULL)
		setenv("TZDIR", old, 1);
	else
		unsetenv("TZDIR");
}

/* The real database, where it is installed. */
static void
zone_database(void **state)
{
	(void)state;
	if (clock_zone_check("America/New_York") == -1) {
		skip();
		return;
	}
	assert_format(1705312800, "America/New_York", "2024-01-15 05:00:00");
	assert_format(1720000800, "America/New_York", "2024-07-03 06:00:00");
	assert_format(-1000000000, "America/New_York", "1938-04-24 18:13:20");
	assert_format(579000000, "Asia/Shanghai", "1988-05-07 18:20:00");	/* summer time */
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(now),
		cmocka_unit_test(format),
		cmocka_unit_test(parse),
		cmocka_unit_test(parse_refuses),
		cmocka_unit_test(zone_check),
		cmocka_unit_test(zone_files),
		cmocka_unit_test(zone_database),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
