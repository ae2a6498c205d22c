/*
 * turn: a question and the answers of the lanes that take part. Opened on a request thread in one
 * transaction, then run on the relay loop; each lane is closed by the closer in a transaction of
 * its own, the last one closes the turn.
 */
#ifndef PARLEY_TURN_H
#define PARLEY_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"
#include "base/peer.h"
#include "base/utf8.h"
#include "core/spool.h"
#include "core/voice.h"
#include "store/model.h"
#include "store/session.h"
#include "upstream/ask.h"
#include "upstream/prompt.h"
#include "upstream/toolcalls.h"

struct attempt;
struct call_file;
struct engine;
struct fallback;
struct plan;
struct plan_spec;
struct registry_row;

enum lane_state { LANE_WAITING, LANE_RUNNING, LANE_CLOSING, LANE_CLOSED };

/* One model's part in a turn. Voices read it; only core/lane.c changes it. */
struct lane {
	struct turn		*turn;
	/* Number in the session; FUSION's is past the others */
	int			 n;
	const char		*mask;		/* "ALPHA" */
	const char		*mask_name;	/* "模型A" */
	const char		*pri_id;	/* NULL in what is not stored */
	int64_t			 answer;	/* id of its row */
	int64_t			 asked;		/* id of the model asked last; 0: none yet */
	/* Copied into the turn's arena; the one that is asked last, where others failed */
	const struct model	*model;

	enum lane_state		 state;
	/* Running; then stop, length, content_filter, timeout, error, stopped */
	const char		*status;
	enum fail_kind		 why;		/* where status is error or timeout */
	int			 retry_after;
	/*
	 * What it said. Of a turn that runs it is in the spool, and here only where a fusing lane
	 * waits for it, or its voice wants it: of what is stored while the end is told. An answer
	 * that is told again from the database (retell.h) is here.
	 */
	struct str		 text, reasoning;
	struct utf8_tally	 said, thought;	/* how much of either there is */
	/* What it wants called, where its voice takes that (takes_tools); NULL: nothing */
	struct toolcalls	*calls;
	char			**citations;	/* each one JSON object; in the turn's arena */
	size_t			 ncitations;
	int64_t			 prompt_tokens, completion_tokens;
	bool			 estimated;
	int64_t			 first_ms, last_ms, ended_ms;	/* wall; 0: did not happen */

	/* private to core */
	struct attempt		*attempt;	/* running, and not ended yet */
	struct ask		*ask;		/* of the attempt, while a model is asked */
	int64_t			 asked_us;	/* monotonic */
	struct ask_spec		 spec;		/* how it is asked; its body is gone once it was */
	struct fallback		*fallbacks;	/* that may be asked yet; in the turn's arena */
	size_t			 nfallbacks;
	struct plan		*plan;		/* its steps; NULL: it only asks */
	/* At whose prices its tokens are: the one asked last for its answer; NULL: nobody yet */
	const struct model	*charged;
	int64_t			 counted;	/* estimate of what of its text is in the tokens */
	/*
	 * What it has cost besides its tokens: requests to other models, and those beside its
	 * answer, at the prices of who was asked. In the unit of the prices.
	 */
	double			 spent;
	double			 cost;		/* of all of it, once it has ended */
	char			*questions;	/* JSON array of what may be asked next; or NULL */
	char			*seams;		/* JSON array: where it went on (plan.h); or NULL */
	char			**tools;	/* that ran, each one JSON object; in the arena */
	size_t			 ntools;
	bool			 thinking;	/* inside a reasoning */
	bool			 told;		/* its last messages went out */
	bool			 saved;		/* it is in the database */
	uint64_t		 end_pos;	/* of its SPOOL_END */
	int64_t			 closing_since;	/* monotonic ms; the closer's */
	struct lane		*next_closing;
};

struct turn {
	int64_t			 id;
	int64_t			 session;	/* 0: not stored */
	int64_t			 owner;		/* user; 0: a caller without identity */
	int64_t			 key;		/* the API key that pays; 0: none */
	int64_t			 parent;	/* what it goes on from: see turn_spec */
	int64_t			 group;		/* of the turns of one question; 0: not stored */
	int64_t			 round;		/* of its group in the session, from 1; for ref */
	const char		*ref;		/* as its voice has it; may be NULL */
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
	/* Who listens and keeps up with it; NULL: nobody, or only followers */
	struct peer		*peer;
	/* The last of lanes, asked when the others have ended; or NULL */
	struct lane		*fuse;
	const char		*question;	/* kept only where fuse needs it */
	struct call_file	*file;		/* its own, which is sent to the models; or NULL */
	struct spool_chain	 chain;		/* its records */
	struct registry_row	*row;		/* NULL: none yet, or no room for one */
	/* Nothing is stored and the peer is slow: the upstreams wait */
	bool			 paused;
	bool			 begun;		/* its voice has, and its peer */
	bool			 done;		/* every lane was told, and so was the end */
	bool			 dirty;		/* has records that nobody was told of */
	uint16_t		 nheard;
	int64_t			*heard;		/* other workers, where it has followers */
	struct turn		*next_dirty;
	struct turn		*same;		/* in the engine's table */
	struct turn		*next, **prev;	/* the engine's list */
};

struct turn_seat {		/* a lane that takes part */
	int			 lane;
	const struct model	*model;
	const char		*mask, *mask_name, *pri_id;
};

struct turn_ask {		/* what the models are asked for */
	enum ask_kind	 kind;
	/*
	 * A transcript: what is heard. The turn has a descriptor of its own;
	 * this one stays the caller's.
	 */
	struct call_file file;
};

struct turn_spec {
	const struct voice	*voice;
	/* The owner's; NULL: nothing is stored but figures */
	const struct session	*session;
	/* Lanes of a session that begins with this turn and is stored with it; NULL: it is there */
	const struct lane_row	*fresh;
	size_t			 nfresh;
	const char		*ref;		/* of what is not stored; may be NULL */
	const struct turn_seat	*seats;
	size_t			 nseats;
	/* Gets the seats' drafts and answers last, as mask FUSION; NULL: none */
	const struct model	*fuse;
	bool			 private;	/* hears and says what only its lane knows */
	/* May join the newest public group with the same question */
	bool			 join;
	/*
	 * A group of the session whose question this is once more: what is heard is what was said
	 * before it. 0: a new question
	 */
	int64_t			 group;
	bool			 entitle;	/* a session without a title gets it from here */
	const struct model	*choice;	/* the session's from now on; NULL: as it is */
	int64_t			 version;	/* of the session's assistant; 0: nothing of it */
	const char		*question;
	const char		*content_type;	/* image, document; NULL: text */
	const char		*file_url;	/* of that; kept with the question */
	/* An image as the models get it, at an http(s) or data: address; NULL: none */
	const char		*image;
	/*
	 * Gives the picture of an earlier question, by its file_url, in the same form, so that it
	 * is seen again; NULL, with the ctx not failed: it cannot be had. NULL: none is.
	 */
	const char		*(*picture)(struct ctx *, const char *file_url);
	/* Earlier messages of the client: used and kept only where nothing is stored yet */
	const struct message	*before;
	size_t			 nbefore;
	/*
	 * All that the models are told, in place of what was said before, the question and what
	 * stands around it, which are only kept. ntold 0: they are told those.
	 */
	const struct message	*told;
	size_t			 ntold;
	/*
	 * A message of the session (id of a turn, or of an answer of one): what is heard is the
	 * path from the first message to that one. The session's own id: nothing, and who goes on
	 * from here hears nothing older. 0: everything, -1: nothing
	 */
	int64_t			 parent;
	/* What the assistant is told before everything; used, not kept. NULL: nothing */
	const char		*system;
	/*
	 * More members of the requests to the models, as JSON text without braces:
	 * "temperature":0.2,"stop":["x"]; NULL: none. max_tokens: of an answer; 0: the model's.
	 */
	const char		*extra;
	int			 max_tokens;
	/* Other than a chat: `question` alone is asked, with extra, and there is no plan */
	struct turn_ask		 ask;
	/* What is done before and after the models are asked (plan.h); NULL: nothing */
	const struct plan_spec	*plan;
	/* A system message with what was found for the question; NULL: nothing */
	const char		*knowledge;
	/* What was found, each one JSON object: every lane's first citations */
	char			**citations;
	size_t			 ncitations;
	/* JSON array of what could not be searched, kept with the question; NULL: nothing */
	const char		*unread;
	/* Of a request that may be sent again (store/idem.h); NULL: it is like no other */
	const char		*idem_key, *idem_body;
};

/*
 * Opens the turn: one transaction checks that none of the lanes is answering (F_BUSY), finds its
 * group and stores question and running answers. NULL: ctx failed, nothing is stored (F_CONFLICT:
 * another request with that idem_key was first; F_UNAVAILABLE, "state_dir": its disk is full;
 * F_PAYMENT: the caller's key cannot pay for it). What it returns must be given to turn_run.
 */
struct turn	*turn_open(struct ctx *, struct engine *, const struct turn_spec *);
/*
 * Hands it to the relay loop; peer may be NULL (nobody listens). From any thread; the
 * turn is the engine's afterwards.
 */
void		 turn_run(struct turn *, struct peer *);

/* Control, on the loop. */
/* Every running lane ends as stopped, with what was said */
void		 turn_stop(struct turn *);

#endif
