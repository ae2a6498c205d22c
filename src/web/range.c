#include "range.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UNIT	"bytes="

/* The digits at *s, what is too much as the most there is. False: none, and *n stays. */
static bool
number(const char **s, int64_t *n)
{
	char	*end;

	if (!isdigit((unsigned char)**s))
		return false;
	*n = strtoll(*s, &end, 10);
	*s = end;
	return true;
}

/* "7-9", "7-" or "-3" */
static enum range
parse(const char *s, int64_t len, int64_t *first, int64_t *n)
{
	int64_t	 last = INT64_MAX;
	bool	 from = number(&s, first), to;

	if (*s++ != '-')
		return RANGE_WHOLE;
	to = number(&s, &last);
	if (*s != '\0' || (!from && !to) || (from && last < *first))
		return RANGE_WHOLE;
	if (!from) {			/* the last so many */
		*first = last < len ? len - last : 0;
		last = last > 0 ? len - 1 : -1;
	}
	if (*first >= len || last < *first)
		return RANGE_OUTSIDE;
	*n = (last < len ? last + 1 : len) - *first;
	return RANGE_PART;
}

enum range
range_parse(const char *s, int64_t len, int64_t *first, int64_t *n)
{
	enum range	 r = RANGE_WHOLE;

	if (s != NULL && strncasecmp(s, UNIT, strlen(UNIT)) == 0) {
		s += strlen(UNIT);
		r = parse(s + strspn(s, " "), len, first, n);
	}
	if (r == RANGE_WHOLE) {
		*first = 0;
		*n = len;
	}
	return r;
}

/* Only a GET has ranges, and one that goes on with what has changed since gets all of it. */
static const char *
asked(struct req *r, const char *etag)
{
	const char	*since = req_header(r, "If-Range");

	if (r->method != M_GET || (since != NULL && strcmp(since, etag) != 0))
		return NULL;
	return req_header(r, "Range");
}

int
range_read(struct req *r, int64_t len, const char *etag, int64_t *first, int64_t *n)
{
	struct arena	*a = r->cx.a;
	int		 status = 200;

	switch (range_parse(asked(r, etag), len, first, n)) {
	case RANGE_OUTSIDE:
		reply_header(r, "Content-Range", arena_printf(a, "bytes */%" PRId64, len));
		return fail(&r->cx, F_OUTSIDE, "Range");
	case RANGE_PART:
		reply_header(r, "Content-Range", arena_printf(a, "bytes %" PRId64 "-%" PRId64
		    "/%" PRId64, *first, *first + *n - 1, len));
		status = 206;
		break;
	case RANGE_WHOLE:
		break;
	}
	reply_header(r, "Accept-Ranges", "bytes");
	reply_header(r, "ETag", etag);
	return status;
}
