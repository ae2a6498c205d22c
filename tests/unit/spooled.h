/* spooled: a directory for spools, and what tests of several modules put into them. */
#ifndef PARLEY_TESTS_SPOOLED_H
#define PARLEY_TESTS_SPOOLED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/spool.h"

#define SPOOLED_HEAD	40	/* bytes of a record before its payload */

extern char	 spooled_dir[];

/* For setup and teardown of a group; the latter fails where a test left something. */
int		 spooled_begin(void **state);
int		 spooled_end(void **state);
/* A worker's directory ("") or a file of it; good until the next call. */
const char	*spooled_path(int64_t id, const char *name);
bool		 spooled_exists(int64_t id, const char *name);
void		 spooled_flip(int64_t id, const char *name, uint64_t off);	/* one bit */

void	 spooled_add(struct spool *, int64_t turn, int lane, enum spool_kind, int flags,
	    const char *, size_t, struct spool_chain *);
/* Lane 3, flags 5. */
void	 spooled_say(struct spool *, int64_t turn, enum spool_kind, const char *,
	    struct spool_chain *);
/* Events from..to as deltas that say their number. */
void	 spooled_count(struct spool *, int64_t turn, uint32_t from, uint32_t to,
	    struct spool_chain *);

#endif
