/* app: questions with blanks, from which texts and images are made. */
#ifndef PARLEY_STORE_APP_H
#define PARLEY_STORE_APP_H

#include "store/db.h"

struct app {
	int64_t	 id, tenant;
	char	*name, *description;	/* description "": none */
	char	*kind;			/* text, image */
	int64_t	 model;			/* who makes it where none is named */
	char	*model_code;
	char	*template;		/* {{name}} in it is an input */
	int64_t	 created_ms;
};

int		 app_add(struct ctx *, struct app *);	/* sets id and created_ms */
/* The tenant's; tenant 0: any. F_NOT_FOUND. */
struct app	*app_get(struct ctx *, int64_t tenant, int64_t id);
int		 app_list(struct ctx *, int64_t tenant, struct app **, size_t *n);	/* by id */

#endif
