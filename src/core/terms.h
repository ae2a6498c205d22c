/* terms: a text as the hashes of its tokens (tokens.h), which inverted indexes are made of. */
#ifndef PARLEY_TERMS_H
#define PARLEY_TERMS_H

#include <stdbool.h>

#include "base/arena.h"
#include "store/posting.h"

enum terms {
	TERMS_EXACT,		/* tokens as they are */
	/* English words without their endings (words.h), and each single Han character, too */
	TERMS_STEMS,
};

/* Its different tokens, sorted by hash; *length as tokens_each counts them. In the arena. */
struct posting	*terms_of(struct arena *, enum terms, const char *text, size_t len, size_t *n,
		    size_t *length);
/* The hashes alone. */
int64_t		*terms_hashes(struct arena *, const struct posting *, size_t n);

struct asked {
	int64_t	 h;
	bool	 pair;			/* of Han characters: a word, or only the seam of two */
};

/* The different stems that a question asks for, without fillers; at most `most`. In the arena. */
struct asked	*terms_asked(struct arena *, const char *question, size_t most, size_t *n);

#endif
