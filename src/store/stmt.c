#include "store/stmt.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cell {			/* where the client library puts a column of the current row */
	union {
		long long	 i;
		double		 f;
	} u;
	unsigned long	 len;
	my_bool		 null;
	my_bool		 cut;
};

static int	columns_check(struct stmt *, MYSQL_RES *, struct sql_error *);
static bool	column_fits(enum col_type, const MYSQL_FIELD *);
static void	columns_bind(struct stmt *);
static int	column_take(struct stmt *, unsigned, struct arena *, void *, struct sql_error *);

static int
ours(struct sql_error *e, const char *what, const char *column)
{
	e->no = SQL_ERROR_OURS;
	e->ran = false;
	snprintf(e->text, sizeof(e->text), "%s%s%s", what, column != NULL ? ": " : "",
	    column != NULL ? column : "");
	return -1;
}

static int
theirs(struct sql_error *e, const struct stmt *s, bool ran)
{
	e->no = mysql_stmt_errno(s->h);
	e->ran = ran && !sql_untouched(e->no);
	snprintf(e->text, sizeof(e->text), "%s", mysql_stmt_error(s->h));
	return -1;
}

int
stmt_prepare(struct stmt *s, MYSQL *my, const char *text, const struct row *row,
    struct sql_error *e)
{
	MYSQL_RES	*meta;
	int		 rc;

	memset(s, 0, sizeof(*s));
	s->row = row;
	if ((s->h = mysql_stmt_init(my)) == NULL)
		out_of_memory();
	if (mysql_stmt_prepare(s->h, text, strlen(text)) != 0) {
		theirs(e, s, false);
		stmt_drop(s);
		return -1;
	}
	meta = mysql_stmt_result_metadata(s->h);
	rc = columns_check(s, meta, e);
	if (meta != NULL)
		mysql_free_result(meta);
	if (rc == -1) {
		stmt_drop(s);
		return -1;
	}

	s->params = mysql_stmt_param_count(s->h);
	s->in = xcalloc(s->params, sizeof(*s->in));
	columns_bind(s);
	return 0;
}

static int
columns_check(struct stmt *s, MYSQL_RES *meta, struct sql_error *e)
{
	const unsigned		 n = meta != NULL ? mysql_num_fields(meta) : 0;
	const MYSQL_FIELD	*f = meta != NULL ? mysql_fetch_fields(meta) : NULL;

	if (n != s->row->n)
		return ours(e, "other number of columns than the row", s->row->name);
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(f[i].name, s->row->cols[i].name) != 0)
			return ours(e, "column is not the row's", f[i].name);
		if (!column_fits(s->row->cols[i].type, &f[i]))
			return ours(e, "column does not fit the member's type", f[i].name);
	}
	return 0;
}

/* Nothing may be lost on the way: no BIGINT into an int, no decimal into an integer. */
static bool
column_fits(enum col_type type, const MYSQL_FIELD *f)
{
	switch (f->type) {
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
		return type == COL_I64 || type == COL_INT || type == COL_BOOL;
	case MYSQL_TYPE_LONGLONG:
		return type == COL_I64;
	case MYSQL_TYPE_FLOAT:
	case MYSQL_TYPE_DOUBLE:
		return type == COL_F64;
	case MYSQL_TYPE_NEWDECIMAL:
		return type == COL_F64 || type == COL_STR;
	default:
		return type == COL_STR;
	}
}

/*
 * Strings get no buffer: the first fetch tells their length, a second one puts them where they
 * belong.
 */
static void
columns_bind(struct stmt *s)
{
	const size_t	 n = s->row->n;

	if (n == 0)
		return;
	s->out = xcalloc(n, sizeof(*s->out));
	s->cells = xcalloc(n, sizeof(*s->cells));
	for (size_t i = 0; i < n; i++) {
		MYSQL_BIND	*b = &s->out[i];
		struct cell	*c = &s->cells[i];

		b->buffer = &c->u;
		b->length = &c->len;
		b->is_null = &c->null;
		b->error = &c->cut;
		switch (s->row->cols[i].type) {
		case COL_STR:
			b->buffer_type = MYSQL_TYPE_STRING;
			b->buffer_length = 0;
			break;
		case COL_F64:
			b->buffer_type = MYSQL_TYPE_DOUBLE;
			b->buffer_length = sizeof(c->u.f);
			break;
		default:
			b->buffer_type = MYSQL_TYPE_LONGLONG;
			b->buffer_length = sizeof(c->u.i);
			break;
		}
	}
	mysql_stmt_bind_result(s->h, s->out);
}

int
stmt_execute(struct stmt *s, const struct val *v, size_t n, struct sql_error *e)
{
	if (n != s->params)
		return ours(e, "other number of values than placeholders", NULL);
	for (size_t i = 0; i < n; i++) {
		MYSQL_BIND	*b = &s->in[i];

		memset(b, 0, sizeof(*b));
		switch (v[i].type) {
		case VAL_NULL:
			b->buffer_type = MYSQL_TYPE_NULL;
			break;
		case VAL_I64:
			b->buffer_type = MYSQL_TYPE_LONGLONG;
			b->buffer = (void *)(uintptr_t)&v[i].i;
			break;
		case VAL_F64:
			b->buffer_type = MYSQL_TYPE_DOUBLE;
			b->buffer = (void *)(uintptr_t)&v[i].f;
			break;
		case VAL_STR:
			b->buffer_type = MYSQL_TYPE_STRING;
			b->buffer = (void *)(uintptr_t)v[i].s;
			b->buffer_length = v[i].len;
			break;
		}
	}
	if (n != 0 && mysql_stmt_bind_param(s->h, s->in) != 0)
		return theirs(e, s, false);
	if (mysql_stmt_execute(s->h) != 0)
		return theirs(e, s, true);
	return 0;
}

/* The values of column i of all rows, one behind the other, as the library wants them. */
static void
bulk_column(MYSQL_BIND *b, const struct val *v, size_t n, size_t count)
{
	memset(b, 0, sizeof(*b));
	b->buffer_type = v->type == VAL_I64 ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_STRING;
	b->length = xcalloc(count, sizeof(*b->length));
	b->buffer = xcalloc(count, v->type == VAL_I64 ? sizeof(v->i) : sizeof(v->s));
	for (size_t row = 0; row < count; row++, v += n) {
		b->length[row] = v->len;
		if (b->buffer_type == MYSQL_TYPE_LONGLONG)
			((int64_t *)b->buffer)[row] = v->i;
		else
			((const char **)b->buffer)[row] = v->s;
	}
}

int
stmt_bulk(struct stmt *s, const struct val *v, size_t n, size_t count, struct sql_error *e)
{
	unsigned	rows_now = (unsigned)count, rows_after = 0;
	int		rv = 0;

	if (n != s->params)
		return ours(e, "other number of values than placeholders", NULL);
	for (size_t i = 0; i < n; i++)
		bulk_column(&s->in[i], v + i, n, count);
	mysql_stmt_attr_set(s->h, STMT_ATTR_ARRAY_SIZE, &rows_now);
	if (mysql_stmt_bind_param(s->h, s->in) != 0)
		rv = theirs(e, s, false);
	else if (mysql_stmt_execute(s->h) != 0)
		rv = theirs(e, s, true);
	mysql_stmt_attr_set(s->h, STMT_ATTR_ARRAY_SIZE, &rows_after);
	for (size_t i = 0; i < n; i++) {
		free(s->in[i].buffer);
		free(s->in[i].length);
	}
	return rv;
}

int
stmt_fetch(struct stmt *s, struct arena *a, void *row, struct sql_error *e)
{
	switch (mysql_stmt_fetch(s->h)) {
	case 0:
	case MYSQL_DATA_TRUNCATED:	/* every string is, by our leave */
		break;
	case MYSQL_NO_DATA:
		return 0;
	default:
		return theirs(e, s, true);
	}
	for (unsigned i = 0; i < s->row->n; i++)
		if (column_take(s, i, a, row, e) == -1)
			return -1;
	return 1;
}

static int
column_take(struct stmt *s, unsigned i, struct arena *a, void *row, struct sql_error *e)
{
	const struct col	*col = &s->row->cols[i];
	const struct cell	*c = &s->cells[i];
	char			*member = (char *)row + col->offset;
	MYSQL_BIND		 b = { .buffer_type = MYSQL_TYPE_STRING };
	unsigned long		 len;
	my_bool			 null, cut;
	char			*text;

	if (c->null)
		return 0;
	switch (col->type) {
	case COL_I64:
		*(int64_t *)(void *)member = c->u.i;
		break;
	case COL_INT:
		*(int *)(void *)member = (int)c->u.i;
		break;
	case COL_BOOL:
		*(bool *)(void *)member = c->u.i != 0;
		break;
	case COL_F64:
		*(double *)(void *)member = c->u.f;
		break;
	case COL_STR:
		text = arena_get(a, c->len + 1);
		if (c->len != 0) {
			b.buffer = text;
			b.buffer_length = c->len;
			b.length = &len;
			b.is_null = &null;
			b.error = &cut;
			if (mysql_stmt_fetch_column(s->h, &b, i, 0) != 0)
				return theirs(e, s, true);
		}
		*(char **)(void *)member = text;
		break;
	}
	return 0;
}

void
stmt_finish(struct stmt *s)
{
	mysql_stmt_free_result(s->h);
}

void
stmt_drop(struct stmt *s)
{
	if (s->h != NULL)
		mysql_stmt_close(s->h);
	free(s->in);
	free(s->out);
	free(s->cells);
	memset(s, 0, sizeof(*s));
}
