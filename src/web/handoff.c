#include "handoff.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

union control {			/* room for one descriptor, aligned as the kernel wants it */
	struct cmsghdr	 head;
	char		 room[CMSG_SPACE(sizeof(int))];
};

int
handoff_pair(int pair[2])
{
	const struct timeval	second = { .tv_sec = 1 };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return -1;
	return setsockopt(pair[1], SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
}

int
handoff_send(int sock, int fd)
{
	union control	 control = { .room = { 0 } };
	char		 byte = 'c';
	struct iovec	 iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr	 msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.room, .msg_controllen = sizeof(control.room),
	};
	struct cmsghdr	*c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int
handoff_receive(int sock)
{
	union control	 control = { .room = { 0 } };
	char		 byte;
	struct iovec	 iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr	 msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.room, .msg_controllen = sizeof(control.room),
	};
	struct cmsghdr	*c;
	ssize_t		 n;
	int		 fd;

	if ((n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC)) == -1)
		return -1;
	if (n == 0) {
		errno = EPIPE;
		return -1;
	}
	if ((c = CMSG_FIRSTHDR(&msg)) == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(fd))) {
		errno = EMFILE;		/* this process had no descriptor left for it */
		return -1;
	}
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}
