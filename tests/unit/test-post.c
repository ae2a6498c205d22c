/* post: letters between workers, and what is not one. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
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

#include "base/loop.h"
#include "core/post.h"
#include "core/spool.h"

static char	 top[] = "/tmp/parley-post-XXXXXX";
static char	 dir[256];		/* longer than an address may be */

struct box {
	struct loop	*loop;
	struct spool	*spool;
	struct post	*post;
	int		 letters, until;
	int32_t		 kind;
	int64_t		 from, sum, last;
	size_t		 turns;
};

static int
begin(void **state)
{
	(void)state;
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(dir, sizeof(dir), "%s/%0200d", top, 0);
	return mkdir(dir, 0700);
}

static int
end(void **state)
{
	(void)state;
	return rmdir(dir) == -1 ? -1 : rmdir(top);
}

static void
on_letter(void *arg, const struct post_letter *l)
{
	struct box	*b = arg;

	b->kind = l->kind;
	b->from = l->from;
	for (int i = 0; i < l->n; i++) {
		assert_true(l->turns[i] > b->last);		/* in the order sent */
		b->sum += b->last = l->turns[i];
	}
	b->turns += (size_t)l->n;
	if (++b->letters == b->until)
		loop_stop(b->loop);
}

static void
box_open(struct box *b, int64_t id)
{
	*b = (struct box){ .loop = loop_new(), .spool = spool_open(dir, id, 0) };
	assert_non_null(b->spool);
	b->post = post_open(b->loop, dir, id, on_letter, b);
	assert_non_null(b->post);
}

static void
box_close(struct box *b)
{
	post_close(b->post);
	spool_close(b->spool);
	loop_free(b->loop);
}

/* Runs its loop until so many letters came, all in all. */
static void
box_read(struct box *b, int until)
{
	b->until = until;
	if (b->letters < until)
		loop_run(b->loop);
}

static void
test_letters(void **state)
{
	struct box	 a, b;
	struct stat	 st;
	char		 path[400];
	int64_t		 turns[1234], sum = 0;

	(void)state;
	assert_null(post_open(NULL, dir, 9, on_letter, NULL));	/* no such spool */
	assert_int_equal(errno, ENOENT);
	box_open(&a, 1);
	box_open(&b, 2);
	snprintf(path, sizeof(path), "%s/%014llx/post", dir, 2ULL);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_null(post_open(b.loop, dir, 2, on_letter, NULL));	/* taken */

	for (int i = 0; i < 1234; i++)
		sum += turns[i] = i + 1;
	assert_int_equal(post_send(a.post, 2, POST_FOLLOW, turns, 1), 0);
	box_read(&b, 1);
	assert_int_equal(b.kind, POST_FOLLOW);
	assert_int_equal(b.from, 1);
	assert_int_equal(b.turns, 1);
	assert_int_equal(b.sum, 1);
	assert_int_equal(post_send(a.post, 2, POST_NEWS, turns, 0), 0);	/* no news: no letter */
	assert_int_equal(post_send(a.post, 2, POST_NEWS, turns + 1, 1233), 0);
	box_read(&b, 4);					/* 500 each */
	assert_int_equal(b.kind, POST_NEWS);
	assert_int_equal(b.turns, 1234);
	assert_int_equal(b.sum, sum);
	b.last = 0;
	assert_int_equal(post_once(dir, 2, POST_STOP, turns, 500), 0);
	box_read(&b, 5);
	assert_int_equal(b.kind, POST_STOP);
	assert_int_equal(b.from, 0);
	b.last = 0;
	assert_int_equal(post_send(b.post, 2, POST_LEAVE, turns, 1), 0);	/* to itself */
	box_read(&b, 6);
	assert_int_equal(b.kind, POST_LEAVE);
	assert_int_equal(b.from, 2);

	assert_int_equal(post_send(a.post, 3, POST_NEWS, turns, 1), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(post_once("/nowhere", 2, POST_NEWS, turns, 1), -1);
	assert_int_equal(errno, ENOENT);
	box_close(&b);
	assert_int_equal(post_send(a.post, 2, POST_NEWS, turns, 1), -1);
	assert_int_equal(errno, ENOENT);
	box_close(&a);
	post_close(NULL);
}

/* A full box blocks nobody, and what was in it arrives. */
static void
test_full_box(void **state)
{
	struct box	 a, b;
	int64_t		 turn = 1;
	int		 sent = 0;

	(void)state;
	box_open(&a, 1);
	box_open(&b, 2);
	while (sent < 100000 && post_send(a.post, 2, POST_NEWS, &turn, 1) == 0) {
		sent++;
		turn++;
	}
	assert_int_equal(errno, EAGAIN);
	assert_in_range(sent, 5, 99999);
	box_read(&b, sent);
	assert_int_equal(b.letters, sent);
	assert_int_equal(post_send(a.post, 2, POST_NEWS, &turn, 1), 0);
	box_read(&b, sent + 1);
	box_close(&a);
	box_close(&b);
}

/* Into the box of worker 2, whose path needs a shorter name for that. */
static void
throw_in(const void *p, size_t n)
{
	struct sockaddr_un	 to = { .sun_family = AF_UNIX };
	int			 fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char			 target[300], name[64];

	snprintf(target, sizeof(target), "%s/%014llx/post", dir, 2ULL);
	snprintf(name, sizeof(name), "%s/box", top);
	assert_int_equal(symlink(target, name), 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", name);
	assert_int_equal(sendto(fd, p, n, 0, (struct sockaddr *)&to, sizeof(to)), n);
	unlink(name);
	close(fd);
}

static void
test_no_letters(void **state)
{
	static const struct {
		int32_t	kind, n;
		size_t	len;
	}			cases[] = {
		{ POST_NEWS, 1, 0 }, { POST_NEWS, 1, 1 }, { POST_NEWS, 1, 8 }, { POST_NEWS, 1, 23 },
		{ POST_NEWS, 1, 16 },				/* one turn too few, */
		{ POST_NEWS, 1, 32 },				/* and one too many */
		{ POST_NEWS, 1, sizeof(struct post_letter) },
		{ POST_NEWS, 0, 16 }, { POST_NEWS, -1, 8 }, { POST_NEWS, INT32_MIN, 16 },
		{ POST_NEWS, POST_TURNS + 1, sizeof(struct post_letter) + 8 },
		{ 0, 1, 24 }, { POST_STOP + 1, 1, 24 }, { -1, 1, 24 },
	};
	struct box		b;
	int64_t			raw[POST_TURNS + 8] = { 0 }, turn = 1;

	(void)state;
	box_open(&b, 2);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		memcpy(raw, &cases[i], 2 * sizeof(int32_t));
		throw_in(raw, cases[i].len);
		assert_int_equal(post_once(dir, 2, POST_STOP, &turn, 1), 0);
		box_read(&b, (int)i + 1);		/* they come in order */
		assert_int_equal(b.turns, i + 1);
		assert_int_equal(b.last, turn++);
	}
	box_close(&b);
}

static void *
send_some(void *arg)
{
	struct box	*b = arg;

	for (int64_t turn = 1; turn <= 1000;)
		if (post_send(b->post, 2, POST_NEWS, &turn, 1) == 0)
			turn++;
		else if (errno != EAGAIN)
			return NULL;
	return b;
}

static void
test_other_thread(void **state)
{
	struct box	 a, b;
	pthread_t	 t;
	void		*sent;

	(void)state;
	box_open(&a, 1);
	box_open(&b, 2);
	assert_int_equal(pthread_create(&t, NULL, send_some, &a), 0);
	box_read(&b, 1000);
	pthread_join(t, &sent);
	assert_non_null(sent);
	assert_int_equal(b.sum, 500500);
	box_close(&a);
	box_close(&b);
}

/* A dead worker's box goes with its directory. */
static void
test_goes_with_the_spool(void **state)
{
	struct box	 b;
	int64_t		 turn = 1;

	(void)state;
	box_open(&b, 2);
	spool_close(b.spool);
	b.spool = NULL;
	assert_int_equal(post_once(dir, 2, POST_STOP, &turn, 1), -1);
	assert_int_equal(errno, ENOENT);
	box_close(&b);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_full_box),
		cmocka_unit_test(test_no_letters),
		cmocka_unit_test(test_other_thread),
		cmocka_unit_test(test_goes_with_the_spool),
	};

	return cmocka_run_group_tests_name("post", tests, begin, end);
}
