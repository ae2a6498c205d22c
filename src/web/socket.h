/*
 * socket: WebSocket connections (RFC 6455). All of them live on the loop; what a client says
 * becomes a job: a request (struct req) with the parameters of the handshake and the message as its
 * body, which goes through the dispatcher as every other. One message at a time is worked on; until
 * that is done the next stay where they are, in the socket.
 *
 * What such a request replies becomes one text message. A turn gets the connection's peer by
 * req_stream, one turn at a time.
 */
#ifndef PARLEY_SOCKET_H
#define PARLEY_SOCKET_H

#include <stdbool.h>

#include "base/conf.h"
#include "base/loop.h"
#include "base/peer.h"
#include "web/req.h"

struct sockets;			/* all of a process */

/* Before the loop's first round. NULL: logged. A loop has one. */
struct sockets	*sockets_new(const struct conf *, struct loop *, struct peers *);
/* After the loop's last round; NULL is fine. */
void		 sockets_free(struct sockets *);

/* The worker's side, from any thread. */
/* A new connection, ours from now on, whose requests that worker serves. */
void		 sockets_take(struct sockets *, struct worker *, int fd);
/* Closes who is idle with 1001, everybody else after his turn; once more is fine. */
void		 sockets_retire(struct sockets *);
int		 sockets_open(const struct sockets *);	/* how many, handshakes among them */

/* The dispatcher's and the handlers' side, on a request thread. */
/* Is REQ_OPEN a handshake, and the row's? -1: F_UPGRADE, or F_VALUE for its key. */
int		 socket_check(struct req *);
/*
 * A handshake that may be: takes over who it is of and the places that it holds. Always 0. Whether
 * it still may is asked (REQ_STILL) every five seconds, and when what its caller showed has ended
 * (until_ms); where it may not, what is replied is its last message, and it is closed with 1008.
 */
int		 socket_admit(struct req *);
/* Does a turn stream to it? Only the request at hand begins one. */
bool		 socket_streaming(const struct socket *);
int64_t		 socket_turn(const struct socket *);	/* which; 0: one without an id, or none */
/* req_stream for a request by WebSocket. */
struct peer	*socket_stream(struct req *);

#endif
