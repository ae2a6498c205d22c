/*
 * checkpoint: what running turns have said so far, where other hosts can read it: per turn rows
 * 0, 1, 2…, each with the records of about a second, as they lie in a spool.
 */
#ifndef PARLEY_STORE_CHECKPOINT_H
#define PARLEY_STORE_CHECKPOINT_H

#include "store/db.h"

#define CHECKPOINT_MOST	((size_t)8 << 20)	/* bytes of a row's body; a record is never cut */

struct checkpoint {
	int64_t	 turn;
	int	 n;
	/* Records of the turn in this row and those before; CHECKPOINT_ALL: no more will come. */
	int64_t	 upto;
	int64_t	 len;
	char	*body;		/* len bytes */
};
#define CHECKPOINT_ALL	INT64_MAX

/*
 * Adds rows, as part of a transaction: at most CHECKPOINT_MOST bytes of bodies, or one row. One
 * that is there already stays as it is, so that who does not know the outcome of the transaction
 * can run it again.
 */
int	 checkpoint_add(struct ctx *, const struct checkpoint *, size_t n);
/* The turn's rows from number n on, at most `most`. */
int	 checkpoint_list(struct ctx *, int64_t turn, int n, int most, struct checkpoint **,
	    size_t *rows);

/* Rows for many readers, by reader and n: of each at most `most`, from its n on. */
struct checkpoint_news {
	int64_t	 reader;
	int	 n;
	int64_t	 len;
	char	*body;
};
/* readers: JSON, [[reader, turn, n], ...]. */
int	 checkpoint_news(struct ctx *, const char *readers, int most, struct checkpoint_news **,
	    size_t *rows);

/* How far turns have come: n is the number of the next row, upto that of the last. */
struct checkpoint_end {
	int64_t	 turn, n, upto;
};
/* turns: JSON, [turn, ...]; those without rows are left out. By turn. */
int	 checkpoint_ends(struct ctx *, const char *turns, struct checkpoint_end **, size_t *rows);
/* Which of these turns (JSON, [turn, ...]) are over. */
int	 checkpoint_over(struct ctx *, const char *turns, int64_t **ids, size_t *n);
/*
 * Deletes the rows of some turns that ended more than keep_ms ago. How many turns; 0: none is left;
 * -1 failed.
 */
int	 checkpoint_purge(struct ctx *, int64_t keep_ms);

#endif
