/*
 * retell: a turn as its voice needs it, made again by whoever tells it once more: from its first
 * record in the spool, or from the database when that is gone. It has no engine and no models.
 */
#ifndef PARLEY_RETELL_H
#define PARLEY_RETELL_H

#include "base/ctx.h"
#include "base/out.h"
#include "core/spool.h"
#include "core/turn.h"
#include "store/turn.h"

/* The voice of that name and, unless version is 0, of that version. NULL: we do not have it. */
const struct voice	*retell_voice(const struct voice *const *voices, const char *name,
			    int version);

/* Appends the payload of SPOOL_BEGIN: JSON. */
void	 retell_write(struct str *, const struct turn *);
/*
 * The turn of such a record: its lanes as they were when it began, running, and nobody listening.
 * voices: all there are, ended by NULL. NULL: damaged, or told by a voice (or a version of it) that
 * we do not have. turn_free frees it.
 */
struct turn	*retell_read(const struct spool_record *, const struct voice *const *voices);
/*
 * What a record says of a lane goes into the lane: SPOOL_LANE, SPOOL_CITE, SPOOL_QUESTIONS,
 * SPOOL_END, and of a delta its time and length. So that end, fail and cite can be told from it.
 */
void	 retell_note(struct turn *, const struct spool_record *);

/*
 * A turn that is over, from the database: every lane with its whole answer, citations and end. Its
 * row is one of turn_get. NULL: ctx failed (F_NOT_FOUND: its voice cannot tell what is stored).
 */
struct turn	*retell_load(struct ctx *, const struct turn_row *,
		    const struct voice *const *voices);
/*
 * Tells such a turn by one call of its voice, so that a slow client need not be sent all of it at
 * once: begin is step 0, then follow for each lane its whole answer in one message, end or fail,
 * and cite, then done. False: that was the last, which retell_is_last knows before.
 */
bool	 retell_step(struct turn *, int step, struct out *);
bool	 retell_is_last(const struct turn *, int step);

#endif
