/* chat_socket: the conversation by WebSocket: what a client's messages mean. */
#ifndef PARLEY_CHAT_SOCKET_H
#define PARLEY_CHAT_SOCKET_H

#include "base/jw.h"
#include "web/req.h"

/*
 * A message, or what the handshake's query asks (REQ_FIRST: without `text` nothing): a question,
 * {"stop":true} or {"resume":"<turn>","after":n}. 0, or -1 with the request failed: F_BODY, F_TYPE
 * (it is no object), F_BUSY (a turn is streaming here: the session it is of), or as chat_talk and
 * follow_find have it.
 *
 * A connection has one turn at a time, whatever the session: the messages between a turn's first
 * and its last do not say whose they are, so those of two turns could not be told apart.
 */
int	 chat_socket_message(struct req *);
/*
 * A failure as a message: {"parts":[],"finished":…,"error":{"code","msg"}}. It has an error and no
 * record, for it is of no turn; where one is streaming, finished is false, for that goes on.
 */
void	 chat_socket_fail(struct jw *, const struct req *, int status, const char *sentence);

#endif
