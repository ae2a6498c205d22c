/*
 * sse: the event stream format, https://html.spec.whatwg.org/multipage/server-sent-events.html
 * Reading is incremental and capped: bytes in, events out, any split of packets.
 */
#ifndef PARLEY_SSE_H
#define PARLEY_SSE_H

#include <stddef.h>

#include "str.h"

struct sse {
	struct str	 line;		/* an unfinished line */
	struct str	 data;		/* the event so far */
	unsigned	 state;		/* private */
};

/*
 * An event whose data is not empty; the text ends with NUL, is ours and lasts until the callback
 * returns. Return -1 to stop reading.
 */
typedef int sse_event(void *arg, const char *data, size_t len);

/* cap: most bytes of one event's data, and (with room for the field's name) of any line. */
void	 sse_init(struct sse *, size_t cap);
/*
 * 0; -1 when the callback stopped it or the cap was passed (then s->line.full or s->data.full).
 * After -1 nothing more is read: every later call returns -1.
 */
int	 sse_feed(struct sse *, const char *, size_t, sse_event *, void *arg);
/*
 * The stream has ended as it should: gives out an event that only lacks its blank line (upstreams
 * forget it), which the specification would drop. Do not call it when the connection broke: the
 * last line may be half a line. As sse_feed.
 */
int	 sse_end(struct sse *, sse_event *, void *arg);
void	 sse_free(struct sse *);

#endif
