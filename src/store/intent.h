/* intent: what questions are tested for before a model is asked, as administrators want it. */
#ifndef PARLEY_STORE_INTENT_H
#define PARLEY_STORE_INTENT_H

#include "store/db.h"

struct intent {
	int64_t	 id;
	char	*name;			/* unique */
	char	*examples;		/* JSON array of strings */
	char	*reply;			/* the answer; NULL: the model answers, told this: */
	char	*system;		/* NULL: there is a reply */
	int64_t	 created_ms;
};

/* Sets id and created_ms. -1: F_CONFLICT where the name is taken. */
int		 intent_add(struct ctx *, struct intent *);
struct intent	*intent_get(struct ctx *, const char *ref);	/* by id or name; F_NOT_FOUND */
int		 intent_list(struct ctx *, struct intent **, size_t *n);	/* by name */
int		 intent_remove(struct ctx *, int64_t id);	/* F_NOT_FOUND */

#endif
