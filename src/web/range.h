/* range: a part of a reply's content, where a GET asks for one (RFC 9110, 14). */
#ifndef PARLEY_RANGE_H
#define PARLEY_RANGE_H

#include <stdint.h>

#include "web/req.h"

enum range { RANGE_WHOLE, RANGE_PART, RANGE_OUTSIDE };

/*
 * What the value of a Range header asks of so many bytes: *n of them from *first on, all where it
 * is RANGE_WHOLE. That is also what other units, several ranges at once and whatever cannot be
 * understood get. RANGE_OUTSIDE: nothing of it is there. NULL: there was no header.
 */
enum range	 range_parse(const char *, int64_t len, int64_t *first, int64_t *n);
/*
 * The status for what the request asks of so many bytes, 200 or 206, with its headers: the content
 * never changes under this etag, quotes and all. -1: F_OUTSIDE.
 */
int		 range_read(struct req *, int64_t len, const char *etag, int64_t *first,
		    int64_t *n);

#endif
