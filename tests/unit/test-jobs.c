/* Work for the background: who may begin it, and what becomes of it when that one is gone. */
#include "material.h"

#include <stdio.h>

#include "store/job.h"

#define LEASE	60000

static void
empty(void)
{
	private_db_feed(&server, "DELETE FROM job;");
}

static struct job *
claim(int64_t holder)
{
	return job_claim(&cx, holder, LEASE);
}

static void
one_at_a_time(void **state)
{
	struct job	*a, *b;

	(void)state;
	empty();
	assert_null(claim(7));
	assert_int_equal(cx.fail.kind, F_NONE);
	assert_int_equal(job_add(&cx, JOB_READ, 1), 0);
	assert_int_equal(job_add(&cx, JOB_READ, 2), 0);
	assert_int_equal(job_add(&cx, JOB_READ, 1), 0);		/* asked for already */
	assert_int_equal(job_count(&cx), 2);

	a = claim(7);
	b = claim(8);
	assert_non_null(a);
	assert_non_null(b);
	assert_true(a->ref == 1 && b->ref == 2);
	assert_string_equal(a->kind, JOB_READ);
	assert_true(a->tries == 1 && a->lost == 0);
	assert_null(claim(9));

	assert_int_equal(job_renew(&cx, a->id, 8, LEASE), 0);	/* another's */
	assert_int_equal(job_done(&cx, a->id, 8), 0);
	assert_int_equal(job_renew(&cx, a->id, 7, LEASE), 1);
	assert_int_equal(job_done(&cx, a->id, 7), 1);
	assert_int_equal(job_done(&cx, a->id, 7), 0);
	assert_int_equal(job_count(&cx), 1);
	assert_int_equal(job_forget(&cx, JOB_READ, 2), 0);
	assert_int_equal(job_renew(&cx, b->id, 8, LEASE), 0);
	assert_int_equal(job_count(&cx), 0);
}

static void
put_off_and_given_back(void **state)
{
	struct job	*j;

	(void)state;
	empty();
	job_add(&cx, JOB_READ, 1);
	j = claim(7);
	assert_int_equal(job_put_off(&cx, j->id, 8, 1), 0);
	assert_int_equal(job_put_off(&cx, j->id, 7, 60000), 1);
	assert_null(claim(7));
	private_db_feed(&server, "UPDATE job SET until_ms = until_ms - 60000;");
	j = claim(8);
	assert_non_null(j);
	assert_true(j->tries == 2 && j->lost == 0);

	assert_int_equal(job_give_back(&cx, j->id, 7), 0);
	assert_int_equal(job_give_back(&cx, j->id, 8), 1);
	j = claim(9);
	assert_non_null(j);
	assert_true(j->tries == 2 && j->lost == 0);		/* that was none */
}

/* The first waits longest, also when it was put off: nothing starves. */
static void
in_order(void **state)
{
	struct job	*j;

	(void)state;
	empty();
	for (int i = 1; i <= 3; i++)
		job_add(&cx, JOB_READ, i);
	j = claim(7);
	assert_int_equal(j->ref, 1);
	job_put_off(&cx, j->id, 7, 0);
	private_db_feed(&server, "UPDATE job SET until_ms = until_ms + 5 WHERE ref = 1;"
	    "DO SLEEP(0.01);");
	assert_int_equal(claim(7)->ref, 2);
	assert_int_equal(claim(7)->ref, 3);
	assert_int_equal(claim(7)->ref, 1);
}

static void
lost(void **state)
{
	static const char	 late[] = "UPDATE job SET until_ms = until_ms - 70000;";
	struct job		*j;

	(void)state;
	empty();
	job_add(&cx, JOB_READ, 1);
	j = claim(7);
	private_db_feed(&server, late);
	assert_int_equal(job_renew(&cx, j->id, 7, LEASE), 1);	/* late, but nobody came */
	private_db_feed(&server, late);
	j = claim(7);						/* it found itself again */
	assert_true(j->tries == 2 && j->lost == 0);
	private_db_feed(&server, late);
	j = claim(8);
	assert_true(j->tries == 3 && j->lost == 1);
	assert_int_equal(job_renew(&cx, j->id, 7, LEASE), 0);
	assert_int_equal(job_done(&cx, j->id, 7), 0);
	private_db_feed(&server, late);
	j = claim(9);
	assert_true(j->tries == 4 && j->lost == 2);
}

static void
listed(void **state)
{
	struct job_row	*v;
	size_t		 n;

	(void)state;
	empty();
	job_add(&cx, JOB_READ, 1);
	job_add(&cx, JOB_READ, 2);
	job_add(&cx, JOB_READ, 3);
	job_put_off(&cx, claim(7)->id, 7, 60000);
	claim(7);
	assert_int_equal(job_list(&cx, 10, &v, &n), 0);
	assert_int_equal(n, 3);
	assert_true(v[0].ref == 3 && !v[0].running && v[0].wait_ms == 0 && v[0].tries == 0);
	for (size_t i = 1; i < 3; i++) {
		assert_null(v[i].about);
		assert_true(v[i].running == (v[i].ref == 2));
		assert_true(v[i].wait_ms > 50000 && v[i].wait_ms <= 60000);
	}
	assert_int_equal(job_list(&cx, 1, &v, &n), 0);
	assert_int_equal(n, 1);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(one_at_a_time), TEST(put_off_and_given_back), TEST(in_order), TEST(lost),
		TEST(listed),
	};

	return run_furnished("jobs", tests);
}
