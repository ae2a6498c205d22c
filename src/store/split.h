/* split: a file of SQL into its statements. Private to the store. */
#ifndef PARLEY_STORE_SPLIT_H
#define PARLEY_STORE_SPLIT_H

#include "base/arena.h"

/*
 * The next statement, in the arena, without its semicolon and what stands around it; NULL when
 * there is none. *rest goes forward. A semicolon ends a statement unless it stands in quotes or in
 * a comment; a statement may hold comments.
 */
char	*split_next(struct arena *, const char **rest);

#endif
