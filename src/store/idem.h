/*
 * idem: requests with an Idempotency-Key that began a turn: who sends the same once more gets that
 * turn. Keys and bodies are told apart by their hashes; after a day a key is free again.
 */
#ifndef PARLEY_STORE_IDEM_H
#define PARLEY_STORE_IDEM_H

#include "store/db.h"

#define IDEM_HASH	65			/* a hash in hex, and NUL */
#define IDEM_DAY	(INT64_C(86400) * 1000)	/* ms for which a key is known */

struct idem {
	char	*body_hash;
	int64_t	 turn, created_ms;
};

/* What the owner's key began, however long ago. NULL: nothing, or ctx failed. */
struct idem	*idem_get(struct ctx *, int64_t owner, const char *key_hash);
/* Part of the turn's opening transaction. -1: F_CONFLICT, another request was first. */
int		 idem_add(struct ctx *, int64_t owner, const char *key_hash, const char *body_hash,
		    int64_t turn);
/* Frees the key unless it was used within the last day. */
int		 idem_expire(struct ctx *, int64_t owner, const char *key_hash);
/* Frees all keys that were not, a thousand at a time. */
int		 idem_purge(struct ctx *);

#endif
