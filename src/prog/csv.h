/*
 * csv: RFC 4180 record by record, in constant memory: quotes, commas and line ends inside of them,
 * LF or CRLF, a BOM. What is malformed costs one record: reading goes on at the line after the one
 * where the record began.
 */
#ifndef PARLEY_CSV_H
#define PARLEY_CSV_H

#include <stdint.h>
#include <stdio.h>

#include "base/str.h"

#define CSV_FIELDS	256		/* most of a record */
#define CSV_RECORD	(4 << 20)	/* most bytes of a record */

struct csv {
	FILE		*in;		/* of a regular file: it is gone back in */
	int64_t		 line;		/* number of the line that comes next */
	int64_t		 begun;		/* of the line on which the record began */
	struct str	 text;		/* the fields, each ended by NUL */
	size_t		 at[CSV_FIELDS];	/* where in text each begins */
	int		 n;		/* fields of the record */
};

enum csv_result { CSV_ERROR = -1, CSV_END, CSV_RECORD_READ, CSV_BAD };

void		 csv_open(struct csv *, FILE *);
void		 csv_close(struct csv *);	/* leaves the file open */
/*
 * The next record. CSV_BAD: malformed, *why says how, c->begun where. CSV_ERROR: the file cannot be
 * read, errno. An empty line is no record.
 */
enum csv_result	 csv_next(struct csv *, const char **why);
/* Field i of the record, NUL-terminated; "" past its last. *len, unless NULL, gets its bytes. */
const char	*csv_field(const struct csv *, int i, size_t *len);

#endif
