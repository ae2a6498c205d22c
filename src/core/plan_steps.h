/*
 * plan_steps: what the steps of a plan (plan.h) share. Private to core; on the relay loop unless it
 * says otherwise. Each step goes on by itself and then calls the next one's beginning, which
 * plan.c knows.
 */
#ifndef PARLEY_PLAN_STEPS_H
#define PARLEY_PLAN_STEPS_H

#include "core/plan.h"
#include "core/running.h"
#include "core/tool_call.h"
#include "upstream/call.h"
#include "upstream/toolcalls.h"

struct tool_run {			/* one call of a tool */
	struct tool_call	 call;		/* first: it is the run */
	struct plan		*plan;
	const struct toolcall	*wanted;
};

enum plan_step { PLAN_WAITS, PLAN_ASIDE, PLAN_SEARCH, PLAN_ANSWER, PLAN_TOOL, PLAN_OVER };

struct plan {				/* all of it in the turn's arena */
	struct lane		*lane;
	struct plan_spec	 spec;
	enum plan_step		 step;
	/* Who may be asked, the lane's own model first, and where; no bodies */
	struct fallback		*who;
	size_t			 nwho;
	struct fallback		*asked;		/* the same with bodies, of one request */
	/* What the lane hears: system messages, what was said, the question, what tools said */
	struct message		*m;
	size_t			 n, room, nsystems;
	const char		*question;
	const char		*extra;		/* more members of the requests for the answer, */
	const char		*tools;		/* and those that offer tools; or NULL */
	int			 max_tokens;
	struct str		 text;		/* of the answer so far; not thoughts */
	size_t			 round_at;	/* where in it the last round of tools ended */
	int			 rounds;
	bool			 resumed;
	struct toolcalls	*calls;		/* of this round; NULL: there are no tools */
	bool			 garbled;	/* they are none */
	struct tool_run		*runs;		/* as many as calls */
	size_t			 open;		/* that are not over */
	/* A request that is not told, or a search */
	struct str		 heard;
	struct utf8_tally	 thought;
	void			(*then)(struct plan *, const char *);
	struct call		*search;
};

/* plan.c */
void	 plan_add(struct plan *, const struct message *);	/* behind all others */
void	 plan_add_system(struct plan *, const char *text);	/* behind the leading ones */
/* The lane's requests to whom it may ask, with their prompts: lane_ask_models may follow. */
void	 plan_write(struct plan *, const struct message *, size_t n, const char *extra,
	    int max_tokens);
void	 plan_search(struct plan *);		/* what follows the intents, */
void	 plan_answer(struct plan *);		/* and the search, and each round of tools */
/* Tells an answer that no model gives; the lane ends. */
void	 plan_reply(struct plan *, const char *);
const char *plan_text(const struct plan *, const char *zh, const char *en);

/*
 * plan_aside.c: asks the lane's models something that nobody is told; its cost is spent (turn.h).
 * `then` gets what was said, NULL: nothing, as it failed.
 */
void	 plan_aside(struct plan *, const struct message *, size_t n,
	    void (*then)(struct plan *, const char *));
void	 plan_aside_cancel(struct plan *);

void	 plan_intent(struct plan *);		/* plan_intent.c; plan_search or the end follow */
void	 plan_suggest(struct plan *);		/* plan_suggest.c; the lane's end follows */

/* plan_search.c; plan_answer follows. */
void	 plan_search_begin(struct plan *);
void	 plan_search_cancel(struct plan *);

/* plan_tools.c: a round of tools; plan_answer follows. */
char	*plan_tools_json(struct arena *, const struct plan_tool *, size_t n);	/* "tools":[…] */
void	 plan_tools_heard(struct plan *, const struct delta *);
void	 plan_tools_run(struct plan *);
void	 plan_tools_cancel(struct plan *);

#endif
