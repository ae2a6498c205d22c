/*
 * session_line: a whole conversation as a line of JSON: what `parley export sessions` writes and
 * `parley import sessions` reads.
 */
#ifndef PARLEY_SESSION_LINE_H
#define PARLEY_SESSION_LINE_H

#include "base/ctx.h"
#include "base/str.h"
#include "store/archive.h"

/* Appends the line with its end. */
void	 session_line_write(struct str *, const struct archive_session *);
/*
 * The line's conversation, in the arena. NULL: ctx failed with what is wrong. now: an id given just
 * before; none of the line may be of later.
 */
struct archive_session	*session_line_read(struct ctx *, const char *line, size_t len,
			    int64_t now);

#endif
