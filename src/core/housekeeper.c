#include "core/housekeeper.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ident.h"
#include "base/log.h"
#include "core/follow_remote.h"
#include "core/heir.h"
#include "core/recover.h"
#include "core/running.h"
#include "core/share.h"
#include "store/checkpoint.h"
#include "store/idem.h"
#include "store/node.h"
#include "store/turn.h"

#define ROUND_MS	1000
#define PATIENCE_S	3	/* so long one statement may keep us */
#define CROWD		64	/* turns that leave enough memory behind to be given back */
#define UNBEGUN_MS	60000	/* a turn that was opened so long ago runs, or never will */

struct housekeeper {
	struct engine	*engine;
	struct ctx	 cx;		/* of the round */
	struct share	*share;		/* NULL: cluster = off */
	char		 host[256];	/* our name, for people */
	int		 crowd;		/* most turns at once since memory was given back */
	pthread_t	 thread;
	pthread_mutex_t	 lock;
	pthread_cond_t	 wake;
	bool		 stop;
	atomic_bool	 outcast;
};

struct turns {			/* a letter to the loop, and back */
	struct engine	*engine;
	size_t		 n;
	int64_t		 id[];
};

static int	renew(struct housekeeper *);
static int	hear_stops(struct housekeeper *);
static int	share(struct housekeeper *);
static int	fetch(struct housekeeper *);
static int	inherit(struct housekeeper *);
static int	forget_shared(struct housekeeper *);
static int	recover(struct housekeeper *);
static int	look_unbegun(struct housekeeper *);
static int	close_unbegun(struct housekeeper *);
static int	purge_keys(struct housekeeper *);
static int	give_back(struct housekeeper *);

/* In this order in a round. Seconds between two times, alone and in a cluster; 0: never. */
static const struct duty {
	int	(*fn)(struct housekeeper *);	/* -1: the round's ctx failed */
	int	  alone_s, cluster_s;
} duties[] = {
	{ renew,		5,	1 },
	{ hear_stops,		1,	1 },
	{ share,		0,	1 },
	{ fetch,		0,	1 },
	{ inherit,		5,	3 },
	{ recover,		3,	3 },
	{ close_unbegun,	1,	1 },
	{ look_unbegun,		10,	10 },
	{ forget_shared,	0,	10 },
	{ purge_keys,		3600,	3600 },
	{ give_back,		5,	5 },
};
#define DUTIES	(sizeof(duties) / sizeof(duties[0]))

/*
 * Whoever has the number gives the same ids as we do, and takes what runs here for lost: nothing
 * more may begin.
 */
static int
renew(struct housekeeper *h)
{
	int	got;

	if ((got = node_renew(&h->cx, h->cx.conf->node, ident_state_id(), h->host)) != 0)
		return got == -1 ? -1 : 0;
	if (!atomic_exchange(&h->outcast, true)) {
		log_error("another state_dir has our node: give each host a number of its own",
		    LOG_I("node", h->cx.conf->node));
		kill(getpid(), SIGTERM);
	}
	return 0;
}

static struct turns *
turns_new(struct housekeeper *h, size_t n)
{
	struct turns	*s = xcalloc(1, sizeof(*s) + n * sizeof(s->id[0]));

	s->engine = h->engine;
	return s;
}

/* On the loop. */
static void
stop_turns(void *arg)
{
	struct turns	*s = arg;
	struct turn	*t;

	for (size_t i = 0; i < s->n; i++)
		if ((t = turn_running_here(s->engine, s->id[i])) != NULL)
			turn_stop(t);
	free(s);
}

static int
hear_stops(struct housekeeper *h)
{
	struct engine	*e = h->engine;
	struct turns	*s;
	int64_t		*ids;
	size_t		 n;

	if (engine_running(e) == 0)
		return 0;
	if (turn_stops(&h->cx, e->id, &ids, &n) == -1)
		return -1;
	if (n == 0)
		return 0;
	s = turns_new(h, n);
	s->n = n;
	memcpy(s->id, ids, n * sizeof(*ids));
	loop_post(e->loop, stop_turns, s);
	return 0;
}

/* On the loop: those that run here are out of question. */
static void
sift_turns(void *arg)
{
	struct turns	*s = arg;
	size_t		 n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (turn_running_here(s->engine, s->id[i]) == NULL)
			s->id[n++] = s->id[i];
	s->n = n;
	free(atomic_exchange(&s->engine->unbegun, s));
}

/*
 * Where the answer to an opening's commit is lost, its request failed and nobody runs what was
 * opened after all: its lanes would be answering for ever.
 */
static int
look_unbegun(struct housekeeper *h)
{
	struct turns	*s;
	struct orphan	*o;
	size_t		 n;

	if (turn_orphans(&h->cx, h->engine->id, &o, &n) == -1)
		return -1;
	s = turns_new(h, n);
	for (size_t i = 0; i < n; i++)
		if (o[i].created_ms < h->cx.now - UNBEGUN_MS)
			s->id[s->n++] = o[i].turn;
	if (s->n > 0)
		loop_post(h->engine->loop, sift_turns, s);
	else
		free(s);
	return 0;
}

static int
close_unbegun(struct housekeeper *h)
{
	struct turns	*s = atomic_exchange(&h->engine->unbegun, NULL);
	int		 rv = 0;

	if (s != NULL && s->n > 0)
		rv = recover_unbegun(&h->cx, h->engine->id, s->id, s->n);
	free(s);
	return rv == -1 ? -1 : 0;
}

static int
share(struct housekeeper *h)
{
	return share_round(&h->cx, h->share);
}

static int
fetch(struct housekeeper *h)
{
	return remote_round(&h->cx, h->engine->remote);
}

static int
inherit(struct housekeeper *h)
{
	return heir_round(&h->cx, h->engine->voices, h->engine->spool_dir);
}

/* What is left of dead workers of this host, and could not be stored when the next one began. */
static int
recover(struct housekeeper *h)
{
	return recover_spools(&h->cx, h->engine->voices, h->engine->spool_dir) == -1 ? -1 : 0;
}

static int
forget_shared(struct housekeeper *h)
{
	const int64_t	keep = (int64_t)h->cx.conf->spool_keep * 1000;

	return checkpoint_purge(&h->cx, keep < SHARE_KEEP ? SHARE_KEEP : keep) == -1 ? -1 : 0;
}

static int
purge_keys(struct housekeeper *h)
{
	return idem_purge(&h->cx) == -1 ? -1 : 0;
}

/*
 * What a crowd had stays with the allocator in pieces, each thread's in an arena of its own, so
 * that the next crowd is served from others: the system gets it back once the crowd is gone.
 */
static int
give_back(struct housekeeper *h)
{
	const int	now = engine_running(h->engine);

	if (now >= h->crowd)
		h->crowd = now;
	else if (h->crowd >= CROWD && now < h->crowd / 2) {
		malloc_trim(0);
		h->crowd = now;
	}
	return 0;
}

/* What is due. With the database away the rest waits for the next round. */
static void
round_of(struct housekeeper *h, int64_t due[DUTIES])
{
	const int64_t	now = clock_mono_ms();
	const bool	cluster = h->cx.conf->cluster;

	h->cx.a = arena_new(4096);
	h->cx.now = clock_ms();
	for (size_t i = 0; i < DUTIES && h->cx.fail.kind != F_UNAVAILABLE; i++) {
		const int	every = cluster ? duties[i].cluster_s : duties[i].alone_s;

		if (every == 0 || now < due[i])
			continue;
		fail_clear(&h->cx);
		if (duties[i].fn(h) == 0 || h->cx.fail.kind != F_UNAVAILABLE)
			due[i] = now + (int64_t)every * 1000 - ROUND_MS / 2;
	}
	fail_clear(&h->cx);
	arena_free(h->cx.a);
}

/* Until the next round. False: it is the end. */
static bool
rest(struct housekeeper *h, const struct timespec *until)
{
	bool	stop;

	pthread_mutex_lock(&h->lock);
	while (!h->stop && pthread_cond_timedwait(&h->wake, &h->lock, until) == 0)
		;
	stop = h->stop;
	pthread_mutex_unlock(&h->lock);
	return !stop;
}

static void *
housekeeper_main(void *arg)
{
	struct housekeeper	*h = arg;
	struct timespec		 next;
	int64_t			 due[DUTIES] = { 0 };

	do {
		clock_gettime(CLOCK_MONOTONIC, &next);
		next.tv_sec += ROUND_MS / 1000;
		round_of(h, due);
	} while (rest(h, &next));
	if (h->share != NULL) {
		h->cx.a = arena_new(4096);
		share(h);
		arena_free(h->cx.a);
	}
	return NULL;
}

struct housekeeper *
housekeeper_start(struct engine *e)
{
	struct housekeeper	*h = xcalloc(1, sizeof(*h));
	pthread_condattr_t	 monotonic;

	h->engine = e;
	h->cx = (struct ctx){ .conf = e->conf, .db = db_new(e->conf) };
	db_patience(h->cx.db, PATIENCE_S);
	gethostname(h->host, sizeof(h->host) - 1);
	if (e->conf->cluster)
		h->share = share_new(e->spool_dir, e->id);
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&h->thread, NULL, housekeeper_main, h) != 0)
		abort();
	return h;
}

bool
housekeeper_outcast(const struct housekeeper *h)
{
	return atomic_load(&h->outcast);
}

void
housekeeper_stop(struct housekeeper *h)
{
	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	db_free(h->cx.db);
	share_free(h->share);
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
