/*
 * planned: an office whose turns have a plan, and the other ends of it in the test's hands: models,
 * search and tools.
 */
#ifndef PARLEY_TESTS_PLANNED_H
#define PARLEY_TESTS_PLANNED_H

#include "core/plan.h"
#include "office.h"
#include "wire.h"

extern struct office	 o;
extern int		 door;		/* where it calls, */
extern char		 base[64];	/* and the address of that */

/* What the turns of the next office have; each test begins with none of it. */
extern struct plan_spec	 plan;
extern struct planned_with {
	const char	*system, *extra;
	int		 max_tokens;
	int64_t		 parent;
	enum lang	 lang;		/* English */
	struct turn_ask	 ask;
	int		 fallbacks;	/* 1: "stand-in", whose tokens cost ten times as much */
	bool		 unstored;
} with;

void	 begin_office(void);
/* Asks in the session, 0: a new one. The turn; *line is the client. */
int64_t	 ask(int64_t session, int *line);
void	 idle(void);		/* until it has nothing to do and all is stored */

int	 planned_begin(void **);	/* of a group */
int	 fresh_plan(void **);		/* and of a test, */
int	 end_office(void **);		/* which opens the office */
#define PLAN_TEST(fn)	cmocka_unit_test_setup_teardown(fn, fresh_plan, end_office)

/* ---- what is left of a turn ---- */

/* Columns of its answer (a) and its model (m), joined by '|'. */
void	 answer_is(int64_t turn, const char *columns, const char *want);
void	 costs(int64_t turn, const char *want);		/* answer and ledger */
char	*runs_of(int64_t turn);				/* of tools */

/* ---- what is asked and heard ---- */

void	 has(const struct wire *, const char *part);	/* the body of the request */
void	 lacks(const struct wire *, const char *part);
void	 model_asked(struct wire *);		/* the next request is one for a chat */
void	 model_answers(struct wire *, const char *text, int in, int out);
void	 asked_and_answered(const char *text, int in, int out);
/* It calls tools, JSON, perhaps after a text, and ends. */
void	 model_calls(struct wire *, const char *text, const char *calls, int in, int out);
char	*all_of(int line);			/* to its end */
void	 hears(int line, const char *part);
/* How many calls of tools are over; waits until there are more than before. */
int	 tools_called(void);
void	 tool_called(int before);
void	 is_cut(struct wire *);			/* its caller lets go of it */

/* ---- material ---- */

extern const struct plan_intent	 intents[2];
extern const char		 found[];	/* what a search replies: two hits */
/* "get_order", GET, "cancel", POST, and "slow", PUT, for 1 s: offers them and opens the office. */
void	 offer_tools(void);
#define CALL(id, name, arguments) "{\"index\":" id ",\"id\":\"c" id "\",\"function\":{\"name\":\"" \
	name "\",\"arguments\":\"" arguments "\"}}"

#endif
