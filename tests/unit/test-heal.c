/*
 * What a dead worker left half told, at whichever record it died: each turn is told to its end, and
 * nothing is told twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ident.h"
#include "core/heal.h"
#include "core/registry.h"
#include "core/retell.h"
#include "core/running.h"
#include "core/spool_reader.h"
#include "plain-voice.h"

#include <cmocka.h>
#undef fail

#define KEEP_MS	60000
#define DIED_MS	INT64_C(5000000)

static char	 state[64], spool[80];

/* ---- a turn that was told, record by record ---- */

static const struct spool_ended	 ended = {
	.prompt_tokens = 3, .completion_tokens = 2, .ended_ms = 4000000, .status = "stop",
};
static const struct spool_asked	 asked = { .prompt_tokens = 3 };

static const struct step {
	int		 lane, flags;
	enum spool_kind	 kind;
	const void	*data;
	size_t		 len;
} steps[] = {
#define TEXT(s)	s, sizeof(s) - 1
	{ SPOOL_NO_LANE, 0, SPOOL_BEGIN, NULL, 0 },
	{ SPOOL_NO_LANE, 0, SPOOL_MESSAGE, TEXT("begin s7 2") },
	{ 0, 0, SPOOL_LANE, &asked, sizeof asked },
	{ 0, 0, SPOOL_CITE, TEXT("{\"id\":\"1\"}") },
	{ 1, 0, SPOOL_LANE, &asked, SPOOL_ASKED_LEAST },	/* of an older program */
	{ 1, DELTA_REASONING | DELTA_OPENS, SPOOL_DELTA, TEXT("hm") },
	{ 0, 0, SPOOL_DELTA, TEXT("four") },
	{ 1, DELTA_CLOSES, SPOOL_DELTA, TEXT("five") },
	{ 0, 0, SPOOL_END, &ended, sizeof ended },
	{ 0, 0, SPOOL_MESSAGE, TEXT("ALPHA stop at 4000000, 2 tokens [][four]") },
	{ 1, 0, SPOOL_DELTA, TEXT("sixteen") },
	{ 0, 0, SPOOL_MESSAGE, TEXT("ALPHA cites 1:{\"id\":\"1\"}") },
	{ 1, 0, SPOOL_END, &ended, SPOOL_ENDED_LEAST },
	{ 1, 0, SPOOL_MESSAGE, TEXT("BRAVO stop at 4000000, 2 tokens [hm][fivesixteen]") },
	{ 1, 0, SPOOL_MESSAGE, TEXT("BRAVO cites 0:") },
	{ SPOOL_NO_LANE, 0, SPOOL_MESSAGE, TEXT("done") },
	{ SPOOL_NO_LANE, 0, SPOOL_DONE, TEXT("") },
};
#define STEPS	(sizeof steps / sizeof steps[0])

static bool
is_event(enum spool_kind kind)
{
	return kind == SPOOL_DELTA || kind == SPOOL_MESSAGE;
}

/* The spool of a worker that died after n records of that turn. */
static void
leave(int64_t worker, int64_t turn, size_t n)
{
	struct lane		 lanes[] = { { .n = 0, .mask = "ALPHA" }, { .n = 1, .mask = "BRAVO" } };
	struct turn		 t = { .id = turn, .session = 7, .ref = "s7", .owner = 42,
		.voice = &plain_voice, .lanes = lanes, .nlanes = 2, .created_ms = 1 };
	struct spool_chain	 chain = { 0 };
	struct str		 begin = STR_INIT(0);
	struct spool		*s = spool_open(spool, worker, KEEP_MS);

	assert_non_null(s);
	retell_write(&begin, &t);
	for (size_t i = 0; i < n; i++) {
		const bool	 first = steps[i].kind == SPOOL_BEGIN;

		spool_add(s, &(struct spool_record){ .turn = turn, .lane = steps[i].lane,
		    .kind = steps[i].kind, .flags = steps[i].flags, .at_ms = 3000000 + (int64_t)i,
		    .data = first ? begin.p : steps[i].data,
		    .len = first ? begin.len : steps[i].len }, &chain);
	}
	assert_int_equal(spool_write(s), 0);
	spool_close(s);
	str_free(&begin);
}

/* ---- what is told of it now ---- */

static struct str	 told;		/* a line an event */

static void
hear(void *arg, const char *msg, size_t len)
{
	(void)arg;
	str_put(&told, msg, len);
	str_putc(&told, '\n');
}

/* Every event, from the registry on; how many there are. */
static size_t
tell(int64_t turn)
{
	struct spool_reader	*reader = spool_reader_new(spool);
	struct registry_found	 found;
	struct spool_record	 r;
	struct out		 out = { .message = hear };
	struct turn		*t;
	uint64_t		 pos[64];
	ssize_t			 n;

	str_reset(&told);
	assert_true(registry_find(turn, &found));
	assert_true(found.done_ms != 0 && found.owner == 42);
	assert_int_equal(spool_reader_first(reader, found.worker, found.last, &r), 0);
	assert_non_null(t = retell_read(&r, plain_voices));
	assert_int_equal(spool_reader_get(reader, found.worker, found.last, &r), 0);
	assert_int_equal(r.kind, SPOOL_DONE);
	n = spool_reader_events(reader, found.worker, found.last, 0, pos, 64);
	assert_int_equal(n, r.event);
	for (ssize_t i = 0; i < n; i++) {
		assert_int_equal(spool_reader_get(reader, found.worker, pos[i], &r), 0);
		if (r.kind == SPOOL_MESSAGE)
			hear(NULL, r.data, r.len);
		else
			plain_voice.delta(&out, &t->lanes[r.lane], &(struct delta){ .text = r.data,
			    .len = r.len, .flags = r.flags, .at_ms = r.at_ms });
	}
	turn_free(t);
	str_free(&out.buf);
	spool_reader_free(reader);
	return (size_t)n;
}

static int
heal(void *arg, const char *path, int64_t id)
{
	(void)arg;
	assert_int_equal(heal_spool(path, id, plain_voices, DIED_MS), 0);
	/* Once more there is nothing to do. */
	return heal_spool(path, id, plain_voices, DIED_MS + 1);
}

static int
times(const char *what)
{
	const char	*p = told.p;
	int		 n = 0;

	for (; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static void
assert_begins_with(size_t n)
{
	const char	*line = told.p, *end;

	for (size_t i = 0; i < n; i++) {
		if (!is_event(steps[i].kind))
			continue;
		assert_non_null(end = strchr(line, '\n'));
		assert_true((size_t)(end - line) >= steps[i].len);
		assert_memory_equal(end - steps[i].len, steps[i].data, steps[i].len);
		line = end + 1;
	}
}

/* As a worker told it that died after n of its records. */
static void
assert_whole(int64_t turn, size_t n)
{
	bool	 over[2] = { false, false };
	char	 said[64];

	for (size_t i = 0; i < n; i++)
		if (steps[i].kind == SPOOL_END)
			over[steps[i].lane] = true;
	tell(turn);
	assert_begins_with(n);
	assert_int_equal(times("begin s7 2\n"), 1);
	assert_int_equal(times("ALPHA stop at 4000000, 2 tokens [][four]\n"), over[0]);
	assert_int_equal(times("ALPHA failed: F_UNAVAILABLE"), !over[0]);
	assert_int_equal(times("ALPHA cites "), 1);
	assert_int_equal(times("BRAVO stop at 4000000, 2 tokens [hm][fivesixteen]\n"), over[1]);
	assert_int_equal(times("BRAVO failed: F_UNAVAILABLE"), !over[1]);
	assert_int_equal(times("BRAVO cites 0:\n"), 1);
	assert_int_equal(times("done\n"), 1);
	assert_string_equal(told.p + told.len - 5, "done\n");
	if (n > 3)
		assert_int_equal(times("ALPHA cites 1:{\"id\":\"1\"}\n"), 1);
	/* Who failed has said what it has said. */
	if (!over[1]) {
		snprintf(said, sizeof said, " tokens [%s][%s%s]\nBRAVO cites", n > 5 ? "hm" : "",
		    n > 7 ? "five" : "", n > 10 ? "sixteen" : "");
		assert_int_equal(times(said), 1);
	}
	/* Where it was thinking, that ends as well. */
	assert_int_equal(times(" 4 five\n") + times(" 4 \n"), n > 5);
}

static void
at_every_record(void **arg)
{
	(void)arg;
	for (size_t n = 1; n <= STEPS; n++) {
		const int64_t	 worker = ident_new(), turn = ident_new();

		leave(worker, turn, n);
		assert_int_equal(spool_orphans(spool, KEEP_MS, heal, NULL, NULL), 1);
		assert_whole(turn, n);
		assert_int_equal(spool_orphans(spool, KEEP_MS, heal, NULL, NULL), 0);
	}
}

static int
last_position(void *arg, uint64_t pos, const struct spool_record *r)
{
	(void)r;
	*(uint64_t *)arg = pos;
	return 0;
}

/* It died while the last record was being written. */
static void
torn(void **arg)
{
	(void)arg;
	for (size_t n = 2; n <= STEPS; n++) {
		const int64_t	 worker = ident_new(), turn = ident_new();
		char		 path[160];
		uint64_t	 last = 0;
		int		 fd;

		leave(worker, turn, n);
		snprintf(path, sizeof path, "%s/%014llx", spool, (unsigned long long)worker);
		assert_int_equal(spool_scan(path, last_position, &last), 0);
		strcat(path, "/00000001.seg");
		assert_return_code(fd = open(path, O_RDWR), errno);
		assert_int_equal(pwrite(fd, "torn", 4, (off_t)(uint32_t)last + 8), 4);
		close(fd);
		assert_int_equal(spool_orphans(spool, KEEP_MS, heal, NULL, NULL), 1);
		assert_whole(turn, n - 1);
	}
}

/* Turns that were told to their end are found again when the registry is new. */
static void
registry_again(void **arg)
{
	const int64_t		 worker = ident_new(), turn = ident_new();
	struct registry_found	 found;
	char			 path[96];

	(void)arg;
	leave(worker, turn, STEPS);
	assert_int_equal(spool_orphans(spool, KEEP_MS, heal, NULL, NULL), 1);
	snprintf(path, sizeof path, "%s/turns", state);
	assert_return_code(unlink(path), errno);
	assert_int_equal(registry_open(state), 0);
	assert_false(registry_find(turn, &found));
	heal_registry(spool, plain_voices);
	assert_whole(turn, STEPS);
}

/* What this program has no voice for is left as it is. */
static void
other_voice(void **arg)
{
	static const struct voice *const	 none[] = { NULL };
	const int64_t				 worker = ident_new(), turn = ident_new();
	struct registry_found			 found;
	char					 path[160];

	(void)arg;
	leave(worker, turn, 9);
	snprintf(path, sizeof path, "%s/%014llx", spool, (unsigned long long)worker);
	assert_int_equal(heal_spool(path, worker, none, DIED_MS), 0);
	assert_false(registry_find(turn, &found));
	assert_int_equal(heal_spool(path, worker, plain_voices, DIED_MS), 0);
	assert_whole(turn, 9);
}

/* First records that make no sense. */
static void
damaged(void **arg)
{
	static const char *const	 bad[] = {
		"", "null", "{}", "[]", "{\"voice\":\"plain\"}",
		"{\"voice\":\"plain\",\"version\":2,\"lang\":\"en\",\"created_ms\":1,\"lanes\":[]}",
		"{\"voice\":\"other\",\"version\":1,\"lang\":\"en\",\"created_ms\":1,\"lanes\":[]}",
		"{\"voice\":\"plain\",\"version\":1,\"lang\":\"en\",\"created_ms\":1,\"lanes\":3}",
	};
	static const char		 good[] = "{\"voice\":\"plain\",\"version\":1,\"lang\":"
	    "\"en\",\"created_ms\":1,\"lanes\":[{\"n\":3,\"answer\":5}]}";
	struct spool_record		 r = { .kind = SPOOL_BEGIN, .turn = 6 };
	struct turn			*t;

	(void)arg;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		r.data = bad[i];
		r.len = strlen(bad[i]);
		assert_null(retell_read(&r, plain_voices));
	}
	r.data = good;
	r.len = sizeof good - 1;
	assert_non_null(t = retell_read(&r, plain_voices));
	assert_true(t->id == 6 && t->nlanes == 1 && t->lanes[0].n == 3 && t->lanes[0].answer == 5);
	assert_true(t->lang == LANG_EN && t->ref == NULL && !t->stored);
	turn_free(t);
}

static int
setup(void **arg)
{
	(void)arg;
	snprintf(state, sizeof state, "/tmp/parley-test.XXXXXX");
	assert_non_null(mkdtemp(state));
	snprintf(spool, sizeof spool, "%s/spool", state);
	return ident_open(state, 0) == 0 && registry_open(state) == 0 ? 0 : -1;
}

static int
teardown(void **arg)
{
	char	 command[96];

	(void)arg;
	str_free(&told);
	snprintf(command, sizeof command, "rm -rf '%s'", state);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(at_every_record),
		cmocka_unit_test(torn),
		cmocka_unit_test(registry_again),
		cmocka_unit_test(other_voice),
		cmocka_unit_test(damaged),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("heal", tests, setup, teardown);
}
