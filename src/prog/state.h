/*
 * state: what the master must have before there are workers: a database with our schema, the state
 * directory, and this host's right to its node number, a lease in the database (store/node.h) that
 * the workers then renew.
 *
 * What fails gives an exit status and puts the sentence into err.
 */
#ifndef PARLEY_PROG_STATE_H
#define PARLEY_PROG_STATE_H

#include "base/conf.h"
#include "base/str.h"

/* All of it. 0 or an exit status: EX_TEMPFAIL when another host has the number. */
int	 state_take(const struct conf *, struct str *err);
/*
 * The same for other settings than those in force; where it fails those are gone back to. The lease
 * is taken only where state directory or number is another one: the old workers keep theirs.
 */
int	 state_change(const struct conf *now, const struct conf *next, struct str *err);
/* Back to the state directory of these settings, after state_change. */
void	 state_back(const struct conf *);
/* Nothing of ours runs any more: whoever wants the number can have it at once. */
void	 state_release(const struct conf *);

#endif
