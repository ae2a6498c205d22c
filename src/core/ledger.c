#include "core/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/who.h"
#include "store/ledger.h"

/* Amounts have so many digits before the point: DECIMAL(24,10). */
#define AMOUNT_MOST	99999999999999.0

static void
write_amount(char dst[LEDGER_AMOUNT], double amount)
{
	snprintf(dst, LEDGER_AMOUNT, "%.10f", amount < AMOUNT_MOST ? amount : AMOUNT_MOST);
}

void
ledger_cost(char dst[LEDGER_AMOUNT], double price_in, double price_out, int64_t in, int64_t out,
    double more)
{
	write_amount(dst, ((double)in * price_in + (double)out * price_out) / 1e6 + more);
}

double
ledger_number(double price_in, double price_out, int64_t in, int64_t out, double more)
{
	char	 amount[LEDGER_AMOUNT];

	ledger_cost(amount, price_in, price_out, in, out, more);
	return strtod(amount, NULL);
}

/* Why the key's row did not take it. */
static int
refuse(struct ctx *cx, int64_t key)
{
	switch (key_standing(cx, key)) {
	case KEY_FAILED:
		return -1;
	case KEY_GONE:
		return fail(cx, F_UNAUTHORIZED, "API key");
	case KEY_CALLED_OUT:
		return fail(cx, F_PAYMENT, "calls");
	case KEY_COUNTS:
		break;
	}
	return fail(cx, F_PAYMENT, "money");
}

int
ledger_reserve(struct ctx *cx, const struct ledger_claim *claims, size_t n)
{
	const int64_t	 key = cx->who->key;
	char		 amount[LEDGER_AMOUNT];
	int64_t		 taken;

	if (key == 0)
		return 0;
	/* The rows first: the key's lock is held for as short as can be. */
	for (size_t i = 0; i < n; i++) {
		write_amount(amount, claims[i].amount);
		if (reservation_add(cx, claims[i].answer, key, amount) == -1)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		write_amount(amount, claims[i].amount);
		if ((taken = key_reserve(cx, key, amount, i == 0)) != 1)
			return taken == -1 ? -1 : refuse(cx, key);
	}
	return 0;
}

static int
by_key(const void *a, const void *b)
{
	const struct ledger_bill	*x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

int
ledger_settle(struct ctx *cx, struct ledger_bill *bills, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ledger_add(cx, bills[i].answer, bills[i].key, bills[i].amount,
		    bills[i].now_ms) == -1)
			return -1;
	qsort(bills, n, sizeof(*bills), by_key);
	for (size_t i = 0; i < n; i++)
		if (bills[i].key != 0 && (key_charge(cx, bills[i].key, bills[i].answer,
		    bills[i].amount) == -1 || reservation_drop(cx, bills[i].answer) == -1))
			return -1;
	return 0;
}
