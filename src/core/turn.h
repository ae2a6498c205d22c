/*
 * turn: a question and the answers of the lanes that take part. Opened on a request thread in one transaction, then run
 * on the relay loop; each lane is closed by the closer in a transaction of its own, the last one closes the turn.
 */
#ifndef PARLEY_TURN_H
#define PARLEY_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"
#include "base/peer.h"
#include "core/voice.h"
#include "store/model.h"
#include "store/session.h"
#include "upstream/ask.h"
#include "upstream/prompt.h"

struct engine;

#define TURN_MARK	256	/* events */

enum lane_state { LANE_WAITING, LANE_RUNNING, LANE_CLOSING, LANE_CLOSED };

/* One model's part in a turn. Voices read it; only core/lane.c changes it. */
struct lane {
	struct turn		*turn;
	int			 n;		/* number in the session; FUSION's is past the others */
	const char		*mask;		/* "ALPHA" */
	const char		*mask_name;	/* "模型A" */
	const char		*pri_id;	/* NULL in what is not stored */
	int64_t			 answer;	/* id of its row */
	const struct model	*model;		/* copied into the turn's arena */

	enum lane_state		 state;
	const char		*status;	/* running; then stop, length, content_filter, timeout, error, stopped */
	enum fail_kind		 why;		/* where status is error or timeout */
	int			 retry_after;
	struct str		 text, reasoning;
	char			**citations;	/* each one JSON object; in the turn's arena */
	size_t			 ncitations;
	int64_t			 prompt_tokens, completion_tokens;
	bool			 estimated;
	int64_t			 first_ms, last_ms, ended_ms;	/* wall; 0: did not happen */

	/* private to core */
	struct ask		*ask;
	struct ask_spec		 spec;		/* how it is asked; its body is gone once it was */
	bool			 thinking;	/* inside a reasoning */
	bool			 told;		/* its last messages went out */
	bool			 saved;		/* it is in the database */
	int64_t			 closing_since;	/* monotonic ms; the closer's */
	struct lane		*next_closing;
};

struct turn {
	int64_t			 id;
	int64_t			 session;	/* 0: not stored */
	const char		*session_ref;	/* what the dialect calls the session in frames; may be NULL */
	enum lang		 lang;
	bool			 stored;
	bool			 stopped;	/* somebody asked to stop it */
	const struct voice	*voice;
	struct lane		*lanes;
	int			 nlanes;
	int64_t			 created_ms;
	char			 rid[24];

	/* private to core */
	struct arena		*a;
	struct engine		*engine;
	struct peer		*peer;		/* who listens; NULL: nobody (any more) */
	struct lane		*fuse;		/* the last of lanes, asked when the others have ended; or NULL */
	const char		*question;	/* kept only where fuse needs it */
	int64_t			 events;	/* messages told so far */
	int64_t			 sent;		/* of these, handed to the peer; behind while it is slow */
	bool			 paused;	/* nothing is stored and the peer is slow: the upstreams wait */
	bool			 done;		/* every lane was told, and so was the end */
	uint64_t		 spool_first, spool_last;	/* positions of its records; 0: none */
	uint64_t		*marks;		/* position of every TURN_MARK-th event */
	struct turn		*next, **prev;	/* the engine's list */
};

struct turn_seat {		/* a lane that takes part */
	int			 lane;
	const struct model	*model;
	const char		*mask, *mask_name, *pri_id;
};

struct turn_spec {
	const struct voice	*voice;
	const struct session	*session;	/* the owner's; NULL: nothing is stored but figures */
	const char		*session_ref;
	const struct turn_seat	*seats;
	size_t			 nseats;
	const struct model	*fuse;		/* gets the seats' drafts and answers last, as mask FUSION; NULL: none */
	bool			 private;	/* hears and says what only its lane knows */
	bool			 join;		/* may join the newest public group with the same question */
	const char		*question;
	const struct message	*before;	/* earlier messages of the client: used and kept only where nothing is stored yet */
	size_t			 nbefore;
	const char		*knowledge;	/* a system message with what was found for the question; NULL: nothing */
	char			**citations;	/* what was found, each one JSON object: every lane's first citations */
	size_t			 ncitations;
};

/*
 * Opens the turn: one transaction checks that none of the lanes is answering (F_BUSY), finds its group and stores question
 * and running answers. NULL: ctx failed, nothing is stored. What it returns must be given to turn_run.
 */
struct turn	*turn_open(struct ctx *, struct engine *, const struct turn_spec *);
/* Hands it to the relay loop; peer may be NULL (nobody listens). From any thread; the turn is the engine's afterwards. */
void		 turn_run(struct turn *, struct peer *);

/* Control, on the loop. */
void		 turn_stop(struct turn *);	/* every running lane ends as stopped, with what was said */

#endif
