/* charset: bytes of a file as UTF-8. */
#ifndef PARLEY_CHARSET_H
#define PARLEY_CHARSET_H

#include <stddef.h>

#include "base/str.h"

/*
 * Appends the text, without its mark (BOM): in the encoding that the mark says, else UTF-8 where it
 * is that, else the one called `name` (as HTML calls it; NULL or not known: none), else GB18030.
 * -1: it is text in none of them, begins as a PDF or ZIP file does, or does not fit.
 */
int	 charset_decode(struct str *out, const char *, size_t, const char *name);

#endif
