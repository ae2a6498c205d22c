/*
 * Clients that leave in the middle of their answer, one after the other: when each did so.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "http.h"
#include "load.h"
#include "stamp.h"

#define PATIENCE	10000		/* ms for the next bytes */
#define PAUSE		50000		/* us between two clients */

struct client {
	struct http		 http;
	struct stamp_reader	 reader;
	uint64_t		 first;		/* stamp of the first delta: names the stream */
	uint32_t		 deltas;
};

static void
client_body(void *arg, const char *p, size_t n)
{
	struct client	*c = arg;
	const char	*at = p;
	uint64_t	 when;
	uint32_t	 seq;

	while (stamp_next(&c->reader, &at, p + n, &when, &seq))
		if (c->deltas++ == 0)
			c->first = when;
}

/* Reads until the client has what it wants: 0, or -1 when it does not come. */
static int
client_read(struct client *c, int fd, unsigned wanted)
{
	char		 buf[16384];
	struct pollfd	 p = { .fd = fd, .events = POLLIN };
	ssize_t		 n;

	while (c->deltas < wanted) {
		if (poll(&p, 1, PATIENCE) != 1 || (n = recv(fd, buf, sizeof(buf), 0)) <= 0)
			return -1;
		if (http_feed(&c->http, buf, (size_t)n, client_body, c) != 0)
			return -1;
	}
	return 0;
}

/* Client number i comes and goes: 0, or -1. */
static int
client_visit(const struct load *l, size_t i, struct client *c, uint64_t *left)
{
	char		 buf[65536];
	size_t		 len = load_request(l, i, buf, sizeof(buf));
	struct pollfd	 p = { .fd = load_connect(l, i, 0), .events = POLLOUT };
	int		 rc = -1;

	if (p.fd == -1)
		return -1;
	if (poll(&p, 1, PATIENCE) == 1 && send(p.fd, buf, len, 0) == (ssize_t)len)
		rc = client_read(c, p.fd, l->deltas);
	*left = stamp_now();
	close(p.fd);
	return rc;
}

int
leave_run(const struct load *l)
{
	unsigned	 i, failed = 0;
	bool		 any = false;

	printf("{\"leaves\":[");
	for (i = 0; i < l->times; i++) {
		struct client	 c = { .deltas = 0 };
		uint64_t	 left;

		if (client_visit(l, i, &c, &left) == -1) {
			failed++;
			continue;
		}
		printf("%s[%" PRIu64 ",%" PRIu64 "]", any ? "," : "", c.first, left);
		any = true;
		usleep(PAUSE);
	}
	printf("],\"failed\":%u}\n", failed);
	return 0;
}
