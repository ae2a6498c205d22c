/*
 * upstream: an OpenAI-compatible chat upstream for measuring: one thread, one epoll, no more work
 * than the wire needs.
 *
 *	upstream [-a ADDRESS] PORT
 *
 * POST ...chat/completions streams deltas that carry a clock stamp (stamp.h). How many and how
 * fast is said by the last word of the form r20n1500 in the request's body, or else in its path:
 * 20 deltas a second, 1500 of them; r20n1500b4000 begins with 4000 more, as fast as the reader
 * takes them; in r20n1500c7 the connection ends after seven; r20n1500e503 is refused with that
 * status. Whenever they were opened, the phases of the streams are spread evenly.
 *
 * GET /_stats	streams and connections now; deltas, cuts and refusals so far; since the last
 *		look: the greatest lateness of a delta, deltas left out for being a second late,
 *		and how often a reader was not ready
 * GET /_aborts	a line per stream whose reader left since the last look: stamp of its first
 *		delta, when the leaving was seen (both monotonic ns), deltas sent
 */
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "stamp.h"
#include "answer.h"

#define REQUEST_MAX	(4u << 20)
#define BATCH		64			/* deltas between two looks at the sockets */

static void
reply(struct upstream *u, struct conn *c, int status, const char *body, size_t len)
{
	char	*buf;
	int	 n;

	n = asprintf(&buf, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\n"
	    "Content-Length: %zu\r\n\r\n%.*s",
	    status, status == 200 ? "OK" : "Refused", len, (int)len, body);
	if (n == -1)
		err(EX_OSERR, "reply");
	conn_send(u, c, buf, (size_t)n);
	free(buf);
}

static void
reply_stats(struct upstream *u, struct conn *c)
{
	char	 buf[512];
	int	 n;

	n = snprintf(buf, sizeof(buf), "{\"streams\":%" PRIu64 ",\"connections\":%" PRIu64
	    ",\"deltas\":%" PRIu64 ",\"cuts\":%" PRIu64 ",\"refused\":%" PRIu64
	    ",\"late_us\":%" PRIu64 ",\"missed\":%" PRIu64 ",\"blocks\":%" PRIu64 "}\n",
	    u->streams, u->conns, u->deltas, u->cuts, u->refused, u->late / 1000, u->missed,
	    u->blocks);
	u->late = u->missed = u->blocks = 0;
	reply(u, c, 200, buf, (size_t)n);
}

static void
reply_aborts(struct upstream *u, struct conn *c)
{
	char	*buf;
	size_t	 len, i;
	FILE	*f = open_memstream(&buf, &len);

	if (f == NULL)
		err(EX_OSERR, "aborts");
	for (i = 0; i < u->aborts_len; i++)
		fprintf(f, "%" PRIu64 " %" PRIu64 " %" PRIu32 "\n",
		    u->aborts[i].first, u->aborts[i].when, u->aborts[i].sent);
	if (fclose(f) == EOF)
		err(EX_OSERR, "aborts");
	u->aborts_len = 0;
	reply(u, c, 200, buf, len);
	free(buf);
}

/* One whole request: head, with its blank line, and body. */
static void
request(struct upstream *u, struct conn *c, const char *head, const char *body, size_t body_len)
{
	size_t		 line = strcspn(head, "\r");
	struct pace	 w;

	if (strncmp(head, "GET /_stats ", 12) == 0)
		reply_stats(u, c);
	else if (strncmp(head, "GET /_aborts ", 13) == 0)
		reply_aborts(u, c);
	else if (strncmp(head, "POST ", 5) != 0 ||
	    memmem(head, line, "/chat/completions ", 18) == NULL)
		reply(u, c, 404, "no such address\n", 16);
	else if (!answer_pace(body, body_len, &w) && !answer_pace(head, line, &w))
		reply(u, c, 400, "no pace such as r20n1500\n", 25);
	else if (w.refuse == 0)
		answer_begin(u, c, &w);
	else {
		u->refused++;
		reply(u, c, (int)w.refuse, "as it was asked to\n", 19);
	}
}

/* The length of the body, by the head's field; 0 without one. */
static size_t
content_length(const char *head, size_t len)
{
	static const char	 name[] = "\r\ncontent-length:";
	const char		*p;

	for (p = head; (size_t)(p - head) + sizeof(name) < len; p++)
		if (strncasecmp(p, name, sizeof(name) - 1) == 0)
			return strtoul(p + sizeof(name) - 1, NULL, 10);
	return 0;
}

/* Serves the request that stands whole in c->in, if one does. */
static void
conn_serve(struct upstream *u, struct conn *c)
{
	char	*end, kept;
	size_t	 head, body;

	if (c->streaming || c->blocked || (end = memmem(c->in, c->in_len, "\r\n\r\n", 4)) == NULL)
		return;
	head = (size_t)(end - c->in) + 4;
	body = content_length(c->in, head);
	if (body > REQUEST_MAX) {
		conn_close(u, c);
		return;
	}
	if (c->in_len < head + body)
		return;
	kept = c->in[head + body];
	c->in[head + body] = '\0';
	request(u, c, c->in, c->in + head, body);
	c->in[head + body] = kept;
	c->in_len -= head + body;
	memmove(c->in, c->in + head + body, c->in_len);
	if (c->in_len == 0) {		/* ten thousand of these wait while they stream */
		free(c->in);
		c->in = NULL;
		c->in_cap = 0;
	}
}

static void
conn_read(struct upstream *u, struct conn *c)
{
	ssize_t	 n;

	if (c->in_cap - c->in_len < 4096) {
		c->in_cap = c->in_cap == 0 ? 8192 : c->in_cap * 2;
		if (c->in_cap > REQUEST_MAX || (c->in = realloc(c->in, c->in_cap)) == NULL) {
			conn_close(u, c);
			return;
		}
	}
	/* One byte stays free for the NUL behind the body. */
	n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len - 1, MSG_DONTWAIT);
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR)) {
		conn_close(u, c);
		return;
	}
	if (n > 0) {
		c->in_len += (size_t)n;
		conn_serve(u, c);
	}
}

static void
conn_accept(struct upstream *u, int listener)
{
	struct conn	*c;
	int		 fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		if ((c = calloc(1, sizeof(*c))) == NULL)
			err(EX_OSERR, "accept");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c->fd = fd;
		u->conns++;
		conn_watch(u, c, EPOLL_CTL_ADD);
	}
	if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		err(EX_OSERR, "accept");
}

static void
conn_event(struct upstream *u, struct conn *c, uint32_t events)
{
	if (c->fd == -1)
		return;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		conn_close(u, c);
	else if ((events & EPOLLOUT) == 0)
		conn_read(u, c);
	else if (conn_flush(u, c) && c->streaming)
		answer_resume(u, c);
}

static int
listen_on(const char *address, int port)
{
	struct sockaddr_in	 in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int			 fd, on = 1;

	if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
		errx(EX_USAGE, "%s: not an IPv4 address", address);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, (struct sockaddr *)&in, sizeof(in)) == -1 || listen(fd, 4096) == -1)
		err(EX_UNAVAILABLE, "%s:%d", address, port);
	return fd;
}

int
main(int argc, char **argv)
{
	static struct upstream	 u;
	struct epoll_event	 events[256], ev = { .events = EPOLLIN };
	struct timespec		 wait;
	struct rlimit		 files;
	const char		*address = "127.0.0.1";
	struct due		*due;
	uint64_t		 now;
	int			 i, n, o, listener;

	while ((o = getopt(argc, argv, "a:")) != -1) {
		if (o != 'a')
			return EX_USAGE;
		address = optarg;
	}
	if (optind + 1 != argc)
		errx(EX_USAGE, "usage: upstream [-a address] port");
	listener = listen_on(address, atoi(argv[optind]));
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_TIMERSLACK, 1ul);	/* a thread's timers may otherwise be 50 us late */
	u.ep = epoll_create1(EPOLL_CLOEXEC);
	if (u.ep == -1 || epoll_ctl(u.ep, EPOLL_CTL_ADD, listener, &ev) == -1)
		err(EX_OSERR, "epoll");

	for (;;) {
		now = stamp_now();
		wait.tv_sec = 3600;
		wait.tv_nsec = 0;
		if ((due = heap_first(&u.heap)) != NULL) {
			uint64_t	 left = due->at > now ? due->at - now : 0;

			wait.tv_sec = (time_t)(left / NS);
			wait.tv_nsec = (long)(left % NS);
		}
		n = epoll_pwait2(u.ep, events, 256, &wait, NULL);
		if (n == -1 && errno != EINTR)
			err(EX_OSERR, "epoll_pwait2");
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				conn_accept(&u, listener);
			else
				conn_event(&u, events[i].data.ptr, events[i].events);
		}
		for (i = 0; i < BATCH && (due = heap_first(&u.heap)) != NULL; i++) {
			if (due->at > (now = stamp_now()))
				break;
			answer_step(&u, (struct conn *)due, now);
		}
		conn_reap(&u);
	}
}
