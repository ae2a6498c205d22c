/*
 * ask: one question to one model: call + event stream + clocks, on the relay loop.
 * Deltas come in, one end follows.
 *
 * Limits: connect; first token (keep-alive comments and role-only chunks do not count); idle
 * between two tokens; total. Time during which the caller paused it does not count.
 */
#ifndef PARLEY_ASK_H
#define PARLEY_ASK_H

#include "base/fail.h"
#include "upstream/call.h"
#include "upstream/delta.h"
#include "upstream/fault.h"
#include "upstream/whole.h"

struct asker;			/* per loop: caller, parser, all running asks */
struct ask;

struct ask_spec {
	enum ask_kind	 kind;
	const char	*url;		/* base with /v1; the kind's path is added */
	const char	*key;		/* NULL: none */
	/* Taken over; see ask_end. Of a transcript: the members become fields of a form */
	struct str	 body;
	const struct call_file	*file;	/* of a transcript: what is heard; copied */
	const char	*rid;
	int		 connect_ms, first_ms, idle_ms, total_ms;
	int64_t		 prompt_estimate;	/* tokens, for when the upstream reports none */
};

struct ask_end {
	/* F_NONE: ended well; F_UPSTREAM, F_UNAVAILABLE (429, 5xx, no connection), F_TIMEOUT */
	enum fail_kind	 why;
	enum fault	 fault;		/* the same, as it tells on the upstream */
	enum finish	 finish;	/* of an answer that ended well */
	int		 retry_after;
	bool		 heard;		/* a token came */
	bool		 usage;		/* the upstream reported tokens */
	/*
	 * As reported; else estimated. A stream's completion is not (0): who hears it counts it.
	 */
	int64_t		 prompt_tokens, completion_tokens;
	/*
	 * What was asked, where no token came and the connection needs it no more: for asking it
	 * again it may be taken, leaving zeros. Else NULL.
	 */
	struct str	*body;
};

/*
 * A stream is told piece by piece. A reply that comes whole is told as one delta; until then it is
 * silent, so that its only limits are those to connect and of all of it.
 */
struct ask_ops {
	/* -1 ends the ask as failed (the answer passed its cap). */
	int	(*delta)(void *arg, const struct delta *);
	void	(*cite)(void *arg, const struct json *citations);
	/* Exactly once, unless cancelled; the ask is gone */
	void	(*end)(void *arg, const struct ask_end *);
};

struct asker	*asker_new(struct loop *);
void		 asker_free(struct asker *);
struct caller	*asker_caller(struct asker *);	/* for other calls on the same connections */
/* On the loop */
struct ask	*ask_start(struct asker *, struct ask_spec *, const struct ask_ops *, void *arg);
void		 ask_cancel(struct ask *);
void		 ask_pause(struct ask *, bool);

#endif
