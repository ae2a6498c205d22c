#include <sys/epoll.h>
#include <sys/socket.h>

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

#include "base/clock.h"
#include "base/loop.h"

static char	trace[4096];		/* what happened, in order */

static void
note(void *arg)
{
	strncat(trace, arg, sizeof(trace) - strlen(trace) - 1);
}

static void
stop(void *arg)
{
	loop_stop(arg);
}

/* Both ends of a socketpair, the first one watched. */
struct end {
	struct watch	 watch;		/* first */
	int		 other;
	struct loop	*loop;
	struct end	*victim;	/* deleted when this one's event comes */
	char		 name[2];
	uint32_t	 seen;
};

static void
on_end(struct watch *w, uint32_t events)
{
	struct end	*e = (struct end *)w;
	char		 buf[64];

	note(e->name);
	e->seen |= events;
	if (events & EPOLLIN && read(w->fd, buf, sizeof(buf)) == 0)
		loop_del(e->loop, w);
	if (e->victim != NULL)
		loop_del(e->loop, &e->victim->watch);
}

static void
end_open(struct loop *l, struct end *e, char name)
{
	int	fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	*e = (struct end){
		.watch = { fd[0], on_end }, .other = fd[1], .loop = l, .name = { name, 0 },
	};
	loop_add(l, &e->watch, EPOLLIN | EPOLLRDHUP);
}

static void
end_close(struct end *e)
{
	close(e->watch.fd);
	if (e->other != -1)
		close(e->other);
}

static void
poke(struct end *e)
{
	assert_int_equal(write(e->other, "x", 1), 1);
}

/* One round with what is ready, then stop. */
static void
round_of(struct loop *l)
{
	loop_post(l, stop, l);
	loop_run(l);
}

static int
setup(void **state)
{
	trace[0] = '\0';
	*state = loop_new();
	return 0;
}

static int
teardown(void **state)
{
	loop_free(*state);
	return 0;
}

static void
events(void **state)
{
	struct loop	*l = *state;
	struct end	 a, b;

	end_open(l, &a, 'a');
	end_open(l, &b, 'b');
	poke(&a);
	round_of(l);
	assert_string_equal(trace, "a");
	assert_int_equal(a.seen, EPOLLIN);
	poke(&b);
	poke(&a);
	round_of(l);
	assert_int_equal(strlen(trace), 3);

	loop_mod(l, &b.watch, EPOLLOUT);
	trace[0] = '\0';
	round_of(l);
	assert_string_equal(trace, "b");
	assert_true(b.seen & EPOLLOUT);
	loop_mod(l, &b.watch, EPOLLIN);

	close(a.other);
	a.other = -1;
	round_of(l);
	assert_true(a.seen & EPOLLRDHUP);
	trace[0] = '\0';
	round_of(l);			/* it has deleted itself */
	assert_string_equal(trace, "");

	loop_del(l, &a.watch);		/* a second time does no harm */
	loop_add(l, &b.watch, EPOLLOUT);	/* and this one is there */
	round_of(l);
	assert_string_equal(trace, "b");
	loop_del(l, &b.watch);
	loop_mod(l, &b.watch, EPOLLOUT);	/* and this one is not */
	round_of(l);
	assert_string_equal(trace, "bb");
	end_close(&a);
	end_close(&b);
}

/* Of three that are ready in a round, whoever comes first deletes the others. */
static void
deleted_in_round(void **state)
{
	struct loop	*l = *state;
	struct end	 e[3];
	int		 i;

	for (i = 0; i < 3; i++)
		end_open(l, &e[i], (char)('a' + i));
	e[0].victim = &e[1];
	e[1].victim = &e[0];
	poke(&e[0]);
	poke(&e[1]);
	poke(&e[2]);
	round_of(l);
	assert_int_equal(strlen(trace), 2);
	assert_true((strchr(trace, 'a') == NULL) != (strchr(trace, 'b') == NULL));
	assert_non_null(strchr(trace, 'c'));

	for (i = 0; i < 3; i++)
		end_close(&e[i]);
}

/* Posts from within: the next round, in order. */
struct chain {
	struct loop	*loop;
	int		 left;
};

static void
link_up(void *arg)
{
	static char	 dot[] = ".";
	struct chain	*c = arg;

	note((char[]){ (char)('0' + c->left), 0 });
	if (c->left-- > 0) {
		loop_post(c->loop, link_up, c);
		loop_post(c->loop, note, dot);
	} else
		loop_stop(c->loop);
}

static void
posts(void **state)
{
	struct loop	*l = *state;
	struct chain	 c = { l, 0 };

	loop_post(l, note, (char[]){ "x" });
	loop_post(l, note, (char[]){ "y" });
	loop_post(l, link_up, &c);
	loop_post(l, note, (char[]){ "z" });
	loop_run(l);
	assert_string_equal(trace, "xy0z");
}

static void
posts_within(void **state)
{
	struct loop	*l = *state;
	struct chain	 c = { l, 3 };

	loop_post(l, link_up, &c);
	loop_run(l);
	assert_string_equal(trace, "32.1.0.");
}

#define THREADS	4
#define POSTS	20000

struct sender {
	struct loop	*loop;
	int		*last;		/* the last of this sender's numbers that came */
	int		*left;		/* of all senders */
};

struct letter {
	struct sender	*from;
	int		 number;
};

static struct letter	letters[THREADS][POSTS];

static void
receive(void *arg)
{
	struct letter	*m = arg;

	assert_int_equal(m->number, *m->from->last + 1);
	*m->from->last = m->number;
	if (--*m->from->left == 0)
		loop_stop(m->from->loop);
}

static void *
send_all(void *arg)
{
	struct letter	*m = arg;
	int		 i;

	for (i = 0; i < POSTS; i++)
		loop_post(m->from->loop, receive, &m[i]);
	return NULL;
}

static void
posts_from_threads(void **state)
{
	static struct sender	s[THREADS];
	pthread_t		thread[THREADS];
	int			last[THREADS], left = THREADS * POSTS, i, j;

	for (i = 0; i < THREADS; i++) {
		last[i] = -1;
		s[i].loop = *state;
		s[i].last = &last[i];
		s[i].left = &left;
		for (j = 0; j < POSTS; j++)
			letters[i][j] = (struct letter){ &s[i], j };
		pthread_create(&thread[i], NULL, send_all, letters[i]);
	}
	loop_run(*state);
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(left, 0);
}

static void
alarm_within(void *arg)
{
	note((char[]){ "A" });
	loop_alarm(arg, 10, stop, arg);
}

static void
alarms(void **state)
{
	struct loop	*l = *state;
	int64_t		 begin = clock_mono_ms();

	loop_alarm(l, 5, note, (char[]){ "never" });
	loop_alarm(l, 30, stop, l);		/* the later call counts */
	loop_run(l);
	assert_in_range(clock_mono_ms() - begin, 30, 500);
	assert_string_equal(trace, "");

	loop_alarm(l, 0, alarm_within, l);	/* once, and it may set the next */
	begin = clock_mono_ms();
	loop_run(l);
	assert_in_range(clock_mono_ms() - begin, 10, 400);
	assert_string_equal(trace, "A");

	loop_alarm(l, 0, note, (char[]){ "never" });
	loop_alarm(l, -1, NULL, NULL);
	round_of(l);
	round_of(l);
	assert_string_equal(trace, "A");

	loop_alarm(l, 0, note, (char[]){ "1" });
	round_of(l);
	round_of(l);
	round_of(l);
	assert_string_equal(trace, "A1");
}

struct ticks {
	struct loop	*loop;
	int		 n, rounds;
	int64_t		 last;
};

static void
on_tick(void *arg)
{
	struct ticks	*t = arg;

	assert_true(loop_now(t->loop) - t->last >= 99);
	t->last = loop_now(t->loop);
	if (++t->n == 3)
		loop_stop(t->loop);
}

static void
on_round(void *arg)
{
	((struct ticks *)arg)->rounds++;
}

/* The tick comes about every 100 ms, to all its owners, and nothing else makes rounds. */
static void
ticks(void **state)
{
	struct loop	*l = *state;
	struct ticks	 t = { .loop = l, .last = clock_mono_ms() };
	int64_t		 begin = t.last;

	loop_on_tick(l, on_tick, &t);
	loop_on_tick(l, note, (char[]){ "t" });
	loop_on_round(l, on_round, &t);
	loop_run(l);
	assert_in_range(clock_mono_ms() - begin, 300, 900);
	assert_string_equal(trace, "ttt");
	assert_in_range(t.rounds, 3, 5);
}

static void
rounds(void **state)
{
	struct loop	*l = *state;

	loop_on_round(l, note, (char[]){ "1" });
	loop_on_round(l, note, (char[]){ "2" });
	loop_post(l, note, (char[]){ "p" });
	round_of(l);
	assert_string_equal(trace, "p12");
	round_of(l);
	assert_string_equal(trace, "p1212");
}

static void
times(void **state)
{
	struct loop	*l = *state;
	int64_t		 now = loop_now(l), wall = loop_wall(l);

	assert_in_range(clock_mono_ms() - now, 0, 500);
	assert_in_range(clock_ms() - wall, 0, 500);
	usleep(20000);
	assert_int_equal(loop_now(l), now);		/* once per round */
	assert_int_equal(loop_wall(l), wall);
	round_of(l);
	assert_in_range(loop_now(l) - now, 20, 500);
	assert_in_range(loop_wall(l) - wall, 19, 500);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(events),
		TEST(deleted_in_round),
		TEST(posts),
		TEST(posts_within),
		TEST(posts_from_threads),
		TEST(alarms),
		TEST(ticks),
		TEST(rounds),
		TEST(times),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
