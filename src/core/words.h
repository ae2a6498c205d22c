/*
 * words: what is known of the words of English and Chinese, as far as finding needs it. Tokens are
 * those of tokens.h.
 */
#ifndef PARLEY_WORDS_H
#define PARLEY_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Does the token say nothing of what a question is about: articles, auxiliaries, "多少"? */
bool	 words_filler(const char *token, size_t len);
/*
 * How many of its bytes an English word has in common with its other forms: "pay" of "pays" and
 * "paying". All of any other token.
 */
size_t	 words_stem(const char *token, size_t len);
/* Is it a pair of Han characters, which may be a word or the seam of two? */
bool	 words_pair(const char *token, size_t len);

#endif
