/*
 * frames: what a client of a WebSocket sends (RFC 6455), out of bytes, and what a server says, into
 * bytes. The only user of wslay.h. It knows no socket and never waits.
 */
#ifndef PARLEY_FRAMES_H
#define PARLEY_FRAMES_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define FRAMES_MESSAGE_MAX	(1 << 20)	/* bytes of a message, all its fragments */
#define FRAMES_CONTROL_MAX	125		/* of a ping, pong or close */

/* Why a connection is closed: RFC 6455, 7.4.1. */
enum close_code {
	CLOSE_NORMAL = 1000,
	CLOSE_LEAVING = 1001,		/* we reload or stop: come again */
	CLOSE_PROTOCOL = 1002,
	CLOSE_NONE = 1005,		/* the client gave no reason; never sent */
	CLOSE_LOST = 1006,		/* it went without a word; never sent */
	CLOSE_UTF8 = 1007,
	CLOSE_POLICY = 1008,		/* its token does not hold any more */
	CLOSE_LARGE = 1009,
	CLOSE_INTERNAL = 1011,
};

enum frame_kind {
	FRAME_CONTINUATION = 0, FRAME_TEXT = 1, FRAME_BINARY = 2,
	FRAME_CLOSE = 8, FRAME_PING = 9, FRAME_PONG = 10,
};

enum frames_got {
	FRAMES_NONE,		/* nothing more for now */
	FRAMES_MESSAGE,		/* a whole one, valid UTF-8, text or binary */
	FRAMES_PING, FRAMES_PONG,
	FRAMES_CLOSE,		/* code: the client's, or CLOSE_NONE */
	FRAMES_BROKEN,		/* against the rules: to be closed with this code */
};

struct frames_in {
	const char	*p;	/* until the next frames_next; of a message NUL-terminated */
	size_t		 n;
	int		 code;
};

struct frames;

/* read: bytes of the client; 0: none now, nor any more. Called by frames_next alone. */
struct frames	*frames_new(ssize_t (*read)(void *arg, void *, size_t), void *arg);
void		 frames_free(struct frames *);	/* NULL is fine */
/*
 * The next that came, control frames as they come between the fragments of a message. What was
 * broken stays so: then there is nothing more but, where the frames can still be told apart, the
 * client's close.
 */
enum frames_got	 frames_next(struct frames *, struct frames_in *);
/* Appends one frame with the whole message. */
void		 frames_put(struct frames *, struct str *, enum frame_kind, const void *, size_t n);
/* CLOSE_NONE: without a code. */
void		 frames_put_close(struct frames *, struct str *, int code);

#endif
