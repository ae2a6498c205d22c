#include "config.h"

#include "serve.h"

#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/dispatch.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slot.h"
#include "children.h"
#include "listen.h"
#include "process.h"
#include "settings.h"
#include "starter.h"
#include "state.h"
#include "web/handoff.h"

#define KILL_AFTER	10000		/* ms over `drain` that leaving workers are given */

enum phase {
	STARTING,		/* the first workers are not up yet */
	RUNNING,
	RELOADING,		/* those of the new settings are not up yet */
	STOPPING,
};

struct master {
	pid_t			 pid;		/* ours */
	struct settings		 settings;
	const struct conf	*conf;		/* those in force */
	struct routes		*routes;
	struct listener		 listener, ws;	/* for FastCGI, for WebSockets */
	int			 handoff[2], ready[2];
	int			 signals;
	int			 tell;		/* our parent, when in the background; -1: nobody */

	enum phase		 phase;
	bool			 again;		/* HUP came while RELOADING */
	int64_t			 kill_at;	/* while STOPPING */
	int			 status;	/* to exit with */
	struct children		 children;
};

/* ---- phases ---------------------------------------------------------------------------------- */

static void
child_run(void *arg, enum child_kind kind, int number)
{
	struct master	*m = arg;
	struct process	 p = {
		.conf = m->conf, .routes = m->routes, .number = number, .master = m->pid,
		.listen_fd = m->listener.fd, .ws_fd = m->ws.fd,
		.handoff = { m->handoff[0], m->handoff[1] },
		.ready_fd = m->ready[1],
	};

	if (m->tell != -1)
		close(m->tell);
	close(m->signals);
	close(m->ready[0]);
	exit(process_run(kind, &p));
}

static void
start_all(struct master *m)
{
	children_start(&m->children, CHILD_WORKER, m->conf->workers);
	children_start(&m->children, CHILD_JOBS, m->conf->jobs);
}

static void	reload(struct master *);

static void
stop(struct master *m, int sig)
{
	int64_t	wait = KILL_AFTER + (sig == SIGTERM ? (int64_t)m->conf->drain * 1000 : 0);

	if (m->phase != STOPPING) {
		log_info("stopping", LOG_S("signal", strsignal(sig)));
		starter_notify("STOPPING=1");
		listen_close(&m->listener);	/* who comes now is not left waiting */
		listen_close(&m->ws);
		m->kill_at = INT64_MAX;
	}
	m->phase = STOPPING;
	if (m->kill_at > clock_mono_ms() + wait)
		m->kill_at = clock_mono_ms() + wait;
	children_settle(&m->children);
	children_dismiss(&m->children, false, 0);
	children_signal(&m->children, sig);
}

/* All workers of the newest settings are up: they take over. */
static void
all_ready(struct master *m)
{
	if (m->phase == RELOADING) {
		children_dismiss(&m->children, false, SIGHUP);
		settings_keep(&m->settings);
		log_info("reloaded", LOG_I("workers", m->conf->workers));
	}
	children_settle(&m->children);
	m->phase = RUNNING;
	starter_notify("READY=1");
	starter_tell(&m->tell, EX_OK);
	if (m->again) {
		m->again = false;
		reload(m);
	}
}

/* The new settings do not work: back to the old ones, whose workers still serve. */
static void
reload_give_up(struct master *m)
{
	log_error("reload given up, the old settings stay", LOG_S("file", m->conf->file));
	children_dismiss(&m->children, true, SIGTERM);
	settings_back(&m->settings);
	m->phase = RUNNING;
	starter_notify("READY=1");
}

static void
reload(struct master *m)
{
	if (m->phase != RUNNING) {
		m->again = m->phase != STOPPING;
		return;
	}
	starter_notify("RELOADING=1");
	if (settings_reload(&m->settings) == -1) {
		starter_notify("READY=1");
		return;
	}
	m->phase = RELOADING;
	log_info("reloading", LOG_I("workers", m->conf->workers));
	start_all(m);
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void
child_died(struct master *m, struct child *c, int status)
{
	bool	fresh = c->fresh, ready = c->ready;
	bool	failed = WIFEXITED(status) && WEXITSTATUS(status) != 0;

	process_ended(c, status);
	if (!c->wanted) {
		children_remove(&m->children, c);
		return;
	}
	children_again(c);
	if (!failed || ready || !fresh)
		return;
	/* It said why. Before there was any worker that is the end, after a reload the way back. */
	if (m->phase == STARTING) {
		warnx("the workers do not start: the log says why");
		m->status = WEXITSTATUS(status);
		starter_tell(&m->tell, m->status);
		stop(m, SIGTERM);
	} else if (m->phase == RELOADING)
		reload_give_up(m);
}

static void
reap(struct master *m)
{
	struct child	*c;
	pid_t		 pid;
	int		 status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		slot_sweep();
		if ((c = children_find(&m->children, pid)) != NULL)
			child_died(m, c, status);
	}
}

static void
on_signal(struct master *m)
{
	struct signalfd_siginfo	s;

	if (read(m->signals, &s, sizeof(s)) != sizeof(s))
		return;
	switch (s.ssi_signo) {
	case SIGCHLD:
		reap(m);
		break;
	case SIGHUP:
		reload(m);
		break;
	case SIGTERM:
	case SIGINT:
	case SIGQUIT:
		stop(m, (int)s.ssi_signo);
		break;
	case SIGUSR1:
		log_reopen();
		children_signal(&m->children, SIGUSR1);
		break;
	}
}

static void
on_ready(struct master *m)
{
	struct child	*c;
	pid_t		 pid;

	if (read(m->ready[0], &pid, sizeof(pid)) != sizeof(pid))
		return;
	if ((c = children_find(&m->children, pid)) != NULL)
		c->ready = true;
}

/* Starts who is due, ends who overstays. Milliseconds until the next; -1: nothing is planned. */
static int
on_time(struct master *m)
{
	int64_t	next = children_due(&m->children), now = clock_mono_ms();

	if (m->phase == STOPPING && m->kill_at <= now) {
		log_warn("workers that do not leave are killed",
		    LOG_I("workers", (int64_t)m->children.n));
		children_signal(&m->children, SIGKILL);
		m->kill_at = INT64_MAX;
	}
	if (m->phase == STOPPING && m->kill_at < next)
		next = m->kill_at;
	return next == INT64_MAX ? -1 : next <= now ? 0 : (int)(next - now);
}

static void
run(struct master *m)
{
	struct pollfd	fd[] = {
		{ .fd = m->signals, .events = POLLIN },
		{ .fd = m->ready[0], .events = POLLIN },
	};

	while (m->phase != STOPPING || m->children.n > 0) {
		if (poll(fd, 2, on_time(m)) < 1)
			continue;
		if (fd[1].revents & POLLIN)
			on_ready(m);
		if (fd[0].revents & POLLIN)
			on_signal(m);
		if ((m->phase == STARTING || m->phase == RELOADING) &&
		    children_ready(&m->children))
			all_ready(m);
	}
}

/* ---- start and end --------------------------------------------------------------------------- */

/*
 * The descriptors the master works with. Its signals are read, not handled; the workers inherit
 * that they wait.
 */
static int
open_all(struct master *m)
{
	sigset_t	set;

	process_signals(&set);
	sigaddset(&set, SIGCHLD);
	m->pid = getpid();
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
	    (m->signals = signalfd(-1, &set, SFD_CLOEXEC)) == -1 ||
	    pipe2(m->ready, O_CLOEXEC) == -1 || handoff_pair(m->handoff) == -1) {
		warn("serve");
		return -1;
	}
	return 0;
}

static void
raise_limits(void)
{
	struct rlimit	l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

/*
 * All that can be found wrong before it goes to the background. 0 or an exit status, told on
 * standard error.
 */
static int
prepare(struct master *m)
{
	struct str		 err = STR_INIT(4096);
	const struct route	*rows;
	size_t			 n;
	int			 rc;

	if ((rc = listen_get(&m->listener, LISTEN_FCGI, m->conf->listen,
	    m->conf->socket_group)) != 0 ||
	    (rc = listen_get(&m->ws, LISTEN_WS, m->conf->ws_listen, m->conf->socket_group)) != 0)
		return rc;
	raise_limits();
	rows = routes_table(&n);
	if ((m->routes = routes_compile(rows, n, &err)) == NULL)
		rc = EX_SOFTWARE;
	else
		rc = state_take(m->conf, &err);
	if (rc != 0)
		warnx("%s", err.p);
	str_free(&err);
	return rc;
}

int
serve_main(const struct conf *conf, const struct serve_opts *opts)
{
	struct master	m = { .tell = -1, .listener.fd = -1, .ws.fd = -1 };

	m.children.run = child_run;
	m.children.arg = &m;
	settings_start(&m.settings, conf, opts);
	m.conf = &m.settings.conf;
	if ((m.status = prepare(&m)) != 0)
		goto out;
	if ((!opts->foreground && starter_leave(&m.tell) == -1) || open_all(&m) == -1) {
		m.status = EX_OSERR;
		goto out;
	}
	log_info("starting", LOG_S("version", PACKAGE_VERSION), LOG_I("workers", m.conf->workers));
	start_all(&m);
	run(&m);
	state_release(m.conf);
	log_info("stopped");
out:
	listen_close(&m.listener);
	listen_close(&m.ws);
	routes_free(m.routes);
	settings_free(&m.settings);
	free(m.children.v);
	return m.status;
}
