/*
 * tool_call: one call of a tool, at whose wish ever: its request made of the arguments, its result
 * of the reply. On the relay loop.
 */
#ifndef PARLEY_TOOL_CALL_H
#define PARLEY_TOOL_CALL_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct call;
struct engine;
struct plan_tool;

struct tool_call {
	/* The caller's: */
	struct engine		*engine;
	struct arena		*a;		/* for all that is made of it */
	const char		*rid;
	int			 connect_ms;
	const struct plan_tool	*tool;		/* NULL: there is none of that name */
	const char		*arguments;	/* JSON text of an object */
	size_t			 arguments_len;	/* 0: there are none */
	/* It has a result; once, maybe from within tool_call_start, unless it is cancelled */
	void			(*over)(struct tool_call *);

	/* What came of it: */
	int			 status;	/* HTTP; 0: none came */
	int			 ms;		/* it took */
	char			*result;	/* what a model is told; NULL: nothing yet */
	char			*why;		/* it failed; NULL: it did not */

	/* private */
	struct call		*call;		/* while it runs */
	struct str		 body, got;
	int64_t			 begun;		/* loop ms */
};

void	 tool_call_start(struct tool_call *);
/* Its result is that it is not made, and why. In place of tool_call_start. */
void	 tool_call_refuse(struct tool_call *, const char *why);
void	 tool_call_cancel(struct tool_call *);	/* one that is over already, too */
void	 tool_call_free(struct tool_call *);	/* what is not in the arena */

#endif
