/*
 * ledger: rows of money. What was paid for answers, what is put aside for those that run, and the
 * two sums that each key has of its own. Parts of transactions that core/ledger.h composes; amounts
 * are decimal text with 10 places.
 */
#ifndef PARLEY_STORE_LEDGER_H
#define PARLEY_STORE_LEDGER_H

#include "store/db.h"

/* Of kind "answer"; key 0: nobody pays. An answer has one: F_CONFLICT. 0 or -1. */
int	 ledger_add(struct ctx *, int64_t answer, int64_t key, const char *amount,
	    int64_t now_ms);

int	 reservation_add(struct ctx *, int64_t answer, int64_t key, const char *amount);
int	 reservation_drop(struct ctx *, int64_t answer);

/*
 * Adds to what the key has reserved, and a call to its calls where `call`, if it counts and neither
 * limit is passed: 1, else 0; -1 failed. Its row is locked until the transaction ends.
 */
int64_t	 key_reserve(struct ctx *, int64_t key, const char *amount, bool call);
/* Adds to what it has spent, and takes the answer's reservation from what it has reserved. */
int	 key_charge(struct ctx *, int64_t key, int64_t answer, const char *amount);

enum key_standing { KEY_FAILED = -1, KEY_COUNTS, KEY_CALLED_OUT, KEY_GONE };
/* Does it count, and may it begin another turn? */
enum key_standing	 key_standing(struct ctx *, int64_t key);

struct books {			/* how far the sums are apart: decimal text, and numbers of rows */
	char	*off;		/* sum of the ledger less that of the answers' costs */
	int64_t	 unsettled;	/* answers that have ended without a row in the ledger */
	int64_t	 keys;		/* whose own sums are not those of their rows */
	int64_t	 idle;		/* reservations of answers that do not run */
};
/* One look at all of it; it reads every answer. NULL: failed. */
struct books	*books_look(struct ctx *);

#endif
