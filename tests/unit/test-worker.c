#include <sys/socket.h>
#include <sys/time.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail			/* ctx.h has its own */

#include "base/arena.h"
#include "fcgi-client.h"
#include "web/handoff.h"
#include "worker-host.h"

static void
keeps_connections(void **state)
{
	struct worker	*w = host_start(-1, -1);
	struct fc_reply	 r = { 0 };
	char		 uri[48], body[32], *log;
	int		 fd, i, before;

	(void)state;
	assert_ptr_equal(worker_self(), w);
	fd = host_connect();
	assert_true(host_answers(fd, true, "/hello/0", 200, "hello 0"));
	eventually(atomic_load(&dbs) == host_conf.threads && worker_busy(w) == 0);
	before = descriptors();
	free(host_logged());
	for (i = 0; i < 300; i++) {
		snprintf(uri, sizeof(uri), "/api//hello/%d/?secret=1", i);
		snprintf(body, sizeof(body), "hello %d", i);
		assert_true(host_answers(fd, true, uri, 200, body));
	}
	assert_true(host_answers(fd, true, "/none", 404, "F_NOT_FOUND"));
	assert_true(host_answers(fd, true, "/echo", 405, "F_METHOD"));
	eventually(worker_busy(w) == 0 && descriptors() == before);

	host_send(fd, true, "BREW", "/hello/x", "", 0);	/* a method that nobody knows */
	fc_receive(fd, &r);
	assert_int_equal(r.status, 405);
	assert_true(fc_header_is(&r, "Content-Length", "8"));
	assert_false(fc_header_is(&r, "X-Request-Id", ""));
	fc_free(&r);
	host_send(fd, true, "HEAD", "/hello/x", "", 0);
	fc_receive(fd, &r);
	assert_int_equal(r.status, 200);
	assert_true(fc_header_is(&r, "Content-Length", "7"));
	assert_int_equal(r.body.len, 0);
	fc_free(&r);

	eventually(worker_busy(w) == 0);	/* the line comes after the reply */
	log = host_logged();
	assert_int_equal(count(log, "\"route\":\"/hello/{name}\""), 301);
	assert_int_equal(count(log, "\"status\":404"), 1);
	assert_int_equal(count(log, "secret"), 0);
	assert_int_equal(count(log, "BREW"), 0);
	free(log);

	assert_true(host_answers(fd, false, "/hello/y", 200, "hello y"));
	assert_true(is_closed(fd));
	close(fd);
	host_end(w);
	assert_null(worker_self());
	assert_int_equal(atomic_load(&dbs), 0);
}

static void
says_something(void **state)
{
	struct worker	*w = host_start(-1, -1);
	int		 fd = host_connect();
	char		*log;

	(void)state;
	free(host_logged());
	assert_true(host_answers(fd, true, "/nothing", 500, "internal error\n"));
	log = host_logged();
	assert_int_equal(count(log, "nothing was answered"), 1);
	free(log);
	close(fd);
	host_end(w);
}

static void
bodies(void **state)
{
	struct worker	*w = host_start(-1, -1);
	struct fc_reply	 r = { 0 };
	const size_t	 n = 2 << 20;
	char		*big = xmalloc(n);
	int		 fd = host_connect();
	size_t		 i;

	(void)state;
	for (i = 0; i < n; i++)
		big[i] = (char)('a' + i % 23);
	host_send(fd, true, "POST", "/echo", big, n);
	fc_receive(fd, &r);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.body.len, n);
	assert_memory_equal(r.body.p, big, n);
	fc_free(&r);
	/* Too large a body costs nothing but a reply: the connection goes on. */
	host_send(fd, true, "POST", "/small", big, n);
	fc_receive(fd, &r);
	assert_int_equal(r.status, 413);
	assert_true(r.ended);
	fc_free(&r);
	/* Nor one where none is taken. */
	host_send(fd, true, "GET", "/hello/a", big, 100000);
	fc_receive(fd, &r);
	assert_int_equal(r.status, 200);
	fc_free(&r);
	host_send(fd, true, "POST", "/small", "ab", 2);
	fc_receive(fd, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body.p, "ab");
	fc_free(&r);
	free(big);
	close(fd);
	host_end(w);
}

static void
bad_clients(void **state)
{
	struct worker	*w = host_start(-1, -1);
	struct str	 b = STR_INIT(0);
	int		 i, fd, good = host_connect(), before;

	(void)state;
	assert_true(host_answers(good, true, "/hello/0", 200, "hello 0"));
	eventually(atomic_load(&dbs) == host_conf.threads && worker_busy(w) == 0);
	before = descriptors();
	fc_request(&b, true, (const char *const[]){ "REQUEST_METHOD", "GET",
	    "REQUEST_URI", "/hello/0", NULL }, "", 0);
	for (i = 0; i < 200; i++) {
		fd = host_connect();
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
			assert_true(host_answers(good, true, "/hello/1", 200, "hello 1"));
	}
	eventually(worker_busy(w) == 0 && descriptors() == before);
	assert_true(host_answers(good, true, "/hello/2", 200, "hello 2"));
	str_free(&b);
	close(good);
	host_end(w);
}

/* Clients that ask until they are told to stop; none may ever be disappointed. */
static atomic_bool	load_over;
static atomic_int	load_done, load_failed;

static void *
load_kept(void *arg)
{
	char	uri[32], body[32];
	int	i, n = (int)(intptr_t)arg, fd = host_connect();
	bool	quick;

	for (i = 0; !atomic_load(&load_over); i++) {
		/* Threads come to rest, and are called again. */
		quick = i / 200 % 2 == 1;
		snprintf(uri, sizeof(uri), quick ? "/quick" : "/hello/%d-%d", n, i);
		snprintf(body, sizeof(body), quick ? "quick" : "hello %d-%d", n, i);
		if (!host_answers(fd, true, uri, 200, body)) {
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
		fd = host_connect();
		if (!host_answers(fd, false, "/hello/anew", 200, "hello anew"))
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
	struct worker	*w = host_start(-1, -1);
	pthread_t	 t[16];

	(void)state;
	load_start(t, 14, 2);
	eventually(atomic_load(&load_done) > 1000);
	load_end(t, 16);
	host_end(w);
}

/* A client that is given up when it hears nothing for five seconds. */
static int
connect_patient(void)
{
	const struct timeval	tv = { .tv_sec = 5 };
	int			fd = host_connect();

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return fd;
}

static void *
load_quick(void *arg)
{
	int	i, fd = connect_patient();

	(void)arg;
	for (i = 0; i < 300; i++)
		if (!host_answers(fd, true, "/quick", 200, "quick"))
			atomic_fetch_add(&load_failed, 1);
	close(fd);
	return NULL;
}

/* So many short requests that one thread sees to all of them, and the others rest. */
static void
lull(void)
{
	pthread_t	t[8];
	int		i;

	atomic_store(&load_failed, 0);
	for (i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&t[i], NULL, load_quick, NULL), 0);
	for (i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(atomic_load(&load_failed), 0);
}

/* As long as one thread is free nobody waits for those that are not, whatever holds them up. */
static void
blocked_delay_nobody(void **state)
{
	struct worker	*w = host_start(-1, -1);
	struct fc_reply	 r = { 0 };
	struct str	 b = STR_INIT(0);
	int		 blocked[3], fd = connect_patient(), i, round;

	(void)state;
	for (round = 0; round < 3; round++) {
		lull();
		atomic_store(&gates, 0);
		for (i = 0; i < 3; i++) {
			blocked[i] = connect_patient();
			host_send(blocked[i], true, "GET", "/later", "", 0);
			eventually(atomic_load(&waiting) == i + 1);
			assert_true(host_answers(fd, true, "/hello/b", 200, "hello b"));
			assert_true(host_answers(fd, true, "/quick", 200, "quick"));
		}
		atomic_store(&gates, 1);
		for (i = 0; i < 3; i++) {
			fc_receive(blocked[i], &r);
			assert_string_equal(r.body.p, "later");
			fc_free(&r);
			close(blocked[i]);
		}
	}

	/* Clients that do not come to the end: of their head, and of a body for a short request. */
	lull();
	fc_request(&b, true, (const char *const[]){ "REQUEST_METHOD", "GET",
	    "REQUEST_URI", "/quick", NULL }, "", 0);
	for (i = 0; i < 3; i++) {
		blocked[i] = connect_patient();
		assert_int_equal(send(blocked[i], b.p, b.len - 8 - (size_t)i, 0),
		    b.len - 8 - (size_t)i);
		eventually(worker_busy(w) == i + 1);
		assert_true(host_answers(fd, true, "/quick", 200, "quick"));
		assert_true(host_answers(fd, true, "/hello/b", 200, "hello b"));
	}
	for (i = 0; i < 3; i++) {
		assert_int_equal(send(blocked[i], b.p + b.len - 8 - (size_t)i, 8 + (size_t)i, 0),
		    8 + i);
		fc_receive(blocked[i], &r);
		assert_string_equal(r.body.p, "quick");
		fc_free(&r);
		close(blocked[i]);
	}
	str_free(&b);
	close(fd);
	host_end(w);
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
	old = host_start(pair[0], pair[1]);
	load_start(t, 12, 2);
	for (i = 0; i < 5; i++) {
		had = atomic_load(&load_done);
		eventually(atomic_load(&load_done) > had + 200);
		new = host_start(pair[0], pair[1]);
		worker_retire(old, true);
		eventually(worker_busy(old) == 0);
		worker_stop(old);
		old = new;
	}
	had = atomic_load(&load_done);
	eventually(atomic_load(&load_done) > had + 200);
	load_end(t, 14);
	host_end(old);
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
	old = host_start(-1, pair[1]);
	idle = host_connect();
	busy = host_connect();
	assert_true(host_answers(idle, true, "/hello/1", 200, "hello 1"));
	atomic_store(&gates, 0);
	host_send(busy, true, "GET", "/later", "", 0);
	eventually(atomic_load(&waiting) == 1 && worker_busy(old) == 1);
	worker_retire(old, true);
	assert_int_equal(worker_busy(old), 1);

	/* Nobody has taken it yet: it lies in the pair, and its next request with it. */
	half = idle;
	host_send(half, true, "GET", "/hello/2", "", 0);
	new = host_start(pair[0], pair[1]);
	fc_receive(half, &r);
	assert_string_equal(r.body.p, "hello 2");
	fc_free(&r);

	atomic_store(&gates, 1);
	fc_receive(busy, &r);
	assert_string_equal(r.body.p, "later");
	fc_free(&r);
	eventually(worker_busy(old) == 0);
	worker_stop(old);
	assert_true(host_answers(busy, true, "/hello/3", 200, "hello 3"));
	assert_true(host_answers(idle, true, "/hello/4", 200, "hello 4"));
	host_end(new);
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
	w = host_start(-1, pair[1]);
	idle = host_connect();
	busy = host_connect();
	assert_true(host_answers(idle, true, "/hello/1", 200, "hello 1"));
	atomic_store(&gates, 0);
	host_send(busy, true, "GET", "/later", "", 0);
	eventually(atomic_load(&waiting) == 1 && worker_busy(w) == 1);
	free(host_logged());
	worker_retire(w, true);
	assert_true(is_closed(idle));
	host_send(busy, true, "GET", "/hello/2", "", 0);	/* before the first is answered */
	atomic_store(&gates, 1);
	fc_receive(busy, &r);
	assert_string_equal(r.body.p, "later");
	fc_free(&r);
	log = host_logged();
	assert_int_equal(count(log, "cannot be passed on"), 1);
	free(log);
	eventually(worker_busy(w) == 0);
	worker_stop(w);
	close(idle);
	close(busy);
	close(pair[1]);
}

static atomic_int	jobs_done;

static void
job(struct ctx *cx, void *arg)
{
	must(cx->db->open == &dbs && cx->conf == &host_conf && cx->now > 0);
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
	struct worker	*w = host_start(-1, -1);
	int		 fd = host_connect(), i;

	(void)state;
	for (i = 0; i < 1000; i++)
		worker_job(w, i % 2 == 0 ? job : job_of_job, i % 2 == 0 ? (void *)&jobs_done : w);
	eventually(atomic_load(&jobs_done) == 1000);
	assert_true(host_answers(fd, true, "/hello/j", 200, "hello j"));
	eventually(worker_busy(w) == 0);
	for (i = 0; i < 100; i++)
		worker_job(w, job, &jobs_done);
	worker_retire(w, false);
	worker_stop(w);				/* what was given to do is done first */
	assert_int_equal(atomic_load(&jobs_done), 1100);
	close(fd);
}

#define MAKERS	4
#define MADE	1000

static void *
make_jobs(void *arg)
{
	int	i;

	for (i = 0; i < MADE; i++) {
		worker_job(arg, i % 2 == 0 ? job : job_of_job, i % 2 == 0 ? (void *)&jobs_done : arg);
		if (i % 50 == 0)
			poll(NULL, 0, 1);
	}
	return NULL;
}

/* Beside requests, and connections that come and go, no job is left lying. */
static void
jobs_under_load(void **state)
{
	struct worker	*w = host_start(-1, -1);
	pthread_t	 t[12], makers[MAKERS];
	int		 i;

	(void)state;
	atomic_store(&jobs_done, 0);
	load_start(t, 8, 4);
	for (i = 0; i < MAKERS; i++)
		assert_int_equal(pthread_create(&makers[i], NULL, make_jobs, w), 0);
	for (i = 0; i < MAKERS; i++)
		pthread_join(makers[i], NULL);
	eventually(atomic_load(&jobs_done) == MAKERS * MADE);
	/* One at a time: no other wakes whoever missed it. */
	for (i = 1; i <= 500; i++) {
		worker_job(w, job, &jobs_done);
		eventually(atomic_load(&jobs_done) == MAKERS * MADE + i);
	}
	load_end(t, 12);
	for (i = 501; i <= 1000; i++) {
		if (i % 100 == 0)
			lull();
		worker_job(w, job, &jobs_done);
		eventually(atomic_load(&jobs_done) == MAKERS * MADE + i);
	}
	host_end(w);
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
		cmocka_unit_test(blocked_delay_nobody),
		cmocka_unit_test(retires_under_load),
		cmocka_unit_test(passes_connections),
		cmocka_unit_test(passes_in_vain),
		cmocka_unit_test(jobs),
		cmocka_unit_test(jobs_under_load),
	};

	return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
