/*
 * zone: time zones by name, for many threads and without the TZ variable. A name is one of the IANA
 * database (read from $TZDIR or /usr/share/zoneinfo), or a fixed offset: "+08:00", "-0330", "+08".
 * UTC and Asia/Shanghai (+08:00, no summer time since 1991) are known without the database too.
 */
#ifndef PARLEY_ZONE_H
#define PARLEY_ZONE_H

#include <stdint.h>

struct zone;

/* NULL: unknown. The zone lives as long as the process. */
const struct zone	*zone_find(const char *name);
/* Seconds east of Greenwich at that second since 1970. */
int32_t			 zone_offset(const struct zone *, int64_t utc);
/*
 * The UTC second of a local one. A local time that is passed twice means the first pass; one that a
 * clock skipped is read as if the clock had not been put forward yet.
 */
int64_t			 zone_utc(const struct zone *, int64_t local);
/*
 * Reads "+hh:mm", "+hhmm" or "+hh" into seconds east; the text behind it, or NULL when there is
 * none.
 */
const char		*zone_read_offset(const char *, int32_t *);

#endif
