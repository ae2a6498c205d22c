/* session: beginning and opening conversations of the caller (cx->who) whose models wear masks. */
#ifndef PARLEY_SESSION_H
#define PARLEY_SESSION_H

#include "base/ctx.h"
#include "store/session.h"

#define SESSION_UNTITLED	"新对话"	/* as the arena stores it; others store "" */
#define SESSION_TITLE_MAX	200	/* characters */

struct talk {			/* a session with its lanes, in the arena */
	struct session	*session;
	struct lane_row	*lanes;		/* by lane */
	size_t		 nlanes;
};

/*
 * Makes a session in the caller's task of that id (text as the client gave it) with masked lanes;
 * titled by `first`, what was said first (NULL or empty: untitled). A guest's task that is not the
 * guest's own means the default task. It is not stored yet: session_begin does that, or the turn it
 * begins with (turn_spec.fresh). 0; -1: F_NOT_FOUND (the task), F_UNAVAILABLE (no model).
 */
int	 session_make(struct ctx *, const char *task, const char *first, struct talk *);
/* The same, and stores it. */
int	 session_begin(struct ctx *, const char *task, const char *first, struct talk *);
/* The caller's session of that id. -1: F_NOT_FOUND, also for other people's. */
int	 session_open(struct ctx *, int64_t id, struct talk *);
/* The caller's session that has this lane, with that lane alone. -1: F_NOT_FOUND. */
int	 session_open_lane(struct ctx *, const char *pri_id, struct talk *);
/* Titles a session that has none yet as session_make would have: by what was said first. */
int	 session_retitle(struct ctx *, const struct session *, const char *first);
/*
 * Titles a session whose title is "", as those without masks begin, by what was said first, in one
 * line; it stays as it is where that is but blanks.
 */
int	 session_entitle(struct ctx *, const struct session *, const char *first);

#endif
