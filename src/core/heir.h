/*
 * heir: closes what lost hosts left running, as recover does for the dead workers of this one: of
 * what their turns said there is what they had shared, up to about a second before. Private to
 * core; on the housekeeper's thread.
 */
#ifndef PARLEY_HEIR_H
#define PARLEY_HEIR_H

#include "base/ctx.h"
#include "core/voice.h"

/*
 * Looks for hosts whose lease has run out; one worker of one of the others takes over what each of
 * them left. With cluster = off only what another state directory has left under our own number is
 * looked for. -1: ctx failed.
 */
int	 heir_round(struct ctx *, const struct voice *const *voices, const char *spool_dir);

#endif
