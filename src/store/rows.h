/*
 * rows: the shapes of results. Which columns a row has and where they go in its struct; the types
 * come from the struct's members by _Generic. A NULL of the database is NULL, 0 or false in the
 * struct.
 */
#ifndef PARLEY_STORE_ROWS_H
#define PARLEY_STORE_ROWS_H

#include <stddef.h>
#include <stdint.h>

enum col_type {
	COL_I64,		/* int64_t */
	COL_INT,		/* int */
	COL_BOOL,		/* bool */
	COL_F64,		/* double */
	COL_STR,		/* char *, in the arena */
};

struct col {
	const char	*name;
	enum col_type	 type;
	size_t		 offset;
};

struct row {
	const char		*name;
	size_t			 size;		/* of the struct */
	const struct col	*cols;
	size_t			 n;
};

enum row_id {
#define ROW(name, st, ...) ROW_##name,
#include "store/rows.def"
#undef ROW
	ROW_COUNT
};

extern const struct row	rows[ROW_COUNT];

/* Rows that only the store's own files see. */
struct none {			/* a statement without result */
	char	 nothing;
};

struct number {
	int64_t	 n;
};

struct text {
	char	*text;
};

struct target {			/* what a vote goes to */
	int64_t	 id, group_id;
};

struct applied {		/* a migration that the database has seen */
	int	 version;
	char	*name, *checksum;
	int64_t	 applied_ms;
};

struct segment_sums {		/* of some documents */
	int64_t	 segments, tokens;
};

struct segment_frequency {	/* of a token, among segments */
	int64_t	 h, segments;
};

struct indexed {		/* a call record that is already there */
	int64_t	 id, tokens;
};

#endif
