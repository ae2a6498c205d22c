/* migrate: brings the schema forward. Numbered files, each applied once, their checksums kept. */
#ifndef PARLEY_MIGRATE_H
#define PARLEY_MIGRATE_H

#include <stdbool.h>

#include "base/ctx.h"
#include "base/str.h"

#define SCHEMA_VERSION	12	/* the highest number in schema/ that this program was built for */

struct migration {
	int	 version;
	char	*name;		/* "0001-core.sql" */
	int64_t	 applied_ms;	/* 0: not yet */
};

/*
 * Applies what is missing of dir/NNNN-*.sql in order, under a lock row taken by conditional
 * UPDATE; tells each through `say` (may be NULL). Repeatable: a step that died halfway is
 * applied again. -1: ctx failed, the sentence names file and statement; also when an
 * applied file has changed since.
 */
int	 migrate(struct ctx *, const char *dir, void (*say)(void *, const struct migration *),
	    void *arg);
/* Files and database side by side, by version. */
int	 migrate_status(struct ctx *, const char *dir, struct migration **, size_t *n);
/*
 * 0 when the database's version is the one this program knows, else -1
 * with F_UNAVAILABLE and what to do.
 */
int	 migrate_check(struct ctx *);
/* Where the schema files are: $PARLEY_SCHEMA_DIR, else PKGDATADIR "/schema". */
const char *migrate_dir(void);

#endif
