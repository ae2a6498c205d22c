/*
 * serving: what the worker and its streams share: what a request leaves in log and figures.
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

/*
 * Has it answered (worker_opts.serve), sends what was said, writes the log and frees what it had.
 * Its connection when it is kept and ours; -1: closed, or its peer's (detached).
 */
int	request_answer(struct req *);
void	request_note(struct request_note *, const struct req *);
/* Counts it too. Never paths as they came, query strings, bodies or tokens. */
void	request_log(const struct request_note *, int status, int64_t bytes, bool gone);

#endif
