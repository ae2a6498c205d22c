/*
 * db: one connection of one thread, prepared statements by number, rows as structs. With conn and
 * stmt, its two parts, the only user of mysql.h.
 *
 * A statement is a row of sql.def; its result's columns are named in rows.def and typed by
 * _Generic from the row's struct, so that they cannot drift. Every verb that fails has failed the
 * ctx: a duplicate key is F_CONFLICT, a server that is away F_UNAVAILABLE (with retry_after), all
 * else is logged under the statement's name and becomes F_INTERNAL. Also: a row that others refer
 * to is F_CONFLICT, a reference to what does not exist F_NOT_FOUND, a text longer than its column
 * F_RANGE with the column's name, and a lock that cannot be had even by repeating F_UNAVAILABLE.
 *
 * A connection is opened at its first use. A statement outside db_txn is repeated on
 * a fresh connection, but only when the server was found gone before the statement
 * can have run. After a failed attempt to connect there is none for half a second;
 * whoever asks meanwhile fails at once.
 */
#ifndef PARLEY_DB_H
#define PARLEY_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/ctx.h"

enum sql_id {
#define SQL(name, row, text) SQL_##name,
#include "store/sql.def"
#undef SQL
	SQL_COUNT
};

/* A bound value. Strings may be NULL (SQL NULL); V_NULL is for the rest. */
struct val {
	enum { VAL_NULL, VAL_I64, VAL_F64, VAL_STR } type;
	int64_t		 i;
	double		 f;
	const char	*s;
	size_t		 len;
};
struct val	 val_i64(int64_t);
struct val	 val_f64(double);
struct val	 val_str(const char *);
struct val	 val_strn(const char *, size_t);
#define V_NULL		((struct val){ .type = VAL_NULL })
#define V(x)		_Generic((x), char *: val_str, const char *: val_str, \
			    double: val_f64, float: val_f64, default: val_i64)(x)
#define V_ID(x)		((x) != 0 ? val_i64(x) : V_NULL)	/* 0 is NULL */

struct db;
struct db	*db_new(const struct conf *);		/* does not connect yet */
void		 db_free(struct db *);
/*
 * How many seconds a statement may take from now on (0: as at first, 8); hangs
 * up where that changes anything.
 */
void		 db_patience(struct db *, int seconds);

#define DB_ARGS(...)	(const struct val[]){ V_NULL, ##__VA_ARGS__ }, \
			sizeof((const struct val[]){ V_NULL, ##__VA_ARGS__ }) / \
			    sizeof(struct val) - 1

/*
 * The row, in the arena; NULL with F_NOT_FOUND. (The first element of
 * the argument array is a dummy.)
 */
#define db_one(cx, id, ...)	db_one_(cx, id, DB_ARGS(__VA_ARGS__))
/* The row or NULL; tell "none" from "failed" by cx->fail.kind. Of several rows the first. */
#define db_maybe(cx, id, ...)	db_maybe_(cx, id, DB_ARGS(__VA_ARGS__))
/* All rows, an array in the arena; 0 or -1. With no row *n = 0 and the array is not NULL. */
#define db_many(cx, id, rows, n, ...)	db_many_(cx, id, (void **)(rows), n, DB_ARGS(__VA_ARGS__))
/* Rows affected (found, not changed: CLIENT_FOUND_ROWS), or -1. */
#define db_exec(cx, id, ...)	db_exec_(cx, id, DB_ARGS(__VA_ARGS__))
/* The same for who does not ask how many: 0, or -1. */
#define db_do(cx, id, ...)	(db_exec(cx, id, ##__VA_ARGS__) == -1 ? -1 : 0)
/* A single BIGINT: its value, or -1 on failure; no row or NULL: 0. */
#define db_number(cx, id, ...)	db_number_(cx, id, DB_ARGS(__VA_ARGS__))
/*
 * From what db_exec or db_number gave for a row that must be there: 0, or -1; where it is not (0),
 * with F_NOT_FOUND, naming `what`.
 */
int	 db_found(struct ctx *, int64_t gave, const char *what, ...)
	     __attribute__((format(printf, 3, 4)));

void	*db_one_(struct ctx *, enum sql_id, const struct val *, size_t);
void	*db_maybe_(struct ctx *, enum sql_id, const struct val *, size_t);
int	 db_many_(struct ctx *, enum sql_id, void **, size_t *, const struct val *, size_t);
int64_t	 db_exec_(struct ctx *, enum sql_id, const struct val *, size_t);
int64_t	 db_number_(struct ctx *, enum sql_id, const struct val *, size_t);

/*
 * The statement, which gives no rows, once for each of `count` times n values, in one message: part
 * of a transaction. The values of a column are all numbers or all strings, none is NULL, and
 * together they must fit into what the server takes at once (16 MiB as a rule). 0, or -1.
 */
int	 db_bulk(struct ctx *, enum sql_id, const struct val *, size_t n, size_t count);

/*
 * Runs fn in a transaction: 0 commits, -1 (ctx failed) rolls back. The whole fn is repeated, up
 * to 3 times with jitter, on a deadlock or lock timeout (1213, 1205) and on a fresh connection
 * when the server was gone (2006, 2013, 1047) before COMMIT was sent; so fn has no effect but
 * SQL, and resets what it fills. Inside another transaction fn becomes a part of it.
 */
int	 db_txn(struct ctx *, int (*fn)(struct ctx *, void *), void *arg);
/*
 * Did the last db_txn end with a COMMIT whose outcome is unknown
 * (connection lost while it was sent)?
 */
bool	 db_commit_unknown(const struct db *);

/* Connects and pings: 0 or -1 with F_UNAVAILABLE. */
int	 db_ping(struct ctx *);
/*
 * Prepares every statement; logs each that the server refuses or whose columns differ from its
 * row. Number of bad ones; -1 with F_UNAVAILABLE.
 */
int	 db_prepare_all(struct ctx *);
/* The texts, for `parley show sql`. */
const char	*db_sql_name(enum sql_id);
const char	*db_sql_text(enum sql_id);
/*
 * Runs one unprepared statement of a migration file. -1: *err gets the
 * server's message (in the arena).
 */
int	 db_run(struct ctx *, const char *sql, const char **err);

#endif
