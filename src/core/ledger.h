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

#define LEDGER_AMOUNT	48	/* bytes of an amount: decimal text with 10 places, NUL */

struct ledger_claim {		/* what an answer may cost, before it is asked */
	int64_t	 answer;
	double	 amount;	/* estimated, in the unit of the prices */
};

struct ledger_bill {		/* what an answer did cost */
	int64_t	 answer;
	int64_t	 key;		/* that pays, its turn's; 0: none */
	int64_t	 now_ms;	/* when it ended */
	char	 amount[LEDGER_AMOUNT];		/* as answer.cost has it */
};

/*
 * Puts aside what the answers of a turn may cost, and counts one call, for the key of cx->who; with
 * no key nothing is done. Last in the transaction that opens the turn: it locks the key's row. 0;
 * -1: F_PAYMENT (its allowance, "money", or its "calls" do not reach), F_UNAUTHORIZED (revoked
 * meanwhile).
 */
int	 ledger_reserve(struct ctx *, const struct ledger_claim *, size_t n);
/*
 * Books what answers did cost, gives back what was put aside for them, and charges the keys that
 * pay. Last in the transaction that closes these answers, once for each: it locks the keys' rows,
 * in their order, to which it sorts the bills. 0 or -1.
 */
int	 ledger_settle(struct ctx *, struct ledger_bill *, size_t n);
/*
 * What tokens cost at those prices per million of them, as a bill and answer.cost have it; `more`
 * is added.
 */
void	 ledger_cost(char dst[LEDGER_AMOUNT], double price_in, double price_out, int64_t in,
	    int64_t out, double more);
/* The same as a number. */
double	 ledger_number(double price_in, double price_out, int64_t in, int64_t out, double more);

#endif
