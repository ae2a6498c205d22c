#include "store/job.h"

#include "base/ident.h"
#include "store/rows.h"

int
job_add(struct ctx *cx, const char *kind, int64_t ref)
{
	return db_do(cx, SQL_JOB_ADD, V(ident_new()), V(kind), V(ref));
}

int
job_forget(struct ctx *cx, const char *kind, int64_t ref)
{
	return db_do(cx, SQL_JOB_FORGET, V(kind), V(ref));
}

struct job *
job_claim(struct ctx *cx, int64_t holder, int64_t lease_ms)
{
	struct job	*job;
	int64_t		 got;

	/* Another may be quicker with the same one: then the next. */
	while ((job = db_maybe(cx, SQL_JOB_NEXT, V(holder))) != NULL) {
		if ((got = db_exec(cx, SQL_JOB_CLAIM, V(holder), V(holder), V(lease_ms),
		    V(job->id), V(job->until_ms))) == -1)
			return NULL;
		if (got > 0)
			return job;
	}
	return NULL;
}

int
job_renew(struct ctx *cx, int64_t job, int64_t holder, int64_t lease_ms)
{
	return (int)db_exec(cx, SQL_JOB_RENEW, V(lease_ms), V(job), V(holder));
}

int
job_done(struct ctx *cx, int64_t job, int64_t holder)
{
	return (int)db_exec(cx, SQL_JOB_DONE, V(job), V(holder));
}

int
job_put_off(struct ctx *cx, int64_t job, int64_t holder, int64_t ms)
{
	return (int)db_exec(cx, SQL_JOB_PUT_OFF, V(ms), V(job), V(holder));
}

int
job_give_back(struct ctx *cx, int64_t job, int64_t holder)
{
	return (int)db_exec(cx, SQL_JOB_GIVE_BACK, V(job), V(holder));
}

int
job_list(struct ctx *cx, int most, struct job_row **list, size_t *n)
{
	return db_many(cx, SQL_JOB_LIST, list, n, V(most));
}

int64_t
job_count(struct ctx *cx)
{
	return db_number(cx, SQL_JOB_COUNT);
}
