/*
 * search - what searching documents costs: so many segments of natural text (the sentences of
 * tests/recall, put together anew) on a database of its own, and every question of tests/recall
 * asked among all of them.
 *
 *	bench/search [-d documents] [-s segments of each] [-r repeats] [-p MiB of buffer pool]
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ident.h"
#include "base/str.h"
#include "core/cut.h"
#include "core/passages.h"
#include "store/db.h"
#include "store/migrate.h"
#include "store/segment.h"
#include "store/user.h"
#include "tests/unit/private-db.h"
#include "tests/unit/recall-set.h"

#define DROPPED		20		/* documents that are forgotten in the end */
#define POOL_MB		256		/* of the database for pages, unless told */

/* What a model is told. */
static const struct passages_room	room = { .characters = 6000, .tokens = INT64_MAX };

static struct private_db	server;
static struct ctx		cx;
static uint64_t			seed = 1;

struct list {
	char	**s;
	size_t	  n, size;
};

static struct list	sentences[2];	/* English, Chinese */
static struct list	questions;

static double
now_ms(void)
{
	struct timespec	 t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static size_t
pick(size_t n)			/* the same row of numbers in every run */
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (size_t)(seed >> 33) % n;
}

static void
add(struct list *l, const char *p, size_t len)
{
	if (l->n == l->size) {
		l->size = l->size > 0 ? 2 * l->size : 256;
		l->s = xrealloc(l->s, l->size * sizeof(*l->s));
	}
	l->s[l->n] = xmalloc(len + 1);
	memcpy(l->s[l->n], p, len);
	l->s[l->n++][len] = '\0';
}

/* The sentences of a text, as far as ends of lines, points and their Chinese kin tell them. */
static void
take_sentences(struct list *l, char *text)
{
	static const char *const	 ends[] = { "\n", ". ", "。" };
	const char			*end, *one;

	for (; *text != '\0'; text += end - text) {
		end = text + strlen(text);
		for (size_t i = 0; i < 3; i++)
			if ((one = strstr(text, ends[i])) != NULL && one + strlen(ends[i]) < end)
				end = one + strlen(ends[i]);
		if (end - text > 8)
			add(l, text, (size_t)(end - text) - (end[-1] == '\n'));
	}
}

static void
take_text(void *arg, const char *name, char *text)
{
	(void)arg;
	take_sentences(&sentences[strncmp(name, "zh-", 3) == 0], text);
	free(text);
}

static void
read_material(void)
{
	char	*text, *line, *next;

	recall_texts(server.top, take_text, NULL);
	next = text = recall_file(server.top, "questions.tsv");
	while ((line = strsep(&next, "\n")) != NULL && *line != '\0')
		add(&questions, strrchr(line, '\t') + 1, strlen(strrchr(line, '\t') + 1));
	free(text);
}

/* Paragraphs of three to eight sentences of one language, as much as so many segments hold. */
static void
make_text(struct str *s, size_t segments)
{
	const struct list	*l = &sentences[pick(2)];

	str_reset(s);
	while (s->len < segments * CUT_MOST * 4 / 5) {
		for (size_t i = 3 + pick(6); i > 0; i--) {
			str_puts(s, l->s[pick(l->n)]);
			if (l == &sentences[0])
				str_putc(s, ' ');
		}
		str_puts(s, "\n\n");
	}
}

static int64_t
ask_number(const char *sql)
{
	return strtoll(private_db_ask(&server, sql), NULL, 10);
}

static int64_t
rows_read(void)
{
	return ask_number("SELECT CAST(SUM(VARIABLE_VALUE) AS UNSIGNED) FROM"
	    " information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME LIKE 'HANDLER_READ%'");
}

/* Indexes that many documents; returns their ids. */
static int64_t *
fill(size_t documents, size_t segments)
{
	int64_t		*ids = xcalloc(documents, sizeof(*ids));
	const int64_t	 owner = user_ensure(&cx, TENANT_DEFAULT, "bench", NULL, NULL)->id;
	struct str	 s = STR_INIT(0), sql = STR_INIT(0);
	struct ctx	 one;
	double		 took = 0, began, bytes = 0;
	int64_t		 stored, postings;

	str_puts(&sql, "INSERT INTO document (id, tenant, owner, file_name, type, media_type, size,"
	    " status, created_ms) VALUES ");
	for (size_t i = 0; i < documents; i++) {
		ids[i] = ident_new();
		str_printf(&sql, "%s(%" PRId64 ", 1, %" PRId64 ", 'file%zu.txt', 'txt',"
		    " 'text/plain', 1, 'pending', 0)", i > 0 ? "," : "", ids[i], owner, i);
	}
	private_db_feed(&server, sql.p);
	private_ctx_open(&server, &one);
	for (size_t i = 0; i < documents; i++) {
		make_text(&s, segments);
		bytes += (double)s.len;
		began = now_ms();
		if (passages_index(&one, ids[i], s.p, s.len, NULL, NULL) == -1)
			errx(1, "a document could not be indexed");
		took += now_ms() - began;
		arena_free(one.a);
		one.a = arena_new(0);
	}
	private_ctx_close(&one);
	str_free(&s);
	str_free(&sql);
	stored = ask_number("SELECT SUM(segments) FROM document");
	postings = ask_number("SELECT COUNT(*) FROM segment_posting");
	printf("| segments | documents | text, MB | postings | indexed in, s | segments/s |"
	    " tables, MB |\n|---|---|---|---|---|---|---|\n"
	    "| %" PRId64 " | %zu | %.1f | %" PRId64 " | %.1f | %.0f | %.0f |\n\n", stored,
	    documents, bytes / 1e6, postings, took / 1e3, (double)stored * 1e3 / took,
	    (double)ask_number("SELECT SUM(FILE_SIZE) FROM"
	    " information_schema.INNODB_SYS_TABLESPACES"
	    " WHERE NAME IN ('parley/segment', 'parley/segment_posting')") / 1e6);
	return ids;
}

static int
ascending(const void *a, const void *b)
{
	double	 x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
ask_all(const int64_t *ids, size_t n, int repeats)
{
	const size_t	 asked = questions.n * (size_t)repeats;
	double		*took = xcalloc(asked, sizeof(*took)), began;
	size_t		 found = 0, at = 0;
	int64_t		 before = rows_read();
	struct found	 f;
	struct ctx	 one;

	private_ctx_open(&server, &one);
	if (passages_find(&one, ids, n, questions.s[0], room, &f) == -1)	/* prepares */
		errx(1, "nothing can be searched");
	for (int r = 0; r < repeats; r++) {
		for (size_t i = 0; i < questions.n; i++) {
			began = now_ms();
			if (passages_find(&one, ids, n, questions.s[i], room, &f) == -1)
				errx(1, "%s: failed", questions.s[i]);
			took[at++] = now_ms() - began;
			found += f.n > 0;
			arena_free(one.a);
			one.a = arena_new(0);
		}
	}
	private_ctx_close(&one);
	before = rows_read() - before;
	qsort(took, asked, sizeof(*took), ascending);
	printf("| questions | with an answer | median, ms | p95, ms | worst, ms |"
	    " rows read each |\n|---|---|---|---|---|---|\n"
	    "| %zu | %zu | %.2f | %.2f | %.2f | %.0f |\n", asked, found, took[asked / 2],
	    took[asked * 95 / 100], took[asked - 1], (double)before / (double)asked);
	free(took);
}

/* Forgets as many of the documents as show what one costs. */
static void
drop_some(const int64_t *ids, size_t n)
{
	const size_t	 some = n < DROPPED ? n : DROPPED;
	const double	 began = now_ms();

	for (size_t i = 0; i < some; i++)
		if (segment_drop(&cx, ids[i * n / some]) == -1)
			errx(1, "a document could not be forgotten");
	printf("\nForgotten: %zu documents, %.1f ms each\n", some,
	    (now_ms() - began) / (double)some);
}

int
main(int argc, char **argv)
{
	size_t	 documents = 100, segments = 50;
	int	 c, repeats = 3, pool = POOL_MB;
	int64_t	*ids;

	while ((c = getopt(argc, argv, "d:s:r:p:")) != -1) {
		const long	 n = optarg != NULL ? strtol(optarg, NULL, 10) : 0;

		if (c == '?' || n <= 0)
			errx(64, "usage: search [-d documents] [-s segments of each] [-r repeats]"
			    " [-p MiB]");
		if (c == 'd')
			documents = (size_t)n;
		else if (c == 's')
			segments = (size_t)n;
		else if (c == 'p')
			pool = (int)n;
		else
			repeats = (int)n;
	}
	if (!private_db_possible())
		errx(69, "mariadbd is not installed");
	private_db_start(&server);
	private_ctx_open(&server, &cx);
	if (migrate(&cx, server.schema, NULL, NULL) == -1)
		errx(1, "the schema could not be made");
	private_db_feed(&server, arena_printf(cx.a, "SET GLOBAL innodb_buffer_pool_size = %d",
	    pool << 20));
	read_material();
	ids = fill(documents, segments);
	ask_all(ids, documents, repeats);
	drop_some(ids, documents);
	free(ids);
	private_ctx_close(&cx);
	private_db_stop(&server);
	return 0;
}
