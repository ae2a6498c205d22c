#include "source.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "handoff.h"

#define PATIENCE	30		/* seconds that a read or write of a request may take */
#define LEAVE_SIGNAL	SIGUSR2		/* ends the blocking call of the thread */

static void
leave(int sig)
{
	(void)sig;
}

static void *
source_thread(void *arg)
{
	struct source	*s = arg;
	sigset_t	 set;
	int		 fd;

	sigemptyset(&set);
	sigaddset(&set, LEAVE_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	while (!atomic_load(s->over)) {
		if ((fd = s->next(s->sock)) != -1)
			s->take(s->arg, fd);
		else if (errno == EPIPE)
			break;
		else if (errno != EINTR && errno != ECONNABORTED) {
			/* Out of descriptors or memory: others must end first. */
			log_error("no connection", LOG_S("error", strerror(errno)));
			poll(NULL, 0, 100);
		}
	}
	atomic_store(&s->left, true);
	return NULL;
}

static int
source_start(struct source *s, int sock, int (*next)(int))
{
	struct sigaction	sa = { .sa_handler = leave };	/* without SA_RESTART */

	s->sock = sock;
	s->next = next;
	if (sock == -1)
		return 0;
	sigaction(LEAVE_SIGNAL, &sa, NULL);
	if ((errno = pthread_create(&s->thread, NULL, source_thread, s)) != 0) {
		s->sock = -1;
		return -1;
	}
	pthread_setname_np(s->thread, "connect");
	return 0;
}

static int
accept_next(int sock)
{
	const struct timeval	patience = { .tv_sec = PATIENCE };
	int			fd;

	if ((fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC)) == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return fd;
}

/*
 * A unix socket that is POLLOUT takes what a peer writes at once; TCP needs to be told to hold as
 * much.
 */
static int
accept_next_tcp(int sock)
{
	const int	on = 1, size = 262144;
	int		fd;

	if ((fd = accept_next(sock)) == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

int
source_listen(struct source *s, int sock)
{
	socklen_t	len = sizeof(int);
	int		domain = AF_UNIX;

	getsockopt(sock, SOL_SOCKET, SO_DOMAIN, &domain, &len);
	return source_start(s, sock, domain == AF_UNIX ? accept_next : accept_next_tcp);
}

int
source_receive(struct source *s, int sock)
{
	return source_start(s, sock, handoff_receive);
}

/* A signal may come between the thread's look at *over and its blocking call: so it is repeated. */
void
source_end(struct source *s)
{
	if (s->sock == -1)
		return;
	while (!atomic_load(&s->left)) {
		pthread_kill(s->thread, LEAVE_SIGNAL);
		poll(NULL, 0, 1);
	}
	pthread_join(s->thread, NULL);
	s->sock = -1;
}
