/*
 * peer: a client on the loop: a buffer of framed messages and the means to write it without ever
 * blocking. Web puts FastCGI behind it (later a WebSocket); core only sees this.
 *
 * In a round everything queued goes into the buffer; at the round's end each peer that has
 * something is sent up to 16 KiB, as much as its socket takes. Who could not take it all is watched
 * for EPOLLOUT until the socket has room: waiting peers cost no round.
 *
 * A peer that joined watches its descriptor itself (EPOLLRDHUP: the client left), on the loop's
 * epoll. Nobody else may watch it on that loop until finish().
 *
 * One that stays (a WebSocket: its ops have come and rest) joins once and has several owners, one
 * after the other: to join it again only gives it to the next.
 */
#ifndef PARLEY_PEER_H
#define PARLEY_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fail.h"
#include "loop.h"
#include "str.h"

#define PEER_CHUNK	16384	/* most bytes sent to one peer in a round */
#define PEER_LAST	512	/* finish() may write this much into a socket that is POLLOUT */
#define PEER_HIGH	16384	/* past it a stored turn leaves the peer to a follower */
#define PEER_KEEP	512	/* an empty buffer larger than this is given back */

struct peer;
struct peers;			/* all peers of one loop */

struct peer_ops {
	/*
	 * Appends status and headers of the stream, once, before anything else. stream_id 0: no
	 * X-Stream-Id.
	 */
	void	(*begin)(struct peer *, int64_t stream_id);
	/* Appends one message, framed, to p->buf. n counts the turn's events from 1. */
	void	(*frame)(struct peer *, const char *msg, size_t len, int64_t stream_id, int64_t n);
	/* Appends a comment that keeps the connection alive (": ping"). */
	void	(*ping)(struct peer *);
	/*
	 * Sends, without blocking, what the socket takes now of at most PEER_CHUNK bytes: how many;
	 * 0: none, -1: the client is gone.
	 */
	ssize_t	(*write)(struct peer *, const char *, size_t);
	/*
	 * All is written (or the client is gone): gives the connection back and frees the peer. The
	 * watch is deleted and the buffer freed already.
	 */
	void	(*finish)(struct peer *, bool gone);
	/*
	 * Of a peer that stays; NULL, both: of any other. come: there is something to read or its
	 * end (EPOLLIN, EPOLLRDHUP, EPOLLHUP, EPOLLERR), and the peer may leave. rest: its owner
	 * has ended it, it waits for the next one.
	 */
	void	(*come)(struct peer *, uint32_t events);
	void	(*rest)(struct peer *);
};

struct peer {
	const struct peer_ops	*ops;
	int			 fd;		/* to poll */
	struct str		 buf;		/* framed, waiting; past its cap we leave */
	bool			 dirty, ending, gone;
	int64_t			 queued_at;	/* loop time of the last message or ping */
	/*
	 * Where its owner knew when it ended it: why there is no answer, and seconds after which
	 * asking again makes sense. Zeros before it joins.
	 */
	enum fail_kind		 why;
	int			 retry_after;
	struct peers		*all;
	/*
	 * Told to the owner (a turn), on the loop; both may be NULL. on_gone: the client left,
	 * forget the peer, it frees itself. on_drained: after being over PEER_HIGH the buffer has
	 * gone below a quarter of it.
	 */
	void			(*on_gone)(struct peer *, void *owner);
	void			(*on_drained)(struct peer *, void *owner);
	void			*owner;

	/* private */
	struct watch		 watch;
	uint32_t		 heeds;		/* what the watch is for, EPOLLOUT aside */
	size_t			 slot;		/* where it stands in the dirty list */
	bool			 waiting;	/* for EPOLLOUT; then it is not dirty */
	bool			 high;
};

/*
 * Hooks its flush into the loop's rounds: call it after every other loop_on_round whose functions
 * queue messages, or these go out a round later.
 */
struct peers	*peers_new(struct loop *);
void	 peers_free(struct peers *);	/* after the loop's last round; NULL is fine */
/*
 * A new peer joins and its watch begins; ops, fd, buf.cap and the owner's part are set by the
 * caller, the rest is zero. From now on only peer_end and peer_leave get rid of it.
 */
void	 peer_join(struct peers *, struct peer *);
void	 peer_begin(struct peer *, int64_t stream_id);
void	 peer_message(struct peer *, const char *, size_t, int64_t stream_id, int64_t n);
void	 peer_ping(struct peer *);
bool	 peer_is_high(const struct peer *);	/* more than PEER_HIGH waits */
/*
 * No more messages: finish() follows, in a round's end, once the buffer is empty and the socket
 * writable. The owner forgets the peer now: it hears nothing more of it. One that stays rests.
 */
void	 peer_end(struct peer *);

/* Of a peer that stays: */
/* Watches for these from now on (EPOLLIN, EPOLLRDHUP), besides EPOLLHUP and EPOLLERR. */
void	 peer_heed(struct peer *, uint32_t events);
void	 peer_unheed(struct peer *);	/* for nothing, the end neither, until peer_heed */
void	 peer_queued(struct peer *);	/* bytes were added to its buf: they go out */
/* What peer_end is to others: finish() follows. An owner hears that it is gone. */
void	 peer_close(struct peer *);

/* The client left (seen by its owner or by a failed write): on_gone, then finish(gone), now. */
void	 peer_leave(struct peer *);

#endif
