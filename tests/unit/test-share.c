/*
 * What a worker spools goes to the database for other hosts: all of it, once, in order, whatever
 * happens to either; and what another host makes of it when the worker is lost.
 */
#include "material.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ident.h"
#include "base/str.h"
#include "core/heir.h"
#include "core/share.h"
#include "core/spool.h"
#include "core/spool_file.h"
#include "core/spool_reader.h"
#include "store/checkpoint.h"
#include "store/node.h"

#define KEEP	60000

static const struct voice	*const no_voices[] = { NULL };
static char			 dir[96];

static int
make_dir(void **state)
{
	snprintf(dir, sizeof(dir), "%s/spool", server.dir);
	return furnish(state);
}

static void
add(struct spool *s, int64_t turn, enum spool_kind kind, const char *text, size_t len,
    struct spool_chain *c)
{
	spool_add(s, &(struct spool_record){ .turn = turn, .kind = kind, .at_ms = 77, .data = text,
	    .len = len }, c);
}

static void
say(struct spool *s, int64_t turn, enum spool_kind kind, const char *text, struct spool_chain *c)
{
	add(s, turn, kind, text, strlen(text), c);
}

/* Events from..to as deltas that say their number. */
static void
count(struct spool *s, int64_t turn, uint32_t from, uint32_t to, struct spool_chain *c)
{
	char	text[16];

	for (; from <= to; from++) {
		snprintf(text, sizeof(text), "%u ", from);
		say(s, turn, SPOOL_DELTA, text, c);
	}
}

/* What the database has of the turn, as text; *rows of it, in order and without a gap. */
static char *
shared(int64_t turn, size_t *rows)
{
	struct str		 text = STR_INIT(0);
	struct checkpoint	*c;
	struct spool_record	 r;
	uint64_t		 off;
	ssize_t			 n;
	char			*all;

	assert_int_equal(checkpoint_list(&cx, turn, 0, 1000, &c, rows), 0);
	for (size_t i = 0; i < *rows; i++) {
		assert_int_equal(c[i].n, i);
		assert_true(c[i].len <= (int64_t)CHECKPOINT_MOST + 100);
		for (off = SPOOL_MAGIC_LEN; (n = spool_decode(c[i].body, (size_t)c[i].len, off,
		    &r)) > 0; off += (uint64_t)n) {
			assert_true(r.turn == turn && r.at_ms == 77);
			if (r.kind == SPOOL_BEGIN)
				str_puts(&text, "<");
			str_put(&text, r.data, r.len);
			if (r.kind == SPOOL_DONE)
				str_puts(&text, ">");
		}
		assert_int_equal(off, c[i].len);
	}
	all = arena_strdup(cx.a, text.p != NULL ? text.p : "");
	str_free(&text);
	return all;
}

static void
assert_shared(int64_t turn, size_t rows, const char *text)
{
	size_t	 n;

	assert_string_equal(shared(turn, &n), text);
	assert_int_equal(n, rows);
}

static void
clear(void)
{
	private_db_feed(&server, "DELETE FROM checkpoint;");
}

/* A row per turn and round; marks and what only the spool needs stay there. */
static void
rounds(void **state)
{
	struct spool		*s = spool_open(dir, 0x10, KEEP);
	struct share		*sh = share_new(dir, 0x10);
	struct spool_chain	 a = { 0 }, b = { 0 };

	(void)state;
	assert_int_equal(share_round(&cx, sh), 0);		/* nothing yet */
	say(s, 2, SPOOL_BEGIN, "two", &b);
	say(s, 1, SPOOL_BEGIN, "one", &a);
	count(s, 1, 1, 3, &a);
	assert_int_equal(share_round(&cx, sh), 0);
	assert_shared(1, 0, "");			/* queued, not written */
	assert_int_equal(spool_write(s), 0);
	assert_int_equal(share_round(&cx, sh), 0);
	assert_shared(1, 1, "<one1 2 3 ");
	assert_shared(2, 1, "<two");
	assert_int_equal(share_round(&cx, sh), 0);
	assert_shared(1, 1, "<one1 2 3 ");

	count(s, 1, 4, 5, &a);
	say(s, 1, SPOOL_STORED, "", &a);
	say(s, 1, SPOOL_DONE, "", &a);
	assert_int_equal(spool_write(s), 0);
	assert_int_equal(share_round(&cx, sh), 0);
	assert_shared(1, 2, "<one1 2 3 4 5 >");
	assert_shared(2, 1, "<two");

	count(s, 2, 1, 2 * SPOOL_MARK_EVERY + 1, &b);
	assert_int_equal(spool_write(s), 0);
	assert_int_equal(share_round(&cx, sh), 0);
	assert_string_equal(private_db_ask(&server,
	    "SELECT GROUP_CONCAT(turn, '.', n, ':', upto ORDER BY turn, n) FROM checkpoint"),
	    "1.0:4,1.1:9223372036854775807,2.0:1,2.1:514");
	share_free(sh);
	spool_turn_done(s, a.first);
	spool_turn_done(s, b.first);
	spool_close(s);
	clear();
}

/* Over several segments, and more at once than goes into a row. */
static void
much(void **state)
{
	struct spool		*s = spool_open(dir, 0x20, KEEP);
	struct share		*sh = share_new(dir, 0x20);
	struct spool_chain	 c = { 0 };
	const size_t		 piece = (size_t)1 << 20, pieces = 140;
	char			*x = arena_get(cx.a, piece + 1), *all;
	size_t			 rows;

	(void)state;
	memset(x, 'x', piece);
	say(s, 1, SPOOL_BEGIN, "", &c);
	for (size_t i = 0; i < pieces; i++) {
		add(s, 1, SPOOL_DELTA, x, piece, &c);
		assert_int_equal(spool_write(s), 0);
		if (i % 50 == 7)
			assert_int_equal(share_round(&cx, sh), 0);
	}
	say(s, 1, SPOOL_DONE, "", &c);
	assert_int_equal(spool_write(s), 0);
	assert_true(SPOOL_POS_SEG(c.last) > 2);
	assert_int_equal(share_round(&cx, sh), 0);
	all = shared(1, &rows);
	assert_int_equal(strlen(all), 1 + pieces * piece + 1);
	assert_true(rows >= pieces / 8 && rows < pieces / 4);
	share_free(sh);
	spool_turn_done(s, c.first);
	spool_close(s);
	clear();
}

/* Segments whose turns are long done are gone, whether we stood in them or never came to them. */
static void
segments_gone(void **state)
{
	const size_t		 piece = (size_t)1 << 20;
	struct spool		*s = spool_open(dir, 0x28, KEEP);
	struct share		*standing = share_new(dir, 0x28), *late = share_new(dir, 0x28);
	struct spool_chain	 c = { 0 }, next = { 0 };
	char			*x = arena_get(cx.a, piece);

	(void)state;
	say(s, 1, SPOOL_BEGIN, "", &c);
	count(s, 1, 1, 2, &c);
	assert_int_equal(spool_write(s), 0);
	assert_int_equal(share_round(&cx, standing), 0);
	for (int i = 0; i < 140; i++) {
		add(s, 1, SPOOL_MESSAGE, x, piece, &c);
		assert_int_equal(spool_write(s), 0);
	}
	assert_true(SPOOL_POS_SEG(c.last) > 2);
	spool_turn_done(s, c.first);
	say(s, 2, SPOOL_BEGIN, "two", &next);
	count(s, 2, 1, 2, &next);
	assert_int_equal(spool_write(s), 0);
	spool_sweep(s, clock_mono_ms());
	spool_sweep(s, clock_mono_ms() + 2 * KEEP);
	assert_true(spool_bytes(s) < (uint64_t)64 << 20);

	assert_int_equal(share_round(&cx, standing), 0);
	assert_shared(2, 1, "<two1 2 ");
	private_db_feed(&server, "DELETE FROM checkpoint WHERE turn = 2;");
	assert_int_equal(share_round(&cx, late), 0);
	assert_shared(2, 1, "<two1 2 ");
	share_free(standing);
	share_free(late);
	spool_turn_done(s, next.first);
	spool_close(s);
	clear();
}

/* The database goes while the worker speaks: later it has all of it once. */
static void
database_away(void **state)
{
	struct spool		*s = spool_open(dir, 0x30, KEEP);
	struct share		*sh = share_new(dir, 0x30);
	struct spool_chain	 c = { 0 };

	(void)state;
	say(s, 1, SPOOL_BEGIN, "", &c);
	count(s, 1, 1, 2, &c);
	assert_int_equal(spool_write(s), 0);
	assert_int_equal(share_round(&cx, sh), 0);
	private_db_do(&server, "down");
	for (uint32_t i = 3; i < 6; i++) {
		count(s, 1, i, i, &c);
		assert_int_equal(spool_write(s), 0);
		assert_int_equal(share_round(&cx, sh), -1);
		FAILED_WITH(F_UNAVAILABLE);
	}
	private_db_do(&server, "up");
	usleep(600000);				/* until it is tried again */
	assert_int_equal(share_round(&cx, sh), 0);
	assert_shared(1, 3, "<1 2 3 4 5 ");
	share_free(sh);
	spool_turn_done(s, c.first);
	spool_close(s);
	clear();
}

/* A dead worker's spool, to which its end was added: only what the database lacks is written. */
static void
rest_of_the_dead(void **state)
{
	struct spool		*s = spool_open(dir, 0x40, KEEP);
	struct share		*sh = share_new(dir, 0x40);
	struct spool_chain	 a = { 0 }, b = { 0 }, d = { 0 };
	char			 path[128];

	(void)state;
	snprintf(path, sizeof(path), SPOOL_DIR, dir, 0x40ull);
	say(s, 1, SPOOL_BEGIN, "", &a);
	say(s, 2, SPOOL_BEGIN, "", &b);
	count(s, 1, 1, 300, &a);
	count(s, 2, 1, 2, &b);
	say(s, 2, SPOOL_DONE, "", &b);
	assert_int_equal(spool_write(s), 0);
	assert_int_equal(share_round(&cx, sh), 0);
	share_free(sh);
	count(s, 1, 301, 302, &a);
	say(s, 3, SPOOL_BEGIN, "three", &d);
	say(s, 1, SPOOL_DONE, "", &a);
	say(s, 2, SPOOL_STORED, "", &b);
	spool_close(s);				/* what began is not done: it stays */

	assert_int_equal(share_rest(&cx, path), 0);
	assert_string_equal(private_db_ask(&server,
	    "SELECT GROUP_CONCAT(turn, '.', n, ':', upto ORDER BY turn, n) FROM checkpoint"),
	    "1.0:301,1.1:9223372036854775807,2.0:9223372036854775807,3.0:1");
	assert_shared(2, 1, "<1 2 >");
	assert_shared(3, 1, "<three");
	assert_int_equal(share_rest(&cx, path), 0);		/* once more: nothing */
	assert_shared(3, 1, "<three");
	spool_remove(path);
	assert_int_equal(share_rest(&cx, path), -1);
	clear();
}

/* Two running answers of a turn of that worker. */
static struct turn_row
running(int64_t worker, int64_t session)
{
	struct turn_row		 t = a_turn(session, "Still there?");
	struct answer_row	 a;

	t.worker = worker;
	assert_int_equal(turn_add(&cx, &t), 0);
	for (int lane = 0; lane < 2; lane++) {
		a = an_answer(&t, lane);
		assert_int_equal(answer_add(&cx, &a), 0);
	}
	return t;
}

static int64_t
id_of_node(int node)
{
	return (ident_new() & ~(INT64_C(31) << 8)) | (int64_t)node << 8;
}

static const char *
answers(int64_t turn)
{
	char	 sql[400];

	snprintf(sql, sizeof(sql), "SELECT GROUP_CONCAT(a.lane, ' ', a.status, ' ',"
	    " IFNULL(a.error, '-'), ' ', a.text, ' ', a.estimated, ' ', a.completion_tokens, ' ',"
	    " l.amount = a.cost ORDER BY a.lane SEPARATOR '; ') FROM answer a"
	    " LEFT JOIN ledger l ON l.answer = a.id WHERE a.turn = %jd", (intmax_t)turn);
	return private_db_ask(&server, sql);
}

/*
 * The host of one turn is lost, with records; of another, without any; a third one's lives. With
 * cluster = off that is not our affair.
 */
static void
lost_host(void **state)
{
	const int64_t		 worker = id_of_node(5), silent = id_of_node(5), alive = id_of_node(6);
	const struct turn_row	 t = running(worker, a_session(ann, 0));
	const struct turn_row	 mute = running(silent, a_session(ann, 0));
	const struct turn_row	 lives = running(alive, a_session(ann, 0));
	struct conf		 conf = server.conf;
	struct spool		*s = spool_open(dir, worker, KEEP);
	struct share		*sh = share_new(dir, worker);
	struct spool_chain	 c = { 0 };
	struct node_row		*holder;
	char			 path[128];

	(void)state;
	conf.node = 9;
	conf.spool_keep = KEEP / 1000;
	cx.conf = &conf;
	assert_int_equal(node_take(&cx, 5, 5555, "lost", &holder), 0);
	assert_int_equal(node_take(&cx, 6, 6666, "here", &holder), 0);
	say(s, t.id, SPOOL_BEGIN, "{}", &c);
	count(s, t.id, 1, 4, &c);
	assert_int_equal(spool_write(s), 0);
	assert_int_equal(share_round(&cx, sh), 0);
	share_free(sh);
	snprintf(path, sizeof(path), SPOOL_DIR, dir, (unsigned long long)worker);
	spool_close(s);
	spool_remove(path);		/* with its host */

	conf.cluster = true;
	assert_int_equal(heir_round(&cx, no_voices, dir), 0);
	assert_string_equal(answers(t.id), "NULL");
	private_db_feed(&server, "UPDATE node SET until_ms = 1 WHERE node = 5;");
	conf.cluster = false;
	assert_int_equal(heir_round(&cx, no_voices, dir), 0);
	conf.cluster = true;
	assert_int_equal(node_inherit(&cx, 5, 7777), 1);
	assert_int_equal(heir_round(&cx, no_voices, dir), 0);	/* another is at it */
	assert_string_equal(private_db_ask(&server,
	    "SELECT COUNT(*) FROM answer WHERE status = 'running'"), "6");
	assert_int_equal(node_inherited(&cx, 5, 7777), 0);

	cx.now = clock_ms();
	assert_int_equal(heir_round(&cx, no_voices, dir), 0);
	assert_string_equal(answers(t.id), "0 error F_UNAVAILABLE 1 2 3 4  1 2 1;"
	    " 1 error F_UNAVAILABLE  1 0 1");
	assert_string_equal(answers(mute.id), "0 error F_UNAVAILABLE  1 0 1;"
	    " 1 error F_UNAVAILABLE  1 0 1");
	assert_string_equal(answers(lives.id), "NULL");
	assert_string_equal(private_db_ask(&server,
	    "SELECT SUM(ended_ms IS NULL), (SELECT heir FROM node WHERE node = 5) FROM turn"),
	    "1\t0");
	assert_int_equal(access(path, F_OK), 0);	/* for those who still read it */
	private_db_feed(&server, "DELETE FROM node;");
	cx.conf = &server.conf;
	clear();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(rounds),
		TEST(much),
		TEST(segments_gone),
		TEST(database_away),
		TEST(rest_of_the_dead),
		TEST(lost_host),
	};

	return furnished_begin() ? furnished_end(cmocka_run_group_tests_name("share", tests,
	    make_dir, NULL)) : 0;
}
