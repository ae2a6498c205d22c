/* Money: what is put aside, settled and charged, by many at once; and what is estimated. */
#include "material.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ident.h"
#include "core/estimate.h"
#include "core/ledger.h"
#include "core/who.h"
#include "store/api_key.h"
#include "store/ledger.h"
#include "store/user.h"

#define SUMS	"SELECT CONCAT_WS(' ', spent, reserved, called) FROM api_key WHERE id = "

/* ---- material -------------------------------------------------------------------------------- */

/* A key of ann's, who is the caller then. */
static struct api_key
a_key(const char *allowance, int64_t calls)
{
	struct api_key	 k = { .tenant = TENANT_DEFAULT, .user = ann, .calls = calls,
		.name = arena_strdup(cx.a, "k"), .allowance = arena_strdup(cx.a, allowance) };
	char		 text[API_KEY_SIZE];

	assert_int_equal(api_key_add(&cx, &k, text), 0);
	cx.who = arena_get(cx.a, sizeof(*cx.who));
	*cx.who = (struct who){ .id = ann, .tenant = TENANT_DEFAULT, .key = k.id };
	return k;
}

static void
assert_sums(int64_t key, const char *sums)
{
	assert_string_equal(private_db_ask(&server,
	    arena_printf(cx.a, SUMS "%lld", (long long)key)), sums);
}

static void
assert_books(void)
{
	const struct books	*b = books_look(&cx);

	assert_non_null(b);
	assert_string_equal(b->off, "0.0000000000");
	assert_int_equal(b->unsettled, 0);
	assert_int_equal(b->keys, 0);
	assert_int_equal(b->idle, 0);
}

struct asking {			/* a turn of one lane */
	int64_t			 session, key;
	struct ledger_claim	 claim;
	char			 cost[LEDGER_AMOUNT];
};

static int
asking_open(struct ctx *c, void *arg)
{
	struct asking	*q = arg;
	const int64_t		 id = ident_new();
	const struct turn_row	 t = { .id = id, .group_id = id, .tenant = TENANT_DEFAULT,
		.owner = ann, .session = q->session, .worker = 99, .voice = (char *)"arena",
		.question = (char *)"how much?", .api_key = q->key, .created_ms = clock_ms() };
	const struct answer_row	 a = an_answer(&t, 0);

	q->claim.answer = a.id;
	return turn_add(c, &t) == -1 || answer_add(c, &a) == -1 ||
	    ledger_reserve(c, &q->claim, 1) == -1 ? -1 : 0;
}

static int
asking_close(struct ctx *c, void *arg)
{
	struct asking	*q = arg;
	struct ledger_bill	 bill = { .answer = q->claim.answer, .key = q->key,
		.now_ms = clock_ms() };
	struct answer_row	 a = { .id = q->claim.answer, .model = models[0],
		.status = (char *)"stop", .text = (char *)"so much", .cost = q->cost,
		.ended_ms = bill.now_ms };
	int			 closed;

	memcpy(bill.amount, q->cost, sizeof(bill.amount));
	if ((closed = answer_close(c, &a)) != 1)
		return closed;
	return ledger_settle(c, &bill, 1);
}

static struct asking
an_asking(const struct api_key *k, double estimate, double cost)
{
	struct asking	 q = { .session = a_session(ann, 0), .key = k != NULL ? k->id : 0,
		.claim.amount = estimate };

	ledger_cost(q.cost, 0, 0, 0, 0, cost);
	return q;
}

/* ---- one after the other --------------------------------------------------------------------- */

static void
from_reserved_to_spent(void **state)
{
	struct api_key	 k = a_key("10", 0);
	struct asking	 q = an_asking(&k, 2.5, 0.1000000001);

	(void)state;
	assert_int_equal(db_txn(&cx, asking_open, &q), 0);
	assert_sums(k.id, "0.0000000000 2.5000000000 1");
	assert_string_equal(api_key_get(&cx, k.id)->left, "7.5000000000");
	assert_int_equal(db_txn(&cx, asking_close, &q), 0);
	assert_sums(k.id, "0.1000000001 0.0000000000 1");
	assert_int_equal(db_txn(&cx, asking_close, &q), 0);	/* once for each */
	assert_sums(k.id, "0.1000000001 0.0000000000 1");
	assert_string_equal(private_db_ask(&server, "SELECT COUNT(*) FROM reservation"), "0");
	assert_books();
}

static void
without_a_key(void **state)
{
	struct asking	 q = an_asking(NULL, 1e9, 3);

	(void)state;
	cx.who = arena_get(cx.a, sizeof(*cx.who));
	assert_int_equal(db_txn(&cx, asking_open, &q), 0);
	assert_string_equal(private_db_ask(&server, "SELECT COUNT(*) FROM reservation"), "0");
	assert_int_equal(db_txn(&cx, asking_close, &q), 0);
	assert_books();
}

/* Decimal to the last place, and where it is refused nothing is left of the turn. */
static void
to_the_limit(void **state)
{
	struct api_key	 k = a_key("0.3", 0);
	struct asking	 q[4];

	(void)state;
	for (int i = 0; i < 3; i++) {
		q[i] = an_asking(&k, 0.1, 0.1);
		assert_int_equal(db_txn(&cx, asking_open, &q[i]), 0);
	}
	q[3] = an_asking(&k, 0.0000000001, 0);
	assert_int_equal(db_txn(&cx, asking_open, &q[3]), -1);
	assert_string_equal(cx.fail.what, "money");
	FAILED_WITH(F_PAYMENT);
	assert_int_equal(turn_tally(&cx, q[3].session, 0)->turns, 0);
	assert_sums(k.id, "0.0000000000 0.3000000000 3");
	for (int i = 0; i < 3; i++)
		assert_int_equal(db_txn(&cx, asking_close, &q[i]), 0);
	q[3] = an_asking(&k, 0, 0);		/* what costs nothing is still let in */
	assert_int_equal(db_txn(&cx, asking_open, &q[3]), 0);
	assert_int_equal(db_txn(&cx, asking_close, &q[3]), 0);
	assert_sums(k.id, "0.3000000000 0.0000000000 4");
	k.allowance = arena_strdup(cx.a, "0.2");
	assert_int_equal(api_key_limit(&cx, &k), 0);
	assert_string_equal(api_key_get(&cx, k.id)->left, "0.0000000000");
	assert_books();
}

static void
calls_and_revoking(void **state)
{
	struct api_key	 k = a_key(NULL, 2);
	struct asking	 q[3];

	(void)state;
	for (int i = 0; i < 2; i++) {
		q[i] = an_asking(&k, 1e6, 1);
		assert_int_equal(db_txn(&cx, asking_open, &q[i]), 0);
	}
	q[2] = an_asking(&k, 0, 0);
	assert_int_equal(db_txn(&cx, asking_open, &q[2]), -1);
	assert_string_equal(cx.fail.what, "calls");
	FAILED_WITH(F_PAYMENT);
	k.calls = 3;
	assert_int_equal(api_key_limit(&cx, &k), 0);
	assert_int_equal(api_key_revoke(&cx, k.id), 1);
	assert_int_equal(api_key_revoke(&cx, k.id), 0);
	assert_int_equal(db_txn(&cx, asking_open, &q[2]), -1);
	FAILED_WITH(F_UNAUTHORIZED);
	for (int i = 0; i < 2; i++)		/* what runs is paid for all the same */
		assert_int_equal(db_txn(&cx, asking_close, &q[i]), 0);
	assert_sums(k.id, "2.0000000000 0.0000000000 2");
	assert_books();
}

/* Both answers of a turn, or none. */
static void
several_answers(void **state)
{
	struct api_key		 k = a_key("3", 0);
	struct ledger_claim	 both[] = { { ident_new(), 1.5 }, { ident_new(), 1.6 } };

	(void)state;
	assert_int_equal(ledger_reserve(&cx, both, 1), 0);
	assert_sums(k.id, "0.0000000000 1.5000000000 1");
	assert_int_equal(ledger_reserve(&cx, both + 1, 1), -1);
	FAILED_WITH(F_PAYMENT);
	private_db_feed(&server, "DELETE FROM reservation; UPDATE api_key SET reserved = 0");
	both[1].amount = 1.5;
	assert_int_equal(ledger_reserve(&cx, both, 2), 0);
	assert_sums(k.id, "0.0000000000 3.0000000000 2");	/* one call for two answers */
	assert_int_equal(books_look(&cx)->idle, 2);		/* of answers that do not run */
	private_db_feed(&server, "DELETE FROM reservation");
	assert_int_equal(books_look(&cx)->keys, 1);
	private_db_feed(&server, "UPDATE api_key SET reserved = 0");
	assert_books();
}

static void
keys_themselves(void **state)
{
	struct api_key		 k = { .tenant = TENANT_DEFAULT, .user = bob, .rate = 5,
		.assistant = 9, .name = arena_strdup(cx.a, "bot") };
	char			 text[API_KEY_SIZE], other[API_KEY_SIZE];
	struct key_holder	*h;

	(void)state;
	assert_int_equal(api_key_add(&cx, &k, text), 0);
	assert_true(api_key_form(text));
	assert_false(api_key_form("sk-"));
	assert_false(api_key_form("sk-0123456789012345678901234567890123456789ab+"));
	assert_memory_equal(k.shown, text, strlen(k.shown));
	assert_non_null(h = api_key_find(&cx, text));
	assert_true(h->key == k.id && h->user == bob && h->tenant == TENANT_DEFAULT &&
	    h->assistant == 9 && h->rate == 5);
	memcpy(other, text, sizeof(other));
	other[20] = other[20] == 'a' ? 'b' : 'a';
	assert_null(api_key_find(&cx, other));
	assert_int_equal(cx.fail.kind, F_NONE);
	assert_int_equal(api_key_revoke(&cx, k.id), 1);
	assert_null(api_key_find(&cx, text));
	assert_int_equal(cx.fail.kind, F_NONE);
}

/* ---- all at once ----------------------------------------------------------------------------- */

#define CALLERS		200
#define ALLOWANCE	30		/* and each puts 1 aside, of which it spends a half */

struct crowd {
	struct api_key		 key;
	struct asking		 q[CALLERS];
	pthread_barrier_t	 meet;
	atomic_int		 let_in, refused, beyond, broken;
	atomic_size_t		 next;
};

/* Never more than the allowance is spent and reserved, whenever one looks. */
static void
look(struct ctx *c, struct crowd *all)
{
	const struct api_key	*k = api_key_get(c, all->key.id);

	if (k == NULL)
		all->broken++;
	else if (strtod(k->spent, NULL) + strtod(k->reserved, NULL) > ALLOWANCE + 1e-9)
		all->beyond++;
}

static void *
caller(void *arg)
{
	struct crowd	*all = arg;
	struct asking	*q = &all->q[atomic_fetch_add(&all->next, 1)];
	struct ctx	 c;
	struct who	 who = { .id = ann, .tenant = TENANT_DEFAULT, .key = all->key.id };

	private_ctx_open(&server, &c);
	c.who = &who;
	pthread_barrier_wait(&all->meet);
	if (db_txn(&c, asking_open, q) == 0) {
		all->let_in++;
		look(&c, all);
		if (db_txn(&c, asking_close, q) == -1)
			all->broken++;
	} else if (c.fail.kind == F_PAYMENT) {
		all->refused++;
		fail_clear(&c);
	} else
		all->broken++;
	look(&c, all);
	private_ctx_close(&c);
	return NULL;
}

static void
two_hundred(void **state)
{
	static struct crowd	 all;
	pthread_t		 threads[CALLERS];

	(void)state;
	private_db_feed(&server, "SET GLOBAL max_connections = 300");
	all.key = a_key("30", 0);
	for (int i = 0; i < CALLERS; i++)
		all.q[i] = an_asking(&all.key, 1, 0.5);
	pthread_barrier_init(&all.meet, NULL, CALLERS);
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, caller, &all), 0);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&all.meet);
	assert_int_equal(all.broken, 0);
	assert_int_equal(all.beyond, 0);
	assert_int_equal(all.let_in + all.refused, CALLERS);
	assert_in_range(all.let_in, ALLOWANCE, 2 * ALLOWANCE);
	assert_sums(all.key.id, arena_printf(cx.a, "%d.%d000000000 0.0000000000 %d",
	    all.let_in / 2, all.let_in % 2 * 5, all.let_in));
	assert_books();
}

/* ---- estimates and costs --------------------------------------------------------------------- */

static void
estimates(void **state)
{
	const struct model	 m = { .price_in = 2, .price_out = 3 };
	struct model		 capped = { .price_in = 1, .context_tokens = 5, .max_tokens = 10 };
	struct turn_seat	 seats[] = { { .model = &m }, { .model = &capped } };
	struct message		 before[] = { { .text = "eight by" }, { .text = "tes" } };
	struct said		 said[] = { { .question = (char *)"你好", .text = (char *)"12345678",
		.context = (char *)"four" } };
	struct turn_spec	 spec = { .question = "12345678", .system = "four", .seats = seats,
		.nseats = 2, .knowledge = "four", .before = before, .nbefore = 2 };
	struct turn		 t = { 0 };
	struct lane		 l = { .turn = &t, .model = &m };
	char			 cost[LEDGER_AMOUNT];

	(void)state;
	/* question 2, system 1, knowledge 1, before 3; 1024 written */
	assert_float_equal(estimate_lane(&spec, &l, NULL, 0), (7 * 2 + 1024 * 3) / 1e6, 1e-12);
	/* what is stored goes before what the client says: 2 + 2 + 1 */
	assert_float_equal(estimate_lane(&spec, &l, said, 1), (9 * 2 + 1024 * 3) / 1e6, 1e-12);
	l.model = &capped;
	assert_float_equal(estimate_lane(&spec, &l, NULL, 0), 5 / 1e6, 1e-12);
	capped.price_out = 1;
	assert_float_equal(estimate_lane(&spec, &l, NULL, 0), 15 / 1e6, 1e-12);
	spec.max_tokens = 7;
	assert_float_equal(estimate_lane(&spec, &l, NULL, 0), 12 / 1e6, 1e-12);
	/* Who fuses hears the drafts: twice seven. */
	t.fuse = &l;
	l.model = &m;
	assert_float_equal(estimate_lane(&spec, &l, NULL, 0), ((7 + 14) * 2 + 7 * 3) / 1e6, 1e-12);

	ledger_cost(cost, 0.15, 0.6, 1000, 500, 0.25);
	assert_string_equal(cost, "0.2504500000");
	/* What is told is what is booked, not what the sum was before. */
	assert_true(ledger_number(0.15, 0.6, 1000, 500, 0.25) == 0.25045);
	assert_true(ledger_number(1e-7, 0, 1, 0, 0) == 0);
	ledger_cost(cost, 1e9, 1e9, INT64_MAX, 0, 0);
	assert_string_equal(cost, "99999999999999.0000000000");
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(from_reserved_to_spent),
		TEST(without_a_key),
		TEST(to_the_limit),
		TEST(calls_and_revoking),
		TEST(several_answers),
		TEST(keys_themselves),
		TEST(two_hundred),
		TEST(estimates),
	};

	return run_furnished("ledger", tests);
}
