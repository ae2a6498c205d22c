/*
 * voice: how a turn is told in a dialect. It only writes messages (msg_open, jw…, msg_close);
 * where they go is not its affair. Core knows voices by this table and no dialect by name.
 *
 * Told in this order: begin once; per lane delta*, then exactly one of end or fail, then cite;
 * done once, after the last lane. NULL = the dialect says nothing there. `delta` writes exactly
 * one message and is a pure function of the turn, the lane and the delta, so that any process
 * can say it again byte for byte. Of either it reads no more than retell.h keeps: what else its
 * frames say goes into the turn's ref.
 */
#ifndef PARLEY_VOICE_H
#define PARLEY_VOICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/out.h"
#include "upstream/delta.h"

struct model;
struct session;
struct turn;
struct lane;

/* What was asked in a stored turn, and of whom. */
struct question {
	const char		*text;
	const char		*content_type;	/* text, image, document */
	const char		*unread;	/* turn_row.unread */
	const char		*author;	/* subject; NULL: nobody */
	const char		*author_name, *author_avatar;	/* NULL: not known */
	/* id, code, name, logo of all that may answer; of a turn that is over, of those who did */
	const struct model	*const *models;
	size_t			 nmodels;
	const struct session	*session;	/* where it was asked, as it is after that */
	const char		*zone;		/* of times as text: the setting's */
};

struct voice {
	const char	*name;		/* stored with the turn */
	int		 version;	/* raised when its frames change */
	const char	*prefix;	/* of an SSE data line: "data: " or "data:" */
	/*
	 * What its frames say of a stored turn beside its numbers, in the arena: turn.ref, which is
	 * spooled with it. NULL: nothing.
	 */
	char		*(*ref)(struct arena *, const struct turn *, const struct question *);
	/* End, fail and cite see what the lane said: l->text and l->reasoning */
	bool		 wants_text;
	bool		 takes_tools;	/* its deltas may be DELTA_TOOLS */
	/*
	 * It begins only when an upstream answers: begin is told, and a listener's stream begins,
	 * right before the first delta, or before an end without one. Of what fails before, a
	 * listener hears nothing but the reason (peer.why).
	 */
	bool		 late;
	void		(*begin)(struct out *, const struct turn *);
	/* NULL: who listens to it hears only ends; of turns that are not stored alone */
	void		(*delta)(struct out *, const struct lane *, const struct delta *);
	/*
	 * The whole of an answer that is over (l->text, l->reasoning) in one message, replacing
	 * whatever a client has of it. NULL: what is stored cannot be told again.
	 */
	void		(*whole)(struct out *, const struct lane *);
	void		(*end)(struct out *, const struct lane *);
	void		(*fail)(struct out *, const struct lane *);
	void		(*cite)(struct out *, const struct lane *);
	void		(*done)(struct out *, const struct turn *);
};

#endif
