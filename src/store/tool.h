/* tool: HTTP calls that models may choose, as administrators have registered them. */
#ifndef PARLEY_STORE_TOOL_H
#define PARLEY_STORE_TOOL_H

#include "store/db.h"

struct tool {
	int64_t	 id;
	char	*name;			/* unique; what models call it; it begins with no digit */
	char	*description;
	char	*parameters;		/* JSON Schema of its arguments, an object */
	char	*method;		/* GET, POST, PUT, PATCH, DELETE */
	char	*url;			/* {name} in it is an argument */
	char	*headers;		/* JSON object of strings */
	char	*secret_env;		/* environment variable with its bearer token; NULL: none */
	int	 timeout_s;
	int64_t	 created_ms;
};

/* Sets id and created_ms. -1: F_CONFLICT where the name is taken. */
int		 tool_add(struct ctx *, struct tool *);
struct tool	*tool_get(struct ctx *, const char *ref);	/* by id or name; F_NOT_FOUND */
int		 tool_list(struct ctx *, struct tool **, size_t *n);		/* by name */
/* Those of an assistant's version, by name. */
int		 tool_of_version(struct ctx *, int64_t version, struct tool **, size_t *n);
/* No assistant has it any more. -1: F_NOT_FOUND. */
int		 tool_remove(struct ctx *, int64_t id);

#endif
