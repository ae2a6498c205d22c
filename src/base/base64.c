#include "base64.h"

#include <stdint.h>

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
