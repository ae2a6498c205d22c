/*
 * who: the caller of a request. Identity comes from an API key or a token (HS256), from the userId
 * header that a trusted proxy has authenticated, or from a guest's signed id, in this order.
 */
#ifndef PARLEY_WHO_H
#define PARLEY_WHO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"

#define WHO_SUBJECT_MAX	128	/* characters */
#define WHO_GUEST_SIZE	66	/* of a guest's token: 32 hex digits, a dot, 32 of its MAC, NUL */

struct who {			/* cx->who; in the arena. NULL: nobody was looked for */
	int64_t		 id;		/* of the user's row; 0: somebody without identity */
	int64_t		 tenant;
	const char	*subject;	/* a guest's is "guest:<hex>"; NULL without identity */
	const char	*name, *avatar;	/* NULL: none known */
	const char	*role;		/* the token's; NULL: none */
	bool		 guest;
	/* The end of the token, leeway included, in ms since 1970; 0: it has none */
	int64_t		 until_ms;
	int64_t		 key;		/* the API key that was shown, which pays; 0: none */
	int64_t		 assistant;	/* whom that key asks where none is named; 0: nobody */
	int		 key_rate;	/* requests of it per second; 0: no limit */
};

struct who_shown {		/* what a request shows of its caller; each may be NULL */
	const char	*bearer;	/* of Authorization: a key (store/api_key.h), or a token */
	const char	*key[2];	/* of x-api-key, of the query's apiKey */
	const char	*login;		/* cookie parley_token */
	const char	*user_id;	/* header userId */
	const char	*guest[2];	/* X-Guest-Id, cookie parley_guest: the first genuine one */
	const char	*remote;	/* REMOTE_ADDR */
	/* Key, bearer or login; of a user_id it matters if it differs */
	bool		 token_only;
	bool		 key_only;	/* the same without tokens: what is no key shows nobody */
};

enum who_found { WHO_FAILED = -1, WHO_NOBODY, WHO_KNOWN };

/*
 * Finds the caller and sets cx->who. Of bearer and keys the first that is shown counts, alone. A
 * key or bearer token that does not hold is F_UNAUTHORIZED (a token has to have an end, `exp`), a
 * bad login cookie or guest token is as none; a userId that differs from the subject of key or
 * token is F_FORBIDDEN. Nobody: cx->who is NULL.
 */
enum who_found	 who_find(struct ctx *, const struct who_shown *);
/* Makes the bearer of a new guest token the caller: its row is added. 0 or -1. */
int		 who_become_guest(struct ctx *, const char *token);
/* The caller stays somebody without identity: owns nothing, belongs to the default tenant. */
void		 who_become_nobody(struct ctx *);
/*
 * Makes the user whose conversations are those that callers without identity have with a public
 * assistant the caller: who has which is told by what names it. 0 or -1.
 */
int		 who_become_public(struct ctx *, int64_t tenant, int64_t assistant);
bool		 who_is_public(const char *subject);	/* is that such a user's? NULL is not */
/* May that be the subject of a user whom others name? Guests' and theirs are ours alone. */
bool		 who_subject_ok(const char *);
/* A new guest's token: a random id and its MAC. */
void		 who_guest_token(char dst[WHO_GUEST_SIZE]);
bool		 who_guest_genuine(const char *token);		/* NULL is not */
/* Is that, a name or an id, the caller's tenant? 0, or -1: F_FORBIDDEN, naming the field. */
int		 who_in_tenant(struct ctx *, const char *field, const char *ref);
/* Is the caller's role the setting jwt_admin? Without that setting nobody's is. */
bool		 who_is_admin(const struct ctx *);

/*
 * A token for that subject, valid for ttl seconds from cx->now on, in the arena; name, tenant and
 * role may be NULL. NULL: F_UNAVAILABLE, no secret is configured or its file cannot be read.
 */
char		*who_sign(struct ctx *, const char *subject, const char *name, const char *tenant,
		    const char *role, int64_t ttl);

#endif
