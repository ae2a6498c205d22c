/*
 * api_key: the keys of programs that call in the name of a user, what each may spend, and money put
 * aside for answers that run. A key itself is known to its holder alone; its hash is stored.
 */
#ifndef PARLEY_STORE_API_KEY_H
#define PARLEY_STORE_API_KEY_H

#include "store/db.h"

#define API_KEY_PREFIX	"sk-"
#define API_KEY_SIZE	47	/* of a key: prefix, 43 characters of base64url, NUL */

struct api_key {
	int64_t	 id, tenant, user;
	char	*name;			/* what it is for */
	char	*shown;			/* how it begins */
	/* Money, as decimal text: in all (NULL: no limit), spent, put aside, left (NULL: no end) */
	char	*allowance, *spent, *reserved, *left;
	int64_t	 calls, called;		/* turns in all (0: no limit), and so far */
	int	 rate;			/* requests per second; 0: no limit */
	int64_t	 assistant;		/* whom it asks where none is named; 0: nobody */
	int64_t	 created_ms, revoked_ms;	/* revoked 0: it counts */
	char	*tenant_name, *subject;	/* of the user */
};

struct key_holder {			/* who calls with a key */
	int64_t	 key, tenant, user, assistant;
	int	 rate;
	char	*subject, *name, *avatar;	/* the user's; name, avatar: NULL where not known */
};

/* Could this be a key? Else nobody needs to be asked. */
bool	 api_key_form(const char *);
/*
 * Makes a key for tenant and user with name, allowance, calls, rate and assistant as they are; sets
 * id, shown and created_ms. 0 with the key, or -1.
 */
int	 api_key_add(struct ctx *, struct api_key *, char key[API_KEY_SIZE]);
/* NULL: there is no such key, it is revoked, or ctx failed. */
struct key_holder	*api_key_find(struct ctx *, const char *key);
/* NULL: F_NOT_FOUND. */
struct api_key	*api_key_get(struct ctx *, int64_t id);
/* In the order in which they were made; tenant 0: of all. */
int	 api_key_list(struct ctx *, int64_t tenant, struct api_key **, size_t *n);
/* Writes its allowance, calls, rate and assistant. 0; -1: F_NOT_FOUND too. */
int	 api_key_limit(struct ctx *, const struct api_key *);
/* Is there such an assistant in the tenant? 0; -1: F_NOT_FOUND. */
int	 api_key_may_ask(struct ctx *, int64_t tenant, int64_t assistant);
/* It counts no more: 1, 0 where it did not before, or -1. */
int	 api_key_revoke(struct ctx *, int64_t id);
/* Turns that were begun with it and run. */
int	 api_key_turns(struct ctx *, int64_t id, int64_t **, size_t *n);

#endif
