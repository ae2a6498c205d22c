/*
 * fcgi: one FastCGI connection, and reading and answering the requests that come through it. The
 * only user of fcgiapp.h.
 */
#ifndef PARLEY_FCGI_H
#define PARLEY_FCGI_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "web/head.h"

struct fcgi;

/*
 * Once per process, before any thread: FCGX_Init with LIBFCGI_OS_CLOSE_POLL_TIMEOUT=0. Signal
 * handlers go in after it.
 */
int		 fcgi_init(void);
/* How much of its next request the connected socket has for us. Leaves it unread, never blocks. */
enum head	 fcgi_come(int fd);
/*
 * Reads one request, of which fcgi_come has said that so much is there (blocking, within the
 * socket's SO_RCVTIMEO; of HEAD_ALL nothing blocks, its body neither). NULL: closed, timed out or
 * garbage (fd closed).
 */
struct fcgi	*fcgi_accept(int fd, enum head);
/* A FastCGI parameter, or NULL; lasts until fcgi_read_done. */
const char	*fcgi_param(const struct fcgi *, const char *name);
/* Bytes of the body; -1 error, 0 its end. */
ssize_t		 fcgi_read(struct fcgi *, void *, size_t);
/* Buffers and, when flush, sends. -1: the client is gone. */
int		 fcgi_write(struct fcgi *, const char *, size_t, bool flush);
/*
 * The same for a stream, on the loop: sends what the socket takes now. How many of the
 * bytes; 0: none now (a record may have begun: go on with the same bytes); -1: the client is
 * gone. Not mixed with fcgi_write.
 */
ssize_t		 fcgi_send(struct fcgi *, const char *, size_t);
int		 fcgi_fd(const struct fcgi *);
/*
 * All that only reading needs is given back, parameters included: a stream keeps the rest for long.
 * A body that was not read to its end costs the connection.
 */
void		 fcgi_read_done(struct fcgi *);
/*
 * Ends the request and frees it. The connection when the server wants to keep it (nginx), else -1:
 * it is closed, at once and without a word when abort. Never blocks when nothing is left to write.
 */
int		 fcgi_finish(struct fcgi *, bool abort);

#endif
