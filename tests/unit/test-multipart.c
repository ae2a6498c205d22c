/* Bodies of several parts: what is found in them, and why some are refused. */
#include <sys/mman.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail			/* ctx.h has its own */

#include "base/str.h"
#include "base/unread.h"
#include "web/multipart.h"

#define TYPE	"multipart/form-data; boundary=XX"
#define HEAD	"Content-Disposition: form-data; name=\"file\"; filename="

static struct ctx		 cx;
static struct multipart_part	*parts;
static size_t			 n;
static int			 fd;

static int
open_cx(void **state)
{
	(void)state;
	cx = (struct ctx){ .a = arena_new(0), .lang = LANG_EN };
	fd = memfd_create("body", MFD_CLOEXEC);
	return fd == -1 ? -1 : 0;
}

static int
close_cx(void **state)
{
	(void)state;
	close(fd);
	arena_free(cx.a);
	return 0;
}

static int
parse(const char *type, const char *body, size_t len)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, body, len, 0), len);
	fail_clear(&cx);
	return multipart_parse(&cx, fd, type, &parts, &n);
}
#define PARSE(body)	parse(TYPE, body, strlen(body))

static void
content_is(size_t i, const char *want)
{
	char	 buf[64] = "";

	assert_true(i < n);
	assert_int_equal(parts[i].len, strlen(want));
	assert_int_equal(pread(fd, buf, strlen(want), parts[i].from), strlen(want));
	assert_string_equal(buf, want);
}

static void
refused(const char *type, const char *body, size_t len, enum unread why)
{
	assert_int_equal(parse(type, body, len), -1);
	assert_int_equal(cx.fail.kind, F_BODY);
	assert_string_equal(cx.fail.what, unread_text(why, LANG_EN));
}
#define REFUSED(body, why)	refused(TYPE, body, strlen(body), UNREAD_##why)

static void
several(void **state)
{
	const char	 quoted[] = "--a b:c\r\n" HEAD "a\r\n\r\n1\r\n--a b:c--";

	(void)state;
	assert_int_equal(PARSE("--XX\r\n" HEAD "\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n"
	    "one\r\n--X\r\n\r\n--XX \t\r\n" HEAD "b\r\n\r\n\r\n--XX\r\n"
	    "content-disposition: form-data; name=x\r\n\r\ny\r\n--XX--\r\nwhatever"), 0);
	assert_int_equal(n, 3);
	assert_string_equal(parts[0].name, "file");
	assert_string_equal(parts[0].file_name, "a.txt");
	content_is(0, "one\r\n--X\r\n");
	assert_string_equal(parts[1].file_name, "b");
	content_is(1, "");
	assert_string_equal(parts[2].name, "x");
	assert_null(parts[2].file_name);
	content_is(2, "y");

	/* What a part says of its encoding is not believed. */
	assert_int_equal(PARSE("--XX\r\n" HEAD "a\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	    "aGk=\r\n--XX--"), 0);
	content_is(0, "aGk=");
	assert_int_equal(PARSE("--XX\r\n\r\nno head\r\n--XX--"), 0);
	assert_string_equal(parts[0].name, "");
	content_is(0, "no head");
	assert_int_equal(parse("multipart/form-data; charset=x; boundary=\"a b:c\"", quoted,
	    sizeof(quoted) - 1), 0);
	content_is(0, "1");
	assert_int_equal(PARSE("\r\n--XX\r\n\r\nan empty line before\r\n--XX--"), 0);
	content_is(0, "an empty line before");
	assert_int_equal(PARSE("a preamble --XX\r\n--XX\r\n\r\nx\r\n--XX--"), 0);
	assert_int_equal(n, 1);
	assert_int_equal(PARSE("--XX--\r\n"), 0);
	assert_int_equal(n, 0);
}

static void
name_is(const char *sent, const char *want)
{
	char	*body = arena_printf(cx.a, "--XX\r\n" HEAD "%s\r\n\r\nx\r\n--XX--", sent);

	assert_int_equal(PARSE(body), 0);
	assert_non_null(parts[0].file_name);
	assert_string_equal(parts[0].file_name, want);
	content_is(0, "x");
}

static void
names(void **state)
{
	(void)state;
	name_is("\"季度报告 (终).pdf\"", "季度报告 (终).pdf");
	name_is("\"😀.txt\"", "😀.txt");
	name_is("\"../../etc/passwd\"", "passwd");
	name_is("\"C:\\dir\\notes.md\"", "notes.md");
	name_is("\"C:\\\\dir\\\\notes.md\"", "notes.md");
	name_is("\"a%22b%22.txt\"", "a\"b\".txt");
	name_is("\"a\\\"b.txt\"", "a\"b.txt");
	name_is("\"a%0D%0Ab%0a.txt\"", "ab.txt");
	name_is("\"a%2Fb%20c.txt\"", "a%2Fb%20c.txt");
	name_is("\"a\x01\x1f\x7f\t.txt\"", "a.txt");
	name_is("\"a\xe2\x80\xae" "fdp.exe\"", "afdp.exe");	/* to be read from the right */
	name_is("\"  a b  \"", "a b");
	name_is("\"dir/\"", "");
	name_is("\"\"", "");
	name_is("plain.txt", "plain.txt");
	name_is("\"a;b=c.txt\"; size=3", "a;b=c.txt");
	name_is("\"%\"", "%");
	name_is("\"%2\"", "%2");
}

static void
broken(void **state)
{
	struct str	 s = STR_INIT(0);

	(void)state;
	REFUSED("", NO_PART);
	REFUSED("junk", NO_PART);
	REFUSED("junk --XX\r\n\r\nx\r\n--X", NO_PART);
	REFUSED("--X", NO_PART);
	REFUSED("--XX", CUT);
	REFUSED("--XX\r\n" HEAD "\"a\"\r\n\r\nhalf", CUT);
	REFUSED("--XX\r\n" HEAD "\"a\"\r\n\r\nhalf\r\n--X", CUT);
	REFUSED("--XX\r\n" HEAD "\"a\"\r\n\r\nwhole\r\n--XX", CUT);
	REFUSED("--XX\r\n" HEAD "\"a\"\r\n\r\nwhole\r\n--XX\r\n" HEAD, PART_HEAD);
	REFUSED("--XX\r\n" HEAD "\"a\"", PART_HEAD);
	REFUSED("--XXX\r\n\r\nx\r\n--XX--", PART_HEAD);
	REFUSED("--XX\r\nContent-Type: multipart/mixed; boundary=Y\r\n\r\n--Y--\r\n--XX--", NESTED);
	REFUSED("--XX\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nc\r\n--XX--", NESTED);
	refused(TYPE, "--XX\r\nA: \0\r\n\r\nx\r\n--XX--", 23, UNREAD_PART_HEAD);
	refused("multipart/form-data", "--XX--", 6, UNREAD_BOUNDARY);
	refused("multipart/form-data; boundary=\"\"", "----", 4, UNREAD_BOUNDARY);
	refused("", "--XX--", 6, UNREAD_BOUNDARY);

	str_puts(&s, "--XX\r\nA: ");
	for (int i = 0; i < 9000; i++)
		str_putc(&s, 'a');
	str_puts(&s, "\r\n\r\nx\r\n--XX--");
	REFUSED(s.p, PART_HEAD);
	str_reset(&s);
	for (int i = 0; i < MULTIPART_MOST; i++)
		str_puts(&s, "--XX\r\n" HEAD "a\r\n\r\n\r\n");
	str_puts(&s, "--XX--");
	assert_int_equal(PARSE(s.p), 0);
	assert_int_equal(n, MULTIPART_MOST);
	s.len -= 2;
	str_puts(&s, "\r\n" HEAD "a\r\n\r\n\r\n--XX--");
	REFUSED(s.p, PARTS);
	str_free(&s);
}

/* Wherever a delimiter lies in what is read at once, it is found. */
static void
edges(void **state)
{
	const char	 begin[] = "--XX\r\n" HEAD "a\r\n\r\n";
	struct str	 s = STR_INIT(0);
	const size_t	 window = 65536;

	(void)state;
	for (size_t len = window - 12; len < window + 12; len++) {
		str_reset(&s);
		str_puts(&s, begin);
		memset(str_room(&s, len), '\r', len);
		s.len += len;
		str_puts(&s, "\r\n--XX\r\n" HEAD "b\r\n\r\n2\r\n--XX--");
		assert_int_equal(parse(TYPE, s.p, s.len), 0);
		assert_int_equal(n, 2);
		assert_int_equal(parts[0].len, len);
		content_is(1, "2");
	}
	str_free(&s);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(several, open_cx, close_cx),
		cmocka_unit_test_setup_teardown(names, open_cx, close_cx),
		cmocka_unit_test_setup_teardown(broken, open_cx, close_cx),
		cmocka_unit_test_setup_teardown(edges, open_cx, close_cx),
	};

	return cmocka_run_group_tests_name("multipart", tests, NULL, NULL);
}
