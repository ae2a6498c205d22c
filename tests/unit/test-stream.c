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

#define WAITS	12

static void
streams_many(void **state)
{
	struct worker	*w = host_start(-1, -1);
	struct fc_reply	*r = xcalloc(STREAMS, sizeof(*r));
	int		 fd[STREAMS], i, two = 2, three = 3;
	char		 want[192], *log;

	(void)state;
	free(host_logged());
	for (i = 0; i < STREAMS; i++) {
		fd[i] = host_connect();
		host_send(fd[i], true, i % 2 == 0 ? "POST" : "GET", "/stream",
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
	loop_post(host_loop, streams_say, &two);
	for (i = 0; i < STREAMS; i++)
		fc_receive_until(fd[i], &r[i], ": ping\n\n");
	/* Every fifth client leaves: seen at once, though nothing is sent. */
	for (i = 0; i < STREAMS; i += 5)
		close(fd[i]);
	eventually(atomic_load(&streams_gone) == STREAMS / 5);
	assert_int_equal(atomic_load(&streams), STREAMS - STREAMS / 5);
	loop_post(host_loop, streams_say, &three);
	loop_post(host_loop, streams_end, NULL);
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
		assert_true(host_answers(fd[i], true, "/hello/s", 200, "hello s"));
		close(fd[i]);
	}
	eventually(worker_busy(w) == 0);
	log = host_logged();
	assert_int_equal(count(log, "\"status\":499"), STREAMS / 5);
	assert_int_equal(count(log, "\"route\":\"/stream\""), STREAMS);
	free(log);
	free(r);
	host_end(w);
}

/* A client that takes nothing holds up nobody, and what waits for it has an end. */
static void
streams_stalled(void **state)
{
	struct worker	*w = host_start(-1, -1);
	struct fc_reply	 r = { 0 };
	int		 stalled = host_connect(), good = host_connect(), two = 2, three = 3, gone;

	(void)state;
	gone = atomic_load(&streams_gone);
	host_send(stalled, true, "POST", "/stream", "", 0);
	eventually(atomic_load(&streams) == 1);
	host_send(good, true, "POST", "/stream", "", 0);
	eventually(atomic_load(&streams) == 2);
	loop_post(host_loop, streams_flood, NULL);
	loop_post(host_loop, streams_say, &two);
	fc_receive_until(good, &r, "{\"n\":2}\n\n");
	assert_int_equal(r.status, 200);
	eventually(atomic_load(&streams_gone) == gone + 1);
	loop_post(host_loop, streams_say, &three);
	loop_post(host_loop, streams_end, NULL);
	fc_receive(good, &r);
	assert_true(r.ended);
	assert_non_null(strstr(r.body.p, "{\"n\":3}\n\n"));
	fc_free(&r);
	close(stalled);
	close(good);
	eventually(worker_busy(w) == 0);
	host_end(w);
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
	old = host_start(-1, pair[1]);
	head = host_connect();
	kept = host_connect();
	other = host_connect();
	host_send(head, true, "HEAD", "/stream", "", 0);
	host_send(kept, true, "POST", "/stream", "", 0);
	host_send(other, false, "POST", "/stream", "", 0);
	eventually(atomic_load(&streams) == 3);
	new = host_start(pair[0], -1);
	worker_retire(old, true);
	assert_int_equal(worker_busy(old), 3);
	loop_post(host_loop, streams_end, NULL);
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
	assert_true(host_answers(kept, true, "/hello/n", 200, "hello n"));
	assert_true(host_answers(head, true, "/hello/n", 200, "hello n"));
	close(head);
	close(kept);
	close(other);
	host_end(new);
	close(pair[0]);
	close(pair[1]);
}

/* Requests that wait as long: one reply each, on a connection that goes on. */
static void
waits(void **state)
{
	struct worker	*w = host_start(-1, -1);
	struct fc_reply	 r = { 0 };
	int		 fd[WAITS], i, two = 2, gone = atomic_load(&streams_gone);
	char		 uri[32], want[32], *log;

	(void)state;
	free(host_logged());
	for (i = 0; i < WAITS; i++) {
		fd[i] = host_connect();
		snprintf(uri, sizeof(uri), "/wait/%d", i);
		host_send(fd[i], true, i % 2 == 0 ? "POST" : "GET", uri, "ignored", i % 2 == 0 ? 7 : 0);
	}
	eventually(atomic_load(&streams) == WAITS);
	assert_int_equal(worker_busy(w), WAITS);
	loop_post(host_loop, streams_say, &two);
	loop_post(host_loop, streams_flood, NULL);
	/* Who leaves has waited; what it waited for goes on. */
	close(fd[1]);
	eventually(atomic_load(&streams_gone) == gone + 1);
	assert_int_equal(atomic_load(&streams), WAITS - 1);
	eventually(worker_busy(w) == WAITS - 1);
	loop_post(host_loop, streams_end, NULL);
	for (i = 0; i < WAITS; i++) {
		if (i == 1)
			continue;
		fc_receive(fd[i], &r);
		assert_true(r.ended);
		assert_int_equal(r.status, 200);
		assert_true(fc_header_is(&r, "X-Extra", "yes"));
		snprintf(want, sizeof(want), "waited %d 7", i);
		assert_string_equal(r.body.p, want);
		fc_free(&r);
		assert_true(host_answers(fd[i], true, "/hello/w", 200, "hello w"));
		close(fd[i]);
	}
	eventually(worker_busy(w) == 0);
	log = host_logged();
	assert_int_equal(count(log, "\"route\":\"/wait/{name}\""), WAITS);
	assert_int_equal(count(log, "\"status\":499"), 1);
	free(log);
	host_end(w);
}

/* What comes afterwards may fail, and the process may have been told to go meanwhile. */
static void
waits_ending(void **state)
{
	struct worker	*old, *new;
	struct fc_reply	 r = { 0 };
	int		 pair[2], bad, kept, other;

	(void)state;
	assert_int_equal(handoff_pair(pair), 0);
	old = host_start(-1, pair[1]);
	bad = host_connect();
	kept = host_connect();
	other = host_connect();
	host_send(bad, true, "GET", "/wait/bad", "", 0);
	host_send(kept, true, "GET", "/wait/good", "", 0);
	host_send(other, false, "GET", "/wait/once", "", 0);
	eventually(atomic_load(&streams) == 3);
	new = host_start(pair[0], -1);
	worker_retire(old, true);
	assert_int_equal(worker_busy(old), 3);
	loop_post(host_loop, streams_end, NULL);
	fc_receive(bad, &r);
	assert_int_equal(r.status, 504);
	assert_string_equal(r.body.p, "F_TIMEOUT");
	fc_free(&r);
	fc_receive(other, &r);
	assert_int_equal(r.status, 200);
	assert_true(is_closed(other));
	fc_free(&r);
	fc_receive(kept, &r);
	assert_string_equal(r.body.p, "waited good 7");
	fc_free(&r);
	eventually(worker_busy(old) == 0);
	worker_stop(old);
	assert_true(host_answers(kept, true, "/hello/n", 200, "hello n"));
	assert_true(host_answers(bad, true, "/hello/n", 200, "hello n"));
	close(bad);
	close(kept);
	close(other);
	host_end(new);
	close(pair[0]);
	close(pair[1]);
}

/* The last message that came is there for the reply. */
static void
waits_for_the_last(void **state)
{
	struct worker	*w = host_start(-1, -1);
	struct fc_reply	 r = { 0 };
	int		 fd = host_connect(), left = host_connect(), two = 2, three = 3;

	(void)state;
	host_send(fd, true, "POST", "/last/a", "ignored", 7);
	host_send(left, true, "POST", "/last/b", "ignored", 7);
	eventually(atomic_load(&streams) == 2);
	loop_post(host_loop, streams_say, &two);
	close(left);
	eventually(atomic_load(&streams) == 1);
	loop_post(host_loop, streams_say, &three);
	loop_post(host_loop, streams_end, NULL);
	fc_receive(fd, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body.p, "a heard {\"n\":3}");
	fc_free(&r);
	close(fd);
	eventually(worker_busy(w) == 0);
	host_end(w);
}

/* A status that waits: of one that begins it is 200, of others whatever came instead. */
static void
holds(void **state)
{
	struct worker	*w = host_start(-1, -1);
	struct fc_reply	 r = { 0 };
	int		 begun = host_connect(), unbegun = host_connect(), left = host_connect();
	int		 gone = atomic_load(&streams_gone), two = 2;
	char		 want[128], id[24], *log;

	(void)state;
	free(host_logged());
	host_send(begun, true, "POST", "/hold/a", "ignored", 7);
	eventually(atomic_load(&streams) == 1);
	host_send(left, true, "POST", "/hold/b", "ignored", 7);
	eventually(atomic_load(&streams) == 2);
	assert_int_equal(worker_busy(w), 2);
	close(left);
	eventually(atomic_load(&streams_gone) == gone + 1);
	loop_post(host_loop, streams_begin, NULL);
	loop_post(host_loop, streams_say, &two);
	fc_receive_until(begun, &r, ": ping\n\n");
	assert_int_equal(r.status, 200);
	assert_true(fc_header_is(&r, "Content-Type", EVENT_STREAM));
	assert_true(fc_header_is(&r, "X-Extra", "yes"));
	loop_post(host_loop, streams_end, NULL);
	fc_receive(begun, &r);
	assert_true(r.ended);
	snprintf(id, sizeof(id), "%.*s", 19, strstr(r.head.p, "X-Stream-Id: ") + 13);
	snprintf(want, sizeof(want), "id: %s-2\ndata:{\"n\":2}\n\n: ping\n\n", id);
	assert_string_equal(r.body.p, want);	/* no ping from before */
	fc_free(&r);
	assert_true(host_answers(begun, true, "/hello/h", 200, "hello h"));

	host_send(unbegun, true, "POST", "/hold/c", "ignored", 7);
	eventually(atomic_load(&streams) == 1);
	loop_post(host_loop, streams_end, NULL);
	fc_receive(unbegun, &r);
	assert_int_equal(r.status, 502);
	assert_string_equal(r.body.p, "F_UPSTREAM");
	fc_free(&r);
	assert_true(host_answers(unbegun, true, "/hello/u", 200, "hello u"));
	close(begun);
	close(unbegun);
	eventually(worker_busy(w) == 0);
	log = host_logged();
	assert_int_equal(count(log, "\"route\":\"/hold/{name}\""), 3);
	assert_int_equal(count(log, "\"status\":499"), 1);
	free(log);
	host_end(w);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(streams_many),
		cmocka_unit_test(streams_stalled),
		cmocka_unit_test(streams_ending),
		cmocka_unit_test(waits),
		cmocka_unit_test(waits_ending),
		cmocka_unit_test(waits_for_the_last),
		cmocka_unit_test(holds),
	};

	return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
