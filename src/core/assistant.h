/*
 * assistant: models with a task, which administrators prepare: what one is told, what its answers
 * rest on and what it can do, put into the question for it.
 */
#ifndef PARLEY_ASSISTANT_H
#define PARLEY_ASSISTANT_H

#include "core/plan.h"
#include "core/turn.h"
#include "store/assistant.h"
#include "store/intent.h"
#include "store/tool.h"

/*
 * Puts all of the version but its model into the spec, whose question and seats are set: system,
 * knowledge and citations of its datasets (search in them is not bound to their owner), tools,
 * suggestions, resuming, and that nothing is heard where it has no context. `plan` is filled and
 * becomes the spec's where anything is in it. 0 or -1.
 */
int	 assistant_prepare(struct ctx *, const struct assistant_version *, struct turn_spec *,
	    struct plan_spec *plan);
/* Its two halves: all but what answers rest on; and that. */
int	 assistant_instruct(struct ctx *, const struct assistant_version *, struct turn_spec *,
	    struct plan_spec *plan);
int	 assistant_ground(struct ctx *, const struct assistant_version *, struct turn_spec *);
/*
 * These and no other tools are the plan's, with their secrets from the environment. What has none
 * though it should is in the log, and called without.
 */
void	 assistant_equip(struct ctx *, const struct tool *, size_t n, struct plan_spec *);

/* These are what the plan tests for. */
void	 assistant_intend(struct ctx *, const struct intent *, size_t n, struct plan_spec *);

#endif
