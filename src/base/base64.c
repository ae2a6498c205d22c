#include "base64.h"

#include <stdint.h>
#include <string.h>

static const char	digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_write(char *dst, const void *from, size_t n)
{
	const uint8_t	*p = from;
	uint32_t	 bits;

	for (; n >= 3; n -= 3, p += 3) {
		bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		for (int shift = 18; shift >= 0; shift -= 6)
			*dst++ = digits[bits >> shift & 63];
	}
	if (n == 0)
		return;
	bits = (uint32_t)p[0] << 16 | (n == 2 ? (uint32_t)p[1] << 8 : 0);
	*dst++ = digits[bits >> 18];
	*dst++ = digits[bits >> 12 & 63];
	*dst++ = n == 2 ? digits[bits >> 6 & 63] : '=';
	*dst = '=';
}

/* -1: no digit. */
static int
value_of(char c)
{
	const char	*p = c != '\0' ? strchr(digits, c) : NULL;

	return p != NULL ? (int)(p - digits) : -1;
}

ssize_t
base64_read(void *dst, const char *s, size_t n)
{
	uint8_t		*p = dst;
	uint32_t	 bits = 0;
	size_t		 have = 0, padding = 0;
	int		 v;

	for (; n > 0; n--, s++) {
		if (*s == ' ' || (*s >= '\t' && *s <= '\r'))
			continue;
		if (*s == '=') {
			padding++;
			continue;
		}
		if ((v = value_of(*s)) == -1 || padding > 0)
			return -1;
		bits = bits << 6 | (uint32_t)v;
		if (++have % 4 == 0) {
			*p++ = (uint8_t)(bits >> 16);
			*p++ = (uint8_t)(bits >> 8);
			*p++ = (uint8_t)bits;
		}
	}
	if (have % 4 == 1 || (padding > 0 && (have + padding) % 4 != 0) || padding > 2)
		return -1;
	if (have % 4 > 1)
		*p++ = (uint8_t)(bits >> (have % 4 == 2 ? 4 : 10));
	if (have % 4 == 3)
		*p++ = (uint8_t)(bits >> 2);
	return p - (uint8_t *)dst;
}
