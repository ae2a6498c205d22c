/*
 * handshake: the HTTP/1.1 request with which a WebSocket begins, and what it is answered (RFC 6455,
 * 4.2). The only user of microhttpd.h: libmicrohttpd reads requests and writes replies, without a
 * listening socket and without a thread, driven by a loop. Everything happens on that loop.
 */
#ifndef PARLEY_HANDSHAKE_H
#define PARLEY_HANDSHAKE_H

#include <stddef.h>

#include "base/loop.h"

struct handshakes;		/* of one loop */

/* What is wrong with its form. */
enum handshake_form {
	HANDSHAKE_GOOD,
	HANDSHAKE_PLAIN,		/* it asks for no WebSocket */
	HANDSHAKE_VERSION,		/* of another version than 13 */
	HANDSHAKE_KEY,			/* its key is none */
};

struct handshake {
	enum handshake_form	 form;
	/* "NAME=value"…, NULL: what FastCGI would have for parameters; until it is gone */
	char *const		*params;
	void			*owner;		/* the caller's */
};

struct handshake_ops {
	/* One came: it is to be answered, now or later. */
	void	(*come)(void *arg, struct handshake *);
	/*
	 * It was accepted, and the client is told: the socket is the callee's, with the n bytes
	 * that came right behind the request.
	 */
	void	(*open)(struct handshake *, int fd, const void *early, size_t n);
	/* The last of each: after it was refused, after open, or when the client left before. */
	void	(*gone)(struct handshake *);
	/* One of the connections taken is over, whatever became of it. */
	void	(*left)(void *arg);
};

/* NULL: libmicrohttpd does not start. */
struct handshakes	*handshakes_new(struct loop *, const struct handshake_ops *, void *arg);
void	 handshakes_free(struct handshakes *);	/* none is unanswered; NULL is fine */
/* A new connection, which is ours from now on. */
void	 handshakes_take(struct handshakes *, int fd);
/* Replies that are slow to come or go end here: to be called now and then. */
void	 handshakes_tick(struct handshakes *);

/* 101. headers: "Name: value\r\n"…, may be NULL. */
void	 handshake_accept(struct handshake *, const char *headers);
/* Another status. body and headers are copied; type may be NULL. */
void	 handshake_refuse(struct handshake *, int status, const char *type, const char *headers,
	    const char *body, size_t n);

#endif
