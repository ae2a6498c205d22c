/*
 * load: makes load on a web server and measures what comes back, each delta by the clock stamp
 * in it (stamp.h). One thread, one epoll.
 */
#include "load.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define ADDRESSES	8		/* 127.0.0.2 and on, that connections are spread over */

static const char	usage[] =
"usage: load streams|feed|leave|get|post --port PORT --path PATH [options]\n"
"\n"
"  --bodies FILE      what is posted, one body per line, in turn (get: nothing)\n"
"  --vary NAME        each line begins with this header's value and a tab\n"
"  --header 'A: b'    one more header; again for more\n"
"\n"
"streams: opens N streams, waits, measures, and says open, begin, end at each step; goes on until\n"
"standard input ends, waits for the answers' own ends if asked to, prints a line of JSON\n"
"  --streams N  --rate R    so many, opened at R a second\n"
"  --settle S   --window S  seconds from the last opening to the figures, and of the figures\n"
"  --count N                deltas in a whole answer\n"
"  --drain S                seconds to wait for the answers' ends (0: leave them)\n"
"  --stalled K --rcvbuf B   K more, opened half through settle, that stop reading after their\n"
"                           first delta; after the end they read on and must catch up\n"
"\n"
"feed: opens a stream for each line of standard input: NAME LEAVE STALL LINE, LINE being as in\n"
"--bodies; its client leaves after LEAVE deltas (0: stays) and stops reading for STALL seconds at\n"
"its first delta (0: reads on). At most --streams N at once. Says NAME HOW STATUS DELTAS GAPS of\n"
"each that is over (HOW: whole, left or broken); when the input ends, all leave, and it prints a\n"
"line of JSON\n"
"\n"
"leave: --times N clients, one after the other, leave after --deltas N\n"
"get, post: --connections C kept; get for --settle + --window seconds, post each body once and\n"
"prints the replies' bodies, one per line and in order\n";

int
load_connect(const struct load *l, size_t i, int rcvbuf)
{
	struct sockaddr_in	 from = { .sin_family = AF_INET }, to = from;
	int			 fd, on = 1;

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(i % ADDRESSES));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)l->port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (rcvbuf > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1 ||
	    (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1 && errno != EINPROGRESS)) {
		close(fd);
		return -1;
	}
	return fd;
}

size_t
load_compose(const struct load *l, const char *line, char *buf, size_t size)
{
	const char	*body = line != NULL ? line : "", *tab;
	char		 vary[256] = "", length[128] = "";
	int		 n;

	if (l->vary != NULL && (tab = strchr(body, '\t')) != NULL) {
		snprintf(vary, sizeof(vary), "%s: %.*s\r\n", l->vary, (int)(tab - body), body);
		body = tab + 1;
	}
	if (line != NULL)
		snprintf(length, sizeof(length),
		    "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
	n = snprintf(buf, size, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\n"
	    "%s%s%s\r\n%s", line != NULL ? "POST" : "GET", l->path,
	    l->headers, vary, length, body);
	if (n < 0 || (size_t)n >= size)
		errx(EX_DATAERR, "a request longer than %zu bytes", size);
	return (size_t)n;
}

size_t
load_request(const struct load *l, size_t i, char *buf, size_t size)
{
	return load_compose(l, l->bodies_len > 0 ? l->bodies[i % l->bodies_len] : NULL, buf, size);
}

void
load_say(const char *word)
{
	puts(word);
	fflush(stdout);
}

void
load_print(struct sample *s, const char *prefix)
{
	sample_sort(s);
	printf("\"%sp50_us\":%.1f,\"%sp90_us\":%.1f,\"%sp99_us\":%.1f,\"%smax_us\":%.1f",
	    prefix, sample_at(s, 0.5), prefix, sample_at(s, 0.9),
	    prefix, sample_at(s, 0.99), prefix, sample_at(s, 1));
}

void
load_quote(const char *p, size_t len)
{
	putchar('"');
	for (; len > 0; p++, len--) {
		unsigned char	 c = (unsigned char)*p;

		if (c == '"' || c == '\\')
			putchar('\\');
		if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
bodies_read(struct load *l, const char *file)
{
	FILE	*f = fopen(file, "re");
	char	*line = NULL;
	size_t	 size = 0;
	ssize_t	 n;

	if (f == NULL)
		err(EX_NOINPUT, "%s", file);
	for (; (n = getline(&line, &size, f)) != -1; line = NULL, size = 0) {
		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		l->bodies = reallocarray(l->bodies, l->bodies_len + 1, sizeof(*l->bodies));
		if (l->bodies == NULL)
			err(EX_OSERR, "%s", file);
		l->bodies[l->bodies_len++] = line;
	}
	free(line);
	fclose(f);
	if (l->bodies_len == 0)
		errx(EX_DATAERR, "%s: no body", file);
}

static void
header_add(struct load *l, const char *line)
{
	char	*all;

	if (asprintf(&all, "%s%s\r\n", l->headers, line) == -1)
		err(EX_OSERR, "header");
	free(l->headers);
	l->headers = all;
}

static unsigned
number(const char *name, const char *text)
{
	char		*end;
	unsigned long	 n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n > 10000000)
		errx(EX_USAGE, "--%s %s: not a number that would do", name, text);
	return (unsigned)n;
}

int
main(int argc, char **argv)
{
	enum { PORT = 'a', PATH, BODIES, VARY, HEADER, STREAMS, RATE, SETTLE, WINDOW, COUNT, DRAIN,
	    STALLED, RCVBUF, TIMES, DELTAS, CONNECTIONS };
	static const struct option	 options[] = {
		{ "port", 1, NULL, PORT }, { "path", 1, NULL, PATH },
		{ "bodies", 1, NULL, BODIES }, { "vary", 1, NULL, VARY },
		{ "header", 1, NULL, HEADER }, { "streams", 1, NULL, STREAMS },
		{ "rate", 1, NULL, RATE }, { "settle", 1, NULL, SETTLE },
		{ "window", 1, NULL, WINDOW }, { "count", 1, NULL, COUNT },
		{ "drain", 1, NULL, DRAIN }, { "stalled", 1, NULL, STALLED },
		{ "rcvbuf", 1, NULL, RCVBUF }, { "times", 1, NULL, TIMES },
		{ "deltas", 1, NULL, DELTAS }, { "connections", 1, NULL, CONNECTIONS },
		{ NULL, 0, NULL, 0 },
	};
	static const struct {
		const char	 *name;
		int		(*run)(const struct load *);
	} ways[] = {
		{ "streams", streams_run }, { "feed", feed_run }, { "leave", leave_run },
		{ "get", plain_get }, { "post", plain_post },
	};
	struct load	 l = { .path = "/", .streams = 1, .rate = 100, .settle = 1, .window = 1,
			     .rcvbuf = 4096, .times = 1, .deltas = 1, .connections = 1 };
	struct rlimit	 files;
	size_t		 i;
	int		 o, index = 0;

	if ((l.headers = strdup("")) == NULL)
		err(EX_OSERR, "headers");
	while ((o = getopt_long(argc, argv, "", options, &index)) != -1) {
		const char	*name = options[index].name;

		switch (o) {
		case PORT:	l.port = (int)number(name, optarg); break;
		case PATH:	l.path = optarg; break;
		case BODIES:	bodies_read(&l, optarg); break;
		case VARY:	l.vary = optarg; break;
		case HEADER:	header_add(&l, optarg); break;
		case STREAMS:	l.streams = number(name, optarg); break;
		case RATE:	l.rate = atof(optarg); break;
		case SETTLE:	l.settle = atof(optarg); break;
		case WINDOW:	l.window = atof(optarg); break;
		case COUNT:	l.count = number(name, optarg); break;
		case DRAIN:	l.drain = atof(optarg); break;
		case STALLED:	l.stalled = number(name, optarg); break;
		case RCVBUF:	l.rcvbuf = (int)number(name, optarg); break;
		case TIMES:	l.times = number(name, optarg); break;
		case DELTAS:	l.deltas = number(name, optarg); break;
		case CONNECTIONS: l.connections = number(name, optarg); break;
		default:
			fputs(usage, stderr);
			return EX_USAGE;
		}
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; optind + 1 == argc && i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(argv[optind], ways[i].name) == 0 && l.port > 0 && l.rate > 0)
			return ways[i].run(&l);
	fputs(usage, stderr);
	return EX_USAGE;
}
