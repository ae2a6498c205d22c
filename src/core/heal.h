/*
 * heal: tells to its end what a dead worker left half told. The rest goes behind its records, in
 * its own spool, as if it had lived to say it: so whoever follows such a turn hears a proper end.
 * Lanes that had not ended end as F_UNAVAILABLE.
 */
#ifndef PARLEY_HEAL_H
#define PARLEY_HEAL_H

#include <stdint.h>

#include "core/voice.h"

/*
 * The caller has the lock of the directory, which is that worker's spool. Its turns, and those that
 * were told already, are in the registry afterwards. -1: errno, some could not be written.
 */
int	 heal_spool(const char *path, int64_t worker, const struct voice *const *voices,
	    int64_t now_ms);
/*
 * Turns that are over, in whoever's spool, are in the registry again, where it was made anew: not
 * looked at are spools whose first such turn is there.
 */
void	 heal_registry(const char *spool_dir, const struct voice *const *voices);

#endif
