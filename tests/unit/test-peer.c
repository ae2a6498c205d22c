#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/peer.h"

/* A client behind a socketpair. It outlives the peer, to say what became of it. */
struct client {
	struct peer	*peer;		/* NULL once finished */
	int		 reader;	/* the client's end */
	int		 finished;	/* 1: with all written, 2: gone */
	int		 gone, drained;
	int		 writes;
	size_t		 largest;	/* write */
	size_t		 left;		/* in the buffer when it was told drained */
	void		(*then)(struct client *);	/* done by on_gone and on_drained */
};

struct test_peer {
	struct peer	 p;		/* first */
	struct client	*client;
};

static struct loop	*loop;
static struct peers	*peers;
static int		 rounds;

static struct client *
client_of(struct peer *p)
{
	return ((struct test_peer *)p)->client;
}

static void
op_begin(struct peer *p, int64_t stream_id)
{
	str_printf(&p->buf, "begin %lld\n", (long long)stream_id);
}

static void
op_frame(struct peer *p, const char *msg, size_t len, int64_t stream_id, int64_t n)
{
	str_printf(&p->buf, "%lld-%lld ", (long long)stream_id, (long long)n);
	str_put(&p->buf, msg, len);
	str_putc(&p->buf, '\n');
}

static void
op_ping(struct peer *p)
{
	str_puts(&p->buf, ": ping\n");
}

static ssize_t
op_write(struct peer *p, const char *data, size_t n)
{
	struct client	*c = client_of(p);
	ssize_t		 r = send(p->fd, data, n, MSG_NOSIGNAL);

	c->writes++;
	if (n > c->largest)
		c->largest = n;
	return r == -1 && errno == EAGAIN ? 0 : r;
}

static void
op_finish(struct peer *p, bool gone)
{
	struct client	*c = client_of(p);

	assert_null(p->buf.p);
	assert_int_equal(c->finished, 0);
	c->finished = gone ? 2 : 1;
	c->peer = NULL;
	if (!gone)
		assert_int_equal(send(p->fd, "end\n", 4, MSG_NOSIGNAL), 4);
	close(p->fd);
	free(p);
}

static const struct peer_ops	ops = {
	.begin = op_begin, .frame = op_frame, .ping = op_ping, .write = op_write, .finish = op_finish,
};

static void
on_gone(struct peer *p, void *owner)
{
	struct client	*c = owner;

	assert_ptr_equal(c->peer, p);
	assert_int_equal(c->finished, 0);
	c->gone++;
	if (c->then != NULL)
		c->then(c);
}

static void
on_drained(struct peer *p, void *owner)
{
	struct client	*c = owner;

	assert_ptr_equal(c->peer, p);
	c->drained++;
	c->left = p->buf.len;
	if (c->then != NULL)
		c->then(c);
}

static void
client_open(struct client *c)
{
	struct test_peer	*t = calloc(1, sizeof(*t));
	int			 fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	*c = (struct client){ .peer = &t->p, .reader = fd[1] };
	t->client = c;
	t->p = (struct peer){ .ops = &ops, .fd = fd[0], .buf = STR_INIT(1 << 20),
		.on_gone = on_gone, .on_drained = on_drained, .owner = c };
	peer_join(peers, &t->p);
}

/* ---- one that stays ---- */

static int	came, rested;

static void
op_come(struct peer *p, uint32_t events)
{
	char	byte;

	(void)events;
	came++;
	if (recv(p->fd, &byte, 1, MSG_DONTWAIT) == 0)
		peer_leave(p);
}

static void
op_rest(struct peer *p)
{
	(void)p;
	rested++;
}

static const struct peer_ops	staying_ops = {
	.begin = op_begin, .frame = op_frame, .ping = op_ping, .write = op_write, .finish = op_finish,
	.come = op_come, .rest = op_rest,
};

static void
stop(void *arg)
{
	loop_stop(arg);
}

static void
one_round(void)
{
	loop_post(loop, stop, loop);
	loop_run(loop);
}

static void
run_for(int ms)
{
	loop_alarm(loop, ms, stop, loop);
	loop_run(loop);
}

static void
count_round(void *arg)
{
	(*(int *)arg)++;
}

/* All that waits for the client to read. */
static const char *
client_read(struct client *c)
{
	static char	buf[1 << 20];
	size_t		n = 0;
	ssize_t		r;

	while ((r = read(c->reader, buf + n, sizeof(buf) - 1 - n)) > 0)
		n += (size_t)r;
	buf[n] = '\0';
	return buf;
}

static int
setup(void **state)
{
	(void)state;
	loop = loop_new();
	loop_on_round(loop, count_round, &rounds);
	peers = peers_new(loop);
	rounds = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	loop_free(loop);
	peers_free(peers);
	return 0;
}

static void
stream(void **state)
{
	struct client	c;

	(void)state;
	client_open(&c);
	peer_begin(c.peer, 7);
	peer_message(c.peer, "one", 3, 7, 1);
	peer_message(c.peer, "two", 3, 7, 2);
	assert_string_equal(client_read(&c), "");	/* not before the round's end */
	one_round();
	assert_string_equal(client_read(&c), "begin 7\n7-1 one\n7-2 two\n");
	assert_int_equal(c.writes, 1);
	usleep(5000);
	one_round();
	assert_true(loop_now(loop) > c.peer->queued_at);
	peer_ping(c.peer);
	assert_int_equal(c.peer->queued_at, loop_now(loop));
	one_round();
	assert_string_equal(client_read(&c), ": ping\n");
	one_round();
	assert_int_equal(c.writes, 2);

	peer_message(c.peer, "last", 4, 7, 3);
	peer_end(c.peer);
	assert_int_equal(c.finished, 0);
	one_round();
	assert_int_equal(c.finished, 1);
	assert_string_equal(client_read(&c), "7-3 last\nend\n");
	assert_int_equal(c.gone + c.drained, 0);
	close(c.reader);
}

/* The largest write of a round and the end go out together where the socket has room for both. */
static void
end_full(void **state)
{
	static char	msg[PEER_CHUNK];
	struct client	c;

	(void)state;
	memset(msg, 'x', sizeof(msg));
	client_open(&c);
	peer_message(c.peer, msg, PEER_CHUNK - 5, 1, 1);	/* framed: "1-1 ", newline */
	assert_int_equal(c.peer->buf.len, PEER_CHUNK);
	peer_end(c.peer);
	one_round();
	assert_int_equal(c.largest, PEER_CHUNK);
	assert_int_equal(c.finished, 1);
	close(c.reader);
}

/* Nothing waits when it ends. */
static void
end_empty(void **state)
{
	struct client	c;

	(void)state;
	client_open(&c);
	peer_end(c.peer);
	peer_message(c.peer, "late", 4, 7, 3);		/* after the end: dropped */
	peer_ping(c.peer);
	one_round();
	assert_int_equal(c.finished, 1);
	assert_string_equal(client_read(&c), "end\n");
	close(c.reader);
}

/* Queues messages until the socket, which nobody reads, has been full for a while. */
static size_t
fill(struct client *c, size_t waiting)
{
	static char	kib[1024];
	size_t		total = 0;

	memset(kib, 'x', sizeof(kib));
	while (c->peer->buf.len < waiting) {
		while (c->peer->buf.len < waiting) {
			peer_message(c->peer, kib, sizeof(kib), 1, 1);
			total++;
		}
		run_for(5);
	}
	c->drained = 0;			/* as it was while the socket still took some */
	return total;
}

/*
 * A client that does not read costs no rounds and blocks nobody; when it reads again, everything
 * comes.
 */
static void
slow_reader(void **state)
{
	struct client	slow, other;
	size_t		messages, n = 0;
	const char	*p;
	int		before;

	(void)state;
	client_open(&slow);
	client_open(&other);
	messages = fill(&slow, 100000);
	assert_true(peer_is_high(slow.peer));
	assert_true(slow.largest <= PEER_CHUNK);
	before = rounds;
	run_for(200);
	assert_in_range(rounds - before, 1, 3);

	peer_message(other.peer, "hi", 2, 2, 1);
	peer_message(slow.peer, "more", 4, 1, 1);
	one_round();
	assert_string_equal(client_read(&other), "2-1 hi\n");
	assert_int_equal(slow.drained, 0);

	while (slow.peer->buf.len > 0) {
		for (p = client_read(&slow); *p != '\0'; p++)
			n += *p == '\n';
		run_for(5);
	}
	assert_int_equal(slow.drained, 1);
	assert_true(slow.left < PEER_HIGH / 4);
	for (p = client_read(&slow); *p != '\0'; p++)
		n += *p == '\n';
	assert_int_equal(n, messages + 1);
	assert_true(slow.peer->buf.size <= PEER_KEEP);
	before = rounds;
	run_for(200);
	assert_in_range(rounds - before, 1, 3);

	peer_end(slow.peer);
	peer_end(other.peer);
	one_round();
	assert_int_equal(slow.finished + other.finished, 2);
	close(slow.reader);
	close(other.reader);
}

/* The end waits for the buffer, and then for room for finish()'s own last bytes. */
static void
end_slow(void **state)
{
	struct client	c;
	size_t		n = 0;
	const char	*end = "";

	(void)state;
	client_open(&c);
	fill(&c, 20000);
	peer_end(c.peer);
	run_for(20);
	assert_int_equal(c.finished, 0);
	while (c.finished == 0 && n++ < 1000) {
		client_read(&c);
		run_for(5);
	}
	assert_int_equal(c.finished, 1);
	end = client_read(&c);
	assert_string_equal(end + strlen(end) - 4, "end\n");
	assert_int_equal(c.drained, 0);		/* its owner has forgotten it */
	close(c.reader);
}

static void
end_now(struct client *c)
{
	if (c->peer != NULL)
		peer_end(c->peer);
}

static void
leave_now(struct client *c)
{
	peer_leave(c->peer);
}

static void
leaves(void **state)
{
	struct client	c;

	(void)state;
	client_open(&c);			/* while nothing is said */
	close(c.reader);
	run_for(5);
	assert_int_equal(c.finished, 2);
	assert_int_equal(c.gone, 1);

	client_open(&c);			/* in the middle of a stream */
	c.then = end_now;			/* its owner wants to end it meanwhile */
	peer_message(c.peer, "one", 3, 7, 1);
	one_round();
	peer_message(c.peer, "two", 3, 7, 2);
	close(c.reader);
	run_for(5);
	assert_int_equal(c.finished, 2);
	assert_int_equal(c.gone, 1);

	client_open(&c);			/* while it is slow */
	fill(&c, 100000);
	close(c.reader);
	run_for(5);
	assert_int_equal(c.finished, 2);
	assert_int_equal(c.gone, 1);

	client_open(&c);			/* after the end, unread */
	fill(&c, 100000);
	peer_end(c.peer);
	close(c.reader);
	run_for(5);
	assert_int_equal(c.finished, 2);
	assert_int_equal(c.gone, 0);

	client_open(&c);			/* half, which no FastCGI client does */
	shutdown(c.reader, SHUT_WR);
	run_for(5);
	assert_int_equal(c.finished, 2);
	close(c.reader);

	client_open(&c);			/* seen by the owner */
	c.then = leave_now;
	peer_message(c.peer, "one", 3, 7, 1);
	peer_leave(c.peer);
	assert_int_equal(c.finished, 2);
	assert_int_equal(c.gone, 1);
	one_round();
	close(c.reader);
}

static ssize_t
write_fails(struct peer *p, const char *data, size_t n)
{
	(void)p, (void)data, (void)n;
	return -1;
}

static void
write_failure(void **state)
{
	static struct peer_ops	failing;
	struct client		c;

	(void)state;
	failing = ops;
	failing.write = write_fails;
	client_open(&c);
	c.peer->ops = &failing;
	peer_message(c.peer, "one", 3, 7, 1);
	one_round();
	assert_int_equal(c.finished, 2);
	assert_int_equal(c.gone, 1);
	close(c.reader);
}

/* A stream with a hole in it is worse than one that breaks off. */
static void
over_the_cap(void **state)
{
	struct client	c;
	char		big[20000];

	(void)state;
	memset(big, 'x', sizeof(big));
	client_open(&c);
	c.peer->buf.cap = 6000;
	peer_message(c.peer, big, sizeof(big), 7, 1);
	peer_message(c.peer, big, sizeof(big), 7, 2);
	assert_int_equal(c.finished, 0);		/* not under its owner's hands */
	one_round();
	assert_int_equal(c.finished, 2);
	assert_int_equal(c.gone, 1);
	assert_string_equal(client_read(&c), "");
	close(c.reader);
}

static struct client	*victim;

static void
refill(struct client *c)
{
	char	big[PEER_HIGH * 3 / 4];	/* it stays below */

	memset(big, 'y', sizeof(big));
	peer_message(c->peer, big, sizeof(big), 1, 1);
}

static void
leave_victim(struct client *c)
{
	(void)c;
	if (victim->peer != NULL)
		peer_leave(victim->peer);
}

static void
tell_victim(struct client *c)
{
	(void)c;
	peer_message(victim->peer, "now", 3, 1, 1);
}

static void
drain(struct client *c)
{
	int	i;

	for (i = 0; i < 1000 && c->drained == 0; i++) {
		client_read(c);
		run_for(5);
	}
	assert_int_equal(c->drained, 1);
}

/* What an owner may do when told that its peer has drained, in the midst of a flush. */
static void
from_drained(void **state)
{
	struct client	c, v;

	(void)state;
	client_open(&c);			/* queue more: goes out in later rounds */
	c.then = refill;
	fill(&c, 100000);
	drain(&c);
	while (c.peer->buf.len > 0) {
		client_read(&c);
		run_for(5);
	}
	assert_string_equal(client_read(&c) + strlen(client_read(&c)), "");
	peer_leave(c.peer);
	close(c.reader);

	client_open(&c);			/* end */
	c.then = end_now;
	fill(&c, 100000);
	drain(&c);
	while (c.finished == 0) {
		client_read(&c);
		run_for(5);
	}
	assert_int_equal(c.finished, 1);
	close(c.reader);

	client_open(&c);			/* leave */
	c.then = leave_now;
	fill(&c, 100000);
	drain(&c);
	assert_int_equal(c.finished, 2);
	close(c.reader);
	c.then = NULL;

	victim = &v;				/* write to another, which had nothing to say */
	client_open(&v);
	client_open(&c);
	c.then = tell_victim;
	fill(&c, 100000);
	drain(&c);
	run_for(5);
	assert_string_equal(client_read(&v), "1-1 now\n");
	c.then = NULL;
	peer_leave(v.peer);
	peer_leave(c.peer);
	close(v.reader);
	close(c.reader);

	victim = &v;				/* make another leave that waits in this flush */
	client_open(&v);
	client_open(&c);
	c.then = leave_victim;
	fill(&c, 100000);
	while (c.drained == 0) {
		client_read(&c);
		if (v.peer != NULL)
			peer_message(v.peer, "z", 1, 1, 1);
		run_for(5);
	}
	assert_int_equal(v.finished, 2);
	peer_leave(c.peer);
	close(c.reader);
	close(v.reader);
}

#define MANY	400

/* Many streams, some of which leave: the others get all of theirs, in order, one write a round. */
static void
many(void **state)
{
	static struct client	c[MANY];
	char			expected[64], msg[16];
	int			i, n;

	(void)state;
	for (i = 0; i < MANY; i++)
		client_open(&c[i]);
	for (n = 1; n <= 10; n++) {
		for (i = 0; i < MANY; i++)
			if (c[i].peer != NULL) {
				snprintf(msg, sizeof(msg), "m%d", n);
				peer_message(c[i].peer, msg, strlen(msg), i, n);
			}
		for (i = n; i < MANY; i += 40)
			close(c[i].reader);
		one_round();
		for (i = 0; i < MANY; i++)
			if (i % 40 == 0 || i % 40 > n) {
				snprintf(expected, sizeof(expected), "%d-%d m%d\n", i, n, n);
				assert_string_equal(client_read(&c[i]), expected);
				assert_int_equal(c[i].writes, n);
				assert_true(c[i].peer->buf.size <= PEER_KEEP);
			}
	}
	run_for(10);
	for (i = 0; i < MANY; i++)
		if (i % 40 >= 1 && i % 40 <= 10) {
			assert_int_equal(c[i].finished, 2);
			assert_int_equal(c[i].gone, 1);
		} else
			peer_end(c[i].peer);
	one_round();
	for (i = 0; i < MANY; i++)
		if (i % 40 < 1 || i % 40 > 10) {
			assert_int_equal(c[i].finished, 1);
			assert_string_equal(client_read(&c[i]), "end\n");
			close(c[i].reader);
		}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* It outlives its owners, hears what its client says, and ends by its own word or the client's. */
static void
stays(void **state)
{
	struct client	c;

	(void)state;
	came = rested = 0;
	client_open(&c);
	c.peer->ops = &staying_ops;
	peer_heed(c.peer, EPOLLIN | EPOLLRDHUP);
	peer_message(c.peer, "one", 3, 7, 1);
	peer_end(c.peer);
	assert_int_equal(rested, 1);
	one_round();
	assert_string_equal(client_read(&c), "7-1 one\n");
	assert_int_equal(c.finished, 0);
	assert_null(c.peer->owner);
	/* The next owner joins it again, which is nothing to the loop. */
	c.peer->owner = &c;
	c.peer->on_gone = on_gone;
	peer_join(peers, c.peer);
	assert_int_equal(write(c.reader, "x", 1), 1);
	run_for(20);
	assert_int_equal(came, 1);
	peer_heed(c.peer, 0);
	assert_int_equal(write(c.reader, "x", 1), 1);
	run_for(20);
	assert_int_equal(came, 1);
	peer_unheed(c.peer);
	shutdown(c.reader, SHUT_WR);
	run_for(20);
	assert_int_equal(came, 1);
	peer_heed(c.peer, EPOLLIN | EPOLLRDHUP);
	run_for(20);
	assert_int_equal(came, 3);
	assert_int_equal(c.gone, 1);
	assert_int_equal(c.finished, 2);
	close(c.reader);

	client_open(&c);
	c.peer->ops = &staying_ops;
	peer_message(c.peer, "last", 4, 7, 1);
	peer_close(c.peer);
	assert_int_equal(c.gone, 1);
	one_round();
	assert_int_equal(c.finished, 1);
	assert_string_equal(client_read(&c), "7-1 last\nend\n");
	close(c.reader);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(stream),
		TEST(end_full),
		TEST(end_empty),
		TEST(slow_reader),
		TEST(end_slow),
		TEST(leaves),
		TEST(write_failure),
		TEST(over_the_cap),
		TEST(from_drained),
		TEST(many),
		TEST(stays),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
