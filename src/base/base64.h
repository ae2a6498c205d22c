/* base64: RFC 4648, with padding. */
#ifndef PARLEY_BASE64_H
#define PARLEY_BASE64_H

#include <stddef.h>
#include <sys/types.h>

#define BASE64_LEN(n)	(((n) + 2) / 3 * 4)	/* characters for n bytes */

/* Writes n bytes as BASE64_LEN(n) characters, without a NUL. */
void	base64_write(char *dst, const void *, size_t n);

/*
 * Reads n characters, among which white space counts for nothing, into dst, which holds
 * BASE64_BYTES(n). Padding may be missing. How many bytes; -1: it is none.
 */
#define BASE64_BYTES(n)	(((n) + 3) / 4 * 3)
ssize_t	base64_read(void *dst, const char *, size_t n);

#endif
