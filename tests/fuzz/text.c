/*
 * Text of documents: what comes out of any bytes is UTF-8, tidy, and stays as it is when it is
 * tidied once more. The first byte says as which format they are read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "core/charset.h"
#include "core/text_formats.h"
#include "fuzz.h"

#define MOST	(1 << 20)

static void
check_tidy(const char *p, size_t n)
{
	struct str	once = STR_INIT(0), twice = STR_INIT(0);
	const size_t	characters = text_tidy(&once, p, n);

	if (once.len > 0 && (!utf8_valid(once.p, once.len) || memchr(once.p, '\r', once.len) ||
	    strstr(once.p, "\n\n\n") != NULL || strstr(once.p, " \n") != NULL ||
	    once.p[0] == '\n' || strlen(once.p) != once.len))
		abort();
	if (text_tidy(&twice, once.p, once.len) != characters || twice.len != once.len ||
	    (once.len > 0 && memcmp(once.p, twice.p, once.len) != 0))
		abort();
	str_free(&once);
	str_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str	 out = STR_INIT(MOST);
	const char	*p = (const char *)data + 1;
	enum text_end	 end = TEXT_OK;

	if (n == 0)
		return 0;
	switch (*data % 4) {
	case 0:
		end = text_plain(&out, p, n - 1);
		break;
	case 1:
		end = text_html(&out, p, n - 1);
		break;
	case 2:
		end = text_docx(&out, p, n - 1);
		break;
	case 3:
		str_put(&out, p, n - 1);
		break;
	}
	if (end == TEXT_OK && *data % 4 == 0 && !utf8_valid(out.p, out.len))
		abort();
	check_tidy(out.p, out.len);
	str_free(&out);
	return 0;
}
