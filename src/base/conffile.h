/*
 * conffile: a file of `name = value` lines: quotes where needed, # and C comments, lists {"a",
 * "b"}, `+=` to add to a list, include("x") relative to the file it stands in, "${VARIABLE}". The
 * only user of libConfuse; knows no setting.
 */
#ifndef PARLEY_CONFFILE_H
#define PARLEY_CONFFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "str.h"

struct conffile_name {
	const char	*name;
	bool		 list;		/* may be written as one; arrives joined by commas */
};

/*
 * A value for names[i], in the order of the file (a list: again with each part). NULL, or what is
 * wrong with it.
 */
typedef const char *conffile_set(void *arg, size_t i, const char *value);

/* -1 with one line in err: "parley.conf:12: unknown setting `worker`". One at a time. */
int	conffile_read(const char *path, const struct conffile_name *names, size_t n,
	    conffile_set *set, void *arg, struct str *err);

#endif
