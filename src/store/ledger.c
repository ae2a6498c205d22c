#include "store/ledger.h"

#include "base/ident.h"
#include "store/rows.h"

int
ledger_add(struct ctx *cx, int64_t answer, int64_t key, const char *amount, int64_t now_ms)
{
	return db_do(cx, SQL_LEDGER_ADD, V(ident_new()), V_ID(key), V(answer), V(amount),
	    V(now_ms));
}

int
reservation_add(struct ctx *cx, int64_t answer, int64_t key, const char *amount)
{
	return db_do(cx, SQL_RESERVATION_ADD, V(answer), V(key), V(amount), V(cx->now));
}

int
reservation_drop(struct ctx *cx, int64_t answer)
{
	return db_do(cx, SQL_RESERVATION_DROP, V(answer));
}

int64_t
key_reserve(struct ctx *cx, int64_t key, const char *amount, bool call)
{
	return db_exec(cx, SQL_KEY_RESERVE, V(amount), V(call), V(key), V(amount), V(call));
}

int
key_charge(struct ctx *cx, int64_t key, int64_t answer, const char *amount)
{
	return db_do(cx, SQL_KEY_CHARGE, V(amount), V(answer), V(key));
}

enum key_standing
key_standing(struct ctx *cx, int64_t key)
{
	const int64_t	 n = db_number(cx, SQL_KEY_STANDING, V(key));

	return n == -1 ? KEY_FAILED : (enum key_standing)n;
}

struct books *
books_look(struct ctx *cx)
{
	return db_one(cx, SQL_BOOKS);
}
