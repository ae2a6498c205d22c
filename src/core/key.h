/*
 * key: the upstream key of a model, from where its reference points. It is read at every
 * use, so a new key needs no reload.
 */
#ifndef PARLEY_KEY_H
#define PARLEY_KEY_H

#include "base/arena.h"
#include "store/model.h"

/*
 * 0 with the key in the arena, or NULL where the model has none; -1 with a line
 * for our log and people in *err.
 */
int	 key_of(struct arena *, const struct model *, const char **key, const char **err);

#endif
