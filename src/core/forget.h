/*
 * forget: takes users and old conversations away for good: out of the database (store/erase.h) and
 * out of the spools of this host. For commands: it waits. Other hosts of a cluster forget what is
 * in their spools when its time has come (spool_keep).
 */
#ifndef PARLEY_FORGET_H
#define PARLEY_FORGET_H

#include "base/ctx.h"
#include "store/erase.h"

/*
 * The user with everything that is theirs: their keys are revoked and what runs is stopped first.
 * It may be begun again where it failed. What went is counted. -1: F_TIMEOUT (what runs does not
 * stop), F_CONFLICT (the user goes on and on).
 */
int	 forget_user(struct ctx *, int64_t user, struct erased *);
/*
 * The conversations of the tenant (0: of all) in which nothing was asked since older_ms. progress
 * hears how far it is, between `from` and `to`. 0 or -1; what went is counted either way.
 */
int	 forget_old(struct ctx *, int64_t tenant, int64_t older_ms, void (*progress)(void *arg,
	    int64_t at, int64_t from, int64_t to), void *arg, struct erased *);
/* What the database has no words of is blanked in this host's spools. 0 or -1. */
int	 forget_spool(struct ctx *);

#endif
