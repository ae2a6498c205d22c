/*
 * stmt: one prepared statement: its parameters, its result. Private to the store; db.c decides what
 * failures mean.
 */
#ifndef PARLEY_STORE_STMT_H
#define PARLEY_STORE_STMT_H

#include <stddef.h>

#include <mysql.h>

#include "base/arena.h"
#include "store/conn.h"
#include "store/db.h"
#include "store/rows.h"

struct stmt {
	MYSQL_STMT	*h;		/* NULL: not prepared */
	const struct row *row;
	unsigned	 generation;	/* of the connection it was prepared on */
	unsigned long	 params;
	MYSQL_BIND	*in;		/* params of them */
	MYSQL_BIND	*out;		/* one for each column, into cells */
	struct cell	*cells;
};

/*
 * Prepares it and compares its columns with the row table: count, names, kinds. 0, or -1 with the
 * error.
 */
int	 stmt_prepare(struct stmt *, MYSQL *, const char *text, const struct row *,
	    struct sql_error *);
/*
 * Runs it with n values. 0, or -1 with the error. What it selects must be fetched to the end, or
 * finished.
 */
int	 stmt_execute(struct stmt *, const struct val *, size_t n, struct sql_error *);
/* The same with n values for each of `count` rows: db_bulk. */
int	 stmt_bulk(struct stmt *, const struct val *, size_t n, size_t count, struct sql_error *);
/*
 * The next row into the zeroed struct, its strings into the arena. 1, 0 after the last, -1 with the
 * error.
 */
int	 stmt_fetch(struct stmt *, struct arena *, void *row, struct sql_error *);
/* Throws the remaining rows away. */
void	 stmt_finish(struct stmt *);
/* Frees everything; also after its connection is gone. */
void	 stmt_drop(struct stmt *);

#endif
