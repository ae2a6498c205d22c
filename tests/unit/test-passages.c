/*
 * Segments from end to end on a database: how well questions find what answers them (tests/recall),
 * what that costs, what a model is told, and that indexing is all or nothing.
 */
#include "material.h"
#include "recall-set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ident.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"
#include "core/attach.h"
#include "core/passages.h"
#include "core/rank.h"
#include "core/terms.h"

#define TEXTS	64
#define COPIES	8		/* of all texts, for what searching costs */

static struct text {
	char	 name[64];	/* "en-lease" */
	char	*text;
	int64_t	 document;
} texts[TEXTS];
static size_t	ntexts;

/* A document's row, as uploading leaves it. */
static int64_t
a_document(const char *name)
{
	const int64_t	 id = ident_new();

	private_db_feed(&server, arena_printf(cx.a, "INSERT INTO document (id, tenant, owner, file_name,"
	    " type, media_type, size, status, error, created_ms) VALUES (%" PRId64 ", 1, %" PRId64
	    ", '%s', 'txt', 'text/plain', 1, 'pending', 'not yet', 0)", id, ann, name));
	return id;
}

static int64_t
indexed(const char *name, const char *text)
{
	const int64_t	 id = a_document(name);

	assert_int_equal(passages_index(&cx, id, text, strlen(text), NULL, NULL), 0);
	return id;
}

static void
index_text(void *arg, const char *name, char *text)
{
	struct text	*t = &texts[ntexts++];

	(void)arg;
	assert_true(ntexts <= TEXTS);
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->text = text;
	t->document = indexed(name, text);
}

static int
index_texts(void **state)
{
	if (furnish(state) != 0)
		return -1;
	fresh(state);
	recall_texts(server.top, index_text, NULL);
	return gone(state);
}

static int
forget_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ntexts; i++)
		free(texts[i].text);
	return 0;
}

static size_t
all_documents(int64_t *ids)
{
	for (size_t i = 0; i < ntexts; i++)
		ids[i] = texts[i].document;
	return ntexts;
}

/* How well. */

struct right {			/* what should be found */
	int64_t		 document;
	const char	*phrase;
	const char	*question;
};

/* The lines of questions.tsv; *lines is freed by the caller. */
static size_t
expected(struct right *r, size_t most, char **lines)
{
	char	*next, *line, *name;
	size_t	 n = 0;

	next = *lines = recall_file(server.top, "questions.tsv");
	while ((line = strsep(&next, "\n")) != NULL && *line != '\0' && n < most) {
		name = strsep(&line, "\t");
		r[n].phrase = strsep(&line, "\t");
		r[n].question = line;
		assert_non_null(line);
		r[n].document = 0;
		for (size_t i = 0; i < ntexts; i++)
			if (strcmp(texts[i].name, name) == 0)
				r[n].document = texts[i].document;
		assert_true(r[n++].document != 0);
	}
	return n;
}

/* At what place, from 1, the right segment stands; 0: it was not found. */
static size_t
place_of(const struct right *r, const int64_t *ids, size_t n, size_t most)
{
	struct segment	*list;
	size_t		 found;

	assert_int_equal(rank_segments(&cx, ids, n, r->question, (int)most, &list, &found), 0);
	assert_true(found <= most);
	for (size_t i = 0; i < found; i++) {
		assert_true(list[i].score > 0 && list[i].score <= 1);
		assert_true(i == 0 || list[i].score <= list[i - 1].score);
		if (list[i].document == r->document && strstr(list[i].text, r->phrase) != NULL)
			return i + 1;
	}
	return 0;
}

static void
recall(void **state)
{
	struct right	 r[400];
	int64_t		 ids[TEXTS];
	size_t		 n, place, documents = all_documents(ids), first = 0, five = 0;
	char		*lines;

	(void)state;
	n = expected(r, 400, &lines);
	assert_true(n >= 70);
	for (size_t i = 0; i < n; i++) {
		place = place_of(&r[i], ids, documents, 5);
		first += place == 1;
		five += place > 0;
		if (place == 0)
			print_message("# missed: %s\n", r[i].question);
	}
	free(lines);
	print_message("# %zu questions to %zu texts: recall at 1 %.3f, at 5 %.3f\n", n, documents,
	    (double)first / (double)n, (double)five / (double)n);
	assert_true((double)five >= 0.9 * (double)n);
}

static void
unrelated(void **state)
{
	char		*lines, *next, *question;
	int64_t		 ids[TEXTS];
	size_t		 n = 0, refused = 0, documents = all_documents(ids), found;
	struct segment	*list;

	(void)state;
	next = lines = recall_file(server.top, "unrelated.tsv");
	while ((question = strsep(&next, "\n")) != NULL && *question != '\0') {
		assert_int_equal(rank_segments(&cx, ids, documents, question, 5, &list, &found), 0);
		n++;
		refused += found == 0;
		if (found > 0)
			print_message("# %.3f: %s: %s\n", list[0].score, question, list[0].file_name);
	}
	free(lines);
	print_message("# %zu unrelated questions: to %zu of them nothing is found\n", n, refused);
	assert_true(n >= 15 && refused * 5 >= n * 4);
}

/* What it costs. */

/* Rows that the server has read so far, for whomever. */
static int64_t
rows_read(void)
{
	return strtoll(private_db_ask(&server, "SELECT CAST(SUM(VARIABLE_VALUE) AS UNSIGNED) FROM"
	    " information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME LIKE 'HANDLER_READ%'"), NULL, 10);
}

/* How many a question reads among these documents, and how many postings it has there. */
static int64_t
cost(const char *question, const int64_t *ids, size_t n, int64_t *postings)
{
	struct segment_scope	 scope;
	struct segment_term	*terms;
	struct segment		*list;
	struct asked		*asked;
	size_t			 nterms, found;
	int64_t			 noise, before;

	asked = terms_asked(cx.a, question, 64, &nterms);
	terms = arena_array(cx.a, nterms, sizeof(*terms));
	for (size_t i = 0; i < nterms; i++)
		terms[i].h = asked[i].h;
	assert_int_equal(segment_scope(&cx, ids, n, &scope), 0);
	assert_int_equal(segment_count(&cx, &scope, terms, nterms), 0);
	*postings = 0;
	for (size_t i = 0; i < nterms; i++)
		*postings += terms[i].segments;

	noise = rows_read();
	before = rows_read();
	noise = before - noise;
	assert_int_equal(rank_segments(&cx, ids, n, question, 5, &list, &found), 0);
	return rows_read() - before - noise;
}

static void
costs(void **state)
{
	static const char *const	 questions[] = {
		"how many years are pumps and boilers guaranteed",
		"出差回来多久之内要交报销单",
		"vpn报错809",
	};
	int64_t	 ids[TEXTS * (1 + COPIES)], postings[2], rows[3];
	size_t	 n = all_documents(ids), all = n;

	(void)state;
	for (size_t i = 0; i < 3; i++)		/* prepares the statements, too */
		assert_true(cost(questions[i], ids, n, &postings[0]) > 0);
	for (size_t i = 0; i < COPIES * n; i++)
		ids[all++] = indexed(texts[i % n].name, texts[i % n].text);
	for (size_t i = 0; i < 3; i++) {
		rows[0] = cost(questions[i], ids, n, &postings[0]);
		rows[1] = cost(questions[i], ids, all, &postings[1]);
		print_message("# %s: %" PRId64 " rows read for %" PRId64 " postings in %zu documents,"
		    " %" PRId64 " for %" PRId64 " in %zu\n", questions[i], rows[0], postings[0], n,
		    rows[1], postings[1], all);
		assert_true(postings[0] > 0);
		assert_int_equal(postings[1], (1 + COPIES) * postings[0]);
		assert_true(rows[1] <= (1 + COPIES) * rows[0] * 11 / 10);
	}
	/* What is not searched costs nothing. */
	rows[0] = cost(questions[0], ids, 1, &postings[0]);
	for (size_t i = n; i < all; i++)
		assert_int_equal(segment_drop(&cx, ids[i]), 0);
	assert_int_equal(cost(questions[0], ids, 1, &postings[1]), rows[0]);
	assert_int_equal(postings[1], postings[0]);
}

/* A term of very many segments is counted, but not scored where a rare one is asked for too. */
static void
common_terms(void **state)
{
	const int64_t	 id = indexed("common.txt", "rare common");
	struct segment	*list;
	int64_t		 postings, rows;
	size_t		 found;

	(void)state;
	private_db_feed(&server, arena_printf(cx.a, "INSERT INTO segment_posting SELECT %" PRId64
	    ", %" PRId64 ", seq, 1 FROM seq_1_to_60000; UPDATE document SET segments = 60001"
	    " WHERE id = %" PRId64, id, ident_hash64("common", 6), id));
	rows = cost("rare common", &id, 1, &postings);
	assert_int_equal(postings, 60002);
	print_message("# %" PRId64 " rows read for %" PRId64 " postings of which one is rare\n", rows,
	    postings);
	assert_true(rows < 2 * postings + 1000);	/* each is read, and grouped by its term */
	assert_int_equal(rank_segments(&cx, &id, 1, "rare common", 5, &list, &found), 0);
	assert_int_equal(found, 1);
	assert_int_equal(segment_drop(&cx, id), 0);
}

/* What is told. */

static const struct passages_room	 ample = { 6000, INT64_MAX };
static const char	jam[] = "# Jam\n\nPlum jam is boiled for forty minutes with sugar.\n\n";

static void
told(void **state)
{
	const int64_t	 id = indexed("jam \"1\".md", jam);
	struct found	 f;
	struct json	*j;
	const char	*text;
	size_t		 len;
	int64_t		 n;

	(void)state;
	assert_int_equal(passages_find(&cx, &id, 1, "How long is plum jam boiled?", ample, &f), 0);
	assert_int_equal(f.n, 1);
	assert_non_null(strstr(f.knowledge, "Passages of the user's files"));
	assert_non_null(strstr(f.knowledge, "\n[1] jam \"1\".md\n# Jam\n\nPlum jam is boiled"));
	j = json_parse(&cx, f.citations[0], strlen(f.citations[0]));
	assert_non_null(j);
	assert_true(json_get_i64(json_at(j, "documentId"), &n) && n == id);
	assert_true(json_get_i64(json_at(j, "segment"), &n) && n == 0);
	assert_true(json_get_str(json_at(j, "fileName"), &text, &len));
	assert_string_equal(text, "jam \"1\".md");
	assert_true(json_get_str(json_at(j, "text"), &text, &len));
	assert_string_equal(text, "# Jam\n\nPlum jam is boiled for forty minutes with sugar.");
	assert_non_null(strstr(f.citations[0], "\"score\":0."));
	json_free(j);

	cx.lang = LANG_ZH;
	assert_int_equal(passages_find(&cx, &id, 1, "ＰＬＵＭ jam要煮多久", ample, &f), 0);
	assert_int_equal(f.n, 1);
	assert_non_null(strstr(f.knowledge, "检索到的段落"));
}

/* One Han character by itself is found within words, and no other question sees it there. */
static void
one_character(void **state)
{
	const int64_t	 ids[] = {
		indexed("茶.txt", "西湖龙井是一种绿茶，产于杭州。"),
		indexed("果.txt", "苹果和梨都是水果。"),
	};
	struct segment	*list;
	size_t		 found;

	(void)state;
	assert_int_equal(rank_segments(&cx, ids, 2, "茶", 5, &list, &found), 0);
	assert_int_equal(found, 1);
	assert_int_equal(list[0].document, ids[0]);
	assert_int_equal(list[0].tokens, 11);		/* as long as it was without them */
	assert_int_equal(rank_segments(&cx, ids, 2, "“梨”?", 5, &list, &found), 0);
	assert_int_equal(found, 1);
	assert_int_equal(list[0].document, ids[1]);
	assert_int_equal(rank_segments(&cx, ids, 2, "鱼", 5, &list, &found), 0);
	assert_int_equal(found, 0);
	assert_int_equal(rank_segments(&cx, ids, 2, "茶壶", 5, &list, &found), 0);
	assert_int_equal(found, 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(segment_drop(&cx, ids[i]), 0);
}

static void
told_nothing(void **state)
{
	const int64_t	 id = indexed("jam.md", jam), no_such = 7;
	struct found	 f;

	(void)state;
	assert_int_equal(passages_find(&cx, &id, 1, "Who won the cup?", ample, &f), 0);
	assert_int_equal(f.n, 0);
	assert_non_null(strstr(f.knowledge, "Nothing that bears on the question"));
	assert_int_equal(passages_find(&cx, &id, 1, "?!", ample, &f), 0);
	assert_int_equal(f.n, 0);
	assert_int_equal(passages_find(&cx, &no_such, 1, "plum jam", ample, &f), 0);
	assert_int_equal(f.n, 0);
	assert_int_equal(passages_find(&cx, NULL, 0, "plum jam", ample, &f), 0);
	assert_int_equal(f.n, 0);
	cx.lang = LANG_ZH;
	assert_int_equal(passages_find(&cx, &id, 1, "谁赢了比赛", ample, &f), 0);
	assert_non_null(strstr(f.knowledge, "没有检索到"));
}

/* Many paragraphs that all bear on the same question. */
static int64_t
a_long_one(const char *name)
{
	struct str	 s = STR_INIT(0);
	int64_t		 id;

	for (int i = 0; i < 200; i++)
		str_printf(&s, "第%d段说的是退款的办法，客户要退款的时候先登记。\n\n", i);
	id = indexed(name, s.p);
	str_free(&s);
	return id;
}

/* At most so many characters, whole ones, and a citation for each segment that is told. */
static void
told_in_so_many(void **state)
{
	const int64_t	 id = a_long_one("refund.txt");
	struct found	 f;

	(void)state;
	assert_int_equal(passages_find(&cx, &id, 1, "客户退款怎么登记", ample, &f), 0);
	assert_int_equal(f.n, RETRIEVE_MOST);
	for (size_t chars = 1; chars <= 1000; chars += 111) {
		const struct passages_room	 room = { chars, INT64_MAX };

		assert_int_equal(passages_find(&cx, &id, 1, "客户退款怎么登记", room, &f), 0);
		assert_true(chars < 200 ? f.n == 0 : f.n >= 1 && f.n <= RETRIEVE_MOST);
		assert_true(utf8_length(f.knowledge, strlen(f.knowledge)) < chars + 600 + f.n * 20);
		assert_true(utf8_valid(f.knowledge, strlen(f.knowledge)));
	}
}

/* The whole message keeps to its tokens; what there is no room for is not cited. */
static void
told_in_tokens(void **state)
{
	const int64_t	 id = a_long_one("tokens.txt");
	struct found	 f;
	size_t		 before = 0;

	(void)state;
	for (int64_t tokens = -20; tokens <= 2000; tokens += 30) {
		const struct passages_room	 room = { 6000, tokens };

		assert_int_equal(passages_find(&cx, &id, 1, "客户退款怎么登记", room, &f), 0);
		assert_true(f.n >= before);
		before = f.n;
		if (f.knowledge == NULL) {
			assert_int_equal(f.n, 0);
			assert_true(tokens < 80);
			continue;
		}
		assert_true(utf8_tokens(f.knowledge, strlen(f.knowledge)) <= tokens);
		assert_true(utf8_valid(f.knowledge, strlen(f.knowledge)));
		assert_int_equal(strstr(f.knowledge, "does not fit") != NULL, f.n == 0);
		if (f.n == 0)
			continue;
		assert_non_null(strstr(f.knowledge, arena_printf(cx.a, "\n[%zu] ", f.n)));
		assert_null(strstr(f.knowledge, arena_printf(cx.a, "\n[%zu] ", f.n + 1)));
	}
	assert_int_equal(before, 4);		/* of about 500 tokens each; the last in part */
}

/* What a model of that window would be sent, as estimated; the spec has what there is to cite. */
static int64_t
sent(struct turn_spec *spec, const struct document *d, size_t n, int window, int max_tokens)
{
	const struct model	 model = { .context_tokens = window, .max_tokens = max_tokens };
	const struct turn_seat	 seat = { .model = &model };
	struct message		 m[3];
	size_t			 told = 0;

	spec->seats = &seat;
	spec->nseats = 1;
	assert_int_equal(attach_knowledge(&cx, d, n, spec), 0);
	spec->seats = NULL;
	if (spec->system != NULL)
		m[told++] = (struct message){ .role = ROLE_SYSTEM, .text = spec->system };
	if (spec->knowledge != NULL)
		m[told++] = (struct message){ .role = ROLE_SYSTEM, .text = spec->knowledge };
	m[told++] = (struct message){ .role = ROLE_USER, .text = spec->question };
	return prompt_estimate(m, told, NULL);
}

static struct turn_spec
asks(const char *system)
{
	return (struct turn_spec){ .question = "客户退款怎么登记", .system = system };
}

static void
fits_its_window(void **state)
{
	const int64_t		 id = a_long_one("window.txt");
	struct document		 d[] = {
		{ .id = id, .file_name = arena_strdup(cx.a, "window.txt"),
		    .status = arena_strdup(cx.a, "ready") },
		{ .id = id + 1, .file_name = arena_strdup(cx.a, "waiting.txt"),
		    .status = arena_strdup(cx.a, "pending") },
	};
	char			*system = arena_get(cx.a, 4001);
	struct turn_spec	 spec;

	(void)state;
	memset(system, 's', 4000);
	system[4000] = '\0';
	for (int window = 1100; window <= 20000; window += 450) {
		for (size_t n = 1; n <= 2; n++) {
			spec = asks(NULL);
			assert_true(sent(&spec, d, n, window, 0) <= window - 1024);
			assert_int_equal(spec.unread != NULL, n == 2);
			if (spec.knowledge != NULL)
				assert_true(utf8_tokens(spec.knowledge, strlen(spec.knowledge)) <=
				    window / 2);
		}
		spec = asks(system);
		if (window > 2100)
			assert_true(sent(&spec, d, 2, window, 0) <= window - 1024);
		spec = asks(NULL);
		assert_true(sent(&spec, d, 1, window + 3000, 4000) <= window - 1000);
	}
	spec = asks(NULL);
	sent(&spec, d, 1, 1100, 0);
	assert_int_equal(spec.ncitations, 0);
	spec = asks(NULL);
	sent(&spec, d, 1, 4096, 4096);
	assert_int_equal(spec.ncitations, 0);
	assert_null(spec.knowledge);
	spec = asks(NULL);
	sent(&spec, d, 1, 4096, 0);
	assert_int_equal(spec.ncitations, 4);
	spec = asks(system);
	sent(&spec, d, 1, 4096, 1024);
	assert_int_equal(spec.ncitations, 4);
	spec = asks(system);
	sent(&spec, d, 1, 3000, 1024);
	assert_int_equal(spec.ncitations, 2);
	spec = asks(NULL);
	sent(&spec, d, 1, 0, 0);
	assert_int_equal(spec.ncitations, RETRIEVE_MOST);
}

/* However long the segment is. */
static void
cited_whole(void **state)
{
	const int64_t	 id = indexed("long.txt", jam);
	struct found	 f;

	(void)state;
	private_db_feed(&server, arena_printf(cx.a, "UPDATE segment SET text = REPEAT('果', 3000)"
	    " WHERE document = %" PRId64, id));
	assert_int_equal(passages_find(&cx, &id, 1, "plum jam", ample, &f), 0);
	assert_int_equal(f.n, 1);
	assert_non_null(strstr(f.citations[0], "果\","));
	assert_true(strlen(f.citations[0]) > 9000);
	assert_non_null(strstr(f.knowledge, "果果\n"));
}

/* Indexing. */

static const char *
stored(int64_t id)
{
	return private_db_ask(&server, arena_printf(cx.a, "SELECT CONCAT_WS(' ', d.status,"
	    " d.error IS NULL, d.segments, d.tokens, (SELECT COUNT(*) FROM segment WHERE document = d.id),"
	    " (SELECT COALESCE(SUM(tokens), 0) FROM segment WHERE document = d.id),"
	    " (SELECT COUNT(*) FROM segment_posting WHERE document = d.id)) FROM document d WHERE d.id = %"
	    PRId64, id));
}

static int
refuse(struct ctx *c, void *arg)
{
	(void)arg;
	return fail(c, F_BUSY, "it");
}

static int
count(struct ctx *c, void *arg)
{
	(void)c;
	++*(int *)arg;
	return 0;
}

static void
replaced(void **state)
{
	const int64_t	 id = a_document("a.txt");
	int		 called = 0;

	(void)state;
	assert_string_equal(stored(id), "pending 0 0 0 0 0 0");
	assert_int_equal(passages_index(&cx, id, "one two two", 11, count, &called), 0);
	assert_int_equal(called, 1);
	assert_string_equal(stored(id), "ready 1 1 3 1 3 2");
	assert_int_equal(passages_index(&cx, id, "three", 5, NULL, NULL), 0);
	assert_string_equal(stored(id), "ready 1 1 1 1 1 1");

	assert_int_equal(passages_index(&cx, id, "four five", 9, refuse, NULL), -1);
	FAILED_WITH(F_BUSY);
	assert_string_equal(stored(id), "ready 1 1 1 1 1 1");
	assert_int_equal(passages_index(&cx, id, " \n?!\n", 5, count, &called), -1);
	FAILED_WITH(F_VALUE);
	assert_int_equal(passages_index(&cx, id, NULL, 0, count, &called), -1);
	FAILED_WITH(F_VALUE);
	assert_int_equal(called, 1);
	assert_string_equal(stored(id), "ready 1 1 1 1 1 1");

	assert_int_equal(segment_drop(&cx, id), 0);
	assert_string_equal(stored(id), "ready 1 1 1 0 0 0");
}

static void
deleted_meanwhile(void **state)
{
	const int64_t	 id = a_document("b.txt");

	(void)state;
	private_db_feed(&server, arena_printf(cx.a, "DELETE FROM document WHERE id = %" PRId64, id));
	assert_int_equal(passages_index(&cx, id, "one", 3, NULL, NULL), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_string_equal(private_db_ask(&server, arena_printf(cx.a, "SELECT (SELECT COUNT(*) FROM"
	    " segment WHERE document = %" PRId64 ") + (SELECT COUNT(*) FROM segment_posting"
	    " WHERE document = %" PRId64 ")", id, id)), "0");
}

/* More postings than go to the server at once. */
static void
large(void **state)
{
	const int64_t	 id = a_document("large.txt");
	struct segment	*list;
	struct str	 s = STR_INIT(0);
	size_t		 found;

	(void)state;
	for (int i = 0; i < 20000; i++)
		str_printf(&s, "w%d%s", i, i % 10 == 9 ? ".\n\n" : " ");
	assert_int_equal(passages_index(&cx, id, s.p, s.len, NULL, NULL), 0);
	str_free(&s);
	assert_non_null(strstr(stored(id), " 20000 "));
	assert_int_equal(rank_segments(&cx, &id, 1, "where is w12345", 5, &list, &found), 0);
	assert_int_equal(found, 1);
	assert_non_null(strstr(list[0].text, "w12345"));
	assert_int_equal(segment_drop(&cx, id), 0);
	assert_non_null(strstr(stored(id), " 0 0 0"));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(recall),
		TEST(unrelated),
		TEST(costs),
		TEST(common_terms),
		TEST(told),
		TEST(one_character),
		TEST(told_nothing),
		TEST(told_in_so_many),
		TEST(told_in_tokens),
		TEST(fits_its_window),
		TEST(cited_whole),
		TEST(replaced),
		TEST(deleted_meanwhile),
		TEST(large),
	};

	return furnished_begin() ? furnished_end(cmocka_run_group_tests_name("passages", tests,
	    index_texts, forget_texts)) : 0;
}
