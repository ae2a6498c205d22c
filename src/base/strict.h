/*
 * strict: the words of JSON as RFC 8259 spells them. json-c sees to the structure of a document,
 * but lets pass numbers like 01, 1. and NaN, saturates what is out of range, takes '…' for a
 * string, control characters inside one, and ends a name at \u0000.
 */
#ifndef PARLEY_STRICT_H
#define PARLEY_STRICT_H

#include <stdbool.h>
#include <stddef.h>

#include "unread.h"

#define STRICT_DEPTH	64	/* objects and arrays within each other, at most */

/*
 * UNREAD_NOT where every word of the text is one of JSON's; else what is wrong with the first that
 * is not, which begins at *at. UNREAD_SURROGATE: half a character (\ud800), it cannot be UTF-8.
 */
enum unread	 strict_check(const char *, size_t n, size_t *at);
/*
 * The length of the number that the text begins with, 0 when it begins with none; *whole: neither
 * fraction nor exponent.
 */
size_t		 strict_number(const char *, size_t n, bool *whole);
/* The value of the four hex digits that the text begins with, or -1. */
long		 strict_hex4(const char *, size_t n);

#endif
