/*
 * scan: reads the event that makes up nearly all of a stream, a chunk with a piece of text and
 * nothing else, without building a tree: that takes a tenth of the relay's time. Whatever has
 * anything else to say it leaves to delta_parse's JSON parser, so it must never understand what
 * that would not, nor otherwise; tests/fuzz/delta.c holds the two against each other.
 */
#ifndef PARLEY_SCAN_H
#define PARLEY_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/*
 * true: it is such a chunk, and *text its delta.content (len 0: empty, null or none), in the
 * event or, where it had escapes, in `room`. false: it may still be anything.
 */
bool	scan_text(const char *event, size_t n, struct str *room, const char **text, size_t *len);

#endif
