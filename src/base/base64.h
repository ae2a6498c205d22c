/* base64: RFC 4648, with padding. */
#ifndef PARLEY_BASE64_H
#define PARLEY_BASE64_H

#include <stddef.h>

#define BASE64_LEN(n)	(((n) + 2) / 3 * 4)	/* characters for n bytes */

/* Writes n bytes as BASE64_LEN(n) characters, without a NUL. */
void	base64_write(char *dst, const void *, size_t n);

#endif
