/* Fetching by address: where it goes and where it does not, on servers of this test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "upstream/fetch.h"

#define BODY	"hello, document\n"

static int		port;		/* of the server, on all addresses of the loopback */
static atomic_int	served;		/* requests */

/* ---- the server ------------------------------------------------------------------------------ */

static void
say(int fd, const char *s)
{
	if (send(fd, s, strlen(s), MSG_NOSIGNAL) == -1)
		return;
}

static void
hello(int fd)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Type: Text/Plain; charset=x\r\nContent-Length: 16\r\n"
	    "Connection: close\r\n\r\n" BODY);
}

static void
long_type(int fd)
{
	char	*s = xprintf("HTTP/1.1 200 OK\r\nContent-Type: text/%0500d\r\nContent-Length: 0\r\n"
	    "Connection: close\r\n\r\n", 0);

	say(fd, s);
	free(s);
}

static void
empty(int fd)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void
lead(int fd, const char *to)
{
	char	*s = xprintf("HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 5\r\n"
	    "Connection: close\r\n\r\nmoved", to);

	say(fd, s);
	free(s);
}

static void
to_private(int fd)
{
	char	*s = xprintf("http://127.0.0.2:%d/hello", port);

	lead(fd, s);
	free(s);
}

static void
to_hello(int fd)
{
	lead(fd, "/hello");
}

static void
to_itself(int fd)
{
	lead(fd, "/to_itself");
}

static void
to_nowhere(int fd)
{
	lead(fd, "http://no..such.host/");
}

static void
to_file(int fd)
{
	lead(fd, "file:///etc/passwd");
}

static void
to_password(int fd)
{
	char	*s = xprintf("http://a:b@127.0.0.1:%d/hello", port);

	lead(fd, s);
	free(s);
}

static void
large(int fd)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n");
}

/* It does not say so before. */
static void
larger(int fd)
{
	char	piece[512];

	memset(piece, 'a', sizeof(piece));
	say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	for (int i = 0; i < 4; i++)
		if (send(fd, piece, sizeof(piece), MSG_NOSIGNAL) == -1)
			return;
}

static void
silent(int fd)
{
	struct pollfd	p = { .fd = fd, .events = POLLIN };

	poll(&p, 1, 20000);		/* until the client goes */
}

static void
trickle(int fd)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n");
	for (int i = 0; i < 900; i++) {
		if (send(fd, "a", 1, MSG_NOSIGNAL) == -1)
			return;
		usleep(50000);
	}
}

static void
heads(int fd)
{
	say(fd, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 2000; i++)
		say(fd, "X-More: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
	say(fd, "Content-Length: 0\r\n\r\n");
}

static void
cut(int fd)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 16\r\nConnection: close\r\n\r\nhello");
}

static void
gone(int fd)
{
	say(fd, "HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\ngone");
}

static void
busy(int fd)
{
	say(fd, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
}

static void
garbage(int fd)
{
	say(fd, "220 mail.example.org ESMTP\r\n");
}

#define PAGE(name)	{ "GET /" #name " ", name }
static const struct {
	const char	*request;
	void		(*fn)(int);
} pages[] = {
	PAGE(hello), PAGE(long_type), PAGE(empty), PAGE(to_private), PAGE(to_hello),
	PAGE(to_itself), PAGE(to_file), PAGE(to_nowhere),
	PAGE(to_password), PAGE(large), PAGE(larger), PAGE(silent), PAGE(trickle), PAGE(heads),
	PAGE(cut), PAGE(gone), PAGE(busy), PAGE(garbage),
};

static void *
serve_one(void *arg)
{
	char	head[4096];
	int	fd = (int)(intptr_t)arg;
	ssize_t	n = recv(fd, head, sizeof(head) - 1, 0);

	atomic_fetch_add(&served, 1);
	head[n > 0 ? n : 0] = '\0';
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (strncmp(head, pages[i].request, strlen(pages[i].request)) == 0)
			pages[i].fn(fd);
	close(fd);
	return NULL;
}

static void *
serve(void *arg)
{
	int		fd;
	pthread_t	t;

	while ((fd = accept((int)(intptr_t)arg, NULL, NULL)) != -1)
		if (pthread_create(&t, NULL, serve_one, (void *)(intptr_t)fd) == 0)
			pthread_detach(t);
	return NULL;
}

static int
start(void **state)
{
	struct sockaddr_in	sa = { .sin_family = AF_INET };
	socklen_t		len = sizeof(sa);
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t		t;

	(void)state;
	log_open("/dev/null", LOG_ERROR_);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1 || listen(fd, 16) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) == -1)
		return -1;
	port = ntohs(sa.sin_port);
	return pthread_create(&t, NULL, serve, (void *)(intptr_t)fd);
}

/* ---- the client ------------------------------------------------------------------------------ */

static struct fetched	got;

static enum fetch_end
try(const char *url, const char *allow)
{
	const struct fetch	f = { .url = url, .allow = allow, .dir = "/tmp", .most = 1000,
		.connect_ms = 2000, .total_ms = 3000, .quiet_s = 1 };

	return fetch(&f, &got);
}

/* A page of the server, whose host is listed. */
static enum fetch_end
page(const char *name)
{
	char		*url = xprintf("http://127.0.0.1:%d/%s", port, name);
	enum fetch_end	 end = try(url, "files.lan, 127.0.0.1");

	free(url);
	return end;
}

#define FAILS(end_, why_, call) do { \
	assert_int_equal(call, end_); \
	assert_int_equal(got.fd, -1); \
	if (got.why != why_) \
		print_message("# %s\n", reason_name(got.why)); \
	assert_int_equal(got.why, why_); \
} while (0)

static void
fetched(void **state)
{
	char	text[64] = "";

	(void)state;
	assert_int_equal(page("hello"), FETCH_DONE);
	assert_int_equal(got.size, 16);
	assert_string_equal(got.media_type, "text/plain");
	assert_int_equal(read(got.fd, text, sizeof(text)), 16);
	assert_string_equal(text, BODY);
	close(got.fd);

	assert_int_equal(page("to_hello"), FETCH_DONE);
	assert_int_equal(got.size, 16);			/* nothing of the first reply */
	close(got.fd);
	assert_int_equal(page("empty"), FETCH_DONE);
	assert_int_equal(got.size, 0);
	assert_string_equal(got.media_type, "");
	close(got.fd);
	assert_int_equal(page("long_type"), FETCH_DONE);
	assert_string_equal(got.media_type, "");	/* longer than any that is one */
	close(got.fd);
}

static void
not_an_address(void **state)
{
	static const char *const	urls[] = {
		"", "hello", "file:///etc/passwd", "ftp://example.org/a", "gopher://127.0.0.1/",
		"http://", "dict://127.0.0.1/", "javascript:1", "http://[::1",
		"scp://127.0.0.1/a",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		FAILS(FETCH_FAILED, REASON_NOT_WEB, try(urls[i], "127.0.0.1"));
	FAILS(FETCH_FAILED, REASON_USERINFO, try("http://me@example.org/", ""));
	FAILS(FETCH_FAILED, REASON_USERINFO, try("http://me:pass@127.0.0.1/", "127.0.0.1"));
}

/* However the address is written, and whatever a name stands for. */
static void
private_refused(void **state)
{
	static const char *const	hosts[] = {
		"127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "0",
		"localhost", "LOCALHOST", "10.0.0.1", "172.16.5.4", "192.168.1.1",
		"169.254.169.254", "100.64.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]",
		"[64:ff9b::7f00:1]", "[fe80::1]", "[fd00::1]", "[2002:7f00:1::]", "224.0.0.1",
		"255.255.255.255",
	};
	const int	before = atomic_load(&served);
	char		*url;

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		url = xprintf("http://%s:%d/hello", hosts[i], port);
		if (try(url, "files.lan") != FETCH_FAILED)
			print_message("# %s: %s\n", hosts[i], reason_name(got.why));
		FAILS(FETCH_FAILED, REASON_NOT_PUBLIC, try(url, "files.lan"));
		free(url);
	}
	assert_int_equal(atomic_load(&served), before);
}

static void
host_listed(void **state)
{
	char	*url = xprintf("http://localhost:%d/hello", port);

	(void)state;
	assert_int_equal(try(url, "LocalHost"), FETCH_DONE);
	close(got.fd);
	FAILS(FETCH_FAILED, REASON_NOT_PUBLIC, try(url, "127.0.0.1"));	/* it is named otherwise */
	FAILS(FETCH_FAILED, REASON_NOT_PUBLIC, try(url, "local, host, localhost.lan"));
	FAILS(FETCH_FAILED, REASON_NOT_PUBLIC, try(url, ""));
	free(url);
}

static void
led_on(void **state)
{
	const int	before = atomic_load(&served);

	(void)state;
	FAILS(FETCH_FAILED, REASON_NOT_PUBLIC, page("to_private"));
	FAILS(FETCH_FAILED, REASON_NOT_WEB, page("to_file"));
	FAILS(FETCH_FAILED, REASON_USERINFO, page("to_password"));
	assert_int_equal(atomic_load(&served), before + 3);
	FAILS(FETCH_FAILED, REASON_ROUND, page("to_itself"));
	assert_int_equal(atomic_load(&served), before + 3 + 6);
}

/* What the environment says of proxies is not heard. */
static void
no_proxy(void **state)
{
	char	*proxy = xprintf("http://127.0.0.1:%d", port);

	(void)state;
	setenv("http_proxy", proxy, 1);
	setenv("all_proxy", proxy, 1);
	FAILS(FETCH_FAILED, REASON_NOT_PUBLIC, try("http://10.0.0.1/hello", ""));
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	free(proxy);
}

static void
too_large(void **state)
{
	(void)state;
	FAILS(FETCH_FAILED, REASON_TOO_LARGE, page("large"));
	FAILS(FETCH_FAILED, REASON_TOO_LARGE, page("larger"));
	FAILS(FETCH_FAILED, REASON_GARBLED, page("heads"));
}

static void
too_slow(void **state)
{
	const int64_t	from = clock_mono_ms();

	(void)state;
	FAILS(FETCH_FAILED, REASON_LATE, page("silent"));
	FAILS(FETCH_FAILED, REASON_LATE, page("trickle"));
	assert_true(clock_mono_ms() - from < 15000);
}

static void
broken(void **state)
{
	char	*url = xprintf("http://127.0.0.1:%d/hello", 1);

	(void)state;
	FAILS(FETCH_FAILED, REASON_STATUS, page("gone"));
	assert_int_equal(got.status, 404);
	FAILS(FETCH_AGAIN, REASON_STATUS, page("busy"));
	assert_int_equal(got.status, 503);
	FAILS(FETCH_AGAIN, REASON_NO_SERVER, page("cut"));
	FAILS(FETCH_FAILED, REASON_GARBLED, page("garbage"));
	FAILS(FETCH_AGAIN, REASON_NO_SERVER, page("nothing"));
	FAILS(FETCH_AGAIN, REASON_NO_SERVER, try(url, "127.0.0.1"));
	/* Of no name like that a resolver need ask. */
	FAILS(FETCH_FAILED, REASON_NO_HOST, try("http://no..such.host/", ""));
	FAILS(FETCH_FAILED, REASON_NO_HOST, page("to_nowhere"));
	free(url);
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

static void
stopped(void **state)
{
	char		*url = xprintf("http://127.0.0.1:%d/silent", port);
	struct fetch	 f = { .url = url, .allow = "127.0.0.1", .dir = "/tmp", .most = 1000,
		.connect_ms = 2000, .total_ms = 20000, .quiet_s = 20, .go_on = never };

	(void)state;
	assert_int_equal(fetch(&f, &got), FETCH_STOPPED);
	assert_int_equal(got.fd, -1);
	f.go_on = NULL;
	f.dir = "/nowhere";
	assert_int_equal(fetch(&f, &got), FETCH_AGAIN);
	free(url);
}

static bool
public(const char *text)
{
	struct sockaddr_in	four = { .sin_family = AF_INET };
	struct sockaddr_in6	six = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return fetch_public((struct sockaddr *)&four);
	assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
	return fetch_public((struct sockaddr *)&six);
}

static void
what_is_public(void **state)
{
	static const char *const	yes[] = {
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
		"126.255.255.255", "128.0.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.0",
		"192.0.1.0", "192.167.255.255", "198.17.255.255", "198.20.0.0", "223.255.255.255",
		"2606:4700::1111", "2a00:1450::1", "2400::1", "2001:4860::8888",
	};
	static const char *const	no[] = {
		"0.0.0.0", "0.255.255.255", "10.255.255.255", "100.127.255.255", "127.255.255.254",
		"169.254.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
		"192.168.0.0", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
		"224.0.0.0", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1",
		"::ffff:127.0.0.1", "::ffff:1.1.1.1", "64:ff9b::101:101", "64:ff9b:1::1", "100::1",
		"2001::1", "2001:2::1", "2001:db8::1", "2001:20::1", "2002:101:101::1", "3fff::1",
		"4000::1", "5f00::1", "fc00::1", "fdff::1", "fe80::1", "febf::1", "fec0::1",
		"ff02::1",
	};
	const struct sockaddr		other = { .sa_family = AF_UNIX };

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!public(yes[i]))
			print_message("# %s\n", yes[i]);
		assert_true(public(yes[i]));
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		if (public(no[i]))
			print_message("# %s\n", no[i]);
		assert_false(public(no[i]));
	}
	assert_false(fetch_public(&other));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(what_is_public), cmocka_unit_test(fetched),
		cmocka_unit_test(not_an_address), cmocka_unit_test(private_refused),
		cmocka_unit_test(host_listed), cmocka_unit_test(led_on),
		cmocka_unit_test(no_proxy), cmocka_unit_test(too_large),
		cmocka_unit_test(too_slow), cmocka_unit_test(broken), cmocka_unit_test(stopped),
	};

	return cmocka_run_group_tests_name("fetch", tests, start, NULL);
}
