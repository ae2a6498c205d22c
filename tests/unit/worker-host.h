/*
 * worker-host: a worker on a socket of its own, with small handlers, a loop for its streams and a
 * log: what the tests of worker and stream have in common.
 */
#ifndef WORKER_HOST_H
#define WORKER_HOST_H

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/loop.h"
#include "web/worker.h"

#define STREAMS		100	/* at once, at most */
#define EVENT_STREAM	"text/event-stream; charset=utf-8"

struct db {			/* not a database: says how many threads have one */
	atomic_int	*open;
};

extern const struct conf	host_conf;
extern struct loop		*host_loop;
extern atomic_int	dbs;		/* request threads that run */
extern atomic_int	gates;		/* /later answers once it is not 0, */
extern atomic_int	waiting;	/* for which so many wait */
extern atomic_int	streams, streams_gone;	/* that run; whose client left */

/* For threads other than the test's own, out of which cmocka's assertions could not jump. */
#define must(condition)	((condition) ? (void)0 : abort())

/* Waits for what other threads bring about: five seconds at most. */
#define eventually(condition)	do {					\
	int64_t	until_ = clock_mono_ms() + 5000;			\
	while (!(condition)) {						\
		if (clock_mono_ms() > until_) {				\
			print_error("never: %s\n", #condition);		\
			_fail(__FILE__, __LINE__);			\
		}							\
		poll(NULL, 0, 1);					\
	}								\
} while (0)

int	 host_setup(void **state);	/* of the group of tests */
int	 host_teardown(void **state);

struct worker	*host_start(int handoff_in, int handoff_out);
/* Retires it, waits until nothing is busy and stops it. */
void	 host_end(struct worker *);
int	 host_connect(void);
void	 host_send(int fd, bool keep, const char *method, const char *uri, const char *body,
	    size_t n);
/* One GET through the connection; true when the reply is this one. */
bool	 host_answers(int fd, bool keep, const char *uri, int status, const char *body);
bool	 is_closed(int fd);
int	 descriptors(void);		/* of this process, open */
char	*host_logged(void);		/* since the last call; the caller frees it */
int	 count(const char *s, const char *what);

/* On the loop, for loop_post. */
void	 streams_begin(void *);		/* those that were held */
void	 streams_say(void *n);		/* event *(int *)n and a ping, to all */
void	 streams_flood(void *);		/* five MiB, to the first */
void	 streams_end(void *);

#endif
