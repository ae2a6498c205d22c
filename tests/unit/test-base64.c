#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"

/* RFC 4648, 10; and every digit. */
static void
known(void **state)
{
	static const struct {
		const char	*plain;
		size_t		 n;
		const char	*coded;
	} cases[] = {
		{ "", 0, "" },
		{ "f", 1, "Zg==" },
		{ "fo", 2, "Zm8=" },
		{ "foo", 3, "Zm9v" },
		{ "foob", 4, "Zm9vYg==" },
		{ "fooba", 5, "Zm9vYmE=" },
		{ "foobar", 6, "Zm9vYmFy" },
		{ "\0\xff\xfe", 3, "AP/+" },
		{ "\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41\x14\x93\x51\x55\x97\x61\x96\x9b"
		  "\x71\xd7\x9f\x82\x18\xa3\x92\x59\xa7\xa2\x9a\xab\xb2\xdb\xaf\xc3\x1c\xb3\xd3\x5d\xb7"
		  "\xe3\x9e\xbb\xf3\xdf\xbf", 48,
		  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" },
	};
	char	 dst[80];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(dst, '!', sizeof(dst));
		base64_write(dst, cases[i].plain, cases[i].n);
		assert_int_equal(BASE64_LEN(cases[i].n), strlen(cases[i].coded));
		assert_memory_equal(dst, cases[i].coded, strlen(cases[i].coded));
		assert_int_equal(dst[strlen(cases[i].coded)], '!');
	}
}

static void
reads(const char *coded, const char *plain)
{
	char	 dst[80];

	assert_int_equal(base64_read(dst, coded, strlen(coded)), strlen(plain));
	assert_memory_equal(dst, plain, strlen(plain));
}

static void
read_back(void **state)
{
	static const char *const	 bad[] = {
		"Z", "Zg=", "Zm9vY", "Zg==Zg==", "Z===", "====", "=", "Zm9v=", "Zm9v!", "Zm-v", "Zm9vYg=="
		"=", "Zg=x",
	};
	char	 all[256], coded[BASE64_LEN(sizeof(all))], back[BASE64_BYTES(sizeof(coded))];

	(void)state;
	reads("", "");
	reads("Zg==", "f");
	reads("Zm8=", "fo");
	reads("Zm9v", "foo");
	reads("Zm9vYmFy", "foobar");
	reads("Zg", "f");			/* without padding */
	reads("Zm8", "fo");
	reads(" Zm9v\r\n\tYm Fy\n", "foobar");	/* in lines, as MIME has it */
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(base64_read(back, bad[i], strlen(bad[i])), -1);
	assert_int_equal(base64_read(back, "Zm\0v", 4), -1);
	for (size_t n = 0; n <= sizeof(all); n++) {
		for (size_t i = 0; i < n; i++)
			all[i] = (char)(i * 37 + n);
		base64_write(coded, all, n);
		assert_int_equal(base64_read(back, coded, BASE64_LEN(n)), n);
		assert_memory_equal(back, all, n);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(known), cmocka_unit_test(read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
