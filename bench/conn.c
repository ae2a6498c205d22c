#include "conn.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "stamp.h"

void
conn_watch(struct upstream *u, struct conn *c, int op)
{
	struct epoll_event	 ev = { .data.ptr = c };

	ev.events = EPOLLIN | EPOLLRDHUP | (c->blocked ? EPOLLOUT : 0u);
	if (epoll_ctl(u->ep, op, c->fd, &ev) == -1)
		err(EX_OSERR, "epoll_ctl");
}

void
conn_close(struct upstream *u, struct conn *c)
{
	if (c->streaming) {
		if (u->aborts_len < ABORTS)
			u->aborts[u->aborts_len++] =
			    (struct abort){ c->first, stamp_now(), c->seq };
		u->streams--;
		c->streaming = false;
	}
	heap_del(&u->heap, &c->due);
	close(c->fd);
	c->fd = -1;
	u->conns--;
	c->next = u->dead;
	u->dead = c;
}

void
conn_reap(struct upstream *u)
{
	struct conn	*c;

	while ((c = u->dead) != NULL) {
		u->dead = c->next;
		free(c->in);
		free(c->out);
		free(c);
	}
}

bool
conn_send(struct upstream *u, struct conn *c, const char *buf, size_t len)
{
	ssize_t	 n = send(c->fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		conn_close(u, c);
		return false;
	}
	if (n == -1)
		n = 0;
	if ((size_t)n == len)
		return true;
	c->out = realloc(c->out, len - (size_t)n);
	if (c->out == NULL)
		err(EX_OSERR, "send");
	memcpy(c->out, buf + n, len - (size_t)n);
	c->out_len = len - (size_t)n;
	c->out_off = 0;
	c->blocked = true;
	u->blocks++;
	conn_watch(u, c, EPOLL_CTL_MOD);
	return true;
}

bool
conn_flush(struct upstream *u, struct conn *c)
{
	ssize_t	 n;

	n = send(c->fd, c->out + c->out_off, c->out_len - c->out_off, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		conn_close(u, c);
		return false;
	}
	if (n > 0)
		c->out_off += (size_t)n;
	if (c->out_off < c->out_len)
		return false;
	free(c->out);
	c->out = NULL;
	c->blocked = false;
	conn_watch(u, c, EPOLL_CTL_MOD);
	return true;
}
