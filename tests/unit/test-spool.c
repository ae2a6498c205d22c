/*
 * spool: segments and directories go when nobody needs them any more; what a dead worker left is
 * gone on with; a full disk loses nothing; the lock tells the dead.
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "core/spool.h"
#include "core/spool_file.h"
#include "core/spool_reader.h"
#include "spooled.h"

#define MIB	((size_t)1 << 20)

static char	log_file[64];

static int
begin(void **state)
{
	if (spooled_begin(state) == -1)
		return -1;
	signal(SIGXFSZ, SIG_IGN);
	snprintf(log_file, sizeof(log_file), "%s.log", spooled_dir);
	log_open(log_file, LOG_INFO_);
	return 0;
}

/* Every test takes away what it made. */
static int
end(void **state)
{
	unlink(log_file);
	return spooled_end(state);
}

static int
log_lines(const char *with)
{
	char	 line[4096];
	FILE	*f = fopen(log_file, "r");
	int	 n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, with) != NULL;
	fclose(f);
	return n;
}

static int
none(void *arg, const char *path, int64_t id)
{
	(void)arg, (void)path, (void)id;
	return 0;
}

/* Takes away what a test left behind in directories without an owner. */
static void
clean(void)
{
	spool_orphans(spooled_dir, 0, none, NULL, NULL);
}

static void
test_segments(void **state)
{
	struct spool		*s = spool_open(spooled_dir, 30, 1000);
	struct spool_chain	 old = { 0 }, new = { 0 };
	char			*big = calloc(20, MIB);
	struct stat		 st;

	(void)state;
	spool_sweep(s, 1000);
	spooled_say(s, 1, SPOOL_BEGIN, "old", &old);
	for (int i = 0; i < 4; i++) {
		spooled_add(s, 1, 0, SPOOL_DELTA, 0, big, 20 * MIB, &old);
		assert_int_equal(spool_write(s), 0);
	}
	spooled_say(s, 2, SPOOL_BEGIN, "new", &new);
	assert_int_equal(spool_write(s), 0);
	assert_true(spool_bytes(s) > 80u << 20);
	assert_int_equal(SPOOL_POS_SEG(new.last), 2);		/* past 64 MiB a new one began */
	/* The old one gave back what it had in reserve, and kept its length. */
	assert_int_equal(stat(spooled_path(30, "00000001.seg"), &st), 0);
	assert_true((uint64_t)st.st_size >= 80 * MIB + SPOOL_AHEAD);
	assert_true((uint64_t)st.st_blocks * 512 < 81 * MIB);
	assert_int_equal(spool_sync(s), 0);

	spool_hold(s, old.first);				/* somebody reads it */
	spool_turn_done(s, old.first);
	spool_sweep(s, 5000);
	assert_true(spooled_exists(30, "00000001.seg"));
	spool_turn_done(s, old.first);
	spool_sweep(s, 5500);					/* kept for those who come back */
	assert_true(spooled_exists(30, "00000001.seg"));
	spool_sweep(s, 6500);
	assert_false(spooled_exists(30, "00000001.seg"));
	assert_true(spooled_exists(30, "00000002.seg"));		/* a turn that runs holds its own */

	spool_turn_done(s, new.first);
	spool_turn_done(s, new.first);				/* once too often does no harm */
	spool_hold(s, old.first);				/* nor does what is gone */
	spool_sweep(s, 9000);
	assert_true(spool_bytes(s) == SPOOL_MAGIC_LEN);		/* nothing is left */
	assert_int_equal(spool_sync(s), 0);
	spool_close(s);
	assert_false(spooled_exists(30, ""));
	free(big);
}

/* Segments in which no turn began go with the one before. */
static void
test_long_turn(void **state)
{
	struct spool		*s = spool_open(spooled_dir, 31, 0);
	struct spool_chain	 old = { 0 }, new = { 0 };
	char			*big = calloc(20, MIB);

	(void)state;
	spooled_say(s, 1, SPOOL_BEGIN, "old", &old);
	while (SPOOL_POS_SEG(old.last) < 4) {
		spooled_add(s, 1, 0, SPOOL_DELTA, 0, big, 20 * MIB, &old);
		assert_int_equal(spool_write(s), 0);
	}
	spooled_say(s, 2, SPOOL_BEGIN, "new", &new);
	spool_turn_done(s, old.first);
	spool_turn_done(s, new.first);
	assert_int_equal(spool_write(s), 0);
	spool_sweep(s, 1000);
	assert_true(spool_bytes(s) == SPOOL_MAGIC_LEN);
	spool_close(s);
	free(big);
}

static void
limit_files(rlim_t bytes)
{
	struct rlimit	l;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes < l.rlim_max ? bytes : l.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* A limit on the length of files is to an allocation what a full disk is. */
static void
test_full_disk(void **state)
{
	struct spool		*s = spool_open(spooled_dir, 40, 0);
	struct spool_reader	*sr = spool_reader_new(spooled_dir);
	struct spool_record	 r;
	struct spool_chain	 c = { 0 };
	char			*block = malloc(MIB / 4);
	uint64_t		 full_at, at;
	uint32_t		 n = 0;

	(void)state;
	memset(block, 'x', MIB / 4);
	spooled_say(s, 1, SPOOL_BEGIN, "b", &c);
	limit_files(20 * MIB);
	for (; !spool_full(s) && n < 1000; n++) {
		spooled_add(s, 1, 0, SPOOL_DELTA, 0, block, MIB / 4, &c);
		assert_int_equal(spool_write(s), 0);
	}
	full_at = spool_bytes(s);
	assert_true(full_at > 10 * MIB && full_at < 13 * MIB);
	/* What runs can say some eight MiB more, */
	for (; n < 1000; n++) {
		spooled_add(s, 1, 0, SPOOL_DELTA, 0, block, MIB / 4, &c);
		if (spool_write(s) == -1)
			break;
	}
	assert_true(spool_bytes(s) - full_at > SPOOL_AHEAD - MIB);
	/* and what no longer fits waits. */
	at = c.last;
	spooled_say(s, 1, SPOOL_DELTA, "last", &c);
	spool_sweep(s, 1000);
	assert_int_equal(spool_write(s), -1);
	assert_true(spool_full(s));
	assert_int_equal(spool_reader_get(sr, 40, at, &r), -1);

	limit_files(RLIM_INFINITY);
	assert_true(spool_full(s));
	spool_sweep(s, 2000);
	assert_false(spool_full(s));
	assert_int_equal(spool_write(s), 0);
	assert_int_equal(spool_reader_get(sr, 40, c.last, &r), 0);
	assert_memory_equal(r.data, "last", 4);
	for (at = r.prev; n > 0 && spool_reader_get(sr, 40, at, &r) == 0; at = r.prev) {
		if (r.kind == SPOOL_MARK)
			continue;
		assert_int_equal(r.len, MIB / 4);
		assert_memory_equal(r.data, block, r.len);
		if (r.event == 1)
			break;
	}
	assert_int_equal(r.event, 1);
	assert_int_equal(log_lines("is full"), 1);
	assert_int_equal(log_lines("cannot be written"), 1);
	assert_int_equal(log_lines("room again"), 1);
	spool_turn_done(s, c.first);
	spool_close(s);
	spool_reader_free(sr);
	free(block);
}

/* Where no new segment can have its disk, the old one goes on with what it has. */
static void
test_full_at_rotation(void **state)
{
	struct spool		*s;
	struct spool_chain	 c = { 0 };
	char			*big = calloc(65, MIB);

	(void)state;
	limit_files(4096);
	s = spool_open(spooled_dir, 41, 0);				/* full from the beginning */
	assert_non_null(s);
	assert_true(spool_full(s));
	limit_files(RLIM_INFINITY);
	spool_sweep(s, 1);
	assert_false(spool_full(s));

	spooled_say(s, 1, SPOOL_BEGIN, "b", &c);
	spooled_add(s, 1, 0, SPOOL_DELTA, 0, big, 65 * MIB, &c);
	assert_int_equal(spool_write(s), 0);
	limit_files(MIB);
	for (int i = 0; i < 4; i++) {
		spooled_add(s, 1, 0, SPOOL_DELTA, 0, big, MIB, &c);
		assert_int_equal(spool_write(s), 0);
		assert_int_equal(SPOOL_POS_SEG(c.last), 1);
		assert_true(spool_full(s));
		assert_false(spooled_exists(41, "00000002.seg"));
	}
	limit_files(RLIM_INFINITY);
	spool_sweep(s, 2);
	spooled_add(s, 1, 0, SPOOL_DELTA, 0, big, MIB, &c);
	assert_int_equal(SPOOL_POS_SEG(c.last), 2);
	assert_int_equal(spool_write(s), 0);
	spool_turn_done(s, c.first);
	spool_close(s);
	free(big);
}

struct seen {
	int	 n;
	uint64_t last;
	char	 all[256];
};

static int
see(void *arg, uint64_t pos, const struct spool_record *r)
{
	struct seen	*v = arg;

	assert_true(pos > v->last);
	v->last = pos;
	v->n++;
	strncat(v->all, r->data, r->len);
	return 0;
}

static int
refuse(void *arg, uint64_t pos, const struct spool_record *r)
{
	(void)pos, (void)r;
	++*(int *)arg;
	return -1;
}

struct orphan {
	int		 n, gone, keep;
	int64_t		 id;
	struct spool_chain *chain;	/* adopt it, and go on there */
	const char	*more;
	struct seen	 seen;
};

static int
find(void *arg, const char *path, int64_t id)
{
	struct orphan	*o = arg;
	struct spool	*s;

	o->n++;
	o->id = id;
	if (o->chain != NULL) {
		s = spool_adopt(path);
		assert_non_null(s);
		spooled_say(s, 1, SPOOL_MESSAGE, o->more, o->chain);
		assert_int_equal(spool_write(s), 0);
		spool_close(s);
	}
	assert_int_equal(spool_scan(path, see, &o->seen), 0);
	return o->keep ? -1 : 0;
}

static void
gone(void *arg, int64_t id)
{
	struct orphan	*o = arg;

	o->gone++;
	o->id = id;
}

/* A worker that died with this in its spool. */
static void
leave(int64_t id, struct spool_chain *c, const char *const *said)
{
	struct spool	*s = spool_open(spooled_dir, id, 1000);
	struct orphan	 o = { 0 };

	assert_non_null(s);
	assert_null(spool_open(spooled_dir, id, 0));				/* the name is taken */
	spooled_say(s, 1, SPOOL_BEGIN, "a", c);
	for (; *said != NULL; said++)
		spooled_say(s, 1, SPOOL_DELTA, *said, c);
	assert_int_equal(spool_write(s), 0);
	assert_int_equal(spool_orphans(spooled_dir, 0, find, gone, &o), 0);	/* it lives */
	spool_close(s);							/* with a turn running */
	assert_true(spooled_exists(id, "00000001.seg"));
	assert_false(spooled_exists(id, "recovered"));
}

static void
age(int64_t id, int seconds)
{
	struct timespec	t[2] = { { .tv_sec = time(NULL) - seconds }, { .tv_sec = time(NULL) - seconds } };

	assert_int_equal(utimensat(AT_FDCWD, spooled_path(id, "recovered"), t, 0), 0);
}

static void
test_orphans(void **state)
{
	struct spool_chain	 c = { 0 };
	struct orphan		 o = { .keep = 1 };
	int			 calls = 0;

	(void)state;
	leave(20, &c, (const char *const[]){ "b", "c", NULL });
	assert_int_equal(spool_orphans(spooled_dir, 60000, find, gone, &o), 1);	/* it could not be stored yet */
	assert_int_equal(o.id, 20);
	assert_string_equal(o.seen.all, "abc");
	assert_true(o.seen.last == c.last);
	assert_int_equal(spool_scan(spooled_path(20, ""), refuse, &calls), -1);
	assert_int_equal(calls, 1);

	o = (struct orphan){ 0 };
	assert_int_equal(spool_orphans(spooled_dir, 60000, find, gone, &o), 1);	/* now it is */
	assert_int_equal(spool_orphans(spooled_dir, 60000, find, gone, &o), 0);
	assert_int_equal(o.gone, 0);
	assert_true(spooled_exists(20, "00000001.seg"));
	age(20, 50);
	assert_int_equal(spool_orphans(spooled_dir, 60000, find, gone, &o), 0);
	assert_int_equal(o.gone, 0);
	age(20, 61);
	o.id = 0;
	assert_int_equal(close(open(spooled_path(20, "post"), O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(spool_orphans(spooled_dir, 60000, find, gone, &o), 0);
	assert_int_equal(o.gone, 1);
	assert_int_equal(o.id, 20);
	assert_false(spooled_exists(20, ""));

	c = (struct spool_chain){ 0 };
	o.seen = (struct seen){ 0 };
	leave(21, &c, (const char *const[]){ "b", NULL });
	assert_int_equal(spool_orphans(spooled_dir, 0, find, gone, &o), 1);	/* nobody comes back: at once */
	assert_int_equal(o.gone, 2);
	assert_false(spooled_exists(21, ""));
	assert_int_equal(spool_orphans("/nowhere", 0, find, gone, &o), 0);
}

static void
test_adopt(void **state)
{
	static const char	 torn[100] = "half a record, and more of it than one that follows will cover";
	struct spool_chain	 c = { 0 };
	struct spool_reader	*sr = spool_reader_new(spooled_dir);
	struct spool_record	 r;
	struct orphan		 o = { .chain = &c, .more = "d" };
	uint64_t		 before;
	int			 fd;

	(void)state;
	leave(22, &c, (const char *const[]){ "b", "c", NULL });
	before = c.last;
	fd = open(spooled_path(22, "00000001.seg"), O_WRONLY);
	assert_int_equal(pwrite(fd, torn, sizeof(torn), SPOOL_POS_OFF(c.last) + SPOOLED_HEAD + 8), sizeof(torn));
	close(fd);
	/* The torn record ends the scan before it, and what follows takes its place. */
	assert_int_equal(spool_scan(spooled_path(22, ""), see, &o.seen), 0);
	assert_string_equal(o.seen.all, "abc");
	o.seen = (struct seen){ 0 };
	assert_int_equal(spool_orphans(spooled_dir, 60000, find, gone, &o), 1);
	assert_string_equal(o.seen.all, "abcd");
	assert_true(c.last == before + SPOOLED_HEAD + 8);
	assert_true(o.seen.last == c.last);
	assert_int_equal(spool_reader_get(sr, 22, c.last, &r), 0);
	assert_true(r.prev == before);
	assert_int_equal(r.event, 3);
	assert_int_equal(spool_reader_first(sr, 22, c.last, &r), 0);
	assert_true(spooled_exists(22, "recovered"));

	/* Once more, as after a recovery that failed half way. */
	assert_int_equal(unlink(spooled_path(22, "recovered")), 0);
	o.seen = (struct seen){ 0 };
	o.more = "e";
	assert_int_equal(spool_orphans(spooled_dir, 60000, find, gone, &o), 1);
	assert_string_equal(o.seen.all, "abcde");
	spool_reader_free(sr);
	clean();
	assert_false(spooled_exists(22, ""));
}

/* Nothing in it is sound: records of another version, or no segment at all. */
static void
test_adopt_nothing(void **state)
{
	struct spool_chain	 c = { 0 };
	struct orphan		 o = { 0 };
	struct spool		*s;
	int			 fd;

	(void)state;
	leave(23, &c, (const char *const[]){ "b", NULL });
	fd = open(spooled_path(23, "00000001.seg"), O_WRONLY);
	assert_int_equal(pwrite(fd, "PARLEY spool 1\n", 16, 0), 16);
	close(fd);
	assert_int_equal(spool_scan(spooled_path(23, ""), see, &o.seen), 0);
	assert_int_equal(o.seen.n, 0);
	s = spool_adopt(spooled_path(23, ""));
	assert_non_null(s);
	c = (struct spool_chain){ 0 };
	spooled_say(s, 1, SPOOL_BEGIN, "x", &c);
	assert_int_equal(SPOOL_POS_SEG(c.last), 2);
	assert_int_equal(spool_write(s), 0);
	spool_close(s);
	assert_int_equal(unlink(spooled_path(23, "00000001.seg")), 0);
	assert_int_equal(spool_scan(spooled_path(23, ""), see, &o.seen), 0);
	assert_string_equal(o.seen.all, "x");
	assert_null(spool_adopt("/nowhere"));
	assert_int_equal(spool_scan("/nowhere", see, &o.seen), -1);
	clean();
}

/* What a worker that leaves in peace leaves behind. */
static void
test_close(void **state)
{
	struct orphan		 o = { 0 };
	struct spool_chain	 c = { 0 };
	struct spool		*s;

	(void)state;
	s = spool_open(spooled_dir, 50, 60000);
	spool_sweep(s, 100000);
	spooled_say(s, 1, SPOOL_BEGIN, "a", &c);
	spool_turn_done(s, c.first);
	spool_sweep(s, 159999);
	spool_close(s);					/* somebody may still come back for it */
	assert_true(spooled_exists(50, "recovered"));
	assert_int_equal(spool_orphans(spooled_dir, 60000, find, gone, &o), 0);
	assert_true(spooled_exists(50, "00000001.seg"));
	age(50, 61);
	assert_int_equal(spool_orphans(spooled_dir, 60000, find, gone, &o), 0);
	assert_int_equal(o.gone, 1);
	assert_false(spooled_exists(50, ""));

	s = spool_open(spooled_dir, 51, 60000);
	spool_close(s);					/* nothing was said */
	assert_false(spooled_exists(51, ""));

	s = spool_open(spooled_dir, 52, 60000);			/* done before the first sweep */
	c = (struct spool_chain){ 0 };
	spooled_say(s, 1, SPOOL_BEGIN, "a", &c);
	spool_turn_done(s, c.first);
	spool_sweep(s, 1000000);
	assert_true(spool_bytes(s) == SPOOL_MAGIC_LEN);	/* still queued, and not dropped for that */
	assert_int_equal(spool_write(s), 0);
	assert_true(spool_bytes(s) > SPOOL_MAGIC_LEN);
	spool_sweep(s, 1059999);
	assert_true(spool_bytes(s) > SPOOL_MAGIC_LEN);
	spool_sweep(s, 1060000);
	assert_true(spool_bytes(s) == SPOOL_MAGIC_LEN);	/* its time is over */
	spool_close(s);
	assert_false(spooled_exists(52, ""));
	spool_close(NULL);
}

/* What two turns said, the one's blanked: its records stay, the other's are what they were. */
struct told {
	int64_t	 turn;
	char	 said[64];
	int	 records;
};

static int
tell(void *arg, uint64_t pos, const struct spool_record *r)
{
	struct told	*t = arg;
	size_t		 n = strlen(t->said);

	(void)pos;
	if (r->turn != t->turn)
		return 0;
	t->records++;
	for (size_t i = 0; i < r->len && n + 1 < sizeof(t->said); i++)
		t->said[n++] = r->data[i] != '\0' ? r->data[i] : '.';
	t->said[n] = '\0';
	return 0;
}

static struct told
told(int64_t turn)
{
	struct told	 t = { .turn = turn };

	assert_int_equal(spool_scan(spooled_path(33, ""), tell, &t), 0);
	return t;
}

static int
blank(void *arg, const char *path, int64_t id)
{
	static const int64_t	 turns[] = { 1, 3 };

	assert_int_equal(id, 33);
	++*(int *)arg;
	return spool_blank(path, turns, 2);
}

static void
test_blank(void **state)
{
	struct spool		*s = spool_open(spooled_dir, 33, 1000);
	struct spool_chain	 one = { 0 }, two = { 0 };
	int			 dirs = 0;

	(void)state;
	spooled_say(s, 1, SPOOL_BEGIN, "{}", &one);
	spooled_say(s, 2, SPOOL_BEGIN, "[]", &two);
	spooled_say(s, 1, SPOOL_DELTA, "secret", &one);
	spooled_say(s, 2, SPOOL_DELTA, "open", &two);
	spooled_say(s, 1, SPOOL_MESSAGE, "frame", &one);
	assert_int_equal(spool_write(s), 0);
	assert_string_equal(told(1).said, "{}secretframe");
	for (int i = 0; i < 2; i++)				/* once more changes nothing */
		assert_int_equal(spool_each(spooled_dir, blank, &dirs), 0);
	assert_int_equal(dirs, 2);
	spooled_say(s, 2, SPOOL_DELTA, "!", &two);		/* its worker writes on */
	assert_int_equal(spool_write(s), 0);
	assert_string_equal(told(1).said, ".............");
	assert_int_equal(told(1).records, 3);
	assert_string_equal(told(2).said, "[]open!");
	spool_turn_done(s, one.first);
	spool_turn_done(s, two.first);
	spool_close(s);
	clean();
	assert_int_equal(spool_each(spooled_path(99, ""), blank, &dirs), 0);	/* is not there */
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_long_turn),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_full_at_rotation),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_adopt_nothing),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_blank),
	};

	return cmocka_run_group_tests_name("spool", tests, begin, end);
}
