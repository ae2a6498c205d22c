/*
 * ledger: what answers cost, and who pays. Money is put aside (reserved) in the transaction that
 * opens a turn, and settled in the one that closes an answer: whatever happens between, the sum of
 * a key's ledger rows is what it has spent, and the sum of its reservations what it has reserved.
 *
 * The sum over ledger.amount is the sum over answer.cost, always.
 */
#ifndef PARLEY_LEDGER_H
#define PARLEY_LEDGER_H

#include <stdint.h>

#include "base/ctx.h"

struct ledger_claim {		/* what an answer may cost, before it is asked */
	int64_t	 answer;
	double	 amount;	/* estimated, in the unit of the prices */
};

/*
 * Puts aside what the answers of a turn may cost, and counts one call, for the key of cx->who; with
 * no key nothing is done. Last in the transaction that opens the turn: it locks the key's row. 0;
 * -1: F_PAYMENT (its allowance or its calls do not reach), F_UNAUTHORIZED (revoked meanwhile).
 */
int	 ledger_reserve(struct ctx *, const struct ledger_claim *, size_t n);
/*
 * Books what an answer did cost (decimal text with 10 places), gives back what was put aside for
 * it, and charges the key that pays, if any. In the transaction that closes the answer, once.
 */
int	 ledger_settle(struct ctx *, int64_t answer, const char *amount, int64_t now_ms);
/*
 * What tokens cost at those prices per million of them, as ledger_settle and answer.cost take it;
 * `more` is added.
 */
void	 ledger_cost(char *dst, size_t size, double price_in, double price_out, int64_t in,
	    int64_t out, double more);

#endif
