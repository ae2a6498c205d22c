/* url: percent-encoding. */
#ifndef PARLEY_URL_H
#define PARLEY_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "str.h"

/*
 * Writes n bytes with %XX decoded (and + as a space where `plus`) into dst, which has room for n
 * and may be the source itself; the number written. A % that two hex digits do not follow stands
 * for itself, as browsers have it.
 */
size_t	 url_unescape(char *dst, const char *, size_t n, bool plus);
/*
 * The same, in the arena. NULL when the result is not text: a NUL, a control character or invalid
 * UTF-8.
 */
char	*url_decode(struct arena *, const char *, size_t n, bool plus);
/* Adds n bytes with everything but letters, digits and -._~ as %XX. */
void	 url_escape(struct str *, const char *, size_t n);
/* Valid UTF-8 without control characters? */
bool	 url_text(const char *, size_t n);

#endif
