/*
 * upload: the body of a route with R_UPLOAD. It is kept in an unlinked file in state_dir while it
 * comes in, never in memory, and then taken apart. Nothing is left of it when the request ends,
 * however that is.
 */
#ifndef PARLEY_UPLOAD_H
#define PARLEY_UPLOAD_H

#include "web/multipart.h"
#include "web/req.h"

/* For handlers. */

/* Its parts in their order, in the arena: as multipart_parse. */
int	 upload_parts(struct req *, struct multipart_part **, size_t *n);
/* The file that the parts lie in; it stays the request's. */
int	 upload_file(const struct req *);
/* Bytes of a part's content from `at` on: all n of them, or -1 (F_INTERNAL). */
int	 upload_read(struct req *, const struct multipart_part *, int64_t at, void *, size_t n);

/* For req and worker. */

/*
 * Takes the body, of which so many bytes are expected (-1: nobody knows). What is over the limit is
 * read and dropped (*over). -1: it came broken, or there is no room for it (F_UNAVAILABLE).
 */
int	 upload_take(struct req *, int64_t expected, size_t limit, bool *over);
int64_t	 upload_size(const struct req *);	/* of what was taken */
void	 upload_drop(struct req *);		/* where there is one */

#endif
