/* import_same: which document a file that is imported is already. */
#ifndef PARLEY_IMPORT_SAME_H
#define PARLEY_IMPORT_SAME_H

#include "store/document.h"

struct import_file {
	const char	*name;		/* without directories */
	int64_t		 size;
	int		 fd;
	char		*buf;		/* DOCUMENT_PART bytes */
};

/*
 * The one of these documents that holds what the file does, best one that has not failed, in *it;
 * its id 0: none does. 0, or -1 (ctx failed).
 */
int	 import_same(struct ctx *, const struct import_file *, const struct document *, size_t n,
	    struct document *it);
/* The same among all of the owner's that have its name. */
int	 import_same_of(struct ctx *, const struct import_file *, int64_t owner,
	    struct document *it);

#endif
