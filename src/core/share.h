/*
 * share: with cluster = on, what the turns of this worker say goes from its spool into checkpoints
 * (store/checkpoint.h), where other hosts read it: once a second, in one transaction for all of
 * them. Private to core; on the housekeeper's thread.
 */
#ifndef PARLEY_SHARE_H
#define PARLEY_SHARE_H

#include "base/ctx.h"

/* ms: at least so long what was said stays in the spool and, shared, in the database. */
#define SHARE_KEEP	60000

struct share;

struct share	*share_new(const char *spool_dir, int64_t worker);
void		 share_free(struct share *);		/* NULL is fine */
/*
 * Writes what was spooled since the last time. -1: ctx failed; nothing is lost, the next round
 * writes it.
 */
int		 share_round(struct ctx *, struct share *);
/*
 * The same for a dead worker's directory, of which some is written already. What recovery added to
 * it (spool_adopt) is to be there by now.
 */
int		 share_rest(struct ctx *, const char *path);

#endif
