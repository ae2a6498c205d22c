#include "core/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ident.h"
#include "base/log.h"
#include "core/heal.h"
#include "core/follow_remote.h"
#include "core/housekeeper.h"
#include "core/measure.h"
#include "core/recover.h"
#include "core/running.h"
#include "core/share.h"

#define SWEEP_MS	1000

/* Pings, followers and the spool's sweep; a scan of all turns costs less than a timer for each. */
static void
tick(void *arg)
{
	struct engine	*e = arg;
	int64_t		 now = loop_now(e->loop), quiet = (int64_t)e->conf->ping * 1000;

	if (now - e->swept_ms < SWEEP_MS)
		return;
	e->swept_ms = now;
	spool_sweep(e->spool, now);
	spool_reader_rest(e->reader);
	for (struct turn *t = e->turns; t != NULL; t = t->next)
		if (t->peer != NULL && now - t->peer->queued_at >= quiet)
			peer_ping(t->peer);
	follow_tick(e);
}

static void *
loop_main(void *arg)
{
	struct engine	*e = arg;

	loop_run(e->loop);
	return NULL;
}

static void
recover(const struct conf *conf, const struct voice *const *voices, const char *dir)
{
	struct ctx	 cx = {
		.a = arena_new(4096), .conf = conf, .db = db_new(conf), .now = clock_ms(),
	};

	if (recover_spools(&cx, voices, dir) == -1)
		log_warn("what dead workers left could not be stored yet; it stays in the spool");
	heal_registry(dir, voices);
	db_free(cx.db);
	arena_free(cx.a);
}

/* Its spool and its box. -1: said in the log. */
static int
open_spool(struct engine *e)
{
	int64_t	keep = (int64_t)e->conf->spool_keep * 1000;

	if (e->conf->cluster && keep < SHARE_KEEP)
		keep = SHARE_KEEP;
	e->spool = spool_open(e->spool_dir, e->id, keep);
	if (e->spool != NULL)
		e->post = post_open(e->loop, e->spool_dir, e->id, news_letter, e);
	if (e->post != NULL)
		return 0;
	log_error("the spool cannot be made: check state_dir", LOG_S("dir", e->spool_dir),
	    LOG_S("error", strerror(errno)));
	spool_close(e->spool);
	return -1;
}

struct engine *
engine_new(const struct conf *conf, const struct voice *const *voices)
{
	struct engine	*e = xcalloc(1, sizeof *e);

	e->conf = conf;
	e->voices = voices;
	e->id = ident_new();
	e->cancel_gone = strcmp(conf->on_disconnect, "cancel") == 0;
	e->spool_dir = xprintf("%s/spool", conf->state_dir);
	recover(conf, voices, e->spool_dir);
	e->loop = loop_new();
	if (open_spool(e) == -1) {
		loop_free(e->loop);
		free(e->spool_dir);
		free(e);
		return NULL;
	}
	e->reader = spool_reader_new(e->spool_dir);
	e->out.arg = e;
	/* The order of a round: upstream events and endings, then the spool, then the clients. */
	e->asker = asker_new(e->loop);
	e->attempts = attempts_new(e->loop, e->asker);
	loop_on_round(e->loop, news_round, e);
	e->peers = peers_new(e->loop);
	measure_start(e);
	loop_on_tick(e->loop, tick, e);
	e->closer = closer_start(e, conf);
	e->remote = remote_new(e);
	e->housekeeper = housekeeper_start(e);
	return e;
}

void
engine_start(struct engine *e)
{
	if (pthread_create(&e->thread, NULL, loop_main, e) != 0)
		abort();
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

bool
engine_outcast(const struct engine *e)
{
	return housekeeper_outcast(e->housekeeper);
}

bool
engine_full(const struct engine *e)
{
	return spool_full(e->spool);
}

static void
fail_all(void *arg)
{
	struct engine	*e = arg;

	e->failing = true;
	for (struct turn *t = e->turns; t != NULL; t = t->next)
		turn_fail(t);
	follow_fail_all(e);
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

/* Where its spool went with it, nobody finds its turns there any more. */
static void
close_spool(struct engine *e)
{
	char	*path = xprintf("%s/%014llx", e->spool_dir, (unsigned long long)e->id);

	post_close(e->post);
	spool_close(e->spool);
	if (access(path, F_OK) == -1)
		registry_forget(e->id);
	free(path);
}

void
engine_stop(struct engine *e)
{
	if (e == NULL)
		return;
	housekeeper_stop(e->housekeeper);
	closer_stop(e->closer);
	loop_post(e->loop, stop_loop, e->loop);
	pthread_join(e->thread, NULL);
	follow_free_all(e);
	remote_free(e->remote);
	asker_free(e->asker);
	attempts_free(e->attempts);
	close_spool(e);
	spool_reader_free(e->reader);
	peers_free(e->peers);
	loop_free(e->loop);
	str_free(&e->out.buf);
	free(e->spool_dir);
	free(e);
}
