/*
 * recover: closes what dead workers left running. Their answers get all the text that stands in
 * their spool, as any client may have seen it; one whose upstream had ended gets that end, any
 * other is failed, its tokens estimated. Then they are told to their end (heal.h).
 */
#ifndef PARLEY_RECOVER_H
#define PARLEY_RECOVER_H

#include "base/ctx.h"
#include "core/voice.h"

/*
 * Goes through the unlocked spools of the host: what is in them is stored, then told to its end;
 * those whose time has come go. The number of answers closed, or -1: not all could be (the database
 * is away); what is left stays in the spool.
 */
int	 recover_spools(struct ctx *, const struct voice *const *voices, const char *spool_dir);
/*
 * Closes, as failed, those of the worker's running turns that never began: the commit that opened
 * them was not heard of, so nobody was told of them and no record is anywhere. The number of
 * answers closed, or -1.
 */
int	 recover_unbegun(struct ctx *, int64_t worker, const int64_t *turns, size_t n);

#endif
