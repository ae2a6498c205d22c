/* filename: names of files as strangers give them. */
#ifndef PARLEY_FILENAME_H
#define PARLEY_FILENAME_H

#include <stddef.h>

#include "base/arena.h"

/*
 * What is shown of such a name, in the arena: valid UTF-8, its part behind the last / or \, without
 * blanks around it, and without what would let it pretend: control characters, ends of lines and
 * what turns the direction of writing. May be empty.
 */
char	*filename_clean(struct arena *, const char *, size_t n);

#endif
