#include "store/db.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mysqld_error.h>

#include "base/clock.h"
#include "base/figures.h"
#include "base/ident.h"
#include "base/log.h"
#include "store/stmt.h"

#define TRIES		3
/* Past this time nothing is repeated: somebody waits. */
#define GONE_MS		1000	/* the connection was lost; another one may hang too */
#define COLLIDED_MS	3000	/* a lock was in the way */
#define RETRY_AFTER_S	2

struct db {
	struct conn	 conn;
	struct stmt	 stmts[SQL_COUNT]; /* prepared at first use */
	bool		 in_txn;
	struct sql_error trouble;	/* why the transaction must be repeated; no == 0: no need */
	const char	*trouble_at;	/* the statement where it came up */
	bool		 commit_unknown;
};

static const struct {
	const char	*name;
	enum row_id	 row;
	const char	*text;
} sqls[SQL_COUNT] = {
#define SQL(name, row, text) { #name, ROW_##row, text },
#include "store/sql.def"
#undef SQL
};

static struct stmt	*run(struct ctx *, enum sql_id, const struct val *, size_t);
static struct stmt	*run_rows(struct ctx *, enum sql_id, const struct val *, size_t, size_t);
static struct stmt	*attempt(struct db *, enum sql_id, const struct val *, size_t, size_t,
    struct sql_error *);
static int		 failed(struct ctx *, const char *, const struct sql_error *);
static int		 refused(struct ctx *, const char *, const struct sql_error *);
static int		 away(struct ctx *, const struct sql_error *);
static int		 too_long(struct ctx *, const struct sql_error *);
static bool		 again(const struct sql_error *, int, int64_t);
static int		 txn_try(struct ctx *, int (*)(struct ctx *, void *), void *);
static int		 txn_commit(struct ctx *);

struct val
val_i64(int64_t i)
{
	return (struct val){ .type = VAL_I64, .i = i };
}

struct val
val_f64(double f)
{
	return (struct val){ .type = VAL_F64, .f = f };
}

struct val
val_str(const char *s)
{
	return s != NULL ? val_strn(s, strlen(s)) : V_NULL;
}

struct val
val_strn(const char *s, size_t len)
{
	return s != NULL ? (struct val){ .type = VAL_STR, .s = s, .len = len } : V_NULL;
}

struct db *
db_new(const struct conf *conf)
{
	struct db	*db = xcalloc(1, sizeof(*db));

	conn_init(&db->conn, conf);
	return db;
}

void
db_free(struct db *db)
{
	if (db == NULL)
		return;
	for (int i = 0; i < SQL_COUNT; i++)
		stmt_drop(&db->stmts[i]);
	conn_free(&db->conn);
	free(db);
}

void
db_patience(struct db *db, int seconds)
{
	conn_patience(&db->conn, seconds);
}

const char *
db_sql_name(enum sql_id id)
{
	return sqls[id].name;
}

const char *
db_sql_text(enum sql_id id)
{
	return sqls[id].text;
}

/* The verbs. The first of v is a dummy, so that there may be no values at all. */

void *
db_maybe_(struct ctx *cx, enum sql_id id, const struct val *v, size_t n)
{
	struct sql_error e;
	struct stmt	*s;
	void		*row;

	if ((s = run(cx, id, v + 1, n)) == NULL)
		return NULL;
	row = arena_get(cx->a, s->row->size);
	switch (stmt_fetch(s, cx->a, row, &e)) {
	case 1:
		stmt_finish(s);
		return row;
	case 0:
		return NULL;
	default:
		failed(cx, sqls[id].name, &e);
		return NULL;
	}
}

void *
db_one_(struct ctx *cx, enum sql_id id, const struct val *v, size_t n)
{
	void	*row;

	if ((row = db_maybe_(cx, id, v, n)) == NULL)
		fail(cx, F_NOT_FOUND, "%s", rows[sqls[id].row].name);	/* unless it has failed */
	return row;
}

int
db_many_(struct ctx *cx, enum sql_id id, void **list, size_t *count, const struct val *v, size_t n)
{
	const size_t	 size = rows[sqls[id].row].size;
	size_t		 used = 0, room = 8;
	char		*all, *more;
	struct sql_error e;
	struct stmt	*s;
	int		 rc;

	*list = NULL;
	*count = 0;
	if ((s = run(cx, id, v + 1, n)) == NULL)
		return -1;
	all = arena_array(cx->a, room, size);
	while ((rc = stmt_fetch(s, cx->a, all + used * size, &e)) == 1) {
		if (++used < room)
			continue;
		more = arena_array(cx->a, room * 2, size);
		memcpy(more, all, used * size);
		all = more;
		room *= 2;
	}
	if (rc == -1)
		return failed(cx, sqls[id].name, &e);
	*list = all;
	*count = used;
	return 0;
}

int64_t
db_exec_(struct ctx *cx, enum sql_id id, const struct val *v, size_t n)
{
	struct stmt	*s;

	if ((s = run(cx, id, v + 1, n)) == NULL)
		return -1;
	return (int64_t)mysql_stmt_affected_rows(s->h);
}

int64_t
db_number_(struct ctx *cx, enum sql_id id, const struct val *v, size_t n)
{
	const struct number	*row;

	if ((row = db_maybe_(cx, id, v, n)) == NULL)
		return cx->fail.kind == F_NONE ? 0 : -1;
	return row->n;
}

int
db_found(struct ctx *cx, int64_t gave, const char *what, ...)
{
	va_list	 ap;

	if (gave != 0)
		return gave == -1 ? -1 : 0;
	va_start(ap, what);
	fail(cx, F_NOT_FOUND, "%s", arena_vprintf(cx->a, what, ap));
	va_end(ap);
	return -1;
}

int
db_bulk(struct ctx *cx, enum sql_id id, const struct val *v, size_t n, size_t count)
{
	return count == 0 || run_rows(cx, id, v, n, count) != NULL ? 0 : -1;
}

/* Executes it, ready to be fetched from; repeats it where that can do no harm. NULL: ctx failed. */
static struct stmt *
run(struct ctx *cx, enum sql_id id, const struct val *v, size_t n)
{
	return run_rows(cx, id, v, n, 1);
}

static struct stmt *
run_rows(struct ctx *cx, enum sql_id id, const struct val *v, size_t n, size_t count)
{
	struct db		*db = cx->db;
	const int64_t		 began = clock_mono_ms();
	struct sql_error	 e;
	struct stmt		*s;

	if (db->in_txn && db->trouble.no != 0) {
		/* The transaction is lost, and nothing of it may happen outside of it. */
		away(cx, &db->trouble);
		return NULL;
	}
	for (int try = 1;; try++) {
		if (!db->in_txn && conn_ready(&db->conn, &e) == -1) {
			away(cx, &e);
			return NULL;
		}
		if ((s = attempt(db, id, v, n, count, &e)) != NULL)
			return s;
		if (db->in_txn || (sql_gone(&e) && e.ran) || !again(&e, try, began))
			break;
		if (sql_gone(&e))
			conn_lost(&db->conn, &e);
	}
	failed(cx, sqls[id].name, &e);
	return NULL;
}

static struct stmt *
attempt(struct db *db, enum sql_id id, const struct val *v, size_t n, size_t count,
    struct sql_error *e)
{
	struct stmt	*s = &db->stmts[id];

	if (s->h != NULL && s->generation != db->conn.generation)
		stmt_drop(s);
	if (s->h == NULL) {
		if (stmt_prepare(s, db->conn.my, sqls[id].text, &rows[sqls[id].row], e) == -1)
			return NULL;
		s->generation = db->conn.generation;
	}
	return (count == 1 ? stmt_execute(s, v, n, e) : stmt_bulk(s, v, n, count, e)) == 0 ? s :
	    NULL;
}

/* Failures. */

static int
failed(struct ctx *cx, const char *at, const struct sql_error *e)
{
	struct db	*db = cx->db;

	if (sql_gone(e))
		conn_lost(&db->conn, e);
	if (db->in_txn && (sql_gone(e) || sql_collided(e))) {
		db->trouble = *e;
		db->trouble_at = at;
		return fail(cx, F_UNAVAILABLE, "transaction");	/* for db_txn, which knows more */
	}
	return refused(cx, at, e);
}

static int
refused(struct ctx *cx, const char *at, const struct sql_error *e)
{
	if (sql_gone(e))
		return away(cx, e);
	switch (e->no) {
	case ER_DUP_ENTRY:
		return fail(cx, F_CONFLICT, "it is there already");
	case ER_ROW_IS_REFERENCED_2:
		return fail(cx, F_CONFLICT, "it is still in use");
	case ER_NO_REFERENCED_ROW_2:
		return fail(cx, F_NOT_FOUND, "what it belongs to");
	case ER_DATA_TOO_LONG:
		return too_long(cx, e);
	}
	log_error("statement failed", LOG_S("rid", cx->rid), LOG_S("sql", at),
	    LOG_I("errno", e->no), LOG_S("error", e->text));
	if (sql_collided(e) || e->no == ER_DISK_FULL || e->no == ER_RECORD_FILE_FULL)
		return away(cx, e);
	return fail(cx, F_INTERNAL, "the database refused a statement");
}

static int
away(struct ctx *cx, const struct sql_error *e)
{
	if (!sql_collided(e)) {
		conn_warn(&cx->db->conn, e);
		figure_add(FIG_DATABASE_UNAVAILABLE, 1);
	}
	if (cx->fail.kind == F_NONE) {
		fail(cx, F_UNAVAILABLE, "%s", cx->lang == LANG_ZH ? "数据库" : "the database");
		cx->fail.retry_after = RETRY_AFTER_S;
	}
	return -1;
}

/* "Data too long for column 'title' at row 1": the column is the field's name, or near enough. */
static int
too_long(struct ctx *cx, const struct sql_error *e)
{
	const char	*from = strchr(e->text, '\'');
	const char	*to = from != NULL ? strchr(from + 1, '\'') : NULL;

	if (to == NULL)
		return fail(cx, F_RANGE, "text");
	return fail(cx, F_RANGE, "%.*s", (int)(to - from - 1), from + 1);
}

/* Is it worth another attempt? Then also waits a moment, each caller another one. */
static bool
again(const struct sql_error *e, int try, int64_t began)
{
	const int64_t	 spent = clock_mono_ms() - began;
	struct timespec	 pause = { 0 };
	uint32_t	 random;

	if (try == TRIES)
		return false;
	if (sql_gone(e))
		return spent < GONE_MS;
	if (!sql_collided(e) || spent >= COLLIDED_MS)
		return false;
	ident_random(&random, sizeof(random));
	pause.tv_nsec = (5 + random % (20u * (unsigned)try)) * 1000000L;
	nanosleep(&pause, NULL);
	return true;
}

/* Transactions. */

int
db_txn(struct ctx *cx, int (*fn)(struct ctx *, void *), void *arg)
{
	struct db		*db = cx->db;
	const struct fail	 before = cx->fail;
	const int64_t		 began = clock_mono_ms();
	int			 rc;

	if (db->in_txn)
		return fn(cx, arg);
	for (int try = 1;; try++) {
		db->trouble.no = 0;
		db->commit_unknown = false;
		rc = txn_try(cx, fn, arg);
		if (db->trouble.no == 0)
			return rc;
		cx->fail = before;
		if (db->commit_unknown || !again(&db->trouble, try, began))
			break;
	}
	rc = refused(cx, db->trouble_at, &db->trouble);
	db->trouble.no = 0;
	return rc;
}

/* Once: 0, -1 because fn says so, or -1 with db->trouble set. */
static int
txn_try(struct ctx *cx, int (*fn)(struct ctx *, void *), void *arg)
{
	struct db		*db = cx->db;
	struct sql_error	 e;
	int			 rc;

	if (conn_ready(&db->conn, &e) == -1)
		return away(cx, &e);
	if (conn_query(&db->conn, "START TRANSACTION", &e) == -1) {
		conn_lost(&db->conn, &e);
		db->trouble = e;
		db->trouble_at = "START TRANSACTION";
		return -1;
	}

	db->in_txn = true;
	rc = fn(cx, arg);
	db->in_txn = false;

	if (rc == 0 && db->trouble.no == 0)
		return txn_commit(cx);
	if (db->conn.my != NULL && conn_query(&db->conn, "ROLLBACK", &e) == -1)
		conn_lost(&db->conn, &e);
	return -1;
}

static int
txn_commit(struct ctx *cx)
{
	struct db		*db = cx->db;
	struct sql_error	 e;

	if (conn_query(&db->conn, "COMMIT", &e) == 0)
		return 0;
	db->commit_unknown = sql_gone(&e) && e.ran;
	db->trouble = e;
	db->trouble_at = "COMMIT";
	if (!sql_collided(&e))
		conn_lost(&db->conn, &e);
	return -1;
}

bool
db_commit_unknown(const struct db *db)
{
	return db->commit_unknown;
}

/* The connection itself. */

int
db_ping(struct ctx *cx)
{
	struct conn		*c = &cx->db->conn;
	struct sql_error	 e;

	if (conn_ready(c, &e) == -1)
		return away(cx, &e);
	if (mysql_ping(c->my) != 0) {
		conn_error(c, &e, false);
		conn_lost(c, &e);
		return away(cx, &e);
	}
	return 0;
}

int
db_prepare_all(struct ctx *cx)
{
	struct db		*db = cx->db;
	struct sql_error	 e;
	struct stmt		 s;
	int			 bad = 0;

	if (conn_ready(&db->conn, &e) == -1)
		return away(cx, &e);
	for (int i = 0; i < SQL_COUNT; i++) {
		if (stmt_prepare(&s, db->conn.my, sqls[i].text, &rows[sqls[i].row], &e) == 0) {
			stmt_drop(&s);
			continue;
		}
		log_error("statement cannot be prepared", LOG_S("sql", sqls[i].name),
		    LOG_S("error", e.text));
		bad++;
	}
	return bad;
}

int
db_run(struct ctx *cx, const char *sql, const char **err)
{
	struct db		*db = cx->db;
	struct sql_error	 e;

	if (conn_ready(&db->conn, &e) == 0 && conn_query(&db->conn, sql, &e) == 0)
		return 0;
	*err = arena_strdup(cx->a, e.text);
	if (db->conn.my != NULL && !sql_gone(&e))
		return fail(cx, F_INTERNAL, "the database refused a statement");
	conn_lost(&db->conn, &e);
	return away(cx, &e);
}
