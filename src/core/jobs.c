#include "core/jobs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/figures.h"
#include "base/ident.h"
#include "base/log.h"
#include "base/reason.h"
#include "base/wake.h"
#include "core/reader.h"

#define LEASE_MS	15000	/* how long a claim outlives who does not keep it up */
#define KEEP_MS		4000	/* how often it is kept up */
#define COUNT_MS	5000	/* how often what waits is counted */
#define LOOK_MS		1000	/* how often it is looked for work that nobody told of */
#define LOST_MOST	3	/* who began it so often died of it, as it seems */
#define PATIENCE_S	30	/* so long one statement may take: much is indexed at once */
#define KEEP_PATIENCE_S	3

static const struct job_kind *const kinds[] = { &reader_job, &reader_index_job };

/* Pauses after attempts that failed for reasons of the moment, in seconds; then it is given up. */
static const int pauses[] = { 5, 30, 120, 600, 1800 };
#define PAUSES	(sizeof(pauses) / sizeof(pauses[0]))

struct jobs {
	const struct conf	*conf;
	int64_t			 holder;
	bool			 counts;
	int64_t			 count_ms;	/* monotonic, when to count again */
	struct db		*db;		/* the thread's */
	struct db		*keep_db;	/* jobs_keep's */
	pthread_t		 thread;
	pthread_mutex_t		 lock;		/* of: */
	int64_t			 job;		/* what is being done; 0: nothing */
	int64_t			 kept_ms;	/* monotonic, when its claim was kept up last */
	atomic_bool		 leave, at_once, lost, over;
};

struct giving_up {
	const struct job_kind	*kind;
	const struct job	*job;
	int64_t			 holder;
	const char		*why;
};

/* ---- one job --------------------------------------------------------------------------------- */

static bool
go_on(void *arg)
{
	struct jobs	*j = arg;

	return !atomic_load(&j->at_once) && !atomic_load(&j->lost);
}

static void
set_job(struct jobs *j, int64_t job)
{
	pthread_mutex_lock(&j->lock);
	j->job = job;
	j->kept_ms = clock_mono_ms();
	pthread_mutex_unlock(&j->lock);
}

static int
give_up(struct ctx *cx, void *arg)
{
	const struct giving_up	*g = arg;
	int			 done;

	if ((done = job_done(cx, g->job->id, g->holder)) != 1)
		return done;
	return g->kind->give_up(cx, g->job->ref, g->why);
}

static void
tell(const struct job *job, const char *how, const char *why)
{
	figure_add_for(FIG_JOBS, 1, FIGURE_FOR(job->kind, how));
	log_info("job", LOG_S("kind", job->kind), LOG_I("ref", job->ref), LOG_S("end", how),
	    LOG_I("tries", job->tries), LOG_S("why", why != NULL ? why : ""));
}

/* What cannot be written now is found again when the claim has run out. */
static void
settle(struct jobs *j, struct ctx *cx, const struct job_kind *kind, enum job_end end,
    const struct job_try *a)
{
	const struct job	*job = a->job;
	const size_t		 failed = (size_t)(job->tries - job->lost);
	struct giving_up	 g = { kind, job, j->holder, a->why };

	fail_clear(cx);
	if (end == JOB_AGAIN && failed > PAUSES)
		end = JOB_HOPELESS;
	switch (end) {
	case JOB_ENDED:
		tell(job, "done", NULL);
		break;
	case JOB_AGAIN:
		tell(job, "put off", a->why);
		job_put_off(cx, job->id, j->holder,
		    pauses[failed > 0 ? failed - 1 : 0] * INT64_C(1000));
		break;
	case JOB_HOPELESS:
		tell(job, "failed", a->why);
		db_txn(cx, give_up, &g);
		break;
	case JOB_STOPPED:
		tell(job, "left", NULL);
		job_give_back(cx, job->id, j->holder);
		wake_send();
		break;
	}
}

static void
do_job(struct jobs *j, struct ctx *cx, const struct job *job)
{
	struct job_try	 a = { .job = job, .holder = j->holder, .go_on = go_on, .arg = j };
	const struct job_kind	*kind = NULL;
	enum job_end		 end;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i]->name, job->kind) == 0)
			kind = kinds[i];
	if (kind == NULL) {		/* a newer version's: another host may know it */
		job_put_off(cx, job->id, j->holder, pauses[PAUSES - 1] * INT64_C(1000));
		return;
	}
	atomic_store(&j->lost, false);
	set_job(j, job->id);
	if (job->lost >= LOST_MOST) {
		a.why = reason_name(REASON_BROKE_OFF);
		end = JOB_HOPELESS;
	} else
		end = kind->run(cx, &a);
	set_job(j, 0);
	settle(j, cx, kind, end, &a);
}

/* ---- one after the other --------------------------------------------------------------------- */

/* False: there was none, or no database. */
static bool
take_one(struct jobs *j)
{
	struct ctx	 cx = { .a = arena_new(0), .conf = j->conf, .db = j->db, .lang = LANG_EN,
		.now = clock_ms() };
	struct job	*job;

	if ((job = job_claim(&cx, j->holder, LEASE_MS)) != NULL)
		do_job(j, &cx, job);
	arena_free(cx.a);
	return job != NULL;
}

static void *
jobs_main(void *arg)
{
	struct jobs	*j = arg;
	uint32_t	 seen;

	while (!atomic_load(&j->leave)) {
		seen = wake_count();
		if (!take_one(j) && !atomic_load(&j->leave))
			wake_wait(seen, LOOK_MS);
	}
	atomic_store(&j->over, true);
	return NULL;
}

struct jobs *
jobs_start(const struct conf *conf, bool counts)
{
	struct jobs	*j = xcalloc(1, sizeof(*j));

	j->conf = conf;
	j->counts = counts;
	ident_random(&j->holder, sizeof(j->holder));
	j->holder = (j->holder & INT64_MAX) | 1;
	j->db = db_new(conf);
	j->keep_db = db_new(conf);
	db_patience(j->db, PATIENCE_S);
	db_patience(j->keep_db, KEEP_PATIENCE_S);
	pthread_mutex_init(&j->lock, NULL);
	if (pthread_create(&j->thread, NULL, jobs_main, j) != 0)
		abort();
	return j;
}

/* The claim of the job that is being done. */
static void
keep_claim(struct jobs *j, struct ctx *cx, int64_t now)
{
	int64_t	job;
	int	kept;

	pthread_mutex_lock(&j->lock);
	job = now - j->kept_ms >= KEEP_MS ? j->job : 0;
	pthread_mutex_unlock(&j->lock);
	if (job == 0 || (kept = job_renew(cx, job, j->holder, LEASE_MS)) == -1)
		return;
	pthread_mutex_lock(&j->lock);
	if (kept > 0)
		j->kept_ms = now;
	else if (j->job == job)		/* else it has ended by itself just now */
		atomic_store(&j->lost, true);
	pthread_mutex_unlock(&j->lock);
}

static void
count(struct jobs *j, struct ctx *cx, int64_t now)
{
	int64_t	n;

	if (!j->counts || now < j->count_ms)
		return;
	j->count_ms = now + COUNT_MS;
	fail_clear(cx);
	if ((n = job_count(cx)) != -1)
		figure_set(FIG_JOBS_WAITING, n);
}

void
jobs_keep(struct jobs *j)
{
	struct ctx	 cx = { .a = arena_new(0), .conf = j->conf, .db = j->keep_db,
		.lang = LANG_EN, .now = clock_ms() };
	const int64_t	 now = clock_mono_ms();

	keep_claim(j, &cx, now);
	count(j, &cx, now);
	arena_free(cx.a);
}

void
jobs_leave(struct jobs *j, bool at_once)
{
	if (at_once)
		atomic_store(&j->at_once, true);
	atomic_store(&j->leave, true);
	wake_send();
}

bool
jobs_over(struct jobs *j)
{
	return atomic_load(&j->over);
}

void
jobs_free(struct jobs *j)
{
	if (j == NULL)
		return;
	pthread_join(j->thread, NULL);
	db_free(j->db);
	db_free(j->keep_db);
	pthread_mutex_destroy(&j->lock);
	free(j);
}
