#include "fcgi.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "base/arena.h"
#include "base/clock.h"

#define SEND_MOST	65528	/* content of one record, a multiple of eight */

struct fcgi {
	FCGX_Request	 q;
	bool		 read_done;	/* in, err and the parameters are freed */
	bool		 whole;		/* and the body had been read to its end */
	uint8_t		 head[8];	/* of the record that fcgi_send is in, */
	size_t		 head_left;	/* what of it is still to go, */
	size_t		 body_left;	/* and what of its content */
};

int
fcgi_init(void)
{
	/*
	 * On closing, libfcgi waits up to two seconds for the peer to close as well: the loop
	 * cannot.
	 */
	if (setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1) == -1)
		return -1;
	return FCGX_Init() == 0 ? 0 : -1;
}

/* Milliseconds a read of the socket may take; -1: for ever. */
static int64_t
patience(int fd)
{
	struct timeval	tv = { 0 };
	socklen_t	len = sizeof(tv);

	if (getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len) == -1 ||
	    (tv.tv_sec == 0 && tv.tv_usec == 0))
		return -1;
	return (int64_t)tv.tv_sec * 1000 + tv.tv_usec / 1000;
}

/* BAD also when the peer has left. *n: how many bytes are there. */
static enum head
peek(int fd, uint8_t *p, size_t size, ssize_t *n)
{
	while ((*n = recv(fd, p, size, MSG_PEEK | MSG_DONTWAIT)) == -1 && errno == EINTR)
		continue;
	if (*n > 0)
		return head_check(p, (size_t)*n);
	return *n == -1 && errno == EAGAIN ? HEAD_MORE : HEAD_BAD;
}

/*
 * Waits for a head that does not come in one piece, leaving it unread: an edge-triggered epoll
 * tells of each addition to what is there already, which poll(2) would not.
 */
static enum head
head_wait(int fd)
{
	struct epoll_event	 e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET };
	uint8_t			*p = xmalloc(HEAD_MAX);
	enum head		 head = HEAD_BAD;
	int64_t			 wait = patience(fd), until = clock_mono_ms() + wait;
	ssize_t			 n;
	int			 ep;

	if ((ep = epoll_create1(EPOLL_CLOEXEC)) == -1 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == -1)
		goto out;
	for (e.events = 0;;) {
		head = peek(fd, p, HEAD_MAX, &n);
		if (head != HEAD_MORE || n == HEAD_MAX || (e.events & EPOLLRDHUP))
			break;
		if (wait >= 0 && (wait = until - clock_mono_ms()) < 0)
			break;
		if (epoll_wait(ep, &e, 1, (int)wait) < 1)
			break;
	}
out:
	if (ep != -1)
		close(ep);
	free(p);
	return head;
}

enum head
fcgi_come(int fd)
{
	uint8_t	first[4096];		/* nearly always all of it */
	ssize_t	n;

	return peek(fd, first, sizeof(first), &n);
}

struct fcgi *
fcgi_accept(int fd, enum head head)
{
	struct fcgi	*f;

	if (head == HEAD_MORE)
		head = head_wait(fd);
	if (head != HEAD_OK && head != HEAD_ALL) {
		close(fd);
		return NULL;
	}
	f = xcalloc(1, sizeof(*f));
	/*
	 * With -1 for the listening socket a connection that fails comes back as an error (closed)
	 * instead of ending in a blocking accept; without keepConnection the descriptor given would
	 * be closed first.
	 */
	FCGX_InitRequest(&f->q, -1, 0);
	f->q.ipcFd = fd;
	f->q.keepConnection = 1;
	if (FCGX_Accept_r(&f->q) != 0) {
		free(f);
		return NULL;
	}
	return f;
}

const char *
fcgi_param(const struct fcgi *f, const char *name)
{
	return FCGX_GetParam(name, f->q.envp);
}

ssize_t
fcgi_read(struct fcgi *f, void *p, size_t n)
{
	int	got;

	if (f->read_done)
		return f->whole ? 0 : -1;
	got = FCGX_GetStr(p, n < INT_MAX ? (int)n : INT_MAX, f->q.in);
	return FCGX_GetError(f->q.in) != 0 ? -1 : got;
}

int
fcgi_write(struct fcgi *f, const char *p, size_t n, bool flush)
{
	int	part;

	for (; n > 0; p += part, n -= (size_t)part) {
		part = n < INT_MAX ? (int)n : INT_MAX;
		if (FCGX_PutStr(p, part, f->q.out) == -1)
			return -1;
	}
	/* Of a stream that an earlier automatic flush has closed FCGX_FFlush says 0. */
	if (flush && FCGX_FFlush(f->q.out) == -1)
		return -1;
	return FCGX_GetError(f->q.out) == 0 ? 0 : -1;
}

/*
 * libfcgi can only write as if it could wait; a stream cannot. A record is a head of
 * eight bytes (version 1, type, request, content length, padding) before its content:
 * FastCGI Specification 1.0, 3.3.
 */
ssize_t
fcgi_send(struct fcgi *f, const char *p, size_t n)
{
	struct iovec	iov[2];
	struct msghdr	m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t		sent;

	if (f->body_left == 0) {
		n = n < SEND_MOST ? n : SEND_MOST;
		memcpy(f->head, (uint8_t[]){ 1, 6 /* FCGI_STDOUT */,
		    (uint8_t)(f->q.requestId >> 8), (uint8_t)f->q.requestId,
		    (uint8_t)(n >> 8), (uint8_t)n, 0, 0 }, sizeof(f->head));
		f->head_left = sizeof(f->head);
		f->body_left = n;
	}
	iov[0] = (struct iovec){ f->head + sizeof(f->head) - f->head_left, f->head_left };
	iov[1] = (struct iovec){ (void *)p, n < f->body_left ? n : f->body_left };
	do
		sent = sendmsg(f->q.ipcFd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent == -1 && errno == EINTR);
	if (sent == -1)
		return errno == EAGAIN ? 0 : -1;
	if ((size_t)sent <= f->head_left) {
		f->head_left -= (size_t)sent;
		return 0;
	}
	sent -= (ssize_t)f->head_left;
	f->head_left = 0;
	f->body_left -= (size_t)sent;
	return sent;
}

int
fcgi_fd(const struct fcgi *f)
{
	return f->q.ipcFd;
}

void
fcgi_read_done(struct fcgi *f)
{
	FCGX_Stream	*out = f->q.out;

	if (f->read_done)
		return;
	f->read_done = true;
	f->whole = FCGX_HasSeenEOF(f->q.in) != 0 && FCGX_GetError(f->q.in) == 0;
	/*
	 * Nothing was ever written to err, so closing it sends nothing; then out is the last
	 * writer, whose closing ends the request. FCGX_Free frees whatever it finds: without out,
	 * all the rest.
	 */
	FCGX_FClose(f->q.err);
	f->q.out = NULL;
	FCGX_Free(&f->q, 0);
	f->q.out = out;
	f->q.envp = NULL;
}

int
fcgi_finish(struct fcgi *f, bool abort)
{
	bool	bad = abort;
	int	fd;

	if (!abort) {		/* FCGX_Finish_r would not close out without in */
		fcgi_read_done(f);
		bad = FCGX_FClose(f->q.out) != 0 || !f->whole || !f->q.keepConnection;
	}
	FCGX_Free(&f->q, bad);
	fd = f->q.ipcFd;
	free(f);
	return fd;
}
