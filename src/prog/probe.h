/* probe: one HTTP request as a client outside would send it, and what came back when. */
#ifndef PARLEY_PROBE_H
#define PARLEY_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "upstream/call.h"

#define PROBE_BLOCKS	8192	/* most that are told apart */
#define PROBE_BODY	65536	/* bytes of a reply that are kept */

struct probe {
	const char	*url;
	const char	*body;		/* JSON to POST; NULL: GET */
	size_t		 body_len;
	bool		 gzip;		/* says that it takes compressed replies */
	/* More headers, "Name: value", ended by NULL; or NULL */
	const char *const *headers;
	bool		 head;		/* hangs up once the head of the reply is there */
	int		 leave_after;	/* hangs up after so many events; 0: stays until the end */
	int64_t		 patience_ms;	/* for the whole */
};

struct block {			/* what arrived together */
	int64_t	 at_us;		/* since the request began */
	size_t	 bytes;
	int	 events;	/* that ended in it */
};

struct heard {
	enum call_result result;
	const char	*why;		/* in words, where the result is not CALL_OK */
	int		 status;	/* 0: no reply came */
	bool		 left, late;	/* hung up as asked; out of patience */
	/* Of the reply's head, in the arena; NULL: not there. */
	const char	*type, *encoding, *server, *date;
	struct str	 body;		/* its beginning, NUL-terminated once there is any */
	int64_t		 head_us;	/* since the request began, as the blocks */
	struct block	*blocks;
	int		 nblocks, events;
};

/* Waits for the end. The body is the caller's to free. */
void	 probe(struct arena *, const struct probe *, struct heard *);

#endif
