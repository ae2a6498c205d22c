/*
 * wire: the other end of our calls: an HTTP server in the test's own hands, which takes a request
 * when it wants to and answers what it likes. A connection serves one request.
 */
#ifndef PARLEY_TESTS_WIRE_H
#define PARLEY_TESTS_WIRE_H

#include "base/str.h"

struct wire {			/* a request that was taken */
	int		 fd;	/* -1: answered */
	char		 method[16], path[1024];
	struct str	 head;	/* with its first line, to its empty line */
	struct str	 body;
};

/* Opens it; the descriptor that takes requests, and its port on 127.0.0.1. */
int	 wire_open(int *port);
/* Waits for the next request and reads all of it. */
void	 wire_take(int door, struct wire *);
/* Does nobody ask, for so long? */
int	 wire_quiet(int door, int ms);
/* The value of one of its headers; NULL: it has none. Static. */
const char *wire_header(const struct wire *, const char *name);

/* All of a reply. Content-Type JSON. */
void	 wire_reply(struct wire *, int status, const char *body);
void	 wire_send(struct wire *, const char *, size_t);	/* bytes as they are */
void	 wire_close(struct wire *);		/* wherever it stands; frees it */

/* A chat completion: its head, pieces of text ("~" before a thought), its end with usage. */
void	 wire_stream(struct wire *);
void	 wire_says(struct wire *, const char *text);
/* A piece of calls of tools: an array, JSON. */
void	 wire_calls(struct wire *, const char *json);
void	 wire_ends(struct wire *, const char *finish, int prompt_tokens, int completion_tokens);

#endif
