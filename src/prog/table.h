/* table: columns of text for people. Widths are those on a terminal, so Chinese lines up too. */
#ifndef PARLEY_TABLE_H
#define PARLEY_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

#define TABLE_COLUMNS	12

struct table {
	struct arena	*a;
	int		 columns;
	const char	**cell;		/* rows x columns, the headings first */
	size_t		 rows, size;
	bool		 right[TABLE_COLUMNS];	/* numbers: aligned to the right */
};

/*
 * Headings separated by |; one that begins with > aligns its column to the right. Cells have to
 * live as long as the arena.
 */
void	 table_begin(struct table *, struct arena *, const char *headings);
/* One row: as many strings as there are columns. NULL is shown as a dash. */
void	 table_row(struct table *, const char *const *cells);
/* Appends the table; without rows only its headings. */
void	 table_end(struct table *, struct str *);
/* "1.25" of "1.2500000000": a decimal number with at least two places, if any. */
const char *table_money(struct arena *, const char *decimal);
/* Columns that the text takes on a terminal. */
size_t	 text_width(const char *);

#endif
