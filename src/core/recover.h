/*
 * recover: closes what dead workers left running. Their answers get all the text that stands in
 * their spool, as any client may have seen it; one whose upstream had ended gets that end, any
 * other is failed, its tokens estimated.
 */
#ifndef PARLEY_RECOVER_H
#define PARLEY_RECOVER_H

#include "base/ctx.h"

/*
 * Goes through the unlocked spools below state_dir. The number of answers closed, or -1: not all
 * could be (the database is away); what is left stays in the spool.
 */
int	 recover_spools(struct ctx *, const char *spool_dir);

#endif
