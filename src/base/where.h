/* where: which value of a JSON text a byte stands in, for naming what is wrong there. */
#ifndef PARLEY_WHERE_H
#define PARLEY_WHERE_H

#include <stddef.h>

#include "str.h"

/*
 * Appends the full name of the value that byte `at` belongs to ("messages[0].content"); of a
 * member's name that is the object, of the document itself nothing. What stands before the byte
 * must be UTF-8; where it is no JSON, the name may be of something near.
 */
void	 where_tell(struct str *, const char *, size_t at);

#endif
