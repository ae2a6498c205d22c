/*
 * masks: who is who in a session whose models are hidden. Lane n wears mask n (ALPHA, BRAVO, …);
 * which model sits in which lane is drawn at random once per session.
 */
#ifndef PARLEY_MASKS_H
#define PARLEY_MASKS_H

#include "core/turn.h"
#include "store/model.h"
#include "store/session.h"

#define MASKS	26

const char	*mask_code(int n);			/* 0: "ALPHA"; n < MASKS */
const char	*mask_name(const char *code);		/* "ALPHA": "模型A"; another word: itself */

/*
 * Deals the enabled arena models to lanes: at most the setting arena_lanes of them, drawn at random
 * where there are more. The lanes are in the arena. NULL: F_UNAVAILABLE, there is no model; or the
 * database failed.
 */
struct lane_row	*masks_deal(struct ctx *, int64_t session, size_t *n);
/*
 * The lanes as seats of a turn, without those whose model is disabled. lanes may be one lane alone.
 * NULL: F_UNAVAILABLE (no model is left), naming no model; or the database failed.
 */
struct turn_seat *masks_seat(struct ctx *, const struct lane_row *, size_t nlanes, size_t *n);

#endif
