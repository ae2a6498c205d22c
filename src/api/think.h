/*
 * think: how a model's reasoning stands in the text of an answer, between <think> and </think>, in
 * a dialect that has no other place for it.
 */
#ifndef PARLEY_THINK_H
#define PARLEY_THINK_H

#include "core/turn.h"
#include "upstream/delta.h"

/* What a delta adds to the text, and its length: the delta's own bytes, or written into the str. */
const char	*think_delta(struct str *, const struct delta *, size_t *len);
/* Appends a whole answer, either part of which may be NULL. */
void		 think_whole(struct str *, const char *reasoning, const char *text);

#endif
