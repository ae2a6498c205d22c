#include "store/report.h"

#include "base/ident.h"
#include "store/rows.h"

#define ID_BITS	13		/* of an id, below its milliseconds */
#define SLACK	3600000		/* ms by which ids may be ahead of the clock or behind it */

/*
 * The first id that could have been given at that time: a bound by which a search by time, for
 * which there is no index, follows the primary key.
 */
static int64_t
first_id(int64_t ms)
{
	ms -= ident_time(0);
	return ms > 0 ? ms << ID_BITS : 0;
}

int
report_usage(struct ctx *cx, int64_t from_ms, int64_t to_ms, struct usage **list, size_t *n)
{
	return db_many(cx, SQL_REPORT_USAGE, list, n, V(first_id(from_ms - SLACK)),
	    V(first_id(to_ms + SLACK)), V(from_ms), V(to_ms));
}

int
report_running(struct ctx *cx, int64_t from_ms, struct running **list, size_t *n)
{
	return db_many(cx, SQL_REPORT_RUNNING, list, n, V(first_id(from_ms - SLACK)), V(from_ms));
}

int
report_begun(struct ctx *cx, int64_t from_ms, int64_t to_ms, struct begun **list, size_t *n)
{
	return db_many(cx, SQL_REPORT_BEGUN, list, n, V(first_id(from_ms - SLACK)), V(from_ms),
	    V(to_ms));
}

int64_t
report_clock(struct ctx *cx)
{
	return db_number(cx, SQL_REPORT_CLOCK);
}

int64_t
report_connections(struct ctx *cx)
{
	return db_number(cx, SQL_REPORT_CONNECTIONS);
}
