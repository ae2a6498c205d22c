#include "url.h"

#include <string.h>

#include "utf8.h"

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t
url_unescape(char *dst, const char *s, size_t n, bool plus)
{
	size_t	 len = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '%' && n - i > 2 && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
			dst[len++] = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
			i += 2;
		} else
			dst[len++] = plus && s[i] == '+' ? ' ' : s[i];
	}
	return len;
}

char *
url_decode(struct arena *a, const char *s, size_t n, bool plus)
{
	char	*dst = arena_get(a, n + 1);
	size_t	 len = url_unescape(dst, s, n, plus);

	return url_text(dst, len) ? dst : NULL;		/* the arena's zeros end it */
}

bool
url_text(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return utf8_valid(s, n);
}

void
url_escape(struct str *dst, const char *s, size_t n)
{
	static const char	 plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (size_t i = 0; i < n; i++)
		if (s[i] != '\0' && strchr(plain, s[i]) != NULL)
			str_putc(dst, s[i]);
		else
			str_printf(dst, "%%%02X", (unsigned char)s[i]);
}
