#include "worker.h"

#include <sys/socket.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "conns.h"
#include "fcgi.h"
#include "handoff.h"
#include "serving.h"
#include "socket.h"
#include "source.h"

/* A function to run, or a connection to serve or to part with. */
struct job {
	void		(*fn)(struct ctx *, void *);
	void		*arg;
	int		 fd;
	struct job	*next;
};

/* A thread that serves requests. */
struct server {
	struct worker	*w;
	pthread_t	 thread;
	struct db	*db;		/* its own */
	struct conns_watch	 watch;
};

struct worker {
	struct worker_opts	 o;
	struct conns		*conns;

	pthread_mutex_t		 lock;		/* of the queue */
	struct job		*first, **last;
	atomic_int		 jobs;		/* queued or running, and calls from outside */

	struct source		 accepted, upgraded, handed;
	struct server		*servers;
	int			 nservers;

	atomic_bool		 retiring, pass, stopping;
};

static struct worker	*self;		/* one per process, see worker_self */

struct worker *
worker_self(void)
{
	return self;
}

const struct worker_opts *
worker_opts(const struct worker *w)
{
	return &w->o;
}

static void
job_push(struct worker *w, void (*fn)(struct ctx *, void *), void *arg, int fd)
{
	struct job	*j = xcalloc(1, sizeof(*j));

	j->fn = fn;
	j->arg = arg;
	j->fd = fd;
	atomic_fetch_add(&w->jobs, 1);
	pthread_mutex_lock(&w->lock);
	*w->last = j;
	w->last = &j->next;
	pthread_mutex_unlock(&w->lock);
	conns_wake(w->conns, 1);
}

/*
 * Whoever calls from outside is counted until the last look at w: worker_stop may follow at once.
 */
void
worker_job(struct worker *w, void (*fn)(struct ctx *, void *), void *arg)
{
	atomic_fetch_add(&w->jobs, 1);
	job_push(w, fn, arg, -1);
	atomic_fetch_sub(&w->jobs, 1);
}

static struct job *
job_pop(struct worker *w)
{
	struct job	*j;

	pthread_mutex_lock(&w->lock);
	if ((j = w->first) != NULL && (w->first = j->next) == NULL)
		w->last = &w->first;
	pthread_mutex_unlock(&w->lock);
	return j;
}

static bool
readable(int fd)
{
	char	byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Makes a taken connection an idle one. false: it still is taken, for we retire. */
static bool
rest(struct worker *w, int fd)
{
	if (atomic_load(&w->retiring))
		return false;
	conns_rest(w->conns, fd);
	/* The sweep of worker_retire may just have missed it. */
	return !atomic_load(&w->retiring) || !conns_take(w->conns, fd);
}

/*
 * What becomes of a taken connection when we retire: passed on (which may block) or closed. Where
 * nobody takes it a request that has come already is served first: then it is the connection again,
 * else -1.
 */
static int
part(struct worker *w, int fd)
{
	if (atomic_load(&w->pass)) {
		if (handoff_send(w->o.handoff_out, fd) == 0)
			goto gone;
		/* Nobody is there who takes them: the others are not tried. */
		if (atomic_exchange(&w->pass, false))
			log_warn("connections cannot be passed on",
			    LOG_S("error", strerror(errno)));
	}
	if (readable(fd))
		return fd;
gone:
	conns_drop(w->conns, fd);
	close(fd);
	return -1;
}

/* Of a taken connection of which no request is open, idle or else; what part says. */
static int
settle(struct worker *w, int fd)
{
	return rest(w, fd) ? -1 : part(w, fd);
}

void
worker_return(struct worker *w, int fd)
{
	atomic_fetch_add(&w->jobs, 1);
	if (fd == -1)
		conns_drop(w->conns, -1);
	else if (!rest(w, fd))
		job_push(w, NULL, NULL, fd);	/* we must not block */
	atomic_fetch_sub(&w->jobs, 1);
}

/*
 * One request of the connection. The connection when it is kept and ours; -1: closed, or its
 * peer's.
 */
static int
request_serve(struct server *s, int fd)
{
	struct worker	*w = s->w;
	struct req	 r = { .cx = { .conf = w->o.conf, .db = s->db } };
	enum head	 come = fcgi_come(fd);

	if (come != HEAD_ALL)		/* reading may block */
		conns_let(w->conns, &s->watch);
	if ((r.io = fcgi_accept(fd, come)) == NULL) {
		conns_drop(w->conns, -1);
		return -1;
	}
	r.cx.a = arena_new(4096);
	request_find(&r, w);
	if (r.route == NULL || !(r.route->flags & R_QUICK))
		conns_let(w->conns, &s->watch);
	fd = request_answer(&r);
	if (fd == -1 && !r.detached)
		conns_drop(w->conns, -1);
	return fd;
}

static void
connection_serve(struct server *s, int fd)
{
	while ((fd = request_serve(s, fd)) != -1 && !rest(s->w, fd)) {
		conns_let(s->w->conns, &s->watch);
		if ((fd = part(s->w, fd)) == -1)
			break;
	}
}

static void
job_run(struct server *s, struct job *j)
{
	struct ctx	cx = { .conf = s->w->o.conf, .db = s->db };

	if (j->fn != NULL) {
		cx.a = arena_new(0);
		cx.now = clock_ms();
		cx.lang = strcmp(cx.conf->language, "en") == 0 ? LANG_EN : LANG_ZH;
		j->fn(&cx, j->arg);
		arena_free(cx.a);
	} else if ((j->fd = settle(s->w, j->fd)) != -1)
		connection_serve(s, j->fd);
	free(j);
	atomic_fetch_sub(&s->w->jobs, 1);
}

static void *
server_thread(void *arg)
{
	struct server	*s = arg;
	struct worker	*w = s->w;
	struct job	*j;
	int		 fd;

	pthread_setname_np(pthread_self(), "request");
	s->db = w->o.db_new != NULL ? w->o.db_new(w->o.conf) : NULL;
	for (;;) {
		if ((fd = conns_wait(w->conns, &s->watch)) != -1) {
			connection_serve(s, fd);
			continue;
		}
		conns_let(w->conns, &s->watch);
		if ((j = job_pop(w)) != NULL)
			job_run(s, j);
		else if (atomic_load(&w->stopping))
			break;
	}
	if (s->db != NULL)
		w->o.db_free(s->db);
	return NULL;
}

/* A connection from the listening socket or from a process that retires. */
static void
admit(void *arg, int fd)
{
	struct worker	*w = arg;

	if (!conns_add(w->conns, fd)) {
		log_error("no room for a connection", LOG_I("fd", fd));
		close(fd);
	} else if ((fd = settle(w, fd)) != -1)
		job_push(w, NULL, NULL, fd);
}

static void
admit_socket(void *arg, int fd)
{
	struct worker	*w = arg;

	sockets_take(w->o.sockets, w, fd);
}

static void
source_init(struct worker *w, struct source *s, void (*take)(void *, int))
{
	*s = (struct source){ .take = take, .arg = w, .over = &w->retiring, .sock = -1 };
}

static int
threads_start(struct worker *w)
{
	struct server	*s;

	w->servers = xcalloc((size_t)w->o.conf->threads, sizeof(*w->servers));
	for (; w->nservers < w->o.conf->threads; w->nservers++) {
		s = &w->servers[w->nservers];
		s->w = w;
		if ((errno = pthread_create(&s->thread, NULL, server_thread, s)) != 0)
			return -1;
	}
	if (source_listen(&w->accepted, w->o.listen_fd) == -1)
		return -1;
	if (w->o.sockets != NULL && source_listen(&w->upgraded, w->o.ws_fd) == -1)
		return -1;
	return source_receive(&w->handed, w->o.handoff_in);
}

struct worker *
worker_start(const struct worker_opts *o)
{
	struct worker	*w = xcalloc(1, sizeof(*w));
	sigset_t	 all, before;
	int		 saved;

	w->o = *o;
	w->last = &w->first;
	source_init(w, &w->accepted, admit);
	source_init(w, &w->upgraded, admit_socket);
	source_init(w, &w->handed, admit);
	pthread_mutex_init(&w->lock, NULL);
	if ((w->conns = conns_new()) == NULL) {
		pthread_mutex_destroy(&w->lock);
		free(w);
		return NULL;
	}
	sigfillset(&all);		/* an interrupted read would break a request */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	self = w;
	if (threads_start(w) == -1) {
		saved = errno;
		worker_retire(w, false);
		worker_stop(w);
		w = NULL;
		errno = saved;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return w;
}

void
worker_retire(struct worker *w, bool pass)
{
	int	fd;

	atomic_store(&w->pass, pass && w->o.handoff_out != -1);
	if (atomic_exchange(&w->retiring, true))
		return;
	source_end(&w->accepted);
	source_end(&w->upgraded);
	source_end(&w->handed);
	if (w->o.sockets != NULL)
		sockets_retire(w->o.sockets);
	for (fd = 0; fd < conns_size(w->conns); fd++)
		if (conns_take(w->conns, fd) && settle(w, fd) != -1)
			job_push(w, NULL, NULL, fd);
}

int
worker_busy(const struct worker *w)
{
	int	sockets = w->o.sockets != NULL ? sockets_open(w->o.sockets) : 0;

	return conns_taken(w->conns) + sockets + atomic_load(&w->jobs);
}

void
worker_stop(struct worker *w)
{
	int	i;

	atomic_store(&w->stopping, true);
	conns_wake(w->conns, (unsigned)w->nservers);
	for (i = 0; i < w->nservers; i++)
		pthread_join(w->servers[i].thread, NULL);
	free(w->servers);
	conns_free(w->conns);
	pthread_mutex_destroy(&w->lock);
	if (self == w)
		self = NULL;
	free(w);
}
