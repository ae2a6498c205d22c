/*
 * serving: a request from its route to what it leaves in log and figures, for the worker, its
 * streams and its WebSockets.
 */
#ifndef PARLEY_SERVING_H
#define PARLEY_SERVING_H

#include <stdbool.h>
#include <stdint.h>

#include "web/req.h"

#define CLIENT_GONE	499	/* logged as status where the client left before the end */

struct request_note {
	char			 rid[24];
	const struct route	*route;		/* NULL: none was found */
	const char		*method;
	int64_t			 user;
	int64_t			 started_us;
	bool			 stream;	/* it became one */
};

/* Fills r, whose cx, io or params are set, and finds its route. */
void	request_find(struct req *, struct worker *);
/*
 * Has it answered (worker_opts.serve), sends what was said, writes the log and frees what it had.
 * Its connection when it is kept and ours; -1: closed, or its peer's (detached).
 */
int	request_answer(struct req *);
/* Frees what it had. */
void	request_drop(struct req *);
void	request_note(struct request_note *, const struct req *);
/* Counts it too. Never paths as they came, query strings, bodies or tokens. */
void	request_log(const struct request_note *, int status, int64_t bytes, bool gone);
/* The same of a WebSocket, at its end: with which code it was closed, messages of the client. */
void	request_log_socket(const struct request_note *, int code, int64_t messages, int64_t bytes);

/* Fills r, whose cx, io or params are set, finds its route and has it answered. */
void	worker_answer(struct worker *, struct req *);

#endif
