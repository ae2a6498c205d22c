/*
 * half: characters that an upstream cuts in two. One above U+FFFF may be written as two escapes,
 * "\ud83d\ude00", and a server that cuts its text by them sends the first at the end of one event
 * and the second at the beginning of the next.
 */
#ifndef PARLEY_HALF_H
#define PARLEY_HALF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * Before the event is parsed: a first half that ends a string of it and a second that begins one
 * become three bytes each that are no UTF-8, but what UTF-8 would make of them; the parser would
 * replace them. The event then stands in `room`.
 */
void	 half_mark(struct str *room, const char **event, size_t *n);
/* The first half that the text ends with, as marked; 0: it ends otherwise. */
uint16_t half_ends(const char *text, size_t n);
/* The second half that the text begins with, as marked; 0: it begins otherwise. */
uint16_t half_begins(const char *text, size_t n);
/* Adds the character to dst, 4 bytes. */
void	 half_join(struct str *dst, uint16_t first, uint16_t second);

#define HALF_BYTES	3	/* of a mark */

#endif
