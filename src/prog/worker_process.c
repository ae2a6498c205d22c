#include "worker_process.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/dispatch.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/engine.h"
#include "store/db.h"
#include "web/fcgi.h"
#include "web/socket.h"
#include "web/worker.h"

#define LAST_WORDS	5000	/* ms for what was failed to be said and stored */
#define LARGE		65536	/* bytes: such memory is had from, and given back to, the system */
#define LOOK		20	/* ms between two looks whether all is done */

struct life {
	const struct conf	*conf;
	pid_t			 master;
	int			 listen_fd;	/* -1 once leaving */
	int			 ws_fd;		/* the same, or there is none */
	struct engine		*engine;
	struct sockets		*sockets;
	struct worker		*worker;
	bool			 leaving;
	int64_t			 fail_at;	/* monotonic ms; INT64_MAX: never */
	int64_t			 end_at;
};

static void
life_leave(struct life *l, bool pass, int64_t wait_ms)
{
	int64_t	at = wait_ms == INT64_MAX ? INT64_MAX : clock_mono_ms() + wait_ms;

	log_info("leaving", LOG_I("busy", worker_busy(l->worker)),
	    LOG_I("turns", engine_running(l->engine)));
	worker_retire(l->worker, pass);
	l->leaving = true;
	/* Where all leave, nobody shall seem to listen. */
	if (l->listen_fd != -1)
		close(l->listen_fd);
	if (l->ws_fd != -1)
		close(l->ws_fd);
	l->listen_fd = l->ws_fd = -1;
	if (at < l->fail_at)
		l->fail_at = at;
}

static void
life_signal(struct life *l, int sig)
{
	switch (sig) {
	case SIGHUP:
		if (!l->leaving)
			life_leave(l, true, INT64_MAX);
		break;
	case SIGTERM:
		if (!l->leaving && engine_outcast(l->engine))
			kill(l->master, SIGTERM);	/* no other worker can do better */
		life_leave(l, false, (int64_t)l->conf->drain * 1000);
		break;
	case SIGINT:
	case SIGQUIT:
		life_leave(l, false, 0);
		break;
	}
}

/* Has everything ended, or must it? */
static bool
life_over(struct life *l)
{
	int64_t	now = clock_mono_ms();

	if (!l->leaving)
		return false;
	if (worker_busy(l->worker) == 0 && engine_running(l->engine) == 0)
		return true;
	if (l->fail_at <= now) {
		engine_fail_all(l->engine);
		l->fail_at = INT64_MAX;
		l->end_at = now + LAST_WORDS;
	}
	return l->end_at <= now;
}

static void
life_run(struct life *l)
{
	int	sig;

	while (!life_over(l))
		if ((sig = process_wait(l->leaving ? LOOK : -1)) != -1)
			life_signal(l, sig);
}

static int
life_start(struct life *l, const struct process *p)
{
	struct worker_opts	 o = {
		.conf = p->conf, .routes = p->routes, .serve = dispatch,
		.db_new = db_new, .db_free = db_free,
		.listen_fd = p->listen_fd, .ws_fd = p->ws_fd,
		.handoff_in = p->handoff[0], .handoff_out = p->handoff[1],
	};

	if (fcgi_init() == -1) {
		log_error("libfcgi does not start");
		return EX_SOFTWARE;
	}
	/* libfcgi has brought handlers of its own. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	if ((l->engine = engine_new(p->conf, voices_table())) == NULL)
		return EX_UNAVAILABLE;
	if (p->ws_fd != -1 && (l->sockets = sockets_new(p->conf, engine_loop(l->engine),
	    engine_peers(l->engine))) == NULL)
		return EX_SOFTWARE;
	engine_start(l->engine);
	o.engine = l->engine;
	o.sockets = l->sockets;
	if ((l->worker = worker_start(&o)) == NULL) {
		log_error("the worker does not start", LOG_S("error", strerror(errno)));
		return EX_OSERR;
	}
	return 0;
}

int
worker_process_run(const struct process *p)
{
	struct life	 l = { .conf = p->conf, .master = p->master, .listen_fd = p->listen_fd,
	    .ws_fd = p->ws_fd, .fail_at = INT64_MAX, .end_at = INT64_MAX };
	int		 rc;

	/* What a burst took goes back to the system; glibc would raise the limit by itself. */
	mallopt(M_MMAP_THRESHOLD, LARGE);
	mallopt(M_TRIM_THRESHOLD, LARGE);
	if ((rc = life_start(&l, p)) != 0)
		return rc;
	process_ready(p);
	log_info("ready", LOG_I("threads", p->conf->threads));
	life_run(&l);
	if (l.end_at != INT64_MAX && (worker_busy(l.worker) > 0 || engine_running(l.engine) > 0)) {
		log_warn("left in spite of what runs", LOG_I("busy", worker_busy(l.worker)),
		    LOG_I("turns", engine_running(l.engine)));
		_exit(EX_OK);		/* its threads wait for what does not come */
	}
	worker_stop(l.worker);
	engine_stop(l.engine);
	sockets_free(l.sockets);
	return EX_OK;
}
