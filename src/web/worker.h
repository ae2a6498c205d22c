/*
 * worker: the threads of one process that serve requests.
 *
 * One connect thread per listening socket (source.h) does blocking accept; a WebSocket's
 * connection goes to the loop (socket.h), one of FastCGI into an epoll (EPOLLONESHOT) where the
 * request threads wait; a request thread reads the request, lets the dispatcher answer it
 * (serving.h) and puts the connection back. Where all that comes is quickly answered (R_QUICK) one
 * of them does it alone; see conns.h. A connection that became a stream comes back when its peer
 * ends. Jobs run on the same threads. Retiring passes every kept connection to another process
 * through the handoff socket, unread bytes and all; WebSockets are closed.
 */
#ifndef PARLEY_WORKER_H
#define PARLEY_WORKER_H

#include "base/conf.h"
#include "base/peer.h"
#include "web/req.h"

struct sockets;

struct worker_opts {
	const struct conf	*conf;
	int			 listen_fd;
	/* Where WebSockets come, and what they become; -1 and NULL: none are taken */
	int			 ws_fd;
	struct sockets		*sockets;
	/* Receives connections of retiring processes; -1: none */
	int			 handoff_in;
	/* Where this process sends its own when it retires; -1: none */
	int			 handoff_out;
	const struct routes	*routes;
	struct engine		*engine;
	/*
	 * Answers r (hit, cx and body limits set up): api's dispatcher. Runs on a request thread
	 * with its own db; once more for a request that has waited (r->then).
	 */
	void			(*serve)(struct req *);
	/* Each request thread's own connection to the database, from the store; both NULL: none. */
	struct db		*(*db_new)(const struct conf *);
	void			(*db_free)(struct db *);
};

struct worker;
struct worker	*worker_start(const struct worker_opts *);	/* threads run; NULL: errno */
/*
 * fn(ctx, arg) on a request thread, with its connection; from any thread. ctx
 * has no caller and an empty rid.
 */
void		 worker_job(struct worker *, void (*fn)(struct ctx *, void *), void *arg);
/*
 * Accepts nothing new. pass: kept connections go through handoff_out, idle ones at once, busy
 * ones after their request; otherwise (and where nobody takes them) idle ones are closed.
 * Requests already begun are served. Once more with pass false: what is still kept is closed
 * instead of passed. From one thread, the one that started it.
 */
void		 worker_retire(struct worker *, bool pass);
/* Connections that are being served or stream, WebSockets, and jobs not done. */
int		 worker_busy(const struct worker *);
/* Ends the threads (after worker_retire, when nothing is busy) and frees it. */
void		 worker_stop(struct worker *);
/*
 * Gives a connection back after its stream (-1: it is closed): idle, passed on or closed as the
 * worker's state says. Never blocks. From any thread.
 */
void		 worker_return(struct worker *, int fd);
/* What it was started with. */
const struct worker_opts	*worker_opts(const struct worker *);
/* The worker of this process, for what has no req at hand; NULL before worker_start. */
struct worker	*worker_self(void);

#endif
