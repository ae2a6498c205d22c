/*
 * tokens: the words by which texts are found. Folded by Unicode (NFKC and case); a run of Han
 * characters gives its overlapping pairs, a lone one itself; runs of other letters and digits are
 * words. Anything else separates.
 *
 * So a question that is one Han character, or has one by itself, asks for that character: texts
 * that shall be found by it tell the characters of their runs, too.
 */
#ifndef PARLEY_TOKENS_H
#define PARLEY_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define TOKEN_BYTES	128	/* most of a word; what is longer is cut at a character */

typedef void token_fn(void *arg, const char *token, size_t len);

/* Is it a Han character: an ideograph of any block, or the iteration mark? */
bool	 tokens_han(uint32_t);
/*
 * Tells every token of the text (valid UTF-8) in order; returns how many there were. With `singles`
 * also each character of a run of Han characters, which makes the text no longer: they are not
 * counted. The arena is for scratch.
 */
size_t	 tokens_each(struct arena *, const char *text, size_t len, bool singles, token_fn *,
	    void *arg);

#endif
