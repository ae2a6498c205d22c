#include <sys/socket.h>
#include <sys/un.h>

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail			/* ctx.h has its own */

#include "base/arena.h"
#include "base/log.h"
#include "web/socket.h"
#include "worker-host.h"
#include "ws-client.h"

#define KEY	"dGhlIHNhbXBsZSBub25jZQ=="	/* of RFC 6455, 1.3 */
#define ACCEPT	"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define TURN	4611686018427387904
#define HEAD	"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: " KEY "\r\n"
#define VERSION	"Sec-WebSocket-Version: 13\r\n"
#define TOKEN	"Authorization: Bearer good\r\n"

static const struct conf	conf = { .threads = 3, .language = "en", .ping = 1 };
static struct loop		*loop;
static struct peers		*peers;
static struct sockets		*sockets;
static struct worker		*worker;
static struct routes		*routes;
static pthread_t		 thread;
static struct sockaddr_un	 addr = { .sun_family = AF_UNIX };
static char			 dir[64], log_file[96];
static int			 listener;

/* ---- a small dialect ------------------------------------------------------------------------- */

static atomic_bool	good = true;	/* the token holds */
static _Atomic int64_t	until;		/* its end */
static atomic_int	checks;		/* how often it was, whether it still may be */
static struct peer	*turn;		/* on the loop */
static atomic_int	turns, left, drained;
static char		two[] = "two", last[] = "last";

static void
on_gone(struct peer *p, void *owner)
{
	(void)owner;
	must(p == turn);
	turn = NULL;
	atomic_fetch_add(&left, 1);
}

static void
on_drained(struct peer *p, void *owner)
{
	(void)owner;
	must(p == turn);
	atomic_fetch_add(&drained, 1);
}

static void
turn_begin(void *arg)
{
	must(turn == NULL);
	turn = arg;
	turn->on_gone = on_gone;
	turn->on_drained = on_drained;
	peer_join(peers, turn);
	peer_begin(turn, TURN);
	peer_message(turn, "one", 3, TURN, 1);
	atomic_fetch_add(&turns, 1);
}

static void
turn_say(void *what)
{
	must(turn != NULL);
	peer_message(turn, what, strlen(what), TURN, 2);
}

static void
turn_end(void *arg)
{
	struct peer	*p = turn;

	(void)arg;
	turn = NULL;
	peer_end(p);
}

static int
answer(struct req *r)
{
	const char	*said = r->why == REQ_FIRST ? r->query : r->body;

	if (strcmp(said, "turn") == 0 && socket_streaming(r->socket))
		return fail(&r->cx, F_BUSY, "it");
	if (strcmp(said, "turn") == 0) {
		loop_post(loop, turn_begin, req_stream(r, "data:"));
		return 0;
	}
	if (strcmp(said, "which") == 0)
		said = arena_printf(r->cx.a, "%s %lld", r->remote,
		    (long long)socket_turn(r->socket));
	if (strcmp(said, "quiet") == 0)
		return reply(r, 204, NULL, "", 0);
	return reply(r, 200, "text/plain", said, strlen(said));
}

static const struct route	rows[] = {
	{ .methods = M_GET, .path = "/talk", .handler = answer, .flags = R_SOCKET },
	{ .methods = M_GET, .path = "/plain", .handler = answer },
};

static int
serve_it(struct req *r)
{
	const char	*token = req_bearer(r);

	if (token == NULL)
		token = req_query(r, "token");
	if (r->route == NULL)
		return fail(&r->cx, F_NOT_FOUND, "it");
	if (r->why == REQ_OPEN && socket_check(r) == -1)
		return -1;
	r->until_ms = atomic_load(&until);
	atomic_fetch_add(&checks, r->why == REQ_STILL);
	if (token == NULL || strcmp(token, "good") != 0 || !atomic_load(&good) ||
	    (r->until_ms != 0 && r->cx.now > r->until_ms))
		return fail(&r->cx, F_UNAUTHORIZED, "token");
	if (r->why == REQ_STILL)
		return 0;
	return r->why == REQ_OPEN ? socket_admit(r) : r->route->handler(r);
}

static void
serve(struct req *r)
{
	const char	*name;

	if (serve_it(r) == 0)
		return;
	name = fail_name(r->cx.fail.kind);
	reply(r, fail_status(r->cx.fail.kind), "text/plain", name, strlen(name));
}

/* ---- a small client -------------------------------------------------------------------------- */

static int
dial(void)
{
	const struct timeval	five = { .tv_sec = 5 };
	int			fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &five, sizeof(five));
	must(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	return fd;
}

static void
send_all(int fd, struct str *b)
{
	must(send(fd, b->p, b->len, MSG_NOSIGNAL) == (ssize_t)b->len);
	str_free(b);
}

/* The head of a reply, with its body where it has a length. In static memory. */
static const char *
reply_of(int fd)
{
	static char	 p[8192];
	const char	*length;
	size_t		 n = 0, want = 0;
	ssize_t		 got = 1;

	while (want == 0 || n < want) {
		if ((got = recv(fd, p + n, want == 0 ? 1 : want - n, 0)) <= 0)
			break;
		n += (size_t)got;
		p[n] = '\0';
		if (want == 0 && n >= 4 && strcmp(p + n - 4, "\r\n\r\n") == 0) {
			length = strstr(p, "Content-Length: ");
			want = n + (length != NULL ? strtoul(length + 16, NULL, 10) : 0);
		}
	}
	p[n] = '\0';
	return p;
}

static int
asked(const char *method, const char *target, const char *headers)
{
	struct str	b = STR_INIT(0);
	int		fd = dial();

	str_printf(&b, "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", method, target, headers);
	send_all(fd, &b);
	return fd;
}

static int
open_at(const char *target)
{
	int	fd = asked("GET", target, HEAD VERSION TOKEN);

	assert_non_null(strstr(reply_of(fd), "HTTP/1.1 101 "));
	return fd;
}

static void
say(int fd, const char *text)
{
	struct str	b = STR_INIT(0);

	ws_text(&b, text);
	send_all(fd, &b);
}

static void
pong(int fd)
{
	struct str	b = STR_INIT(0);

	ws_frame(&b, WS_FIN | WS_PONG, "", 0);
	send_all(fd, &b);
}

#define hear(fd, head_, text)	do {					\
	static struct ws_heard	h_;					\
	ws_hear(fd, &h_);						\
	assert_int_equal(h_.head, head_);				\
	assert_string_equal(h_.p, text);				\
} while (0)
/* Pings come in between. */
#define hear_text(fd, text)	do {					\
	static struct ws_heard	h_;					\
	do								\
		ws_hear(fd, &h_);					\
	while (h_.head == (WS_FIN | WS_PING));				\
	assert_int_equal(h_.head, WS_FIN | WS_TEXT);			\
	assert_string_equal(h_.p, text);				\
} while (0)

#define hear_close(fd, code)	do {					\
	static struct ws_heard	h_;					\
	do								\
		ws_hear(fd, &h_);					\
	while (h_.head == (WS_FIN | WS_PING));				\
	assert_int_equal(h_.head, WS_FIN | WS_CLOSE);			\
	assert_int_equal(ws_code(&h_), code);				\
} while (0)

/* ---- tests ----------------------------------------------------------------------------------- */

static void
handshakes(void **state)
{
	static const struct {
		const char	*method, *target, *headers, *want[3];
	}	cases[] = {
		{ "GET", "/talk", HEAD VERSION TOKEN, { " 101 ", "Sec-WebSocket-Accept: " ACCEPT } },
		{ "GET", "/talk?token=good", HEAD VERSION, { " 101 " } },
		{ "GET", "/talk?a=b&token=go%6fd", HEAD VERSION, { " 101 " } },
		{ "GET", "/talk", HEAD VERSION "Sec-WebSocket-Protocol: chat, bearer, good\r\n",
		    { " 101 ", "Sec-WebSocket-Protocol: bearer\r\n" } },
		{ "GET", "/talk", HEAD VERSION TOKEN "Sec-WebSocket-Extensions: permessage-deflate\r\n",
		    { " 101 ", "!permessage" } },
		{ "GET", "/talk", "Connection: keep-alive, upgrade\r\nUpgrade: h2c, WebSocket\r\n"
		    "Sec-WebSocket-Key: " KEY "\r\n" VERSION TOKEN, { " 101 " } },
		{ "GET", "/talk", HEAD VERSION, { " 401 ", "F_UNAUTHORIZED" } },
		{ "GET", "/talk", HEAD VERSION "Authorization: Bearer bad\r\n", { " 401 " } },
		{ "GET", "/talk?token=bad", HEAD VERSION TOKEN, { " 101 " } },
		{ "GET", "/other", HEAD VERSION TOKEN, { " 404 ", "F_NOT_FOUND" } },
		{ "GET", "/plain", HEAD VERSION TOKEN, { " 426 ", "F_UPGRADE" } },
		{ "GET", "/talk", TOKEN, { " 426 " } },
		{ "GET", "/talk", HEAD "Sec-WebSocket-Version: 8\r\n" TOKEN,
		    { " 426 ", "Sec-WebSocket-Version: 13" } },
		{ "GET", "/talk", HEAD TOKEN, { " 426 ", "Sec-WebSocket-Version: 13" } },
		{ "GET", "/talk", "Connection: Upgrade\r\nUpgrade: websocket\r\n"
		    "Sec-WebSocket-Key: short==\r\n" VERSION TOKEN, { " 400 ", "F_VALUE" } },
		{ "GET", "/talk", "Upgrade: websocket\r\nSec-WebSocket-Key: " KEY "\r\n" VERSION TOKEN,
		    { " 426 " } },
	};
	const char	*said;
	int		 fd;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fd = asked(cases[i].method, cases[i].target, cases[i].headers);
		said = reply_of(fd);
		for (int k = 0; k < 3 && cases[i].want[k] != NULL; k++)
			if ((cases[i].want[k][0] == '!') ==
			    (strstr(said, cases[i].want[k] + (cases[i].want[k][0] == '!')) != NULL)) {
				print_error("%zu: no %s in\n%s\n", i, cases[i].want[k], said);
				assert_true(false);
			}
		close(fd);
	}
	eventually(sockets_open(sockets) == 0);
}

/* What is no HTTP costs nothing but its connection. */
static void
garbage(void **state)
{
	struct str	b = STR_INIT(0);
	int		fd = dial(), silent = dial();

	(void)state;
	str_puts(&b, "\x16\x03\x01 garbage\r\n\r\n");
	send_all(fd, &b);
	reply_of(fd);
	close(fd);
	close(silent);
	fd = asked("POST", "/talk", "Content-Length: 5\r\n" TOKEN);
	assert_non_null(strstr(reply_of(fd), " 404 "));	/* nobody takes POST there */
	close(fd);
	eventually(sockets_open(sockets) == 0);
}

static void
messages(void **state)
{
	struct str	b = STR_INIT(0);
	int		fd = open_at("/talk"), other;
	char		text[16];

	(void)state;
	say(fd, "hello");
	hear_text(fd, "hello");
	/* All at once: answered one after the other, control frames in between. */
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "m%d", i);
		ws_text(&b, text);
		ws_frame(&b, WS_FIN | WS_PING, text, strlen(text));
	}
	ws_text(&b, "quiet");
	ws_text(&b, "");
	ws_text(&b, "which");
	send_all(fd, &b);
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "m%d", i);
		hear_text(fd, text);
		hear(fd, WS_FIN | WS_PONG, text);
	}
	hear_text(fd, " 0");
	ws_close(&b, 1000, "bye");
	send_all(fd, &b);
	hear_close(fd, 1000);
	assert_true(is_closed(fd));
	close(fd);

	/* Frames right behind the handshake; the query speaks first. */
	other = dial();
	str_puts(&b, "GET /talk?which HTTP/1.1\r\nHost: x\r\nX-Real-IP: 192.0.2.7\r\n" HEAD VERSION
	    TOKEN "\r\n");
	ws_text(&b, "early");
	ws_frame(&b, WS_FIN | WS_CLOSE, "", 0);
	send_all(other, &b);
	assert_non_null(strstr(reply_of(other), " 101 "));
	hear_text(other, "192.0.2.7 0");
	hear_text(other, "early");
	hear_close(other, 1005);
	close(other);
	eventually(sockets_open(sockets) == 0);
}

static void
breaches(void **state)
{
	static const struct {
		const char	*bytes;
		size_t		 n;
		int		 code;
	}	cases[] = {
		{ "\x81\x02hi", 4, 1002 },
		{ "\x81\x81\0\0\0\0\xff", 7, 1007 },
		{ "\x83\x80\0\0\0\0", 6, 1002 },
		{ "\x81\xff\0\0\0\0\0\x20\0\0\0\0\0\0a", 15, 1009 },
		{ "\x89\xfe\0\x7e\0\0\0\0", 8, 1002 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str	b = STR_INIT(0);
		int		fd = open_at("/talk");

		str_put(&b, cases[i].bytes, cases[i].n);
		send_all(fd, &b);
		hear_close(fd, cases[i].code);
		assert_true(is_closed(fd));
		close(fd);
	}
	eventually(sockets_open(sockets) == 0);
}

static void
turns_stream(void **state)
{
	struct str	 b = STR_INIT(0);
	int		 fd = open_at("/talk"), i;
	static char	 big[30000];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	for (i = 0; i < 3; i++) {
		say(fd, "turn");
		hear_text(fd, "one");
		say(fd, "which");
		hear_text(fd, " 4611686018427387904");
		say(fd, "turn");
		hear_text(fd, "F_BUSY");
		ws_frame(&b, WS_FIN | WS_PING, "", 0);
		send_all(fd, &b);
		hear(fd, WS_FIN | WS_PONG, "");
		loop_post(loop, turn_say, two);
		hear_text(fd, "two");
		loop_post(loop, turn_end, NULL);
		say(fd, "which");
		hear_text(fd, " 0");
	}
	/* Who reads slowly gets all of it, and it is known. */
	say(fd, "turn");
	hear_text(fd, "one");
	for (i = 0; i < 30; i++)
		loop_post(loop, turn_say, big);
	for (i = 0; i < 30; i++)
		hear_text(fd, big);
	eventually(atomic_load(&drained) > 0);
	/* The client's close ends the turn's peer too. */
	i = atomic_load(&left);
	ws_close(&b, 1001, "");
	send_all(fd, &b);
	hear_close(fd, 1001);
	eventually(atomic_load(&left) == i + 1);
	close(fd);
	/* And his going without a word. */
	fd = open_at("/talk?turn");
	hear_text(fd, "one");
	close(fd);
	eventually(atomic_load(&left) == i + 2);
	eventually(sockets_open(sockets) == 0);
	assert_int_equal(atomic_load(&turns), 5);
}

/* Who leaves in the moment in which his turn begins. */
static void
leaving(void **state)
{
	int	before = atomic_load(&turns), gone = atomic_load(&left);

	(void)state;
	for (int i = 0; i < 50; i++) {
		int	fd = open_at("/talk");

		say(fd, "turn");
		close(fd);
		eventually(sockets_open(sockets) == 0);
	}
	assert_int_equal(atomic_load(&turns) - before, atomic_load(&left) - gone);
}

static void
tokens(void **state)
{
	int	fd = open_at("/talk"), streaming = open_at("/talk?turn"), third = open_at("/talk");

	(void)state;
	hear_text(streaming, "one");
	hear(fd, WS_FIN | WS_PING, "");
	pong(fd);
	pong(streaming);
	/* The third is asked for its token now and then, too: not just when it speaks. */
	hear(third, WS_FIN | WS_PING, "");
	say(third, "hello");
	hear_text(third, "hello");
	atomic_store(&good, false);
	say(third, "hello");
	hear_text(third, "F_UNAUTHORIZED");
	hear_close(third, 1008);
	hear_text(fd, "F_UNAUTHORIZED");
	hear_close(fd, 1008);
	hear_text(streaming, "F_UNAUTHORIZED");
	hear_close(streaming, 1008);
	atomic_store(&good, true);
	close(fd);
	close(third);
	close(streaming);
	eventually(sockets_open(sockets) == 0);
}

/* A token's end is kept to, whenever it would have been asked for. */
static void
end_of_a_token(void **state)
{
	const int64_t	 end = clock_ms() + 300;
	int		 fd, before;

	(void)state;
	atomic_store(&until, end);
	fd = open_at("/talk?turn");
	hear_text(fd, "one");
	before = atomic_load(&checks);
	hear_text(fd, "F_UNAUTHORIZED");
	assert_in_range(clock_ms(), end, end + 1700);
	assert_int_equal(atomic_load(&checks), before + 1);
	hear_close(fd, 1008);
	atomic_store(&until, 0);
	close(fd);
	eventually(sockets_open(sockets) == 0);
}

/* One that neither speaks nor answers pings is given up after two periods. */
static void
silence(void **state)
{
	int	 fd = open_at("/talk"), alive = open_at("/talk");
	int64_t	 began = clock_mono_ms();
	char	 byte;

	(void)state;
	while (recv(fd, &byte, 1, 0) > 0)
		pong(alive);
	assert_in_range(clock_mono_ms() - began, 3000, 9000);
	say(alive, "alive");
	hear_text(alive, "alive");
	close(fd);
	close(alive);
	eventually(sockets_open(sockets) == 0);
}

/* Idle ones at once, busy ones after their turn, a log line for each. The last test. */
static void
retiring(void **state)
{
	int	 idle = open_at("/talk"), busy = open_at("/talk?turn"), deaf = open_at("/talk");
	struct str	 b = STR_INIT(0);
	char	*log, line[8192];
	FILE	*f;
	int	 n = 0, requests = 0;

	(void)state;
	hear_text(busy, "one");
	worker_retire(worker, false);
	hear_close(idle, 1001);
	ws_close(&b, 1001, "");
	send_all(idle, &b);
	assert_true(is_closed(idle));
	eventually(sockets_open(sockets) == 2);
	loop_post(loop, turn_say, last);
	hear_text(busy, "last");
	assert_int_equal(worker_busy(worker), 2);
	loop_post(loop, turn_end, NULL);
	hear_close(busy, 1001);
	eventually(worker_busy(worker) == 0);	/* the deaf one is not waited for long */
	close(idle);
	close(busy);
	close(deaf);
	log_open("", LOG_INFO_);
	assert_non_null(f = fopen(log_file, "r"));
	while ((log = fgets(line, sizeof(line), f)) != NULL) {
		n += strstr(log, "\"msg\":\"socket\"") != NULL;
		requests += strstr(log, "\"method\":\"MESSAGE\"") != NULL;
		assert_null(strstr(log, "\"level\":\"error\""));
	}
	fclose(f);
	assert_true(n > 60 && requests > 250);
}

static void *
run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static int
setup(void **state)
{
	struct worker_opts	 o = {
		.conf = &conf, .listen_fd = -1, .handoff_in = -1, .handoff_out = -1, .serve = serve,
	};
	struct str		 err = STR_INIT(0);

	(void)state;
	strcpy(dir, "/tmp/parley-socket-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	signal(SIGPIPE, SIG_IGN);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/sock", dir);
	snprintf(log_file, sizeof(log_file), "%s/log", dir);
	log_open(log_file, LOG_INFO_);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) == -1 ||
	    listen(listener, 256) == -1 ||
	    (routes = routes_compile(rows, sizeof(rows) / sizeof(rows[0]), &err)) == NULL)
		return -1;
	loop = loop_new();
	peers = peers_new(loop);
	if ((sockets = sockets_new(&conf, loop, peers)) == NULL)
		return -1;
	o.routes = routes;
	o.ws_fd = listener;
	o.sockets = sockets;
	if ((worker = worker_start(&o)) == NULL)
		return -1;
	return pthread_create(&thread, NULL, run_loop, loop);
}

static void
stop_loop(void *arg)
{
	loop_stop(arg);
}

static int
teardown(void **state)
{
	(void)state;
	worker_retire(worker, false);
	worker_stop(worker);
	loop_post(loop, stop_loop, loop);
	pthread_join(thread, NULL);
	peers_free(peers);
	loop_free(loop);
	sockets_free(sockets);
	routes_free(routes);
	close(listener);
	unlink(addr.sun_path);
	unlink(log_file);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(handshakes),
		cmocka_unit_test(garbage),
		cmocka_unit_test(messages),
		cmocka_unit_test(breaches),
		cmocka_unit_test(turns_stream),
		cmocka_unit_test(leaving),
		cmocka_unit_test(tokens),
		cmocka_unit_test(end_of_a_token),
		cmocka_unit_test(silence),
		cmocka_unit_test(retiring),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
