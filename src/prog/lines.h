/* lines: a file line by line, each up to a length. Empty ones are passed over. */
#ifndef PARLEY_LINES_H
#define PARLEY_LINES_H

#include <stdint.h>
#include <stdio.h>

#include "base/str.h"

struct lines {
	FILE		*in;
	struct str	 text;		/* the line, without its end */
	int64_t		 line;		/* its number, from 1 */
};

enum lines_read { LINES_ERROR = -1, LINES_END, LINES_READ, LINES_LONG };

/* Reads on in the file, which stays the caller's. */
void	 lines_open(struct lines *, FILE *, size_t most);
void	 lines_close(struct lines *);
/* The next one. LINES_LONG: it is skipped, the next call goes on behind it. LINES_ERROR: errno. */
enum lines_read	 lines_next(struct lines *);

#endif
