/*
 * strict: the words of JSON as RFC 8259 spells them. json-c sees to the structure of a document,
 * but lets pass numbers like 01, 1. and NaN, saturates what is out of range, takes '…' for a
 * string, control characters inside one, and ends a name at \u0000.
 */
#ifndef PARLEY_STRICT_H
#define PARLEY_STRICT_H

#include <stdbool.h>
#include <stddef.h>

#define STRICT_DEPTH	64	/* objects and arrays within each other, at most */

enum strict {
	STRICT_GOOD,
	STRICT_SURROGATE,	/* half a character (\ud800): it cannot be UTF-8 */
	STRICT_CONTROL,		/* a control character in a string */
	STRICT_ESCAPE,		/* a \ followed by what is no escape */
	STRICT_NUL_NAME,	/* \u0000 in a member's name */
	STRICT_OPEN,		/* a string without its end */
	STRICT_NUMBER,		/* not a number as JSON writes them */
	STRICT_RANGE,		/* an integer over 64 bits, a number that no double holds */
	STRICT_WORD,		/* something that begins no value */
	STRICT_DEEP,		/* nesting over STRICT_DEPTH */
};

/* Whether every word of the text is one of JSON's; else the first that is not begins at *at. */
enum strict	 strict_check(const char *, size_t n, size_t *at);
/* What is wrong, for people: "a number out of range". */
const char	*strict_text(enum strict);
/*
 * The length of the number that the text begins with, 0 when it begins with none; *whole: neither
 * fraction nor exponent.
 */
size_t		 strict_number(const char *, size_t n, bool *whole);

#endif
