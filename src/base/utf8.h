/* utf8: RFC 3629, no surrogates, no overlong forms. */
#ifndef PARLEY_UTF8_H
#define PARLEY_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t	 utf8_good(const char *, size_t);	/* bytes before the first that is malformed */

static inline bool
utf8_valid(const char *s, size_t n)
{
	return utf8_good(s, n) == n;
}

size_t	 utf8_length(const char *, size_t);			/* characters */
/* How many bytes the first `chars` characters have. */
size_t	 utf8_cut(const char *, size_t n, size_t chars);
/* How many bytes at the end are the beginning of an unfinished character (0..3). */
size_t	 utf8_partial(const char *, size_t);
/* Decodes one character; returns its bytes, or 0 where there is none or it is malformed. */
size_t	 utf8_next(const char *, size_t, uint32_t *cp);
/*
 * Of valid text: into one line, in dst (at most n bytes), where every run of blanks, line breaks
 * and control characters is one space, and none at either end; its length, 0 where it is but such.
 */
size_t	 utf8_line(char *dst, const char *, size_t n);
bool	 utf8_blank(const char *, size_t n);	/* would such a line be empty? */
/* Replaces what is malformed by U+FFFD into dst (at most 3n bytes); returns the new length. */
size_t	 utf8_clean(char *dst, const char *, size_t n);
/*
 * The estimate where no tokenizer is: one token per CJK character and one per four other bytes,
 * rounded up. Of no bytes (then the pointer may be NULL): 0.
 */
int64_t	 utf8_tokens(const char *, size_t);

/* The same for a text that comes in pieces of whole characters: begins as zeros. */
struct utf8_tally {
	size_t	 bytes, cjk;	/* bytes of all, and how many CJK characters there are */
	size_t	 other;		/* bytes that are none */
};

void	 utf8_tally(struct utf8_tally *, const char *, size_t);
int64_t	 utf8_tally_tokens(const struct utf8_tally *);

#endif
