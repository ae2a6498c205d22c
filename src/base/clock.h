/* clock: times. Wall times are milliseconds since 1970 in UTC; spans are monotonic. */
#ifndef PARLEY_CLOCK_H
#define PARLEY_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t	 clock_ms(void);		/* wall */
int64_t	 clock_mono_ms(void);
int64_t	 clock_mono_us(void);
/*
 * "yyyy-MM-dd HH:mm:ss" in the named zone (see zone.h); size >= 20. Thread-safe, no TZ juggling per
 * call. A zone that is not known counts as UTC: clock_zone_check first.
 */
void	 clock_format(char *, size_t, int64_t ms, const char *zone);
/* "2024-11-04T06:28:49.416Z"; size >= 25. */
void	 clock_rfc3339(char *, size_t, int64_t ms);
/*
 * Reads "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd", or ISO-8601 with T, fraction and zone (a time without
 * zone is in `zone`). 0, or -1 when it is none of these or no real date.
 */
int	 clock_parse(const char *, const char *zone, int64_t *ms);
int	 clock_zone_check(const char *zone);	/* 0 when the zone is known, -1 otherwise */

#endif
