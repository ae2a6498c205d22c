/*
 * plan: what a lane does beside asking its model: before it, intents are tested for and the web is
 * searched; between, tools that the model calls are run, and what they say is given to it; behind
 * it, it is asked for questions that may come next, and an answer that broke off is asked to go on.
 * Each step is begun by the end of the one before, on the loop; all of it is done when the lane
 * closes, so what it cost, found and ran is in the closing transaction.
 *
 * Each request has its model's limits for itself; one beside the answer has 20 s at most.
 *
 * A lane without a plan is asked and ends: nothing here costs it anything.
 */
#ifndef PARLEY_PLAN_H
#define PARLEY_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/turn.h"

#define PLAN_ROUNDS	5		/* of tools, at most */
#define PLAN_TOOLS	16		/* calls of a round that are run; the others are refused */
#define PLAN_QUESTIONS	3		/* that are suggested, at most */
#define PLAN_RESULT_MAX	(64 * 1024)	/* bytes of a tool's result that the model is told */
#define PLAN_HITS	8		/* of a search, at most */

struct plan_tool {			/* store/tool.h's, with its secret read */
	const char	*name, *description;
	const char	*parameters;	/* JSON Schema, as JSON text */
	const char	*method;	/* GET, POST, PUT, PATCH, DELETE */
	const char	*url;		/* "{name}" in it is an argument, encoded */
	const char	*headers;	/* JSON object of strings */
	const char	*secret;	/* bearer token; NULL: none */
	int		 timeout_s;
};

struct plan_intent {
	const char	*name;
	const char	*const *examples;
	size_t		 nexamples;
	const char	*reply;		/* the answer, without asking; NULL: */
	const char	*system;	/* the model answers, told this as well */
};

struct plan_spec {
	/* The whole answer: nobody is asked, and it costs nothing. NULL: it is the model's */
	const char		*reply;
	/* Tested in a request of their own, to the lane's model; the first that fits counts */
	const struct plan_intent *intents;
	size_t			 nintents;
	/*
	 * The setting search_url: asked for the question. The hits become a system message and the
	 * lane's citations, {"link","snippet","title"} each. A search that fails is noted in the
	 * log, and the model is told that nothing was found. NULL: no search
	 */
	const char		*search_url;
	const struct plan_tool	*tools;
	size_t			 ntools;
	bool			 suggest;	/* lane.questions is filled */
	/*
	 * An answer that breaks off after its first token is asked to go on: once of its own model
	 * or of a fallback, with what was said so far. The seam is kept with the answer.
	 */
	bool			 resume;
};

/*
 * Gives the lane its plan: copies of the spec's plan and of what it hears, the question last. Its
 * address and its fallbacks' are set. On the request thread that opens the turn.
 */
void	 plan_prepare(struct lane *, const struct turn_spec *, const struct message *, size_t n);
/*
 * What a lane does instead of asking (lane.c calls these; on the loop). plan_run: begins with the
 * first step. plan_heard: a piece of its answer has come; true: it is none, and nobody is told.
 * plan_asked: a request to the lane's model for its answer has ended like that; false: the lane
 * ends now, as it did; true: the plan goes on and will end it. plan_cancel: nothing beside the
 * answer goes on any more, as the lane is stopped: what it then ends as is its answer's end where
 * that came.
 */
void	 plan_run(struct lane *);
bool	 plan_heard(struct lane *, const struct delta *);
bool	 plan_asked(struct lane *, const struct ask_end *);
void	 plan_cancel(struct lane *);
void	 plan_free(struct plan *);		/* what is not in the arena; NULL is fine */

#endif
