/*
 * Hosts on one database: leases of their numbers, what a lost one left, and the records of running
 * turns that others read.
 */
#include "material.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ident.h"
#include "store/checkpoint.h"
#include "store/node.h"

/* The lease of a node ran out that many ms ago. */
static void
ran_out(int node, int ms)
{
	char	 sql[160];

	snprintf(sql, sizeof(sql), "UPDATE node SET until_ms ="
	    " ROUND(UNIX_TIMESTAMP(NOW(3)) * 1000) - %d WHERE node = %d;", ms, node);
	private_db_feed(&server, sql);
}

static void
one_number_one_host(void **state)
{
	struct node_row	*holder;

	(void)state;
	assert_int_equal(node_take(&cx, 3, 111, "one", &holder), 0);
	assert_null(holder);
	assert_int_equal(node_take(&cx, 3, 111, "one", &holder), 0);	/* restarted */
	assert_int_equal(node_take(&cx, 4, 222, "two", &holder), 0);

	assert_int_equal(node_take(&cx, 3, 222, "two", &holder), -1);
	FAILED_WITH(F_CONFLICT);
	assert_non_null(holder);
	assert_string_equal(holder->name, "one");
	assert_true(holder->state == 111 && holder->node == 3);
	assert_true(holder->until_ms > clock_ms() + NODE_LEASE_MS - 5000);
	assert_true(holder->until_ms < clock_ms() + NODE_LEASE_MS + 5000);
	assert_int_equal(node_renew(&cx, 3, 222, "x"), 0);
	assert_int_equal(node_renew(&cx, 3, 111, "x"), 1);

	ran_out(3, 1);
	assert_int_equal(node_renew(&cx, 3, 111, "x"), 1);	/* late, but nobody came */
	assert_int_equal(node_take(&cx, 3, 222, "two", &holder), -1);
	FAILED_WITH(F_CONFLICT);
	ran_out(3, 1);
	assert_int_equal(node_take(&cx, 3, 222, "two", &holder), 0);
	assert_int_equal(node_renew(&cx, 3, 111, "x"), 0);
	assert_int_equal(node_take(&cx, 3, 111, "one", &holder), -1);
	FAILED_WITH(F_CONFLICT);

	assert_int_equal(node_release(&cx, 3, 111), 0);		/* not its own any more */
	assert_int_equal(node_renew(&cx, 3, 222, "x"), 1);
	assert_int_equal(node_release(&cx, 3, 222), 0);
	assert_int_equal(node_take(&cx, 3, 111, "one", &holder), 0);
	private_db_feed(&server, "DELETE FROM node;");
	assert_int_equal(node_renew(&cx, 3, 111, "one"), 1);	/* the row was lost */
	assert_int_equal(node_renew(&cx, 3, 222, "two"), 0);
	private_db_feed(&server, "DELETE FROM node;");
}

/* A turn that runs, of a worker with that id. */
static int64_t
running(int64_t worker)
{
	struct turn_row		 t = a_turn(a_session(ann, 0), "Still there?");
	struct answer_row	 a = an_answer(&t, 0);

	t.worker = worker;
	assert_int_equal(turn_add(&cx, &t), 0);
	assert_int_equal(answer_add(&cx, &a), 0);
	return t.id;
}

static void
closed(int64_t turn)
{
	char	 sql[160];

	snprintf(sql, sizeof(sql), "UPDATE answer SET status = 'error' WHERE turn = %jd;"
	    "UPDATE turn SET ended_ms = %jd WHERE id = %jd;", (intmax_t)turn,
	    (intmax_t)clock_ms(), (intmax_t)turn);
	private_db_feed(&server, sql);
}

/* As ident_new makes them, of that node. */
static int64_t
worker_of(int node)
{
	return (ident_new() & ~(INT64_C(31) << 8)) | (int64_t)node << 8;
}

static void
lost_hosts(void **state)
{
	const int64_t		 w5 = worker_of(5), w6 = worker_of(6);
	const int64_t		 t5 = running(w5), t6 = running(w6), again = running(w5);
	struct lost_worker	*lost;
	struct node_row		*holder;
	size_t			 n;

	(void)state;
	assert_int_equal(node_lost(&cx, 9, &lost, &n), 0);
	assert_int_equal(n, 0);			/* no lease, nothing is known of them */
	assert_int_equal(node_take(&cx, 5, 555, "five", &holder), 0);
	assert_int_equal(node_take(&cx, 6, 666, "six", &holder), 0);
	assert_int_equal(node_lost(&cx, 9, &lost, &n), 0);
	assert_int_equal(n, 0);

	ran_out(5, 1);
	assert_int_equal(node_lost(&cx, 9, &lost, &n), 0);
	assert_int_equal(n, 1);
	assert_true(lost[0].worker == w5 && lost[0].node == 5);
	assert_int_equal(node_lost(&cx, 5, &lost, &n), 0);
	assert_int_equal(n, 0);			/* only late, as far as it is concerned */

	assert_int_equal(node_inherit(&cx, 5, 666), 1);
	assert_int_equal(node_inherit(&cx, 5, 777), 0);		/* one at a time */
	assert_int_equal(node_inherited(&cx, 5, 777), 0);	/* and not by another's leave */
	assert_int_equal(node_inherit(&cx, 5, 777), 0);
	assert_int_equal(node_inherited(&cx, 5, 666), 0);
	assert_int_equal(node_inherit(&cx, 5, 777), 1);

	closed(t5);
	assert_int_equal(node_lost(&cx, 9, &lost, &n), 0);
	assert_int_equal(n, 1);
	closed(again);
	assert_int_equal(node_lost(&cx, 9, &lost, &n), 0);
	assert_int_equal(n, 0);
	closed(t6);
	private_db_feed(&server, "DELETE FROM node;");
}

/* Another state directory under the old number: what the one before left is still found. */
static void
lost_directory(void **state)
{
	const int64_t		 before = ident_new(), t = running(before);
	const int		 node = (int)(before >> 8 & 31);
	struct lost_worker	*lost;
	struct node_row		*holder;
	int64_t			 mine;
	size_t			 n;

	(void)state;
	assert_int_equal(node_take(&cx, node, 1, "old", &holder), 0);
	assert_int_equal(node_take(&cx, node, 1, "old", &holder), 0);
	assert_int_equal(node_lost(&cx, 9, &lost, &n), 0);
	assert_int_equal(n, 0);			/* the same directory: its spool has it */
	ran_out(node, 1);
	assert_int_equal(node_take(&cx, node, 2, "new", &holder), 0);
	mine = running(ident_new());
	assert_int_equal(node_lost(&cx, 9, &lost, &n), 0);
	assert_int_equal(n, 1);
	assert_true(lost[0].worker == before);
	assert_int_equal(node_take(&cx, node, 2, "new", &holder), 0);	/* a restart of the new */
	assert_int_equal(node_lost(&cx, 9, &lost, &n), 0);
	assert_int_equal(n, 1);
	closed(t);
	closed(mine);
	private_db_feed(&server, "DELETE FROM node;");
}

static int
add(int64_t turn, int n, const void *body, size_t len)
{
	return checkpoint_add(&cx, &(struct checkpoint){ .turn = turn, .n = n, .upto = 10 + n,
	    .body = (char *)(uintptr_t)body, .len = (int64_t)len }, 1);
}

static const char	 odd[] = "\0\xff\xfe'\"\\\0\x80 end";

/* Bytes are bytes: NULs, no UTF-8, 8 MiB of them. */
static void
records_of_turns(void **state)
{
	const int64_t		 one = 1000001, two = 1000002;
	char			*big = arena_get(cx.a, CHECKPOINT_MOST);
	struct checkpoint	*c;
	size_t			 n;

	(void)state;
	memset(big, 0xc3, CHECKPOINT_MOST);
	assert_int_equal(add(one, 0, odd, sizeof(odd)), 0);
	assert_int_equal(add(one, 1, "b", 1), 0);
	assert_int_equal(add(one, 1, "other", 5), 0);	/* again: the first one stays */
	assert_int_equal(add(one, 2, "c", 1), 0);
	assert_int_equal(add(two, 0, big, CHECKPOINT_MOST), 0);

	assert_int_equal(checkpoint_list(&cx, one, 0, 2, &c, &n), 0);
	assert_int_equal(n, 2);
	assert_true(c[0].turn == one && c[0].n == 0 && c[0].upto == 10);
	assert_int_equal(c[0].len, sizeof(odd));
	assert_memory_equal(c[0].body, odd, sizeof(odd));
	assert_true(c[1].turn == one && c[1].n == 1 && c[1].len == 1 && c[1].body[0] == 'b');
	assert_int_equal(checkpoint_list(&cx, two, 0, 2, &c, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(c[0].len, CHECKPOINT_MOST);
	assert_memory_equal(c[0].body, big, CHECKPOINT_MOST);
	assert_int_equal(checkpoint_list(&cx, 4711, 0, 2, &c, &n), 0);
	assert_int_equal(n, 0);
}

/* Two readers of one turn are two. */
static void
news_of_turns(void **state)
{
	struct checkpoint_news	*c;
	struct checkpoint_end	*e;
	size_t			 n;

	(void)state;
	assert_int_equal(checkpoint_news(&cx,
	    "[[5,1000001,0],[6,1000002,1],[7,4711,0],[8,1000001,2]]", 2, &c, &n), 0);
	assert_int_equal(n, 3);
	assert_true(c[0].reader == 5 && c[0].n == 0 && c[0].len == sizeof(odd));
	assert_true(c[1].reader == 5 && c[1].n == 1 && c[1].body[0] == 'b');
	assert_true(c[2].reader == 8 && c[2].n == 2 && c[2].body[0] == 'c');
	assert_int_equal(checkpoint_news(&cx, "[]", 64, &c, &n), 0);
	assert_int_equal(n, 0);

	assert_int_equal(checkpoint_ends(&cx, "[1000002,4711,1000001]", &e, &n), 0);
	assert_int_equal(n, 2);
	assert_true(e[0].turn == 1000001 && e[0].n == 3 && e[0].upto == 12);
	assert_true(e[1].turn == 1000002 && e[1].n == 1 && e[1].upto == 10);
	private_db_feed(&server, "DELETE FROM checkpoint;");
}

/* How many rows of the turn are left. */
static size_t
left(int64_t turn)
{
	struct checkpoint	*c;
	size_t			 n;

	assert_int_equal(checkpoint_list(&cx, turn, 0, 64, &c, &n), 0);
	return n;
}

static void
old_records_go(void **state)
{
	const int64_t	 old = running(worker_of(7)), runs = running(worker_of(7));
	const int64_t	 fresh_one = running(worker_of(7)), never = 4711;
	const int64_t	 all[] = { old, runs, fresh_one, never };
	int64_t		*over;
	size_t		 n;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (int j = 0; j < 3; j++)
			assert_int_equal(add(all[i], j, "x", 1), 0);
	closed(old);
	assert_int_equal(checkpoint_purge(&cx, 60000), 0);
	private_db_feed(&server, "UPDATE checkpoint SET created_ms = created_ms - 120000;"
	    "UPDATE turn SET ended_ms = ended_ms - 120000 WHERE ended_ms IS NOT NULL;");
	closed(fresh_one);
	assert_int_equal(checkpoint_over(&cx, arena_printf(cx.a, "[%jd,%jd,4711]",
	    (intmax_t)old, (intmax_t)runs), &over, &n), 0);
	assert_int_equal(n, 1);
	assert_true(over[0] == old);

	assert_int_equal(checkpoint_purge(&cx, 60000), 2);	/* `never` has no turn any more */
	assert_int_equal(checkpoint_purge(&cx, 60000), 0);
	assert_int_equal(left(old), 0);
	assert_int_equal(left(never), 0);
	assert_int_equal(left(runs), 3);
	assert_int_equal(left(fresh_one), 3);
	closed(runs);
	private_db_feed(&server, "DELETE FROM checkpoint;");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(one_number_one_host),
		TEST(lost_hosts),
		TEST(lost_directory),
		TEST(records_of_turns),
		TEST(news_of_turns),
		TEST(old_records_go),
	};

	return run_furnished("cluster", tests);
}
