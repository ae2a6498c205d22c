#include "url.h"

#include "base/utf8.h"

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
url_text(const char *s, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return utf8_valid(s, n);
}

char *
url_decode(struct arena *a, const char *s, size_t n, bool plus)
{
	char	*dst = arena_get(a, n + 1);
	size_t	 i, len = 0;

	for (i = 0; i < n; i++) {
		if (s[i] == '%' && n - i > 2 && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
			dst[len++] = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
			i += 2;
		} else
			dst[len++] = plus && s[i] == '+' ? ' ' : s[i];
	}
	dst[len] = '\0';
	return url_text(dst, len) ? dst : NULL;
}
