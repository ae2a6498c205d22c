/*
 * spool_reader: what is written is read back, near and far, while it is written and when it is gone;
 * damage is noticed and stays where it is.
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
#undef fail		/* ctx.h has its own */

#include "core/spool_file.h"
#include "core/spool_reader.h"
#include "spooled.h"
#include "upstream/delta.h"

#define MIB	((size_t)1 << 20)

/* The next events after `after` are those from after + 1 on, in order, each as it was said. */
static ssize_t
check_events(struct spool_reader *sr, int64_t id, uint64_t last, uint32_t after, size_t n)
{
	struct spool_record	 r;
	uint64_t		*pos = calloc(n + 1, sizeof(*pos));
	char			 text[16];
	ssize_t			 got = spool_reader_events(sr, id, last, after, pos, n);

	assert_true(got <= (ssize_t)n);
	for (ssize_t i = 0; i < got; i++) {
		assert_int_equal(spool_reader_get(sr, id, pos[i], &r), 0);
		assert_int_equal(r.event, after + 1 + i);
		snprintf(text, sizeof(text), "%u", r.event);
		assert_int_equal(r.len, strlen(text));
		assert_memory_equal(r.data, text, r.len);
	}
	free(pos);
	return got;
}

static void
test_chain(void **state)
{
	struct spool		*s = spool_open(spooled_dir, 10, 0);
	struct spool_reader	*sr = spool_reader_new(spooled_dir);
	struct spool_record	 r;
	struct spool_chain	 one = { 0 }, two = { 0 };

	(void)state;
	assert_non_null(s);
	spooled_say(s, 1, SPOOL_BEGIN, "arena", &one);
	spooled_say(s, 2, SPOOL_BEGIN, "x", &two);
	spooled_say(s, 1, SPOOL_DELTA, "你好", &one);
	assert_int_equal(spool_reader_get(sr, 10, one.last, &r), -1);	/* still queued */
	assert_int_equal(spool_write(s), 0);

	assert_int_equal(spool_reader_get(sr, 10, one.last, &r), 0);
	assert_int_equal(r.turn, 1);
	assert_int_equal(r.lane, 3);
	assert_int_equal(r.kind, SPOOL_DELTA);
	assert_int_equal(r.flags, 5);
	assert_int_equal(r.at_ms, 77);
	assert_int_equal(r.event, 1);
	assert_int_equal(r.len, 6);
	assert_memory_equal(r.data, "你好", 6);
	assert_true(r.prev == one.first);
	assert_int_equal(spool_reader_get(sr, 10, r.prev, &r), 0);
	assert_memory_equal(r.data, "arena", 5);
	assert_int_equal(r.event, 0);
	assert_true(r.prev == 0);
	assert_int_equal(spool_reader_first(sr, 10, one.last, &r), 0);
	assert_int_equal(r.kind, SPOOL_BEGIN);
	assert_int_equal(r.turn, 1);

	assert_int_equal(spool_reader_get(sr, 10, one.last + 8, &r), -1);	/* no head there */
	assert_int_equal(spool_reader_get(sr, 10, one.last + 1, &r), -1);
	assert_int_equal(spool_reader_get(sr, 10, 0, &r), -1);
	assert_int_equal(spool_reader_get(sr, 10, SPOOL_POS(1, 0), &r), -1);
	assert_int_equal(spool_reader_get(sr, 10, SPOOL_POS(1, UINT32_MAX & ~7), &r), -1);
	assert_int_equal(spool_reader_get(sr, 10, SPOOL_POS(2, 16), &r), -1);
	assert_int_equal(spool_reader_get(sr, 11, one.last, &r), -1);

	spool_turn_done(s, one.first);
	spool_turn_done(s, two.first);
	spool_close(s);
	assert_false(spooled_exists(10, ""));
	/* Who has a segment mapped may read it when its name is gone. */
	assert_int_equal(spool_reader_get(sr, 10, one.last, &r), 0);
	spool_reader_rest(sr);
	assert_int_equal(spool_reader_get(sr, 10, one.last, &r), 0);	/* it was read since */
	spool_reader_rest(sr);
	spool_reader_rest(sr);
	assert_int_equal(spool_reader_get(sr, 10, one.last, &r), -1);
	spool_reader_free(sr);
}

static void
test_marks(void **state)
{
	struct spool		*s = spool_open(spooled_dir, 11, 0);
	struct spool_reader	*sr = spool_reader_new(spooled_dir);
	struct spool_record	 r;
	struct spool_chain	 c = { 0 };
	uint64_t		 before, at;
	uint32_t		 event = 3 * SPOOL_MARK_EVERY;

	(void)state;
	spooled_say(s, 1, SPOOL_BEGIN, "b", &c);
	for (int i = 0; i < 300; i++)
		spooled_say(s, 1, SPOOL_CITE, "no event", &c);
	assert_int_equal(c.events, 0);
	assert_true(c.mark == 0);
	spooled_count(s, 1, 1, 255, &c);
	assert_true(c.mark == 0);
	spooled_count(s, 1, 256, 1000, &c);
	spooled_say(s, 1, SPOOL_MESSAGE, "1001", &c);
	assert_int_equal(c.events, 1001);
	assert_int_equal(spool_write(s), 0);

	for (at = c.mark; at != 0; at = before, event -= SPOOL_MARK_EVERY) {
		assert_int_equal(spool_reader_get(sr, 11, at, &r), 0);
		assert_int_equal(r.kind, SPOOL_MARK);
		assert_int_equal(r.event, event);
		assert_int_equal(r.len, sizeof(before));
		memcpy(&before, r.data, sizeof(before));
		assert_int_equal(spool_reader_get(sr, 11, r.prev, &r), 0);
		assert_int_equal(r.event, event);
		assert_int_equal(r.kind, SPOOL_DELTA);
	}
	assert_int_equal(event, 0);
	spool_turn_done(s, c.first);
	spool_close(s);
	spool_reader_free(sr);
}

/* A follower reads what every round brings, of a spool that is written, over several mappings. */
static void
test_live(void **state)
{
	struct spool		*s = spool_open(spooled_dir, 12, 0);
	struct spool_reader	*sr = spool_reader_new(spooled_dir);
	struct spool_chain	 c = { 0 }, other = { 0 };
	struct spool_record	 r;
	char			*big = calloc(1, MIB);
	uint32_t		 has = 0, all = 0;
	uint64_t		 pos = 0;

	(void)state;
	spooled_say(s, 1, SPOOL_BEGIN, "b", &c);
	spooled_say(s, 2, SPOOL_BEGIN, "b", &other);
	assert_int_equal(spool_write(s), 0);
	assert_int_equal(check_events(sr, 12, c.last, 0, 10), 0);
	for (int round = 1; round <= 100; round++) {
		spooled_count(s, 1, c.events + 1, c.events + (uint32_t)round % 7, &c);
		spooled_add(s, 2, 0, SPOOL_MESSAGE, 0, big, MIB, &other);	/* 64 MiB and more */
		spooled_say(s, 1, SPOOL_CITE, "c", &c);
		assert_int_equal(spool_write(s), 0);
		assert_int_equal(check_events(sr, 12, c.last, has, 10), c.events - has);
		has = c.events;
		if (round % 10 == 0)
			spool_reader_rest(sr);
	}
	assert_int_equal(SPOOL_POS_SEG(c.last), 2);
	assert_int_equal(check_events(sr, 12, c.last, has, 10), 0);
	assert_int_equal(check_events(sr, 12, c.last, 0, has - 1), 256);	/* up to a mark */
	assert_int_equal(check_events(sr, 12, c.last, 0, has), has);
	/* Forwards, across segments: two beginnings, a citation each round, a mark in the longer. */
	while (spool_reader_next(sr, 12, &pos, &r) == 1)
		all++;
	assert_int_equal(all, 2 + 100 + 1 + c.events + other.events);
	assert_true(pos > c.last);
	spool_turn_done(s, c.first);
	spool_turn_done(s, other.first);
	spool_close(s);
	spool_reader_free(sr);
	free(big);
}

/*
 * From any of 10,000 events on. That few records are read is shown by making every other one
 * unreadable: all events but those of the block wanted and of the one after the last mark.
 */
static void
test_far_behind(void **state)
{
	struct spool		*s = spool_open(spooled_dir, 13, 0);
	struct spool_reader	*sr = spool_reader_new(spooled_dir);
	struct spool_record	 r;
	struct spool_chain	 c = { 0 };
	uint64_t		*pos = calloc(10000, sizeof(*pos));
	uint32_t		 after, e;
	ssize_t			 got;

	(void)state;
	spooled_say(s, 1, SPOOL_BEGIN, "b", &c);
	spooled_count(s, 1, 1, 10000, &c);
	assert_int_equal(spool_write(s), 0);
	for (after = 0; after < 10000; after++) {
		got = check_events(sr, 13, c.last, after, 3);
		assert_true(got >= 1 && (got == 3 || (after + (size_t)got) % 256 == 0 || after + got == 10000));
	}
	for (after = 0; after < 10000; after += (uint32_t)got)
		assert_true((got = check_events(sr, 13, c.last, after, 256)) >= 1);
	assert_int_equal(check_events(sr, 13, c.last, 0, 10000), 10000);
	assert_int_equal(check_events(sr, 13, c.last, 10000, 256), 0);
	assert_int_equal(check_events(sr, 13, c.last, UINT32_MAX, 256), 0);
	assert_int_equal(check_events(sr, 13, c.last, 5, 0), 0);

	assert_int_equal(spool_reader_events(sr, 13, c.last, 0, pos, 10000), 10000);
	for (e = 1; e <= 9984; e++)			/* 9984 is the last mark */
		if (e <= 512 || e > 768)
			spooled_flip(13, "00000001.seg", SPOOL_POS_OFF(pos[e - 1]) + SPOOLED_HEAD);
	assert_int_equal(check_events(sr, 13, c.last, 512, 256), 256);
	assert_int_equal(check_events(sr, 13, c.last, 700, 256), 68);
	assert_int_equal(check_events(sr, 13, c.last, 600, 10), 10);
	assert_int_equal(check_events(sr, 13, c.last, 9984, 256), 16);
	/* What is damaged is not given. */
	assert_int_equal(check_events(sr, 13, c.last, 0, 256), -1);
	assert_int_equal(check_events(sr, 13, c.last, 511, 1), -1);
	assert_int_equal(check_events(sr, 13, c.last, 768, 256), -1);
	/* Past the first mark nothing leads to the beginning but the events. */
	assert_int_equal(spool_reader_first(sr, 13, c.last, &r), -1);
	for (e = 1; e <= 256; e++)
		spooled_flip(13, "00000001.seg", SPOOL_POS_OFF(pos[e - 1]) + SPOOLED_HEAD);
	assert_int_equal(spool_reader_first(sr, 13, c.last, &r), 0);
	assert_true(r.prev == 0);

	/* Nor is anything behind a damaged mark, but what stands after it. */
	spooled_flip(13, "00000001.seg", SPOOL_POS_OFF(c.mark) + SPOOLED_HEAD);
	assert_int_equal(check_events(sr, 13, c.last, 512, 256), -1);
	assert_int_equal(check_events(sr, 13, c.last, 9984, 256), 16);
	assert_int_equal(spool_reader_first(sr, 13, c.last, &r), -1);
	spool_turn_done(s, c.first);
	spool_close(s);
	spool_reader_free(sr);
	free(pos);
}

/* Sound records that lead in circles, forwards, into another turn, or to an event too few. */
static void
test_forged(void **state)
{
	/* Behind the turn's first record at 16, each SPOOLED_HEAD long, the mark 8 more */
	static const uint64_t	 mark_at = SPOOL_POS(1, 16 + 3 * SPOOLED_HEAD);
	const struct spool_record forged[] = {
		{ .turn = 1, .kind = SPOOL_DELTA, .event = 2, .prev = SPOOL_POS(1, 16 + SPOOLED_HEAD) },
		{ .turn = 1, .kind = SPOOL_DELTA, .event = 2, .prev = mark_at },
		{ .turn = 1, .kind = SPOOL_MARK, .event = 512, .prev = SPOOL_POS(1, 16),
		    .data = (const char *)&mark_at, .len = sizeof(mark_at) },
		{ .turn = 2, .kind = SPOOL_DELTA, .event = 2, .prev = SPOOL_POS(1, 16) },
		{ .turn = 1, .kind = SPOOL_DELTA, .event = 2, .prev = SPOOL_POS(1, 16) },
	};
	struct spool		*s = spool_open(spooled_dir, 14, 0);
	struct spool_reader	*sr = spool_reader_new(spooled_dir);
	struct spool_record	 r;
	struct spool_chain	 c = { 0 };
	struct str		 seg = STR_INIT(0), text = STR_INIT(0);
	uint64_t		 pos[4], at[5];
	int			 fd;

	(void)state;
	spooled_say(s, 1, SPOOL_BEGIN, "", &c);
	assert_int_equal(c.first, SPOOL_POS(1, 16));
	assert_int_equal(spool_write(s), 0);
	for (int i = 0; i < 5; i++) {
		at[i] = SPOOL_POS(1, 16 + SPOOLED_HEAD + seg.len);
		spool_encode(&seg, &forged[i]);
	}
	assert_true(at[2] == mark_at);
	fd = open(spooled_path(14, "00000001.seg"), O_WRONLY);
	assert_int_equal(pwrite(fd, seg.p, seg.len, 16 + SPOOLED_HEAD), seg.len);
	close(fd);

	for (int i = 0; i < 5; i++) {
		assert_int_equal(spool_reader_get(sr, 14, at[i], &r), 0);
		assert_int_equal(spool_reader_events(sr, 14, at[i], 0, pos, 4), -1);
		if (i == 4)
			break;			/* its way to the beginning is sound */
		assert_int_equal(spool_reader_first(sr, 14, at[i], &r), -1);
		/* Marks do not matter to those who read everything. */
		assert_int_equal(spool_reader_said(sr, 14, at[i], 0, &text, NULL), i == 2 ? 0 : -1);
	}
	assert_int_equal(text.len, 0);
	spool_turn_done(s, c.first);
	spool_close(s);
	spool_reader_free(sr);
	str_free(&seg);
}

static void
test_said(void **state)
{
	struct spool		*s = spool_open(spooled_dir, 15, 0);
	struct spool_reader	*sr = spool_reader_new(spooled_dir);
	struct spool_chain	 c = { 0 };
	struct str		 text = STR_INIT(0), reasoning = STR_INIT(0);

	(void)state;
	spooled_add(s, 1, 0, SPOOL_BEGIN, 0, "b", 1, &c);
	spooled_add(s, 1, 0, SPOOL_DELTA, DELTA_REASONING | DELTA_OPENS, "hm", 2, &c);
	spooled_add(s, 1, 1, SPOOL_DELTA, 0, "other", 5, &c);
	spooled_add(s, 1, 0, SPOOL_DELTA, DELTA_REASONING, "m", 1, &c);
	spooled_add(s, 1, 0, SPOOL_DELTA, DELTA_CLOSES, "one ", 4, &c);
	spooled_add(s, 1, 0, SPOOL_MESSAGE, 0, "frame", 5, &c);
	for (int i = 0; i < 1000; i++)
		spooled_add(s, 1, 0, SPOOL_DELTA, 0, i % 2 == 0 ? "a" : "b", 1, &c);
	assert_int_equal(spool_write(s), 0);
	str_puts(&text, ">");				/* appended, not put in its place */
	assert_int_equal(spool_reader_said(sr, 15, c.last, 0, &text, &reasoning), 0);
	assert_int_equal(text.len, 1 + 4 + 1000);
	assert_memory_equal(text.p, ">one abab", 9);
	assert_string_equal(text.p + text.len - 4, "abab");
	assert_string_equal(reasoning.p, "hmm");
	assert_int_equal(spool_reader_said(sr, 15, c.last, 1, NULL, &reasoning), 0);
	str_reset(&text);
	assert_int_equal(spool_reader_said(sr, 15, c.last, 1, &text, NULL), 0);
	assert_string_equal(text.p, "other");
	assert_string_equal(reasoning.p, "hmm");
	assert_int_equal(spool_reader_said(sr, 15, c.last, 2, &text, NULL), 0);
	assert_string_equal(text.p, "other");
	spooled_flip(15, "00000001.seg", SPOOL_POS_OFF(c.first) + 3 * SPOOLED_HEAD);
	assert_int_equal(spool_reader_said(sr, 15, c.last, 0, &text, NULL), -1);
	spool_turn_done(s, c.first);
	spool_close(s);
	spool_reader_free(sr);
	str_free(&text);
	str_free(&reasoning);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_far_behind),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_said),
	};

	return cmocka_run_group_tests_name("spool-reader", tests, spooled_begin, spooled_end);
}
