#include "store/idem.h"

#include "store/rows.h"

#define PURGE	1000	/* rows of one statement */

struct idem *
idem_get(struct ctx *cx, int64_t owner, const char *key_hash)
{
	return db_maybe(cx, SQL_IDEM_GET, V(owner), V(key_hash));
}

int
idem_add(struct ctx *cx, int64_t owner, const char *key_hash, const char *body_hash, int64_t turn)
{
	return db_do(cx, SQL_IDEM_ADD, V(owner), V(key_hash), V(body_hash), V(turn), V(cx->now));
}

int
idem_expire(struct ctx *cx, int64_t owner, const char *key_hash)
{
	return db_do(cx, SQL_IDEM_EXPIRE, V(owner), V(key_hash), V(cx->now - IDEM_DAY));
}

int
idem_purge(struct ctx *cx)
{
	int64_t	 n;

	do
		n = db_exec(cx, SQL_IDEM_PURGE, V(cx->now - IDEM_DAY), V(PURGE));
	while (n == PURGE);
	return n == -1 ? -1 : 0;
}
