/* user: tenants and the people in them. (tenant, subject) -> an integer id. */
#ifndef PARLEY_STORE_USER_H
#define PARLEY_STORE_USER_H

#include "store/db.h"

#define TENANT_DEFAULT	1	/* made by the first migration, named "default" */

struct user {
	int64_t	 id;
	int64_t	 tenant;
	char	*subject;
	char	*name;		/* NULL: none known */
	char	*avatar;
};

/*
 * Finds the user, or makes it; name and avatar, where not NULL, are refreshed
 * when they differ. NULL: failed.
 */
struct user	*user_ensure(struct ctx *, int64_t tenant, const char *subject,
		    const char *name, const char *avatar);
/* NULL: there is none, or ctx failed. */
struct user	*user_find(struct ctx *, int64_t tenant, const char *subject);

struct listed_user {
	int64_t	 id;
	char	*tenant;		/* its name */
	char	*subject, *name;	/* name: NULL, none known */
	int64_t	 created_ms;
	int64_t	 sessions, documents, keys;	/* how many; keys that count */
};

/* By tenant and subject; tenant 0: of all. */
int		 user_list(struct ctx *, int64_t tenant, struct listed_user **, size_t *n);

struct tenant {
	int64_t	 id;
	char	*name;
	int64_t	 created_ms;
};

/* In the order in which they were added. */
int		 tenant_list(struct ctx *, struct tenant **, size_t *n);
/* Adds it by its name; id and created_ms are set. 0; -1: F_CONFLICT, there is one. */
int		 tenant_add(struct ctx *, struct tenant *);
/* The tenant's id by its name, 0 when there is none, -1 failed. */
int64_t		 tenant_by_name(struct ctx *, const char *name);

#endif
