/*
 * load: what the ways of making load share: what is asked for, of whom, and how it is said.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sample.h"

/* From the command line; load.c has the help. Times are seconds. */
struct load {
	int		 port;
	const char	*path;
	char		*headers;	/* whole lines, "" without */
	const char	*vary;		/* the field that begins each line of bodies; NULL: none */
	char		**bodies;	/* taken in turn; none: GET */
	size_t		 bodies_len;
	unsigned	 streams, stalled, count, times, deltas, connections;
	int		 rcvbuf;
	double		 rate, settle, window, drain;
};

/* One way each: it prints its own result and returns the exit code. */
int	 streams_run(const struct load *);
int	 feed_run(const struct load *);
int	 leave_run(const struct load *);
int	 plain_get(const struct load *);
int	 plain_post(const struct load *);

/*
 * A connection to the port from a loopback address of number i's own (some thousands of streams
 * outgrow one address's ports); rcvbuf 0: the system's. Non-blocking: it may still be on its way.
 * -1: errno.
 */
int	 load_connect(const struct load *, size_t i, int rcvbuf);
/* Writes the request number i into buf; its length. Ends the program where it does not fit. */
size_t	 load_request(const struct load *, size_t i, char *buf, size_t size);
/* The same for this line of a file of bodies; NULL: GET. */
size_t	 load_compose(const struct load *, const char *line, char *buf, size_t size);
/* A word alone on its line of standard output, for who waits for it. */
void	 load_say(const char *);
/* Percentiles as members of a JSON object: "p50_us":…,"p90_us":…,"p99_us":…,"max_us":… */
void	 load_print(struct sample *, const char *prefix);
/* len bytes as a JSON string. */
void	 load_quote(const char *, size_t len);

#endif
