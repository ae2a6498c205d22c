/*
 * erase: takes conversations and users out of the database. What was said goes, and whose it was;
 * what it cost stays: rows of turn and answer without words, so that the ledger's sum is still that
 * of the answers.
 */
#ifndef PARLEY_STORE_ERASE_H
#define PARLEY_STORE_ERASE_H

#include "store/db.h"

struct erased {			/* how many of each are gone, added up */
	int64_t	 sessions, questions, answers;
	int64_t	 votes, ratings, tasks, documents, datasets, contacts, keys;
};

/*
 * A conversation with everything in it, in one transaction. older_ms: only if nothing was asked in
 * it since; 0: whatever its age. 1 and it is counted; 0: it is gone already, or too young; -1:
 * F_BUSY where something runs in it.
 */
int	 erase_session(struct ctx *, int64_t id, int64_t older_ms, struct erased *);

/* Of a user: what runs; at most `most` conversations, documents and datasets. 0 or -1. */
int	 erase_running(struct ctx *, int64_t user, int64_t **turns, size_t *n);
/* When the last of what has ended did: wall ms; 0: nothing has; -1 failed. */
int64_t	 erase_ended(struct ctx *, int64_t user);
int	 erase_sessions(struct ctx *, int64_t user, size_t most, int64_t **ids, size_t *n);
int	 erase_documents(struct ctx *, int64_t user, size_t most, int64_t **ids, size_t *n);
int	 erase_datasets(struct ctx *, int64_t user, size_t most, int64_t **ids, size_t *n);
/* No key of the user's counts any more. */
int	 erase_revoke(struct ctx *, int64_t user);
/* Everything else that is the user's, when those are gone, in small transactions. 0 or -1. */
int	 erase_rest(struct ctx *, int64_t user, struct erased *);
/* The user itself: 1; 0: it was gone; -1: F_CONFLICT, something of the user's came meanwhile. */
int	 erase_user(struct ctx *, int64_t user);

/*
 * Conversations that came after id `after`, at most `most`, in which nothing was asked since
 * older_ms, and that are no younger; of that tenant, 0: of any. By id.
 */
int	 erase_old(struct ctx *, int64_t after, int64_t older_ms, int64_t tenant, size_t most,
	    int64_t **ids, size_t *n);
/* The least id of a conversation; 0: there is none; -1 failed. */
int64_t	 erase_oldest(struct ctx *);

/* Those of the turns (JSON, [turn, ...]) that have ended and of which no word is kept, rising. */
int	 erase_wordless(struct ctx *, const char *turns, int64_t **ids, size_t *n);

#endif
