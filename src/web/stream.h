/* stream: an event stream over FastCGI, as a request becomes one. Private to web. */
#ifndef PARLEY_STREAM_H
#define PARLEY_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/peer.h"
#include "serving.h"

#define STREAM_WAITING_MOST	(4 << 20)	/* bytes: who lets more pile up is left */

/* Everything but making it and freeing it happens on the loop. */
struct stream {
	struct peer		 peer;		/* first: it is the stream */
	struct fcgi		*io;
	struct worker		*worker;
	const char		*prefix;
	char			*headers;	/* of the reply; until begin */
	bool			 ids;		/* events have id: lines */
	bool			 headers_only;	/* HEAD */
	bool			 sealed;	/* X-Stream-Id has a MAC */
	bool			 gone;
	int64_t			 bytes;
	struct request_note	 note;
	struct places		 places;
};

/*
 * The request, whose body is read, becomes this stream: its connection, headers and places are the
 * stream's from now on, and its ops. Prefix, and fd and cap of the peer, are set by the caller. It
 * is freed by free(), at its end.
 */
void	 stream_become(struct stream *, struct req *);

#endif
