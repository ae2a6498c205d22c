/* Which addresses are of files that this service keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/chat_file.h"
#include "base/arena.h"

#include <cmocka.h>
#undef fail

#define NOT_OURS	-1

static int64_t
document_of(const char *url, const char *host)
{
	int64_t	 document = 4711;

	return chat_file_parse(url, host, &document) ? document : NOT_OURS;
}

static void
written_and_read(void **state)
{
	struct arena	*a = arena_new(0);

	(void)state;
	assert_string_equal(chat_file_url(a, 77), "/v1/chat/document/77/file");
	assert_int_equal(document_of(chat_file_url(a, 9007199254740991), NULL), 9007199254740991);
	arena_free(a);
}

static void
paths(void **state)
{
	(void)state;
	assert_int_equal(document_of("/v1/chat/document/7/file", NULL), 7);
	assert_int_equal(document_of("/api/v1/chat/document/7/file", "a.example"), 7);
	assert_int_equal(document_of("/v1/chat/document/7/file?token=x#page", NULL), 7);
	assert_int_equal(document_of("/v1/chat/document/x/file", NULL), 0);
	assert_int_equal(document_of("/v1/chat/document//file", NULL), 0);
	assert_int_equal(document_of("/v1/chat/document/-7/file", NULL), 0);
	assert_int_equal(document_of("/v1/chat/document/7", NULL), 0);
	assert_int_equal(document_of("/v1/chat/document/7/files", NULL), 0);
	assert_int_equal(document_of("/v1/chat/document/7/file/", NULL), 0);
	assert_int_equal(document_of("/v1/chat/document/7?/file", NULL), 0);
	assert_int_equal(document_of("/v1/chat/document/99999999999999999999999/file", NULL), 0);
	assert_int_equal(document_of("/v1/chat/document", NULL), NOT_OURS);
	assert_int_equal(document_of("/v1/chat/session/7", NULL), NOT_OURS);
	assert_int_equal(document_of("v1/chat/document/7/file", NULL), NOT_OURS);
	assert_int_equal(document_of("", "a.example"), NOT_OURS);
}

static void
hosts(void **state)
{
	static const char	 port[] = "http://a.example:8080/v1/chat/document/7/file";

	(void)state;
	assert_int_equal(document_of("http://a.example/v1/chat/document/7/file", "a.example"), 7);
	assert_int_equal(document_of("HTTPS://A.Example/api/v1/chat/document/7/file?x", "a.example"),
	    7);
	assert_int_equal(document_of(port, "a.example:8080"), 7);
	assert_int_equal(document_of("http://[::1]:80/v1/chat/document/7/file", "[::1]"), 7);
	assert_int_equal(document_of("https://a.example/v1/chat/document/7/file", "a.example:443"),
	    7);
	assert_int_equal(document_of("https://a.example/v1/chat/document/x/file", "a.example"), 0);

	assert_int_equal(document_of(port, "a.example"), NOT_OURS);
	assert_int_equal(document_of(port, NULL), NOT_OURS);
	assert_int_equal(document_of(port, ""), NOT_OURS);
	assert_int_equal(document_of("https://a.example/v1/chat/document/7/file", "a.example:80"),
	    NOT_OURS);
	assert_int_equal(document_of("http://b.example/v1/chat/document/7/file", "a.example"),
	    NOT_OURS);
	assert_int_equal(document_of("http://a.example.evil/v1/chat/document/7/file", "a.example"),
	    NOT_OURS);
	assert_int_equal(document_of("http://a.example@b/v1/chat/document/7/file", "a.example"),
	    NOT_OURS);
	assert_int_equal(document_of("http://a.example/v1/chat/other/7/file", "a.example"),
	    NOT_OURS);
	assert_int_equal(document_of("http://a.example", "a.example"), NOT_OURS);
	assert_int_equal(document_of("ftp://a.example/v1/chat/document/7/file", "a.example"),
	    NOT_OURS);
	assert_int_equal(document_of("http://", ""), NOT_OURS);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(written_and_read),
		cmocka_unit_test(paths),
		cmocka_unit_test(hosts),
	};

	return cmocka_run_group_tests_name("chat-file", tests, NULL, NULL);
}
