/* Kinds of files, by name and content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/kind.h"

static void
names(void **state)
{
	(void)state;
	assert_string_equal(kind_by_name("a.txt")->type, "txt");
	assert_string_equal(kind_by_name("报告.PDF")->media_type, "application/pdf");
	assert_string_equal(kind_by_name("a.b.Htm")->type, "html");
	assert_string_equal(kind_by_name(".jpeg")->type, "image");
	assert_null(kind_by_name("a.exe"));
	assert_null(kind_by_name("pdf"));
	assert_null(kind_by_name("a.pdf."));
	assert_null(kind_by_name(""));
	assert_true(kind_named("a.exe") && kind_named("报告.PDF") && kind_named("a.b.mp3"));
	assert_false(kind_named("a") || kind_named("第1.2节") || kind_named("v1.2") ||
	    kind_named("a.b c") || kind_named("a.pdf.") || kind_named("a.thisisnone") ||
	    kind_named(""));
}

/* What it is handed out as; "": it is not taken. */
static const char *
told(const char *name, const char *head, size_t n)
{
	const struct kind	*k = kind_of(name, head, n);

	return k != NULL ? k->media_type : "";
}
#define TOLD(name, head)	told(name, head, sizeof(head) - 1)

static void
contents(void **state)
{
	(void)state;
	assert_string_equal(TOLD("a.txt", "你好"), "text/plain");
	assert_string_equal(TOLD("a.txt", ""), "text/plain");
	assert_string_equal(TOLD("a.md", "\xb1\xa8"), "text/markdown");	/* GBK */
	assert_string_equal(TOLD("a.txt", "\xff\xfe" "a\0"), "text/plain");
	assert_string_equal(TOLD("a.txt", "a\0b"), "");
	assert_string_equal(TOLD("a.html", "<p>"), "text/html");
	assert_string_equal(TOLD("a.pdf", "%PDF-1.7\n"), "application/pdf");
	assert_string_equal(TOLD("a.pdf", "\n\n%PDF-1.4"), "application/pdf");
	assert_string_equal(TOLD("a.pdf", "<html>"), "");
	assert_string_equal(TOLD("a.pdf", ""), "");
	assert_non_null(strstr(TOLD("a.docx", "PK\x03\x04..."), "wordprocessingml"));
	assert_string_equal(TOLD("a.docx", "\xd0\xcf\x11\xe0"), "");	/* an old .doc */
	assert_string_equal(TOLD("a.exe", "MZ"), "");
	assert_string_equal(TOLD("a", "text"), "");
}

static void
images(void **state)
{
	(void)state;
	assert_string_equal(TOLD("a.png", "\x89PNG\r\n\x1a\n..."), "image/png");
	assert_string_equal(TOLD("a.jpg", "\xff\xd8\xff\xe0"), "image/jpeg");
	assert_string_equal(TOLD("a.gif", "GIF89a.."), "image/gif");
	assert_string_equal(TOLD("a.gif", "GIF87a.."), "image/gif");
	assert_string_equal(TOLD("a.webp", "RIFF....WEBPVP8 "), "image/webp");
	/* Its content says which; its name, that it is one. */
	assert_string_equal(TOLD("a.jpg", "\x89PNG\r\n\x1a\n..."), "image/png");
	assert_string_equal(TOLD("a.txt", "\x89PNG\r\n\x1a\n\0"), "");
	assert_string_equal(TOLD("a.png", "RIFF....WAVE"), "");
	assert_string_equal(TOLD("a.png", "RIFF"), "");
	assert_string_equal(TOLD("a.png", "<svg/>"), "");
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(contents),
		cmocka_unit_test(images),
	};

	return cmocka_run_group_tests_name("kind", tests, NULL, NULL);
}
