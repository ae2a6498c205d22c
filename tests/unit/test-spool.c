/*
 * spool: what is written is read back, damage stops a scan, segments go when nobody needs them,
 * the lock tells the dead.
 */
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

#include "core/spool.h"
#include "core/spool_file.h"

static char	 dir[] = "/tmp/parley-spool-XXXXXX";

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static void
say(struct spool *s, int64_t turn, enum spool_kind kind, const char *text, uint64_t *last)
{
	spool_add(s, &(struct spool_record){ .turn = turn, .lane = 3, .kind = kind, .flags = 5, .at_ms = 77,
	    .data = text, .len = strlen(text) }, last);
}

static void
test_chain(void **state)
{
	struct spool		*s = spool_open(dir, 10, 0);
	struct spool_record	 r;
	struct arena		*a = arena_new(0);
	uint64_t		 one = 0, two = 0, first;

	(void)state;
	assert_non_null(s);
	say(s, 1, SPOOL_BEGIN, "arena 1 zh", &one);
	first = one;
	say(s, 2, SPOOL_BEGIN, "x", &two);
	say(s, 1, SPOOL_DELTA, "你好", &one);
	assert_int_equal(spool_read(s, one, a, &r), -1);	/* still queued */
	assert_int_equal(spool_write(s), 0);

	assert_int_equal(spool_read(s, one, a, &r), 0);
	assert_int_equal(r.turn, 1);
	assert_int_equal(r.lane, 3);
	assert_int_equal(r.kind, SPOOL_DELTA);
	assert_int_equal(r.flags, 5);
	assert_int_equal(r.at_ms, 77);
	assert_int_equal(r.len, 6);
	assert_memory_equal(r.data, "你好", 6);
	assert_true(r.prev == first);
	assert_int_equal(spool_read(s, r.prev, a, &r), 0);
	assert_string_equal(r.data, "arena 1 zh");
	assert_true(r.prev == 0);
	assert_int_equal(spool_read(s, one + 8, a, &r), -1);	/* no head there */

	spool_turn_done(s, first);
	spool_turn_done(s, two);
	spool_close(s);
	arena_free(a);
}

struct seen {
	int	 n;
	char	 all[256];
};

static int
see(void *arg, const struct spool_record *r)
{
	struct seen	*v = arg;

	v->n++;
	strncat(v->all, r->data, r->len);
	return 0;
}

struct orphan {
	int	 n, keep;
	int64_t	 id;
	struct seen seen;
};

static int
find(void *arg, const char *path, int64_t id)
{
	struct orphan	*o = arg;

	o->n++;
	o->id = id;
	assert_int_equal(spool_scan(path, see, &o->seen), 0);
	return o->keep ? -1 : 0;
}

static void
test_orphan(void **state)
{
	struct spool	*s = spool_open(dir, 20, 0);
	struct orphan	 o = { .keep = 1 };
	char		 path[128];
	uint64_t	 last = 0;
	int		 fd;

	(void)state;
	assert_non_null(s);
	assert_null(spool_open(dir, 20, 0));			/* the name is taken */
	say(s, 1, SPOOL_BEGIN, "a", &last);
	say(s, 1, SPOOL_DELTA, "b", &last);
	assert_int_equal(spool_write(s), 0);
	assert_int_equal(spool_orphans(dir, find, &o), 0);	/* its worker lives */
	spool_close(s);						/* and leaves with a turn running */

	assert_int_equal(spool_orphans(dir, find, &o), 1);
	assert_int_equal(o.id, 20);
	assert_int_equal(o.seen.n, 2);
	assert_string_equal(o.seen.all, "ab");

	/* A torn last record ends the scan before it. */
	snprintf(path, sizeof path, "%s/00000000000014/00000001.seg", dir);
	fd = open(path, O_WRONLY);
	assert_true(fd != -1);
	assert_int_equal(pwrite(fd, "half a record", 13, SPOOL_MAGIC_LEN + 2 * 48), 13);
	close(fd);
	o = (struct orphan){ .keep = 0 };
	assert_int_equal(spool_orphans(dir, find, &o), 1);
	assert_int_equal(o.seen.n, 2);

	o = (struct orphan){ .keep = 0 };
	assert_int_equal(spool_orphans(dir, find, &o), 0);	/* stored: gone */
}

static void
test_segments(void **state)
{
	struct spool		*s = spool_open(dir, 30, 1000);
	struct spool_record	 r;
	struct arena		*a = arena_new(0);
	char			*big = calloc(1, (20 << 20) + 1);
	uint64_t		 old = 0, new = 0, first;

	(void)state;
	memset(big, 'x', 20 << 20);
	spool_sweep(s, 1000);
	say(s, 1, SPOOL_BEGIN, "old", &old);
	first = old;
	for (int i = 0; i < 4; i++) {
		say(s, 1, SPOOL_DELTA, big, &old);
		assert_int_equal(spool_write(s), 0);
	}
	say(s, 2, SPOOL_BEGIN, "new", &new);
	assert_int_equal(spool_write(s), 0);
	assert_true(spool_bytes(s) > 80u << 20);
	assert_true(new >> 32 == 2);				/* past 64 MiB a new one began */

	spool_turn_done(s, first);
	spool_sweep(s, 1500);					/* kept for those who still read */
	assert_int_equal(spool_read(s, first, a, &r), 0);
	spool_sweep(s, 2500);
	assert_int_equal(spool_read(s, first, a, &r), -1);
	assert_int_equal(spool_read(s, new, a, &r), 0);		/* a turn that runs holds its own */

	spool_turn_done(s, new);
	spool_sweep(s, 9000);
	assert_true(spool_bytes(s) == SPOOL_MAGIC_LEN);		/* nothing is left */
	assert_int_equal(spool_sync(s), 0);
	spool_close(s);
	arena_free(a);
	free(big);
}

/* Segments in which no turn began go with the one before. */
static void
test_long_turn(void **state)
{
	struct spool	*s = spool_open(dir, 14, 0);
	char		*big = calloc(1, (20 << 20) + 1);
	uint64_t	 old = 0, new = 0, first;

	(void)state;
	memset(big, 'x', 20 << 20);
	say(s, 1, SPOOL_BEGIN, "old", &old);
	first = old;
	while (old >> 32 < 4) {
		say(s, 1, SPOOL_DELTA, big, &old);
		assert_int_equal(spool_write(s), 0);
	}
	say(s, 2, SPOOL_BEGIN, "new", &new);
	spool_turn_done(s, first);
	spool_turn_done(s, new);
	assert_int_equal(spool_write(s), 0);
	spool_sweep(s, 1000);
	assert_true(spool_bytes(s) == SPOOL_MAGIC_LEN);
	spool_close(s);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_orphan),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_long_turn),
	};

	return cmocka_run_group_tests_name("spool", tests, make_dir, remove_dir);
}
