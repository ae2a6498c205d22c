/* Text and Markdown: as they are, but for their encoding. */
#include "charset.h"
#include "text_formats.h"

enum text_end
text_plain(struct str *out, const char *p, size_t n)
{
	return charset_decode(out, p, n, NULL) == 0 ? TEXT_OK : TEXT_BINARY;
}
