/* Text out of files: what is tidied, encodings, formats, and files that are made to do harm. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "base/arena.h"
#include "base/scratch.h"
#include "core/charset.h"
#include "core/text.h"

#define MEGA	1000000

static struct str	text = STR_INIT(0);

/* ---- tidying --------------------------------------------------------------------------------- */

static void
tidy(const char *from, size_t n, const char *to, size_t characters)
{
	struct str	 out = STR_INIT(0);

	assert_int_equal(text_tidy(&out, from, n), characters);
	assert_string_equal(out.p != NULL ? out.p : "", to);
	str_free(&out);
}
#define TIDY(from, to, characters) tidy(from, sizeof(from) - 1, to, characters)

static void
tidied(void **state)
{
	(void)state;
	TIDY("", "", 0);
	TIDY(" \t\r\n \f\n", "", 0);
	TIDY("a", "a", 1);
	TIDY("\xef\xbb\xbf" "a\r\nb\rc\nd", "a\nb\nc\nd", 7);
	TIDY("\n\n a \n\n\n\n\tb  \n \n\n", " a\n\n\tb", 6);
	TIDY("a\fb\v\x0b" "c\xe2\x80\xa8" "d", "a\nb\n\nc\nd", 8);
	TIDY("a\0b\x01\x7f\xc2\x9f" "c\x1b[0m", "abc[0m", 6);
	TIDY("a\xff\xfe" "b\xe4\xb8", "ab", 2);			/* no UTF-8 */
	TIDY("\xef\xbf\xbf" "中\xef\xb7\x90文", "中文", 2);		/* no characters */
	TIDY("a\n\r\nb\r\r\nc", "a\n\nb\n\nc", 7);
}

/* ---- encodings ------------------------------------------------------------------------------- */

static void
decode(const char *p, size_t n, const char *name, const char *to)
{
	struct str	 out = STR_INIT(0);
	int		 rc;

	str_puts(&out, "-");
	rc = charset_decode(&out, p, n, name);
	assert_int_equal(rc, to != NULL ? 0 : -1);
	if (to != NULL)
		assert_string_equal(out.p + 1, to);
	str_free(&out);
}
#define DECODE(from, name, to)	decode(from, sizeof(from) - 1, name, to)

static void
decoded(void **state)
{
	(void)state;
	DECODE("", NULL, "");
	DECODE("中文 text", NULL, "中文 text");
	DECODE("\xef\xbb\xbf中文", NULL, "中文");
	DECODE("\xff\xfe-N\x87" "e!\x00", NULL, "中文!");
	DECODE("\xfe\xffN-e\x87\xd8\x3d\xde\x00", NULL, "中文😀");
	DECODE("\xd6\xd0\xce\xc4", NULL, "中文");			/* GB2312 */
	DECODE("\xd6\xd0\x81\x30\x81\x30", NULL, "中\xc2\x80");	/* GB18030, four bytes */
	DECODE("\xd6\xd0\xce\xc4", "gb2312", "中文");
	DECODE("\xa4\xa4\xa4\xe5", "Big5", "中文");
	DECODE("\x92\x86\x95\xb6", "shift_jis", "中文");
	DECODE("caf\xe9 bien", "ISO-8859-1", "café bien");
	DECODE("中文", "gbk", "中文");				/* whatever it says */
	DECODE("\xd6\xd0\xce\xc4", "ISO-2022-CN-EXT", "中文");	/* a name that is not tried */
	DECODE("\xff\xff\xff\xff", NULL, NULL);
	DECODE("a\0b", NULL, NULL);
	DECODE("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", NULL, NULL);
	DECODE("\x01\x02\x03\x04\x05 abc", NULL, NULL);
	DECODE("\xff\xfe-N\x87", NULL, NULL);			/* half a character */
}

/* ---- files ----------------------------------------------------------------------------------- */

static enum text_end
read_file(const char *type, const char *p, size_t n)
{
	const int	fd = scratch_open("/tmp");
	enum text_end	end;

	assert_int_not_equal(fd, -1);
	assert_int_equal(scratch_put(fd, p, n), 0);
	str_reset(&text);
	end = text_read(type, fd, 30, NULL, NULL, &text);
	close(fd);
	return end;
}
#define READ(type, from)	read_file(type, from, sizeof(from) - 1)

#define GIVES(call, to) do { \
	const enum text_end	 end_ = call; \
	if (end_ != TEXT_OK) \
		print_message("# %s\n", reason_name(text_why(end_))); \
	assert_int_equal(end_, TEXT_OK); \
	assert_string_equal(text.p, to); \
} while (0)

static void
plain(void **state)
{
	(void)state;
	GIVES(READ("txt", "one\r\n\r\ntwo\n"), "one\n\ntwo");
	GIVES(READ("md", "# 标题\n\n* \xe4\xb8\xad\n"), "# 标题\n\n* 中");
	GIVES(READ("txt", "\xd6\xd0\xce\xc4\n"), "中文");
	assert_int_equal(READ("txt", ""), TEXT_EMPTY);
	assert_int_equal(READ("txt", " \n\t\n"), TEXT_EMPTY);
	assert_int_equal(READ("txt", "%PDF-1.4\n1 0 obj"), TEXT_BINARY);
	assert_int_equal(READ("md", "PK\x03\x04 packed"), TEXT_BINARY);
	assert_int_equal(READ("html", "%PDF-1.4\n<p>"), TEXT_BINARY);
	assert_int_equal(READ("txt", "It begins with %PDF-"), TEXT_OK);
	assert_int_equal(READ("txt", "\x7f" "ELF\x02\x01\x01\0\0\0\0\0"), TEXT_BINARY);
	assert_int_equal(READ("doc", "x"), TEXT_UNKNOWN);
}

static void
one_too_many(void **state)
{
	char	*p = xmalloc(3 * MEGA + 3);

	(void)state;
	for (size_t i = 0; i <= MEGA; i++)
		memcpy(p + 3 * i, "中", 3);
	assert_int_equal(read_file("txt", p, 3 * MEGA), TEXT_OK);
	assert_int_equal(text.len, 3 * MEGA);
	assert_int_equal(read_file("txt", p, 3 * MEGA + 3), TEXT_LONG);
	free(p);
}

static void
html(void **state)
{
	(void)state;
	GIVES(READ("html", "<!DOCTYPE html><html><head><title>The  title</title>"
	    "<style>p { color: red }</style><script>if (1 < 2) alert('x')</script></head>"
	    "<body><h1>One</h1><p>a &amp; b &#20013;&nbsp;<b>bold</b>\n text<p>next<br>line"
	    "<ul><li>x<li>y</ul><table><tr><td>1</td><td>2</td></tr></table>"
	    "<pre>  kept\n  so</pre><svg><text>no</text></svg></body></html>"),
	    "The title\n\nOne\n\na & b 中\xc2\xa0" "bold text\n\nnext\nline\n\nx\ny\n\n1\t2\n\n"
	    "  kept\n  so");
	GIVES(READ("html", "<meta charset=\"gb2312\"><p>\xd6\xd0\xce\xc4"), "中文");
	GIVES(READ("html", "<meta http-equiv=Content-Type content='text/html; charset=big5'>"
	    "<p>\xa4\xa4\xa4\xe5"), "中文");
	GIVES(READ("html", "\xff\xfe<\0p\0>\0-N"), "中");
	GIVES(READ("html", "just text"), "just text");
	GIVES(READ("html", "<p>&unknown; &#0; <b <i>x</p></p></q>"), "&unknown; x");
	assert_int_equal(READ("html", "<script>1</script>"), TEXT_EMPTY);
	assert_int_equal(READ("html", "<p>a\0b\0c"), TEXT_BINARY);
	/* What names a file is not looked for. */
	assert_int_equal(READ("html", "<!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
	    "<p>a&x;b"), TEXT_OK);
	assert_non_null(strstr(text.p, "a&x;b"));
}

/* Deep nesting ends in some way, and soon. */
static void
deep(void **state)
{
	const size_t	 n = 500000;
	char		*p = xmalloc(5 * n + 1);

	(void)state;
	for (size_t i = 0; i < n; i++)
		memcpy(p + 5 * i, "<div>", 5);
	p[5 * n] = 'x';
	assert_int_not_equal(read_file("html", p, 5 * n + 1), TEXT_NONE);
	free(p);
}

/* ---- DOCX ------------------------------------------------------------------------------------ */

#define W	"<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"" \
		" xmlns:mc=\"http://schemas.openxmlformats.org/markup-compatibility/2006\"><w:body>"
#define W_END	"</w:body></w:document>"

/* A ZIP file of these parts (name, content, …, NULL), read as DOCX. */
static enum text_end
docx_of(const char *const *parts, size_t len)
{
	char		 path[] = "/tmp/test-text-XXXXXX";
	struct str	 all = STR_INIT(0);
	enum text_end	 end;
	zip_t		*z;
	FILE		*f;
	int		 error;

	close(mkstemp(path));
	assert_non_null(z = zip_open(path, ZIP_TRUNCATE | ZIP_CREATE, &error));
	for (; *parts != NULL; parts += 2)
		assert_true(zip_file_add(z, parts[0], zip_source_buffer(z, parts[1],
		    len != 0 ? len : strlen(parts[1]), 0), 0) >= 0);
	assert_int_equal(zip_close(z), 0);
	assert_non_null(f = fopen(path, "r"));
	for (size_t n = 1; n > 0; all.len += n)
		n = fread(str_room(&all, 65536), 1, 65536, f);
	fclose(f);
	unlink(path);
	end = read_file("docx", all.p, all.len);
	str_free(&all);
	return end;
}

static enum text_end
docx(const char *xml)
{
	return docx_of((const char *const[]){ "word/document.xml", xml, NULL }, 0);
}

static void
docx_read(void **state)
{
	(void)state;
	GIVES(docx(W "<w:p><w:pPr><w:tabs><w:tab w:pos='1'/></w:tabs></w:pPr><w:r><w:t>One</w:t>"
	    "<w:tab/><w:t xml:space=\"preserve\"> two &lt;3</w:t><w:br/><w:t>中文</w:t></w:r>"
	    "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
	    "<w:p><w:r><w:t/><w:instrText>PAGE</w:instrText><w:t>next</w:t></w:r></w:p>" W_END),
	    "One\t two <3\n中文\n\nnext");
	GIVES(docx(W "<w:p><mc:AlternateContent><mc:Choice><w:t>box</w:t></mc:Choice><mc:Fallback>"
	    "<w:t>box</w:t></mc:Fallback></mc:AlternateContent></w:p>" W_END), "box");
	GIVES(docx_of((const char *const[]){ "word/document.xml", W "<w:p><w:t>a</w:t></w:p>" W_END,
	    "word/footnotes.xml", W "<w:p><w:t>note</w:t></w:p>" W_END,
	    "../../../../tmp/test-text-escaped", "x", "/etc/test-text-escaped", "x", NULL }, 0),
	    "a\n\nnote");
	assert_int_equal(access("/tmp/test-text-escaped", F_OK), -1);
	assert_int_equal(docx(W W_END), TEXT_EMPTY);
}

static void
docx_refused(void **state)
{
	(void)state;
	assert_int_equal(docx("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" W
	    "<w:p><w:t>&e;</w:t></w:p>" W_END), TEXT_DOCTYPE);
	assert_int_equal(docx("<!DOCTYPE x SYSTEM \"http://127.0.0.1/x.dtd\">" W
	    "<w:p><w:t>a</w:t></w:p>" W_END), TEXT_DOCTYPE);
	assert_int_equal(docx("<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
	    "<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;'>"
	    "<!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'><!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;'>"
	    "]>" W "<w:p><w:t>&e;&e;&e;</w:t></w:p>" W_END), TEXT_NOT_DOCX);
	assert_int_equal(docx(W "<w:p><w:t>never closed"), TEXT_NOT_DOCX);
	assert_int_equal(docx(W "<w:p><w:t>&nbsp;</w:t></w:p>" W_END), TEXT_NOT_DOCX);
	assert_int_equal(docx_of((const char *const[]){ "other.xml", "<a/>", NULL }, 0),
	    TEXT_NOT_DOCX);
	assert_int_equal(READ("docx", "PK\x03\x04 and then nothing of the kind"), TEXT_NOT_DOCX);
	assert_int_equal(READ("docx", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), TEXT_NOT_DOCX);
	assert_int_equal(READ("docx", ""), TEXT_NOT_DOCX);
}

/* A small file of 200 MB, of nothing but blanks within an element or between them. */
static void
bomb(void **state)
{
	const size_t	 n = 200 << 20;
	char		*p = xmalloc(n);
	enum text_end	 end;

	(void)state;
	memset(p, ' ', n);
	memcpy(p, W, sizeof(W) - 1);
	end = docx_of((const char *const[]){ "word/document.xml", p, NULL }, n);
	assert_true(end == TEXT_BOMB || end == TEXT_NOT_DOCX);
	for (size_t i = sizeof(W) - 1; i + 7 < n; i += 6)
		memcpy(p + i, "<w:x/>", 6);
	assert_int_equal(docx_of((const char *const[]){ "word/document.xml", p, NULL }, n),
	    TEXT_BOMB);
	free(p);
}

/* ---- PDF ------------------------------------------------------------------------------------- */

#define PDF_HEAD	"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
#define PDF_FONT	"4 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n"
#define PDF_TAIL	"trailer<</Root 1 0 R/Size 9>>\n%%EOF\n"
#define PDF_PAGE	"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 5 0 R" \
			"/Resources<</Font<</F 4 0 R>>>>>>endobj\n"

static void
pdf(void **state)
{
	(void)state;
	if (access(PDFTOTEXT, X_OK) == -1)
		skip();
	GIVES(READ("pdf", PDF_HEAD "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" PDF_PAGE
	    PDF_FONT "5 0 obj<</Length 41>>stream\nBT /F 12 Tf 10 100 Td (Hello, PDF) Tj ET \n"
	    "endstream endobj\n" PDF_TAIL), "Hello, PDF");
	/* Chinese in a font that is not in the file: needs poppler-data. */
	GIVES(READ("pdf", PDF_HEAD "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" PDF_PAGE
	    "4 0 obj<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/GBK-EUC-H"
	    "/DescendantFonts[6 0 R]>>endobj\n"
	    "6 0 obj<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo"
	    "<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>/FontDescriptor 7 0 R>>endobj\n"
	    "7 0 obj<</Type/FontDescriptor/FontName/STSong-Light/Flags 4/FontBBox[0 0 1 1]"
	    "/ItalicAngle 0/Ascent 1/Descent 0/CapHeight 1/StemV 1>>endobj\n"
	    "5 0 obj<</Length 42>>stream\nBT /F 12 Tf 10 100 Td <D6D0CEC4> Tj ET   \n"
	    "endstream endobj\n" PDF_TAIL), "中文");
}

static void
pdf_refused(void **state)
{
	enum text_end	 end;

	(void)state;
	if (access(PDFTOTEXT, X_OK) == -1)
		skip();
	assert_int_equal(READ("pdf", "not at all"), TEXT_NOT_PDF);
	assert_int_equal(READ("pdf", ""), TEXT_NOT_PDF);
	assert_int_equal(READ("pdf", "%PDF-1.4\n"), TEXT_NOT_PDF);
	assert_int_equal(READ("pdf", "\x89PNG\r\n\x1a\n\0\0\0\0"), TEXT_NOT_PDF);
	/* Pages that are their own pages; a content that is its own filter's input. */
	end = READ("pdf", PDF_HEAD "2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]/Count 99999>>endobj\n"
	    PDF_TAIL);
	assert_true(end == TEXT_EMPTY || end == TEXT_NOT_PDF || end == TEXT_SLOW);
	end = READ("pdf", PDF_HEAD "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" PDF_PAGE
	    PDF_FONT "5 0 obj<</Length 5 0 R/Filter[5 0 R]>>stream\nx\nendstream endobj\n"
	    PDF_TAIL);
	assert_true(end == TEXT_EMPTY || end == TEXT_NOT_PDF || end == TEXT_SLOW);
	/* A form that draws itself, twice each time. */
	end = READ("pdf", PDF_HEAD "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
	    "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 5 0 R/Resources"
	    "<</XObject<</X 6 0 R>>>>>>endobj\n"
	    "5 0 obj<</Length 5>>stream\n/X Do\nendstream endobj\n"
	    "6 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 6 0 R>>>>"
	    "/Length 11>>stream\n/X Do /X Do\nendstream endobj\n" PDF_TAIL);
	assert_true(end == TEXT_EMPTY || end == TEXT_NOT_PDF || end == TEXT_SLOW);
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

static void
stopped(void **state)
{
	const int	fd = scratch_open("/tmp");

	(void)state;
	assert_int_equal(text_read("txt", fd, 30, never, NULL, &text), TEXT_STOPPED);
	close(fd);
}

static void
reasons(void **state)
{
	(void)state;
	assert_int_equal(text_why(TEXT_EMPTY), REASON_EMPTY);
	assert_int_equal(text_why(TEXT_NONE), REASON_NONE);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(tidied), cmocka_unit_test(decoded), cmocka_unit_test(plain),
		cmocka_unit_test(one_too_many), cmocka_unit_test(html), cmocka_unit_test(deep),
		cmocka_unit_test(docx_read), cmocka_unit_test(docx_refused),
		cmocka_unit_test(bomb), cmocka_unit_test(pdf), cmocka_unit_test(pdf_refused),
		cmocka_unit_test(stopped), cmocka_unit_test(reasons),
	};

	if (strcmp(argv[0], TEXT_PROGRAM) == 0)		/* as parley itself */
		text_main(argc, argv);
	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
