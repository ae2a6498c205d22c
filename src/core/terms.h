/* terms: a text as the hashes of its tokens (tokens.h), which inverted indexes are made of. */
#ifndef PARLEY_TERMS_H
#define PARLEY_TERMS_H

#include "base/arena.h"
#include "store/posting.h"

/* Its different tokens, sorted by hash; *length gets how many there are in all. In the arena. */
struct posting	*terms_of(struct arena *, const char *text, size_t len, size_t *n,
		    size_t *length);
/* The hashes alone. */
int64_t		*terms_hashes(struct arena *, const struct posting *, size_t n);

#endif
