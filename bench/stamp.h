/*
 * stamp: what a delta of the bench carries in its text, so that its reader knows when it left
 * and which one it is.
 *
 *   @00001234567890123.000042      '@', monotonic nanoseconds (17 digits), '.', number in its
 *                                  stream from 0 (6 digits)
 *
 * The width is fixed: a small automaton finds it, through JSON and across any packet boundary.
 */
#ifndef BENCH_STAMP_H
#define BENCH_STAMP_H

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define STAMP_FMT	"@%017" PRIu64 ".%06" PRIu32
#define STAMP_DIGITS	17
#define STAMP_LEN	(1 + STAMP_DIGITS + 1 + 6)

#define NS		1000000000ull		/* in a second */

static inline uint64_t
stamp_now(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS + (uint64_t)ts.tv_nsec;
}

/* Reads stamps out of a stream of bytes; zeroed at the start. */
struct stamp_reader {
	uint64_t	 number;	/* digits so far */
	uint64_t	 when;
	unsigned	 at;		/* bytes of a stamp that have matched */
};

/*
 * Reads on from *p, at most to end, and moves *p behind what was read: true at a whole stamp
 * (*when, *seq), false when the bytes are used up.
 */
static inline bool
stamp_next(struct stamp_reader *r, const char **p, const char *end, uint64_t *when, uint32_t *seq)
{
	while (*p < end) {
		char	 c;

		if (r->at == 0) {
			const char	*hit = memchr(*p, '@', (size_t)(end - *p));

			*p = hit != NULL ? hit + 1 : end;
			r->at = hit != NULL;
			r->number = 0;
			continue;
		}
		c = *(*p)++;
		if (c == '.' && r->at == 1 + STAMP_DIGITS) {
			r->when = r->number;
			r->number = 0;
			r->at++;
		} else if (c >= '0' && c <= '9' && r->at != 1 + STAMP_DIGITS) {
			r->number = r->number * 10 + (uint64_t)(c - '0');
			if (++r->at == STAMP_LEN) {
				r->at = 0;
				*when = r->when;
				*seq = (uint32_t)r->number;
				return true;
			}
		} else {
			r->at = c == '@';
			r->number = 0;
		}
	}
	return false;
}

#endif
