/* ws-client: what a client of a WebSocket sends, right or wrong. */
#ifndef WS_CLIENT_H
#define WS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define WS_FIN		0x80
#define WS_RSV1		0x40
#define WS_CONT		0x0
#define WS_TEXT		0x1
#define WS_BINARY	0x2
#define WS_CLOSE	0x8
#define WS_PING		0x9
#define WS_PONG		0xa

/* Appends a frame, masked; head: its first byte. */
void	 ws_frame(struct str *, int head, const void *, size_t n);
void	 ws_naked(struct str *, int head, const void *, size_t n);	/* not masked */
void	 ws_text(struct str *, const char *);
void	 ws_close(struct str *, int code, const char *reason);

/* A frame of a server. */
struct ws_heard {
	int	 head;		/* its first byte; -1: the connection has ended */
	char	 p[65536];
	size_t	 n;
};
/* Reads one, blocking; what is not one ends the test. */
void	 ws_hear(int fd, struct ws_heard *);
int	 ws_code(const struct ws_heard *);	/* of a close; 1005: none */

#endif
