#include "store/report.h"

#include "base/ident.h"
#include "store/rows.h"

int
report_usage(struct ctx *cx, int64_t from_ms, int64_t to_ms, struct usage **list, size_t *n)
{
	return db_many(cx, SQL_REPORT_USAGE, list, n, V(ident_from(from_ms)),
	    V(ident_until(to_ms)), V(from_ms), V(to_ms));
}

int
report_running(struct ctx *cx, int64_t from_ms, struct running **list, size_t *n)
{
	return db_many(cx, SQL_REPORT_RUNNING, list, n, V(ident_from(from_ms)), V(from_ms));
}

int
report_begun(struct ctx *cx, int64_t from_ms, int64_t to_ms, struct begun **list, size_t *n)
{
	return db_many(cx, SQL_REPORT_BEGUN, list, n, V(ident_from(from_ms)), V(from_ms),
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
