#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "fcgi-client.h"
#include "web/fcgi.h"
#include "web/head.h"

static const char *const	params[] = {
	"REQUEST_METHOD", "POST", "REQUEST_URI", "/x?a=b", "CONTENT_LENGTH", "5",
	"HTTP_X_GUEST_ID", "g1", "HTTP_EMPTY", "", NULL
};

static int	client, server;		/* the two ends; server is taken by fcgi_accept */

static void
connected(int ms)
{
	struct timeval	tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	int		pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	client = pair[0];
	server = pair[1];
	assert_int_equal(setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static void
send_free(struct str *b)
{
	fc_send(client, b);
	str_free(b);
}

static void
send_request(bool keep, const char *body)
{
	struct str	b = STR_INIT(0);

	fc_request(&b, keep, params, body, strlen(body));
	send_free(&b);
}

/* What was sent is refused, and the connection closed. */
static void
assert_refused(void)
{
	char	byte;

	assert_null(fcgi_accept(server, fcgi_come(server)));
	assert_false(is_open(server));
	assert_true(recv(client, &byte, 1, 0) <= 0);
	close(client);
}

static void
refused(const void *p, size_t n)
{
	connected(300);
	assert_int_equal(send(client, p, n, 0), n);
	assert_refused();
}

static void
serves(void **state)
{
	struct fc_reply	 r = { 0 };
	struct fcgi	*f;
	char		 body[16];
	int		 i;

	(void)state;
	connected(1000);
	for (i = 0; i < 3; i++) {		/* through one connection */
		send_request(true, "hello");
		assert_non_null(f = fcgi_accept(server, fcgi_come(server)));
		assert_int_equal(fcgi_fd(f), server);
		assert_string_equal(fcgi_param(f, "REQUEST_URI"), "/x?a=b");
		assert_string_equal(fcgi_param(f, "HTTP_X_GUEST_ID"), "g1");
		assert_string_equal(fcgi_param(f, "HTTP_EMPTY"), "");
		assert_null(fcgi_param(f, "HTTP_X_GUEST"));
		assert_int_equal(fcgi_read(f, body, 3), 3);
		assert_int_equal(fcgi_read(f, body + 3, sizeof(body) - 3), 2);
		assert_memory_equal(body, "hello", 5);
		assert_int_equal(fcgi_read(f, body, sizeof(body)), 0);
		assert_int_equal(fcgi_read(f, body, sizeof(body)), 0);
		assert_int_equal(fcgi_write(f, "Status: 201 Created\r\n\r\nab", 25, false), 0);
		assert_int_equal(fcgi_write(f, "cd", 2, true), 0);
		assert_int_equal(fcgi_finish(f, false), server);
		fc_receive(client, &r);
		assert_true(r.ended);
		assert_int_equal(r.status, 201);
		assert_string_equal(r.body.p, "abcd");
		fc_free(&r);
	}
	close(client);
	assert_null(fcgi_accept(server, fcgi_come(server)));	/* the peer left */
	assert_false(is_open(server));
}

/*
 * A request with that body, of which so much is read; then the connection is closed, and the client
 * has got an ended answer or not.
 */
static void
closed_after(bool keep, const char *sent, size_t taken, bool gone)
{
	struct fc_reply	 r = { 0 };
	struct fcgi	*f;
	char		 body[16];

	connected(1000);
	send_request(keep, sent);
	assert_non_null(f = fcgi_accept(server, fcgi_come(server)));
	if (taken > 0)
		assert_int_equal(fcgi_read(f, body, sizeof(body)), taken);
	assert_int_equal(fcgi_write(f, "\r\n\r\nx", 5, false), 0);
	assert_int_equal(fcgi_finish(f, gone), -1);
	assert_false(is_open(server));
	fc_receive(client, &r);
	assert_int_equal(r.ended, !gone);
	if (gone)
		assert_int_equal(r.status, 0);
	fc_free(&r);
	close(client);
}

static void
closes(void **state)
{
	(void)state;
	/* The server does not want to keep it. */
	closed_after(false, "hello", 5, false);
	/* A body that nobody has read would be taken for the next request. */
	closed_after(true, "hello", 0, false);
	/* Without a word. */
	closed_after(true, "", 0, true);
}

static void
client_leaves(void **state)
{
	struct fcgi	*f;
	char		 big[65536];

	(void)state;
	memset(big, 'x', sizeof(big));
	connected(1000);
	send_request(true, "");
	assert_non_null(f = fcgi_accept(server, fcgi_come(server)));
	close(client);
	assert_int_equal(fcgi_write(f, "x", 1, true), -1);
	assert_int_equal(fcgi_write(f, "x", 1, true), -1);	/* and ever after */
	assert_int_equal(fcgi_write(f, big, sizeof(big), false), -1);
	assert_int_equal(fcgi_finish(f, false), -1);
	assert_false(is_open(server));
}

static void
cut_bodies(void **state)
{
	struct str	 b = STR_INIT(0);
	struct fcgi	*f;
	char		 body[64];
	int		 i;

	(void)state;
	for (i = 0; i < 3; i++) {
		connected(50);
		fc_request(&b, true, params, "hello", 5);
		b.len -= 8;			/* without the end of STDIN */
		if (i == 1)
			fc_record(&b, FC_ABORT, 1, NULL, 0);
		send_free(&b);
		if (i == 0)
			close(client);		/* 2: it stays silent */
		assert_non_null(f = fcgi_accept(server, fcgi_come(server)));
		assert_int_equal(fcgi_read(f, body, sizeof(body)), -1);
		assert_int_equal(fcgi_read(f, body, sizeof(body)), -1);
		fcgi_read_done(f);
		assert_int_equal(fcgi_read(f, body, sizeof(body)), -1);
		assert_int_equal(fcgi_finish(f, false), -1);
		assert_false(is_open(server));
		if (i != 0)
			close(client);
	}
}

static void
garbage(void **state)
{
	static const char	http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	struct str		b = STR_INIT(0);
	char			zeros[4096] = { 0 };
	int			i;

	(void)state;
	refused(http, sizeof(http) - 1);
	refused(zeros, sizeof(zeros));
	refused("\1\1", 2);		/* and silence */
	connected(300);
	close(client);
	assert_null(fcgi_accept(server, fcgi_come(server)));
	assert_false(is_open(server));

	fc_record(&b, FC_STDIN, 1, "x", 1);
	refused(b.p, b.len);
	str_reset(&b);
	fc_begin(&b, true);
	fc_record(&b, FC_STDIN, 1, "x", 1);
	refused(b.p, b.len);
	str_reset(&b);
	fc_begin(&b, true);
	fc_record(&b, FC_PARAMS, 2, "\1\1ab", 4);	/* of another request */
	fc_record(&b, FC_PARAMS, 2, NULL, 0);
	refused(b.p, b.len);
	str_reset(&b);
	fc_record(&b, FC_BEGIN, 1, "\0\2\0\0\0\0\0\0", 8);	/* an authorizer */
	fc_record(&b, FC_PARAMS, 1, NULL, 0);
	refused(b.p, b.len);
	str_reset(&b);

	/* libfcgi would overrun a buffer of 64 bytes. */
	for (i = 0; i < 64; i++)
		fc_param(&b, "FCGI_MAX_CONNS", "");
	{
		struct str	all = STR_INIT(0);

		fc_record(&all, FC_GET_VALUES, 0, b.p, b.len);
		refused(all.p, all.len);
		str_reset(&all);
		fc_begin(&all, true);
		fc_record(&all, FC_GET_VALUES, 0, b.p, b.len);
		refused(all.p, all.len);
		str_free(&all);
	}
	str_free(&b);
}

static void
refused_params(const void *p, size_t n)
{
	struct str	b = STR_INIT(0);

	fc_begin(&b, true);
	fc_record(&b, FC_PARAMS, 1, p, n);
	fc_record(&b, FC_PARAMS, 1, NULL, 0);
	refused(b.p, b.len);
	str_free(&b);
}

static void
broken_params(void **state)
{
	(void)state;
	refused_params("\5\1ab", 4);			/* longer than what is there */
	refused_params("\1", 1);			/* no second length */
	refused_params("\x80\0\0", 3);			/* half a length */
	refused_params("\x7f", 1);
	/* Lengths whose sum is more than an int: libfcgi would abort. */
	refused_params("\xff\xff\xff\xfe\xff\xff\xff\xfe", 8);
	refused_params("\xff\xff\xff\xfe\x01x", 6);
	refused_params("\x81\x00\x00\x00\x01x", 6);	/* 16 MiB */
}

static void
odd_params(void **state)
{
	struct str	 b = STR_INIT(0), pairs = STR_INIT(0);
	char		 name[32], *big = xmalloc(40001);
	struct fcgi	*f;
	size_t		 at;
	int		 i;

	(void)state;
	memset(big, 'y', 40000);
	big[40000] = '\0';
	for (i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "P%d", i);
		fc_param(&pairs, name, "v");
	}
	fc_param(&pairs, "", "");
	fc_param(&pairs, "A=B", "c=d");
	fc_param(&pairs, "BIG", big);
	fc_param(&pairs, "BIG", "second");
	fc_begin(&b, true);
	for (at = 0; at < pairs.len; at += 1021)	/* over many records */
		fc_record(&b, FC_PARAMS, 1, pairs.p + at,
		    pairs.len - at < 1021 ? pairs.len - at : 1021);
	fc_record(&b, FC_PARAMS, 1, NULL, 0);
	fc_record(&b, FC_STDIN, 1, NULL, 0);
	connected(1000);
	send_free(&b);
	assert_non_null(f = fcgi_accept(server, fcgi_come(server)));
	assert_string_equal(fcgi_param(f, "P499"), "v");
	assert_string_equal(fcgi_param(f, "A"), "B=c=d");
	assert_string_equal(fcgi_param(f, "BIG"), big);
	assert_int_equal(fcgi_finish(f, true), -1);
	close(client);

	/* More than we take, though sound. */
	str_reset(&pairs);
	for (i = 0; i < 4; i++)
		fc_param(&pairs, "BIG", big);
	fc_begin(&b, true);
	for (at = 0; at < pairs.len; at += 32768)
		fc_record(&b, FC_PARAMS, 1, pairs.p + at,
		    pairs.len - at < 32768 ? pairs.len - at : 32768);
	fc_record(&b, FC_PARAMS, 1, NULL, 0);
	refused(b.p, b.len);
	str_free(&b);
	str_free(&pairs);
	free(big);
}

static void *
send_slowly(void *arg)
{
	const struct str	*b = arg;
	size_t			 i;

	for (i = 0; i < b->len; i++) {
		assert_int_equal(send(client, b->p + i, 1, 0), 1);
		if (i % 16 == 0)
			usleep(200);
	}
	return NULL;
}

/* One byte at a time, and never more than a socket holds unread of such small pieces. */
static void
slow_head(void **state)
{
	struct str	 b = STR_INIT(0);
	struct fcgi	*f;
	pthread_t	 t;
	char		 body[16];

	(void)state;
	connected(5000);
	fc_request(&b, true, params, "hello", 5);
	assert_int_equal(pthread_create(&t, NULL, send_slowly, &b), 0);
	assert_non_null(f = fcgi_accept(server, fcgi_come(server)));
	assert_string_equal(fcgi_param(f, "REQUEST_METHOD"), "POST");
	assert_int_equal(fcgi_read(f, body, sizeof(body)), 5);
	assert_int_equal(fcgi_read(f, body, sizeof(body)), 0);
	pthread_join(t, NULL);
	assert_int_equal(fcgi_finish(f, false), server);
	close(server);
	close(client);
	str_free(&b);
}

static void
half_head(void **state)
{
	struct str	b = STR_INIT(0);
	int64_t		began = clock_mono_ms();

	(void)state;
	fc_request(&b, true, params, "", 0);
	refused(b.p, 40);			/* and silence: the socket's time limit */
	assert_in_range(clock_mono_ms() - began, 290, 2000);
	connected(5000);
	assert_int_equal(send(client, b.p, 40, 0), 40);
	shutdown(client, SHUT_WR);		/* and the end: at once */
	began = clock_mono_ms();
	assert_refused();
	assert_in_range(clock_mono_ms() - began, 0, 1000);
	str_free(&b);
}

/* Every way to cut a request in two is seen as unfinished, and none as bad. */
static void
head_cuts(void **state)
{
	struct str	b = STR_INIT(0);
	size_t		n, whole = 0;
	bool		all = false;

	(void)state;
	fc_request(&b, true, params, "", 0);
	for (n = 0; n <= b.len; n++)
		switch (head_check((const uint8_t *)b.p, n)) {
		case HEAD_BAD:
			fail_msg("bad at %zu", n);
			break;
		case HEAD_MORE:
			assert_int_equal(whole, 0);
			break;
		case HEAD_OK:
			if (whole == 0)
				whole = n;
			break;
		case HEAD_ALL:
			assert_int_equal(n, b.len);
			all = true;
			break;
		}
	assert_int_equal(whole, b.len - 8);	/* all but the end of STDIN */
	assert_true(all);
	str_free(&b);

	fc_request(&b, true, params, "body", 4);
	assert_int_equal(head_check((const uint8_t *)b.p, b.len), HEAD_OK);
	str_free(&b);
}

static void *
receive(void *arg)
{
	fc_receive(client, arg);
	return NULL;
}

/* In whatever pieces the socket takes it, all of it arrives and in order. */
static void
sends(void **state)
{
	const size_t	 n = 1 << 20;
	char		*big = xmalloc(n), body[16];
	struct fc_reply	 r = { 0 };
	struct fcgi	*f;
	pthread_t	 t;
	size_t		 at;
	ssize_t		 sent;
	int		 size = 4096, full = 0;

	(void)state;
	for (at = 0; at < n; at++)
		big[at] = (char)('a' + at % 23);
	memcpy(big, "\r\n\r\n", 4);
	connected(1000);
	setsockopt(server, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	send_request(true, "");
	assert_non_null(f = fcgi_accept(server, fcgi_come(server)));
	assert_int_equal(fcgi_read(f, body, sizeof(body)), 0);
	fcgi_read_done(f);
	for (at = 0; at < 100000 && full == 0; at += (size_t)sent) {	/* nobody reads yet */
		assert_int_not_equal(sent = fcgi_send(f, big + at, 16384), -1);
		full += sent == 0;
	}
	assert_int_equal(full, 1);
	assert_int_equal(pthread_create(&t, NULL, receive, &r), 0);
	for (; at < n; at += (size_t)sent)
		assert_int_not_equal(sent = fcgi_send(f, big + at,
		    n - at < 16384 ? n - at : 16384), -1);
	assert_int_equal(fcgi_finish(f, false), server);
	pthread_join(t, NULL);
	assert_true(r.ended);
	assert_int_equal(r.body.len, n - 4);
	assert_memory_equal(r.body.p, big + 4, n - 4);
	fc_free(&r);

	send_request(true, "");
	assert_non_null(f = fcgi_accept(server, fcgi_come(server)));
	close(client);
	assert_int_equal(fcgi_send(f, big, 10), -1);
	assert_int_equal(fcgi_finish(f, true), -1);
	free(big);
}

/* A stream keeps little: about libfcgi's output buffer of 8 KiB. */
static void
memory(void **state)
{
	struct fc_reply	 r = { 0 };
	struct fcgi	*f[50];
	int		 clients[50], servers[50], i;
	size_t		 before, reading, streaming;
	char		 body[16];

	(void)state;
	for (i = 0; i < 50; i++) {
		connected(1000);
		clients[i] = client;
		servers[i] = server;
		send_request(true, "hello");
	}
	before = mallinfo2().uordblks;
	for (i = 0; i < 50; i++) {
		assert_non_null(f[i] = fcgi_accept(servers[i], fcgi_come(servers[i])));
		while (fcgi_read(f[i], body, sizeof(body)) > 0)
			continue;
	}
	reading = (mallinfo2().uordblks - before) / 50;
	for (i = 0; i < 50; i++) {
		fcgi_read_done(f[i]);
		fcgi_read_done(f[i]);
		assert_null(fcgi_param(f[i], "REQUEST_METHOD"));
		assert_int_equal(fcgi_read(f[i], body, sizeof(body)), 0);
	}
	streaming = (mallinfo2().uordblks - before) / 50;
	printf("# bytes per request: %zu, per stream: %zu\n", reading, streaming);
	if (reading > 0)			/* sanitizers have an allocator of their own */
		assert_in_range(streaming, 8192, 9216);
	for (i = 0; i < 50; i++) {
		assert_int_equal(fcgi_write(f[i], "\r\n\r\ntold", 8, true), 0);
		assert_int_equal(fcgi_finish(f[i], false), servers[i]);
		fc_receive(clients[i], &r);
		assert_true(r.ended);
		assert_string_equal(r.body.p, "told");
		fc_free(&r);
		close(clients[i]);
		close(servers[i]);
	}
}

static int
setup(void **state)
{
	(void)state;
	return fcgi_init();
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(serves),
		cmocka_unit_test(closes),
		cmocka_unit_test(client_leaves),
		cmocka_unit_test(cut_bodies),
		cmocka_unit_test(garbage),
		cmocka_unit_test(broken_params),
		cmocka_unit_test(odd_params),
		cmocka_unit_test(slow_head),
		cmocka_unit_test(half_head),
		cmocka_unit_test(head_cuts),
		cmocka_unit_test(sends),
		cmocka_unit_test(memory),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
