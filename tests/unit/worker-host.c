#include "worker-host.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail			/* ctx.h has its own */

#include "base/arena.h"
#include "base/log.h"
#include "base/peer.h"
#include "fcgi-client.h"
#include "web/fcgi.h"

#define STREAM	4611686018427387904	/* an id */

const struct conf		host_conf = {
	.threads = 4, .language = "en", .body_limit = 65536
};
struct loop			*host_loop;
static char			dir[64], log_file[96];
static struct sockaddr_un	addr = { .sun_family = AF_UNIX };
static int			listener;
static struct routes		*routes;
static struct peers		*peers;
static pthread_t		loop_thread;

/* ---- what the worker serves ------------------------------------------------------------------ */

atomic_int	dbs, gates, waiting;

static struct db *
test_db_new(const struct conf *c)
{
	struct db	*db = xmalloc(sizeof(*db));

	must(c == &host_conf);
	db->open = &dbs;
	atomic_fetch_add(&dbs, 1);
	return db;
}

static void
test_db_free(struct db *db)
{
	atomic_fetch_sub(db->open, 1);
	free(db);
}

static int
say_hello(struct req *r)
{
	char	s[64];
	int	n = snprintf(s, sizeof(s), "hello %s", r->hit.args[0]);

	must(r->cx.db->open == &dbs);
	return reply(r, 200, "text/plain", s, (size_t)n);
}

static int
say_echo(struct req *r)
{
	return reply(r, 200, "text/plain", r->body, r->body_len);
}

static int
say_nothing(struct req *r)
{
	(void)r;
	return 0;
}

static int
say_quick(struct req *r)
{
	return reply(r, 200, "text/plain", "quick", 5);
}

/* Answers once the gate is open. */
static int
say_later(struct req *r)
{
	atomic_fetch_add(&waiting, 1);
	while (atomic_load(&gates) == 0)
		poll(NULL, 0, 1);
	atomic_fetch_sub(&waiting, 1);
	return reply(r, 200, "text/plain", "later", 5);
}

/* Streams, all on the loop: a slot is free when its peer is NULL. */
static struct peer	*stream[STREAMS];
atomic_int		 streams, streams_gone;

static void
stream_gone(struct peer *p, void *owner)
{
	struct peer	**slot = owner;

	must(*slot == p);
	*slot = NULL;
	atomic_fetch_sub(&streams, 1);
	atomic_fetch_add(&streams_gone, 1);
}

/* Its slot. */
static int
stream_enter(struct peer *p)
{
	int	i;

	for (i = 0; stream[i] != NULL; i++)
		must(i < STREAMS - 1);
	stream[i] = p;
	p->owner = &stream[i];
	p->on_gone = stream_gone;
	peer_join(peers, p);
	return i;
}

/* It has not begun. */
static void
stream_hold(void *arg)
{
	stream_enter(arg);
	peer_ping(arg);
	atomic_fetch_add(&streams, 1);
}

void
streams_begin(void *arg)
{
	(void)arg;
	for (int i = 0; i < STREAMS; i++)
		if (stream[i] != NULL)
			peer_begin(stream[i], STREAM + i);
}

static void
stream_join(void *arg)
{
	struct peer	*p = arg;
	int		 i = stream_enter(p);

	peer_begin(p, STREAM + i);
	peer_message(p, "{\"n\":\n1}", 8, STREAM + i, 1);
	atomic_fetch_add(&streams, 1);
}

void
streams_say(void *arg)
{
	int	i, n = *(int *)arg;
	char	s[32];

	snprintf(s, sizeof(s), "{\"n\":%d}", n);
	for (i = 0; i < STREAMS; i++)
		if (stream[i] != NULL) {
			peer_message(stream[i], s, strlen(s), STREAM + i, n);
			peer_ping(stream[i]);
		}
}

/* Five MiB, for the first stream alone. */
void
streams_flood(void *arg)
{
	static char	 big[65536];
	int		 i;

	(void)arg;
	memset(big, 'f', sizeof(big));
	for (i = 0; i < 80 && stream[0] != NULL; i++)
		peer_message(stream[0], big, sizeof(big), STREAM, 2 + i);
}

void
streams_end(void *arg)
{
	int	i;

	(void)arg;
	for (i = 0; i < STREAMS; i++)
		if (stream[i] != NULL) {
			stream[i]->why = F_UPSTREAM;
			stream[i]->retry_after = 7;
			peer_end(stream[i]);
			stream[i] = NULL;
			atomic_fetch_sub(&streams, 1);
		}
}

static int
say_stream(struct req *r)
{
	reply_header(r, "X-Extra", "yes");
	loop_post(host_loop, stream_join, req_stream(r, "data:"));
	return 0;
}

/* Answers, with what it was asked, once the streams have ended. */
static int
say_waited(struct req *r, void *arg)
{
	char	s[64];
	int	n = snprintf(s, sizeof(s), "waited %s %d", (const char *)arg, r->retry_after);

	must(r->cx.db->open == &dbs);
	if (strcmp(arg, "bad") == 0)
		return fail(&r->cx, F_TIMEOUT, "it");
	return reply(r, 200, "text/plain", s, (size_t)n);
}

static int
say_wait(struct req *r)
{
	char	*arg = arena_strdup(r->cx.a, r->hit.args[0]);

	reply_header(r, "X-Extra", "yes");
	loop_post(host_loop, stream_join, req_wait(r, say_waited, arg));
	return 0;
}

/* What its peer heard last, once that has ended. */
static int
say_heard(struct req *r, void *arg)
{
	char	s[96];
	int	n = snprintf(s, sizeof(s), "%s heard %s", (const char *)arg, r->heard.p);

	return reply(r, 200, "text/plain", s, (size_t)n);
}

static int
say_last(struct req *r)
{
	char	*arg = arena_strdup(r->cx.a, r->hit.args[0]);

	loop_post(host_loop, stream_join, req_wait_last(r, say_heard, arg));
	return 0;
}

/* A stream that begins when the loop says so; one that ends before fails with its peer's reason. */
static int
say_unbegun(struct req *r, void *arg)
{
	must(r->cx.db->open == &dbs && r->retry_after == 7);
	return fail(&r->cx, r->why_not, "%s", (const char *)arg);
}

static int
say_hold(struct req *r)
{
	char	*arg = arena_strdup(r->cx.a, r->hit.args[0]);

	reply_header(r, "X-Extra", "yes");
	loop_post(host_loop, stream_hold, req_hold(r, "data:", say_unbegun, arg));
	return 0;
}

static const struct route	rows[] = {
	{ .methods = M_GET, .path = "/hello/{name}", .handler = say_hello },
	{ .methods = M_POST, .path = "/echo", .handler = say_echo, .flags = R_JSON, .kib = 3072 },
	{ .methods = M_POST, .path = "/small", .handler = say_echo, .flags = R_JSON, .kib = 1 },
	{ .methods = M_GET, .path = "/nothing", .handler = say_nothing },
	{ .methods = M_GET, .path = "/quick", .handler = say_quick, .flags = R_QUICK },
	{ .methods = M_GET, .path = "/later", .handler = say_later },
	{ .methods = M_GET | M_POST | M_HEAD, .path = "/stream", .handler = say_stream },
	{ .methods = M_GET | M_POST, .path = "/wait/{name}", .handler = say_wait },
	{ .methods = M_POST, .path = "/last/{name}", .handler = say_last },
	{ .methods = M_POST, .path = "/hold/{name}", .handler = say_hold },
};

static void
serve(struct req *r)
{
	char	s[32];
	int	n, rc = -1;

	if (r->then != NULL)
		rc = r->then(r, r->then_arg);
	else if (r->route == NULL)
		fail(&r->cx, r->hit.methods != 0 ? F_METHOD : F_NOT_FOUND, "it");
	else if (!(r->route->flags & R_JSON) || req_body_load(r) == 0)
		rc = r->route->handler(r);
	if (rc == -1) {
		n = snprintf(s, sizeof(s), "%s", fail_name(r->cx.fail.kind));
		reply(r, fail_status(r->cx.fail.kind), "text/plain", s, (size_t)n);
	}
}

/* ---- what the tests do with it ---------------------------------------------------------------- */

struct worker *
host_start(int handoff_in, int handoff_out)
{
	const struct worker_opts	 o = {
		.conf = &host_conf, .listen_fd = listener,
		.handoff_in = handoff_in, .handoff_out = handoff_out, .routes = routes,
		.serve = serve, .db_new = test_db_new, .db_free = test_db_free,
	};
	struct worker			*w = worker_start(&o);

	assert_non_null(w);
	return w;
}

void
host_end(struct worker *w)
{
	worker_retire(w, false);
	eventually(worker_busy(w) == 0);
	worker_stop(w);
}

int
host_connect(void)
{
	int	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	return fd;
}

void
host_send(int fd, bool keep, const char *method, const char *uri, const char *body, size_t n)
{
	struct str	b = STR_INIT(0);
	char		length[24] = "";

	if (n > 0)
		snprintf(length, sizeof(length), "%zu", n);
	fc_request(&b, keep, (const char *const[]){ "REQUEST_METHOD", method, "REQUEST_URI", uri,
	    "CONTENT_LENGTH", length, "HTTP_X_STREAM_IDS", "1", NULL }, body, n);
	fc_send(fd, &b);
	str_free(&b);
}

/* One request through the connection; true when the reply is this one. */
bool
host_answers(int fd, bool keep, const char *uri, int status, const char *body)
{
	struct fc_reply	r = { 0 };
	bool		ok;

	host_send(fd, keep, "GET", uri, "", 0);
	fc_receive(fd, &r);
	ok = r.ended && r.status == status && r.body.p != NULL && strcmp(r.body.p, body) == 0;
	if (!ok)
		fprintf(stderr, "# %s: ended %d, status %d, %s\n", uri, r.ended, r.status,
		    r.body.p != NULL ? r.body.p : "nothing");
	fc_free(&r);
	return ok;
}

bool
is_closed(int fd)
{
	char	byte;

	return recv(fd, &byte, 1, 0) <= 0;
}

int
descriptors(void)
{
	DIR	*d = opendir("/proc/self/fd");
	int	 n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* The log since the last call; the caller frees it. */
char *
host_logged(void)
{
	static long	 at;
	FILE		*f = fopen(log_file, "r");
	size_t		 n;
	char		*s;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	n = (size_t)(ftell(f) - at);
	s = xcalloc(1, n + 1);
	fseek(f, at, SEEK_SET);
	assert_int_equal(fread(s, 1, n, f), n);
	at += (long)n;
	fclose(f);
	return s;
}

int
count(const char *s, const char *what)
{
	int	n = 0;

	for (; (s = strstr(s, what)) != NULL; s += strlen(what))
		n++;
	return n;
}

static void *
run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

int
host_setup(void **state)
{
	struct str	err = STR_INIT(0);

	(void)state;
	strcpy(dir, "/tmp/parley-worker-XXXXXX");
	if (mkdtemp(dir) == NULL || fcgi_init() == -1)
		return -1;
	signal(SIGPIPE, SIG_IGN);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/sock", dir);
	snprintf(log_file, sizeof(log_file), "%s/log", dir);
	log_open(log_file, LOG_INFO_);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) == -1 ||
	    listen(listener, 256) == -1)
		return -1;
	if ((routes = routes_compile(rows, sizeof(rows) / sizeof(rows[0]), &err)) == NULL)
		return -1;
	host_loop = loop_new();
	peers = peers_new(host_loop);
	return pthread_create(&loop_thread, NULL, run_loop, host_loop);
}

static void
stop_loop(void *arg)
{
	loop_stop(arg);
}

int
host_teardown(void **state)
{
	(void)state;
	loop_post(host_loop, stop_loop, host_loop);
	pthread_join(loop_thread, NULL);
	peers_free(peers);
	loop_free(host_loop);
	routes_free(routes);
	close(listener);
	unlink(addr.sun_path);
	unlink(log_file);
	return rmdir(dir);
}
