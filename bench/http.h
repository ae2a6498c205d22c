/*
 * http: reads one HTTP/1.1 reply piece by piece, as it comes from the socket.
 */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_state {
	HTTP_HEAD,		/* also zeroed: the status line and the fields */
	HTTP_BODY,		/* left bytes of it */
	HTTP_BODY_EOF,		/* until the connection closes */
	HTTP_SIZE,		/* a chunk's size line */
	HTTP_CHUNK,
	HTTP_CHUNK_END,
	HTTP_TRAILER,
	HTTP_DONE,
};

struct http {			/* zeroed for each reply */
	enum http_state	 state;
	bool		 chunked, sized, close;
	int		 status;
	uint64_t	 left;
	unsigned	 line_len;
	char		 line[96];	/* its beginning is enough for what is looked at */
};

/*
 * Takes n bytes; those of the body go to fn(arg, …) unframed, at once. 1: the reply is whole
 * (http->close: the connection is not for another), 0: more is to come, -1: this is no HTTP.
 */
int	 http_feed(struct http *, const char *, size_t n,
	    void (*fn)(void *arg, const char *, size_t), void *arg);
/* The connection ended: was that the reply's end? */
bool	 http_ended(const struct http *);

#endif
