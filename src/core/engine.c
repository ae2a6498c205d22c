#include "core/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/ident.h"
#include "base/log.h"
#include "core/measure.h"
#include "core/recover.h"
#include "core/running.h"

#define SWEEP_MS	1000

/* Pings and the spool's sweep; a scan of all turns costs less than a timer for each. */
static void
tick(void *arg)
{
	struct engine	*e = arg;
	int64_t		 now = loop_now(e->loop), quiet = (int64_t)e->conf->ping * 1000;

	if (now - e->swept_ms < SWEEP_MS)
		return;
	e->swept_ms = now;
	spool_sweep(e->spool, now);
	for (struct turn *t = e->turns; t != NULL; t = t->next)
		if (t->peer != NULL && now - t->peer->queued_at >= quiet)
			peer_ping(t->peer);
}

static void
write_spool(void *arg)
{
	struct engine	*e = arg;

	spool_write(e->spool);
}

static void *
loop_main(void *arg)
{
	struct engine	*e = arg;

	loop_run(e->loop);
	return NULL;
}

static int
recover(const struct conf *conf, const char *dir)
{
	struct ctx	 cx = {
		.a = arena_new(4096), .conf = conf, .db = db_new(conf), .now = clock_ms(),
	};

	int		 rv;

	if ((rv = recover_spools(&cx, dir)) == -1)
		log_warn("what dead workers left could not be stored yet; it stays in the spool");
	db_free(cx.db);
	arena_free(cx.a);
	return rv;
}

struct engine *
engine_start(const struct conf *conf)
{
	struct engine	*e = xcalloc(1, sizeof *e);
	struct str	 dir = STR_INIT(4096);
	bool		 recovered;

	str_printf(&dir, "%s/spool", conf->state_dir);
	recovered = recover(conf, dir.p) != -1;
	e->conf = conf;
	e->id = ident_new();
	e->cancel_gone = strcmp(conf->on_disconnect, "cancel") == 0;
	if ((e->spool = spool_open(dir.p, e->id, (int64_t)conf->spool_keep * 1000)) == NULL) {
		log_error("the spool cannot be made: check state_dir", LOG_S("dir", dir.p),
		    LOG_S("error", strerror(errno)));
		str_free(&dir);
		free(e);
		return NULL;
	}
	e->loop = loop_new();
	e->out.arg = e;
	/* The order of a round: upstream events and endings, then the spool, then the clients. */
	e->asker = asker_new(e->loop);
	e->attempts = attempts_new(e->loop, e->asker);
	loop_on_round(e->loop, write_spool, e);
	e->peers = peers_new(e->loop);
	measure_start(e);
	loop_on_tick(e->loop, tick, e);
	e->closer = closer_start(e, conf, recovered ? NULL : dir.p);
	str_free(&dir);
	if (pthread_create(&e->thread, NULL, loop_main, e) != 0)
		abort();
	return e;
}

struct peers *
engine_peers(struct engine *e)
{
	return e->peers;
}

struct loop *
engine_loop(struct engine *e)
{
	return e->loop;
}

int64_t
engine_id(const struct engine *e)
{
	return e->id;
}

int
engine_running(const struct engine *e)
{
	return atomic_load(&e->running);
}

static void
fail_all(void *arg)
{
	struct engine	*e = arg;
	struct turn	*t, *next;

	e->failing = true;
	for (t = e->turns; t != NULL; t = next) {
		next = t->next;
		if (t->done && t->peer != NULL) {
			/* All is said; a client this slow is not waited for. */
			peer_leave(t->peer);
			continue;
		}
		turn_fail(t);
	}
}

void
engine_fail_all(struct engine *e)
{
	loop_post(e->loop, fail_all, e);
}

static void
stop_loop(void *arg)
{
	loop_stop(arg);
}

void
engine_stop(struct engine *e)
{
	if (e == NULL)
		return;
	closer_stop(e->closer);
	loop_post(e->loop, stop_loop, e->loop);
	pthread_join(e->thread, NULL);
	asker_free(e->asker);
	attempts_free(e->attempts);
	spool_close(e->spool);
	peers_free(e->peers);
	loop_free(e->loop);
	str_free(&e->out.buf);
	free(e);
}
