#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail			/* ctx.h has its own */

#include "base/arena.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/peer.h"
#include "fcgi-client.h"
#include "web/fcgi.h"
#include "web/handoff.h"
#include "web/worker.h"

#define STREAMS	100
#define EVENT_STREAM	"text/event-stream; charset=utf-8"
#define STREAM	4611686018427387904	/* an id */

static char			dir[64], log_file[96];
static struct sockaddr_un	addr = { .sun_family = AF_UNIX };
static int			listener;
static struct routes		*routes;
static const struct conf	conf = { .threads = 4, .language = "en", .body_limit = 65536 };
static struct loop		*loop;
static struct peers		*peers;
static pthread_t		loop_thread;

/* For threads other than the test's own, out of which cmocka's assertions could not jump. */
#define must(condition)	((condition) ? (void)0 : abort())

/* ---- what the worker serves ------------------------------------------------------------------ */

struct db {			/* not a database: says how many threads have one */
	atomic_int	*open;
};

static atomic_int	dbs, gates, waiting;

static struct db *
test_db_new(const struct conf *c)
{
	struct db	*db = xmalloc(sizeof(*db));

	must(c == &conf);
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
static atomic_int	 streams, streams_gone;

static void
stream_gone(struct peer *p, void *owner)
{
	struct peer	**slot = owner;

	must(*slot == p);
	*slot = NULL;
	atomic_fetch_sub(&streams, 1);
	atomic_fetch_add(&streams_gone, 1);
}

static void
stream_join(void *arg)
{
	struct peer	*p = arg;
	int		 i;

	for (i = 0; stream[i] != NULL; i++)
		must(i < STREAMS - 1);
	stream[i] = p;
	p->owner = &stream[i];
	p->on_gone = stream_gone;
	peer_join(peers, p);
	peer_begin(p, STREAM + i);
	peer_message(p, "{\"n\":\n1}", 8, STREAM + i, 1);
	atomic_fetch_add(&streams, 1);
}

static void
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
static void
streams_flood(void *arg)
{
	static char	 big[65536];
	int		 i;

	(void)arg;
	memset(big, 'f', sizeof(big));
	for (i = 0; i < 80 && stream[0] != NULL; i++)
		peer_message(stream[0], big, sizeof(big), STREAM, 2 + i);
}

static void
streams_end(void *arg)
{
	int	i;

	(void)arg;
	for (i = 0; i < STREAMS; i++)
		if (stream[i] != NULL) {
			peer_end(stream[i]);
			stream[i] = NULL;
			atomic_fetch_sub(&streams, 1);
		}
}

static int
say_stream(struct req *r)
{
	reply_header(r, "X-Extra", "yes");
	loop_post(loop, stream_join, req_stream(r, "data:"));
	return 0;
}

static const struct route	rows[] = {
	{ .methods = M_GET, .path = "/hello/{name}", .handler = say_hello },
	{ .methods = M_POST, .path = "/echo", .handler = say_echo, .flags = R_JSON, .kib = 3072 },
	{ .methods = M_POST, .path = "/small", .handler = say_echo, .flags = R_JSON, .kib = 1 },
	{ .methods = M_GET, .path = "/nothing", .handler = say_nothing },
	{ .methods = M_GET, .path = "/later", .handler = say_later },
	{ .methods = M_GET | M_POST | M_HEAD, .path = "/stream", .handler = say_stream },
};

static void
serve(struct req *r)
{
	char	s[32];
	int	n, rc = -1;

	if (r->route == NULL)
		fail(&r->cx, r->hit.methods != 0 ? F_METHOD : F_NOT_FOUND, "it");
	else if (!(r->route->flags & R_JSON) || req_body_load(r) == 0)
		rc = r->route->handler(r);
	if (rc == -1) {
		n = snprintf(s, sizeof(s), "%s", fail_name(r->cx.fail.kind));
		reply(r, fail_status(r->cx.fail.kind), "text/plain", s, (size_t)n);
	}
}

/* ---- helpers --------------------------------------------------------------------------------- */

static struct worker *
start(int handoff_in, int handoff_out)
{
	const struct worker_opts	 o = {
		.conf = &conf, .listen_fd = listener,
		.handoff_in = handoff_in, .handoff_out = handoff_out, .routes = routes,
		.serve = serve, .db_new = test_db_new, .db_free = test_db_free,
	};
	struct worker			*w = worker_start(&o);

	assert_non_null(w);
	return w;
}

/* Waits for what other threads bring about: five seconds at most. */
#define eventually(condition)	do {					\
	int64_t	until_ = clock_mono_ms() + 5000;			\
	while (!(condition)) {						\
		if (clock_mono_ms() > until_) {				\
			print_error("never: %s\n", #condition);		\
			_fail(__FILE__, __LINE__);			\
		}							\
		poll(NULL, 0, 1);					\
	}								\
} while (0)

static void
end(struct worker *w)
{
	worker_retire(w, false);
	eventually(worker_busy(w) == 0);
	worker_stop(w);
}

static int
connected(void)
{
	int	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	return fd;
}

static void
send_to(int fd, bool keep, const char *method, const char *uri, const char *body, size_t n)
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
static bool
answers(int fd, bool keep, const char *uri, int status, const char *body)
{
	struct fc_reply	r = { 0 };
	bool		ok;

	send_to(fd, keep, "GET", uri, "", 0);
	fc_receive(fd, &r);
	ok = r.ended && r.status == status && r.body.p != NULL && strcmp(r.body.p, body) == 0;
	if (!ok)
		fprintf(stderr, "# %s: ended %d, status %d, %s\n", uri, r.ended, r.status,
		    r.body.p != NULL ? r.body.p : "nothing");
	fc_free(&r);
	return ok;
}

static bool
is_closed(int fd)
{
	char	byte;

	return recv(fd, &byte, 1, 0) <= 0;
}

static int
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
static char *
logged(void)
{
	static long	 at;
	FILE		*f = fopen(log_file, "r");
	char		*s = xcalloc(1, 1 << 20);
	size_t		 n;

	assert_non_null(f);
	fseek(f, at, SEEK_SET);
	n = fread(s, 1, (1 << 20) - 1, f);
	at += (long)n;
	fclose(f);
	return s;
}

static int
count(const char *s, const char *what)
{
	int	n = 0;

	for (; (s = strstr(s, what)) != NULL; s += strlen(what))
		n++;
	return n;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void
keeps_connections(void **state)
{
	struct worker	*w = start(-1, -1);
	struct fc_reply	 r = { 0 };
	char		 uri[48], body[32], *log;
	int		 fd, i, before;

	(void)state;
	assert_ptr_equal(worker_self(), w);
	fd = connected();
	assert_true(answers(fd, true, "/hello/0", 200, "hello 0"));
	eventually(atomic_load(&dbs) == conf.threads && worker_busy(w) == 0);
	before = descriptors();
	free(logged());
	for (i = 0; i < 300; i++) {
		snprintf(uri, sizeof(uri), "/api//hello/%d/?secret=1", i);
		snprintf(body, sizeof(body), "hello %d", i);
		assert_true(answers(fd, true, uri, 200, body));
	}
	assert_true(answers(fd, true, "/none", 404, "F_NOT_FOUND"));
	assert_true(answers(fd, true, "/echo", 405, "F_METHOD"));
	eventually(worker_busy(w) == 0 && descriptors() == before);

	send_to(fd, true, "BREW", "/hello/x", "", 0);	/* a method that nobody knows */
	fc_receive(fd, &r);
	assert_int_equal(r.status, 405);
	assert_true(fc_header_is(&r, "Content-Length", "8"));
	assert_false(fc_header_is(&r, "X-Request-Id", ""));
	fc_free(&r);
	send_to(fd, true, "HEAD", "/hello/x", "", 0);
	fc_receive(fd, &r);
	assert_int_equal(r.status, 200);
	assert_true(fc_header_is(&r, "Content-Length", "7"));
	assert_int_equal(r.body.len, 0);
	fc_free(&r);

	eventually(worker_busy(w) == 0);	/* the line comes after the reply */
	log = logged();
	assert_int_equal(count(log, "\"route\":\"/hello/{name}\""), 301);
	assert_int_equal(count(log, "\"status\":404"), 1);
	assert_int_equal(count(log, "secret"), 0);
	assert_int_equal(count(log, "BREW"), 0);
	free(log);

	assert_true(answers(fd, false, "/hello/y", 200, "hello y"));
	assert_true(is_closed(fd));
	close(fd);
	end(w);
	assert_null(worker_self());
	assert_int_equal(atomic_load(&dbs), 0);
}

static void
says_something(void **state)
{
	struct worker	*w = start(-1, -1);
	int		 fd = connected();
	char		*log;

	(void)state;
	free(logged());
	assert_true(answers(fd, true, "/nothing", 500, "internal error\n"));
	log = logged();
	assert_int_equal(count(log, "nothing was answered"), 1);
	free(log);
	close(fd);
	end(w);
}

static void
bodies(void **state)
{
	struct worker	*w = start(-1, -1);
	struct fc_reply	 r = { 0 };
	const size_t	 n = 2 << 20;
	char		*big = xmalloc(n);
	int		 fd = connected();
	size_t		 i;

	(void)state;
	for (i = 0; i < n; i++)
		big[i] = (char)('a' + i % 23);
	send_to(fd, true, "POST", "/echo", big, n);
	fc_receive(fd, &r);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.body.len, n);
	assert_memory_equal(r.body.p, big, n);
	fc_free(&r);
	/* Too large a body costs nothing but a reply: the connection goes on. */
	send_to(fd, true, "POST", "/small", big, n);
	fc_receive(fd, &r);
	assert_int_equal(r.status, 413);
	assert_true(r.ended);
	fc_free(&r);
	/* Nor one where none is taken. */
	send_to(fd, true, "GET", "/hello/a", big, 100000);
	fc_receive(fd, &r);
	assert_int_equal(r.status, 200);
	fc_free(&r);
	send_to(fd, true, "POST", "/small", "ab", 2);
	fc_receive(fd, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body.p, "ab");
	fc_free(&r);
	free(big);
	close(fd);
	end(w);
}

static void
bad_clients(void **state)
{
	struct worker	*w = start(-1, -1);
	struct str	 b = STR_INIT(0);
	int		 i, fd, good = connected(), before;

	(void)state;
	assert_true(answers(good, true, "/hello/0", 200, "hello 0"));
	eventually(atomic_load(&dbs) == conf.threads && worker_busy(w) == 0);
	before = descriptors();
	fc_request(&b, true, (const char *const[]){ "REQUEST_METHOD", "GET",
	    "REQUEST_URI", "/hello/0", NULL }, "", 0);
	for (i = 0; i < 200; i++) {
		fd = connected();
		switch (i % 5) {
		case 0:				/* says nothing */
			break;
		case 1:
			assert_int_equal(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, 0), 18);
			break;
		case 2:				/* leaves in the middle of its head */
			assert_int_equal(send(fd, b.p, 30, 0), 30);
			break;
		case 3:				/* before it has the answer */
			assert_int_equal(send(fd, b.p, b.len, 0), b.len);
			break;
		case 4:				/* in the middle of its body */
			assert_int_equal(send(fd, b.p, b.len - 8, 0), b.len - 8);
			break;
		}
		close(fd);
		if (i % 50 == 0)
			assert_true(answers(good, true, "/hello/1", 200, "hello 1"));
	}
	eventually(worker_busy(w) == 0 && descriptors() == before);
	assert_true(answers(good, true, "/hello/2", 200, "hello 2"));
	str_free(&b);
	close(good);
	end(w);
}

/* Clients that ask until they are told to stop; none may ever be disappointed. */
static atomic_bool	load_over;
static atomic_int	load_done, load_failed;

static void *
load_kept(void *arg)
{
	char	uri[32], body[32];
	int	i, n = (int)(intptr_t)arg, fd = connected();

	for (i = 0; !atomic_load(&load_over); i++) {
		snprintf(uri, sizeof(uri), "/hello/%d-%d", n, i);
		snprintf(body, sizeof(body), "hello %d-%d", n, i);
		if (!answers(fd, true, uri, 200, body)) {
			atomic_fetch_add(&load_failed, 1);
			break;
		}
		atomic_fetch_add(&load_done, 1);
		if (n % 4 == 3)		/* some are idle for a while */
			poll(NULL, 0, i % 5);
	}
	close(fd);
	return NULL;
}

static void *
load_anew(void *arg)
{
	int	fd;

	(void)arg;
	while (!atomic_load(&load_over)) {
		fd = connected();
		if (!answers(fd, false, "/hello/anew", 200, "hello anew"))
			atomic_fetch_add(&load_failed, 1);
		atomic_fetch_add(&load_done, 1);
		close(fd);
	}
	return NULL;
}

static void
load_start(pthread_t *t, int kept, int anew)
{
	int	i;

	atomic_store(&load_over, false);
	atomic_store(&load_done, 0);
	atomic_store(&load_failed, 0);
	for (i = 0; i < kept + anew; i++)
		assert_int_equal(pthread_create(&t[i], NULL, i < kept ? load_kept : load_anew,
		    (void *)(intptr_t)i), 0);
}

static void
load_end(pthread_t *t, int n)
{
	int	i;

	atomic_store(&load_over, true);
	for (i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(atomic_load(&load_failed), 0);
}

static void
many_at_once(void **state)
{
	struct worker	*w = start(-1, -1);
	pthread_t	 t[16];

	(void)state;
	load_start(t, 14, 2);
	eventually(atomic_load(&load_done) > 1000);
	load_end(t, 16);
	end(w);
}

/* Generation after generation takes over from the one before, under load: nobody notices. */
static void
retires_under_load(void **state)
{
	struct worker	*old, *new;
	pthread_t	 t[14];
	int		 pair[2], i, had;

	(void)state;
	assert_int_equal(handoff_pair(pair), 0);
	old = start(pair[0], pair[1]);
	load_start(t, 12, 2);
	for (i = 0; i < 5; i++) {
		had = atomic_load(&load_done);
		eventually(atomic_load(&load_done) > had + 200);
		new = start(pair[0], pair[1]);
		worker_retire(old, true);
		eventually(worker_busy(old) == 0);
		worker_stop(old);
		old = new;
	}
	had = atomic_load(&load_done);
	eventually(atomic_load(&load_done) > had + 200);
	load_end(t, 14);
	end(old);
	close(pair[0]);
	close(pair[1]);
}

/*
 * What an idle connection has already sent goes with it; one in work follows when it is answered.
 */
static void
passes_connections(void **state)
{
	struct worker	*old, *new;
	struct fc_reply	 r = { 0 };
	int		 pair[2], idle, half, busy;

	(void)state;
	assert_int_equal(handoff_pair(pair), 0);
	old = start(-1, pair[1]);
	idle = connected();
	busy = connected();
	assert_true(answers(idle, true, "/hello/1", 200, "hello 1"));
	atomic_store(&gates, 0);
	send_to(busy, true, "GET", "/later", "", 0);
	eventually(atomic_load(&waiting) == 1 && worker_busy(old) == 1);
	worker_retire(old, true);
	assert_int_equal(worker_busy(old), 1);

	/* Nobody has taken it yet: it lies in the pair, and its next request with it. */
	half = idle;
	send_to(half, true, "GET", "/hello/2", "", 0);
	new = start(pair[0], pair[1]);
	fc_receive(half, &r);
	assert_string_equal(r.body.p, "hello 2");
	fc_free(&r);

	atomic_store(&gates, 1);
	fc_receive(busy, &r);
	assert_string_equal(r.body.p, "later");
	fc_free(&r);
	eventually(worker_busy(old) == 0);
	worker_stop(old);
	assert_true(answers(busy, true, "/hello/3", 200, "hello 3"));
	assert_true(answers(idle, true, "/hello/4", 200, "hello 4"));
	end(new);
	assert_true(is_closed(idle));		/* passed to nobody: closed */
	assert_true(is_closed(busy));
	close(idle);
	close(busy);
	close(pair[0]);
	close(pair[1]);
}

/* Nobody takes the connections: what has been asked is answered, then they are closed. */
static void
passes_in_vain(void **state)
{
	struct worker	*w;
	struct fc_reply	 r = { 0 };
	int		 pair[2], idle, busy;
	char		*log;

	(void)state;
	assert_int_equal(handoff_pair(pair), 0);
	close(pair[0]);
	w = start(-1, pair[1]);
	idle = connected();
	busy = connected();
	assert_true(answers(idle, true, "/hello/1", 200, "hello 1"));
	atomic_store(&gates, 0);
	send_to(busy, true, "GET", "/later", "", 0);
	eventually(atomic_load(&waiting) == 1 && worker_busy(w) == 1);
	free(logged());
	worker_retire(w, true);
	assert_true(is_closed(idle));
	send_to(busy, true, "GET", "/hello/2", "", 0);	/* before the first is answered */
	atomic_store(&gates, 1);
	fc_receive(busy, &r);
	assert_string_equal(r.body.p, "later");
	fc_free(&r);
	log = logged();
	assert_int_equal(count(log, "cannot be passed on"), 1);
	free(log);
	eventually(worker_busy(w) == 0);
	worker_stop(w);
	close(idle);
	close(busy);
	close(pair[1]);
}

static void
streams_many(void **state)
{
	struct worker	*w = start(-1, -1);
	struct fc_reply	*r = xcalloc(STREAMS, sizeof(*r));
	int		 fd[STREAMS], i, two = 2, three = 3;
	char		 want[192], *log;

	(void)state;
	free(logged());
	for (i = 0; i < STREAMS; i++) {
		fd[i] = connected();
		send_to(fd[i], true, i % 2 == 0 ? "POST" : "GET", "/stream",
		    "ignored", i % 2 == 0 ? 7 : 0);
	}
	eventually(atomic_load(&streams) == STREAMS);
	assert_int_equal(worker_busy(w), STREAMS);
	for (i = 0; i < STREAMS; i++) {
		fc_receive_until(fd[i], &r[i], "1}\n\n");
		assert_int_equal(r[i].status, 200);
		assert_true(fc_header_is(&r[i], "Content-Type", EVENT_STREAM));
		assert_true(fc_header_is(&r[i], "Cache-Control", "no-cache"));
		assert_true(fc_header_is(&r[i], "X-Accel-Buffering", "no"));
		assert_true(fc_header_is(&r[i], "X-Extra", "yes"));
	}
	loop_post(loop, streams_say, &two);
	for (i = 0; i < STREAMS; i++)
		fc_receive_until(fd[i], &r[i], ": ping\n\n");
	/* Every fifth client leaves: seen at once, though nothing is sent. */
	for (i = 0; i < STREAMS; i += 5)
		close(fd[i]);
	eventually(atomic_load(&streams_gone) == STREAMS / 5);
	assert_int_equal(atomic_load(&streams), STREAMS - STREAMS / 5);
	loop_post(loop, streams_say, &three);
	loop_post(loop, streams_end, NULL);
	for (i = 0; i < STREAMS; i++) {
		char	id[24];
		int64_t	turn;

		if (i % 5 == 0) {
			fc_free(&r[i]);
			continue;
		}
		fc_receive(fd[i], &r[i]);
		assert_true(r[i].ended);
		turn = strtoll(strstr(r[i].head.p, "X-Stream-Id: ") + 13, NULL, 10);
		snprintf(id, sizeof(id), "%lld", (long long)turn);
		snprintf(want, sizeof(want), "id: %s-1\ndata:{\"n\": 1}\n\n"
		    "id: %s-2\ndata:{\"n\":2}\n\n: ping\n\n"
		    "id: %s-3\ndata:{\"n\":3}\n\n: ping\n\n", id, id, id);
		assert_string_equal(r[i].body.p, want);
		fc_free(&r[i]);
		/* The connection is an ordinary one again. */
		assert_true(answers(fd[i], true, "/hello/s", 200, "hello s"));
		close(fd[i]);
	}
	eventually(worker_busy(w) == 0);
	log = logged();
	assert_int_equal(count(log, "\"status\":499"), STREAMS / 5);
	assert_int_equal(count(log, "\"route\":\"/stream\""), STREAMS);
	free(log);
	free(r);
	end(w);
}

/* A client that takes nothing holds up nobody, and what waits for it has an end. */
static void
streams_stalled(void **state)
{
	struct worker	*w = start(-1, -1);
	struct fc_reply	 r = { 0 };
	int		 stalled = connected(), good = connected(), two = 2, three = 3, gone;

	(void)state;
	gone = atomic_load(&streams_gone);
	send_to(stalled, true, "POST", "/stream", "", 0);
	eventually(atomic_load(&streams) == 1);
	send_to(good, true, "POST", "/stream", "", 0);
	eventually(atomic_load(&streams) == 2);
	loop_post(loop, streams_flood, NULL);
	loop_post(loop, streams_say, &two);
	fc_receive_until(good, &r, "{\"n\":2}\n\n");
	assert_int_equal(r.status, 200);
	eventually(atomic_load(&streams_gone) == gone + 1);
	loop_post(loop, streams_say, &three);
	loop_post(loop, streams_end, NULL);
	fc_receive(good, &r);
	assert_true(r.ended);
	assert_non_null(strstr(r.body.p, "{\"n\":3}\n\n"));
	fc_free(&r);
	close(stalled);
	close(good);
	eventually(worker_busy(w) == 0);
	end(w);
}

/*
 * HEAD has the headers alone; a stream that outlives its process's retirement passes its connection
 * on.
 */
static void
streams_ending(void **state)
{
	struct worker	*old, *new;
	struct fc_reply	 r = { 0 };
	int		 pair[2], head, kept, other;

	(void)state;
	assert_int_equal(handoff_pair(pair), 0);
	old = start(-1, pair[1]);
	head = connected();
	kept = connected();
	other = connected();
	send_to(head, true, "HEAD", "/stream", "", 0);
	send_to(kept, true, "POST", "/stream", "", 0);
	send_to(other, false, "POST", "/stream", "", 0);
	eventually(atomic_load(&streams) == 3);
	new = start(pair[0], -1);
	worker_retire(old, true);
	assert_int_equal(worker_busy(old), 3);
	loop_post(loop, streams_end, NULL);
	fc_receive(head, &r);
	assert_true(r.ended && fc_header_is(&r, "Content-Type", EVENT_STREAM));
	assert_int_equal(r.body.len, 0);
	fc_free(&r);
	fc_receive(other, &r);
	assert_true(r.ended);
	assert_true(is_closed(other));
	fc_free(&r);
	fc_receive(kept, &r);
	assert_true(r.ended);
	fc_free(&r);
	eventually(worker_busy(old) == 0);
	worker_stop(old);
	assert_true(answers(kept, true, "/hello/n", 200, "hello n"));
	assert_true(answers(head, true, "/hello/n", 200, "hello n"));
	close(head);
	close(kept);
	close(other);
	end(new);
	close(pair[0]);
	close(pair[1]);
}

static atomic_int	jobs_done;

static void
job(struct ctx *cx, void *arg)
{
	must(cx->db->open == &dbs && cx->conf == &conf && cx->now > 0);
	must(strcmp(arena_strdup(cx->a, "x"), "x") == 0);
	atomic_fetch_add((atomic_int *)arg, 1);
}

static void
job_of_job(struct ctx *cx, void *arg)
{
	(void)cx;
	worker_job(arg, job, &jobs_done);
}

static void
jobs(void **state)
{
	struct worker	*w = start(-1, -1);
	int		 fd = connected(), i;

	(void)state;
	for (i = 0; i < 1000; i++)
		worker_job(w, i % 2 == 0 ? job : job_of_job, i % 2 == 0 ? (void *)&jobs_done : w);
	eventually(atomic_load(&jobs_done) == 1000);
	assert_true(answers(fd, true, "/hello/j", 200, "hello j"));
	eventually(worker_busy(w) == 0);
	for (i = 0; i < 100; i++)
		worker_job(w, job, &jobs_done);
	worker_retire(w, false);
	worker_stop(w);				/* what was given to do is done first */
	assert_int_equal(atomic_load(&jobs_done), 1100);
	close(fd);
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
	loop = loop_new();
	peers = peers_new(loop);
	return pthread_create(&loop_thread, NULL, run_loop, loop);
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
	loop_post(loop, stop_loop, loop);
	pthread_join(loop_thread, NULL);
	peers_free(peers);
	loop_free(loop);
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
		cmocka_unit_test(keeps_connections),
		cmocka_unit_test(says_something),
		cmocka_unit_test(bodies),
		cmocka_unit_test(bad_clients),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(retires_under_load),
		cmocka_unit_test(passes_connections),
		cmocka_unit_test(passes_in_vain),
		cmocka_unit_test(streams_many),
		cmocka_unit_test(streams_stalled),
		cmocka_unit_test(streams_ending),
		cmocka_unit_test(jobs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
