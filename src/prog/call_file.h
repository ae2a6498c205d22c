/* call_file: call records out of a CSV file with a header line, or of one JSON object per line. */
#ifndef PARLEY_CALL_FILE_H
#define PARLEY_CALL_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/ctx.h"
#include "csv.h"
#include "lines.h"
#include "store/call.h"

#define CALL_COLUMNS	7

struct call_file {
	FILE		*in;
	bool		 is_csv;
	struct csv	 csv;
	int		 column[CALL_COLUMNS];	/* of the CSV; -1: it has none */
	struct lines	 lines;			/* of JSON */
	int64_t		 line;			/* number of what was read last: where it began */
	off_t		 size;			/* of the file, in bytes */
};

enum call_read { CALL_READ_ERROR = -1, CALL_READ_END, CALL_READ, CALL_READ_BAD };

/*
 * By the end of its name: .csv, .jsonl or .ndjson. CALL_READ; with *why (in the arena)
 * CALL_READ_ERROR: it cannot be opened, CALL_READ_BAD: it is no such file.
 */
enum call_read	 call_file_open(struct call_file *, struct arena *, const char *path,
		    const char **why);
void		 call_file_close(struct call_file *);
/*
 * The next record, its strings in the ctx's arena; times without a zone are in the configured one.
 * CALL_READ_BAD: *why; the next call goes on behind it. CALL_READ_ERROR: errno.
 */
enum call_read	 call_file_next(struct call_file *, struct ctx *, struct call_record *,
		    const char **why);
off_t		 call_file_at(const struct call_file *);	/* bytes read so far */

#endif
