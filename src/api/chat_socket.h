/* chat_socket: the conversation by WebSocket: what a client's messages mean. */
#ifndef PARLEY_CHAT_SOCKET_H
#define PARLEY_CHAT_SOCKET_H

#include "base/jw.h"
#include "web/req.h"

/*
 * A message, or what the handshake's query asks (REQ_FIRST: without `text` nothing): a question,
 * {"stop":true} or {"resume":"<turn>","after":n}. 0, or -1 with the request failed: F_BODY, F_TYPE
 * (it is no object), F_BUSY (a turn is streaming here), or as chat_talk and follow_find have it.
 */
int	 chat_socket_message(struct req *);
/* A failure as a message: {"parts":[],"finished":true,"error":{"code","msg"}}. */
void	 chat_socket_fail(struct jw *, int status, const char *sentence);

#endif
