/*
 * Documents, datasets and what is in what: what each function does, for a stranger too, and that
 * nothing is ever half done.
 */
#include "material.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ident.h"
#include "store/chats.h"
#include "store/document.h"
#include "store/user.h"

static struct document
a_document(int64_t owner, const char *name)
{
	const int64_t	 id = ident_new();

	return (struct document){ .id = id, .tenant = TENANT_DEFAULT, .owner = owner,
		.file_name = arena_strdup(cx.a, name), .type = arena_strdup(cx.a, "txt"),
		.media_type = arena_strdup(cx.a, "text/plain"), .size = 5,
		.status = arena_strdup(cx.a, "pending"), .created_ms = ident_time(id) };
}

static int64_t
added(int64_t owner, const char *name)
{
	struct document	 d = a_document(owner, name);

	assert_int_equal(document_add(&cx, &d, 1, NULL, NULL), 0);
	return d.id;
}

static int64_t
founded(int64_t owner, const char *name, const int64_t *ids, size_t n)
{
	struct dataset	 d = { .id = ident_new(), .tenant = TENANT_DEFAULT, .owner = owner,
		.name = arena_strdup(cx.a, name), .created_ms = clock_ms() };

	assert_int_equal(dataset_add(&cx, &d, ids, n), 0);
	return d.id;
}

static int64_t __attribute__((format(printf, 1, 2)))
count(const char *from, ...)
{
	char	 sql[512];
	va_list	 ap;
	int	 n = snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM ");

	va_start(ap, from);
	vsnprintf(sql + n, sizeof(sql) - (size_t)n, from, ap);
	va_end(ap);
	return strtoll(private_db_ask(&server, sql), NULL, 10);
}

static int
two_parts(struct ctx *c, const struct document *d, void *arg)
{
	const int	*broken = arg;

	if (document_part_add(c, d->id, 0, "ab\0c", 4) == -1 ||
	    document_part_add(c, d->id, 1, "d", 1) == -1)
		return -1;
	return *broken ? fail(c, F_INTERNAL, "as asked for") : 0;
}

static void
content(void **state)
{
	struct document	 d[2] = { a_document(ann, "一.txt"), a_document(ann, "b.png") }, *got;
	struct part	*part;
	int		 broken = 0;

	(void)state;
	d[1].type = arena_strdup(cx.a, "image");
	d[1].status = arena_strdup(cx.a, "ready");
	assert_int_equal(document_add(&cx, d, 2, two_parts, &broken), 0);
	got = document_get(&cx, ann, d[0].id);
	assert_non_null(got);
	assert_string_equal(got->file_name, "一.txt");
	assert_string_equal(got->status, "pending");
	assert_string_equal(got->author_name, "Ann");
	assert_null(got->author_avatar);
	assert_null(got->url);
	assert_null(got->error);
	assert_true(got->size == 5 && got->segments == 0 && got->created_ms == d[0].created_ms);
	part = document_part(&cx, d[1].id, 0);
	assert_non_null(part);
	assert_int_equal(part->len, 4);
	assert_memory_equal(part->body, "ab\0c", 4);
	assert_int_equal(document_part(&cx, d[1].id, 1)->len, 1);
	assert_null(document_part(&cx, d[1].id, 2));
	assert_int_equal(document_length(&cx, d[1].id), 5);
	assert_int_equal(document_length(&cx, 4711), 0);
	/* What is ready has no job. */
	assert_int_equal(count("job WHERE kind = 'read' AND ref = %" PRId64, d[0].id), 1);
	assert_int_equal(count("job WHERE ref = %" PRId64, d[1].id), 0);

	/* All or nothing. */
	d[0] = a_document(ann, "c.txt");
	d[1] = a_document(ann, "d.txt");
	broken = 1;
	assert_int_equal(document_add(&cx, d, 2, two_parts, &broken), -1);
	FAILED_WITH(F_INTERNAL);
	for (int i = 0; i < 2; i++) {
		assert_null(document_get(&cx, 0, d[i].id));
		FAILED_WITH(F_NOT_FOUND);
		assert_int_equal(document_length(&cx, d[i].id), 0);
		assert_int_equal(count("job WHERE ref = %" PRId64, d[i].id), 0);
	}

	assert_null(document_get(&cx, bob, got->id));
	assert_non_null(strstr(cx.fail.what, "document "));
	FAILED_WITH(F_NOT_FOUND);
	assert_non_null(document_get(&cx, 0, got->id));
}

/* The database goes away in the middle of it. */
static int
lost_part(struct ctx *c, const struct document *d, void *arg)
{
	int	*times = arg;

	if (document_part_add(c, d->id, 0, "a", 1) == -1)
		return -1;
	if ((*times)++ == 0)
		private_db_do(&server, "kill");
	return document_part_add(c, d->id, 1, "b", 1);
}

static void
lost(void **state)
{
	const struct document	 d = a_document(ann, "x.txt");
	int			 times = 0;

	(void)state;
	assert_int_equal(document_add(&cx, &d, 1, lost_part, &times), -1);
	assert_true(times > 0 && cx.fail.retry_after > 0);
	FAILED_WITH(F_UNAVAILABLE);
	private_db_do(&server, "up");
	assert_int_equal(count("document WHERE id = %" PRId64, d.id), 0);
	assert_int_equal(count("document_part WHERE document = %" PRId64, d.id), 0);
	assert_int_equal(count("job WHERE ref = %" PRId64, d.id), 0);
}

static void
ends(void **state)
{
	const int64_t	 id = added(ann, "x.txt");
	char		 sentence[1000] = "";
	struct document	*d;

	(void)state;
	for (int i = 0; i < 300; i++)
		memcpy(sentence + 3 * i, "错", 4);
	assert_int_equal(document_fail(&cx, id, sentence), 0);
	d = document_get(&cx, ann, id);
	assert_string_equal(d->status, "failed");
	assert_int_equal(strlen(d->error), 3 * 255);
	assert_int_equal(document_fail(&cx, id, NULL), 0);
	d = document_get(&cx, ann, id);
	assert_string_equal(d->status, "ready");
	assert_null(d->error);
	assert_int_equal(document_fail(&cx, 4711, "gone"), 0);
}

/* The names found, in their order. */
static char *
found(const char *part, int64_t skip, int64_t most, int64_t *total)
{
	struct document	*d;
	size_t		 n;
	char		*s = arena_strdup(cx.a, "");

	assert_int_equal(document_search(&cx, bob, part, skip, most, &d, &n, total), 0);
	for (size_t i = 0; i < n; i++)
		s = arena_printf(cx.a, "%s%s%s", s, *s != '\0' ? " " : "", d[i].file_name);
	return s;
}

static void
search(void **state)
{
	const char	*names[] = { "年度报告.pdf", "100%.txt", "a_b.md", "a\\b.md", "Über.txt" };
	int64_t		 total;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		added(bob, names[i]);
	added(ann, "报告.txt");
	assert_string_equal(found("", 0, 10, &total),
	    "Über.txt a\\b.md a_b.md 100%.txt 年度报告.pdf");
	assert_int_equal(total, 5);
	assert_string_equal(found("", 1, 2, &total), "a\\b.md a_b.md");
	assert_int_equal(total, 5);
	assert_string_equal(found("", 5, 2, &total), "");
	assert_string_equal(found("报告", 0, 10, &total), "年度报告.pdf");
	assert_int_equal(total, 1);
	assert_string_equal(found("度", 0, 10, &total), "年度报告.pdf");
	assert_string_equal(found("%", 0, 10, &total), "100%.txt");
	assert_string_equal(found("_", 0, 10, &total), "a_b.md");
	assert_string_equal(found("\\", 0, 10, &total), "a\\b.md");
	assert_string_equal(found("A_B.MD", 0, 10, &total), "a_b.md");
	assert_string_equal(found("über", 0, 10, &total), "Über.txt");
	assert_string_equal(found("uber", 0, 10, &total), "");
	assert_string_equal(found("'; --", 0, 10, &total), "");
	assert_int_equal(total, 0);
}

static void
rename_one(void **state)
{
	const int64_t	 id = added(ann, "x.txt");

	(void)state;
	assert_int_equal(document_rename(&cx, ann, id, "新.txt"), 0);
	assert_int_equal(document_rename(&cx, ann, id, "新.txt"), 0);
	assert_string_equal(document_get(&cx, ann, id)->file_name, "新.txt");
	assert_int_equal(document_rename(&cx, bob, id, "mine"), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_string_equal(document_get(&cx, ann, id)->file_name, "新.txt");
}

/* The ids of the documents in it, newest first. */
static void
holds(int (*list)(struct ctx *, int64_t, struct document **, size_t *), int64_t what,
    const int64_t *ids, size_t n)
{
	struct document	*d;
	size_t		 got;

	assert_int_equal(list(&cx, what, &d, &got), 0);
	assert_int_equal(got, n);
	for (size_t i = 0; i < n; i++)
		assert_true(d[i].id == ids[i]);
}

typedef int	(*mover)(struct ctx *, int64_t, int64_t, const int64_t *, size_t);

/* The same for conversations and datasets. */
static void
moving(int64_t what, mover attach, mover detach,
    int (*list)(struct ctx *, int64_t, struct document **, size_t *))
{
	const int64_t	 a = added(ann, "a"), b = added(ann, "b"), his = added(bob, "his");
	const int64_t	 turned[] = { a, b };
	const int64_t	 both[] = { b, a }, twice[] = { b, b, a, b }, mixed[] = { b, his };

	holds(list, what, NULL, 0);
	assert_int_equal(attach(&cx, ann, what, twice, 4), 0);
	holds(list, what, both, 2);			/* as they came */
	assert_int_equal(attach(&cx, ann, what, &a, 1), 0);
	holds(list, what, both, 2);			/* what is there stays in its place */
	assert_int_equal(detach(&cx, ann, what, &b, 1), 0);
	assert_int_equal(detach(&cx, ann, what, &b, 1), 0);
	holds(list, what, &a, 1);
	assert_int_equal(attach(&cx, ann, what, NULL, 0), 0);

	/* A stranger's documents, all or nothing. */
	assert_int_equal(attach(&cx, ann, what, mixed, 2), -1);
	assert_string_equal(cx.fail.what, arena_printf(cx.a, "document %" PRId64, his));
	FAILED_WITH(F_NOT_FOUND);
	holds(list, what, &a, 1);
	assert_int_equal(attach(&cx, ann, what, both, 2), 0);
	holds(list, what, turned, 2);
	assert_int_equal(detach(&cx, ann, what, mixed, 2), -1);
	FAILED_WITH(F_NOT_FOUND);
	holds(list, what, turned, 2);
	/* A stranger's place. */
	assert_int_equal(attach(&cx, bob, what, &his, 1), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(detach(&cx, bob, what, &a, 1), -1);
	FAILED_WITH(F_NOT_FOUND);
	holds(list, what, turned, 2);
	assert_int_equal(document_delete(&cx, ann, b), 0);
	holds(list, what, &a, 1);
}

static void
sessions(void **state)
{
	const int64_t	 s = a_session(ann, 0), id = added(ann, "x");

	(void)state;
	moving(s, document_attach, document_detach, document_of_session);
	assert_int_equal(session_delete(&cx, ann, s), 0);
	assert_int_equal(document_attach(&cx, ann, s, &id, 1), -1);
	assert_non_null(strstr(cx.fail.what, "session"));
	FAILED_WITH(F_NOT_FOUND);
}

static void
datasets(void **state)
{
	const int64_t	 his = added(bob, "his"), mine[] = { added(ann, "a"), added(ann, "b") };
	const int64_t	 id = founded(ann, "资料", mine, 2), s = a_session(ann, 0);
	struct dataset	 broken = { .id = ident_new(), .tenant = TENANT_DEFAULT, .owner = ann,
		.name = arena_strdup(cx.a, "x") };
	struct dataset	*d, *list;
	struct chat_row	*c;
	int64_t		 total;
	size_t		 n;

	(void)state;
	moving(founded(ann, "空", NULL, 0), dataset_attach, dataset_detach, document_of_dataset);
	d = dataset_get(&cx, ann, id);
	assert_non_null(d);
	assert_string_equal(d->name, "资料");
	assert_string_equal(d->author_name, "Ann");
	assert_int_equal(d->documents, 2);
	assert_null(dataset_get(&cx, bob, id));
	assert_non_null(strstr(cx.fail.what, "dataset"));
	FAILED_WITH(F_NOT_FOUND);

	assert_int_equal(dataset_add(&cx, &broken, &his, 1), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_null(dataset_get(&cx, ann, broken.id));
	FAILED_WITH(F_NOT_FOUND);

	assert_int_equal(dataset_rename(&cx, ann, id, "100%_\\"), 0);
	assert_int_equal(dataset_rename(&cx, bob, id, "x"), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(dataset_search(&cx, ann, "%_\\", 0, 10, &list, &n, &total), 0);
	assert_true(n == 1 && total == 1 && list[0].id == id && list[0].documents == 2);
	assert_int_equal(dataset_search(&cx, ann, "", 0, 1, &list, &n, &total), 0);
	assert_true(n == 1 && total == 2 && list[0].id > id);
	assert_int_equal(dataset_search(&cx, bob, "", 0, 10, &list, &n, &total), 0);
	assert_true(n == 0 && total == 0);

	private_db_feed(&server, arena_printf(cx.a, "UPDATE session SET dataset = %" PRId64
	    " WHERE id = %" PRId64, id, s));
	assert_int_equal(dataset_delete(&cx, bob, id), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(dataset_delete(&cx, ann, id), 0);
	assert_int_equal(dataset_delete(&cx, ann, id), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(count("dataset_document WHERE dataset = %" PRId64, id), 0);
	c = chats_get(&cx, ann, s);
	assert_non_null(c);
	assert_true(c->dataset == 0 && c->given == id);
	assert_non_null(document_get(&cx, ann, mine[0]));	/* they stay */
}

/* Postings go in steps; nothing of a document is left. */
static void
delete_one(void **state)
{
	struct document	 d = a_document(ann, "x.txt");
	const int64_t	 other = added(ann, "other"), s = a_session(ann, 0);
	const char	*tables[] = { "document_part", "segment", "segment_posting",
		"dataset_document", "session_document" };
	int		 broken = 0;

	(void)state;
	assert_int_equal(document_add(&cx, &d, 1, two_parts, &broken), 0);
	founded(ann, "set", &d.id, 1);
	assert_int_equal(document_attach(&cx, ann, s, &d.id, 1), 0);
	private_db_feed(&server, arena_printf(cx.a,
	    "INSERT INTO segment VALUES (%" PRId64 ", 0, 't', 1), (%" PRId64 ", 0, 't', 1);"
	    "INSERT INTO segment_posting SELECT %" PRId64 ", seq, 0, 1 FROM seq_1_to_50001;"
	    "INSERT INTO segment_posting VALUES (%" PRId64 ", 1, 0, 1)", d.id, other, d.id, other));

	assert_int_equal(document_delete(&cx, bob, d.id), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(count("segment_posting WHERE document = %" PRId64, d.id), 50001);
	assert_int_equal(document_delete(&cx, ann, d.id), 0);
	assert_null(document_get(&cx, 0, d.id));
	FAILED_WITH(F_NOT_FOUND);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		assert_int_equal(count("%s WHERE document = %" PRId64, tables[i], d.id), 0);
	assert_int_equal(count("job WHERE ref = %" PRId64, d.id), 0);
	assert_int_equal(count("segment_posting WHERE document = %" PRId64, other), 1);
	assert_int_equal(count("job WHERE ref = %" PRId64, other), 1);
	assert_int_equal(document_delete(&cx, ann, d.id), -1);
	FAILED_WITH(F_NOT_FOUND);
}

static int
one_part(struct ctx *c, const struct document *d, void *arg)
{
	const int	*broken = arg;

	if (document_part_add(c, d->id, 0, "new", 3) == -1)
		return -1;
	return *broken ? fail(c, F_INTERNAL, "as asked for") : 0;
}

/* Another content in the place of the one it had: all or nothing, and only by its owner. */
static void
replace_one(void **state)
{
	struct document	 d = a_document(ann, "r.txt"), *list, *got;
	size_t		 n;
	int		 broken = 0;
	int64_t		 set;

	(void)state;
	assert_int_equal(document_add(&cx, &d, 1, two_parts, &broken), 0);
	set = founded(ann, "r", &d.id, 1);
	assert_int_equal(document_named_in(&cx, set, ann, "r.txt", &list, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(document_named_in(&cx, set, ann, "R.txt", &list, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(document_named_in(&cx, set, bob, "r.txt", &list, &n), 0);
	assert_int_equal(n, 0);
	private_db_feed(&server, arena_printf(cx.a, "DELETE FROM job WHERE ref = %" PRId64
	    "; INSERT INTO segment VALUES (%" PRId64 ", 0, 't', 1); INSERT INTO segment_posting"
	    " VALUES (%" PRId64 ", 1, 0, 1); UPDATE document SET status = 'ready', segments = 1,"
	    " tokens = 1 WHERE id = %" PRId64, d.id, d.id, d.id, d.id));
	d.size = 3;
	broken = 1;
	assert_int_equal(document_replace(&cx, &d, one_part, &broken), -1);
	FAILED_WITH(F_INTERNAL);
	assert_int_equal(document_length(&cx, d.id), 5);
	assert_int_equal(count("segment WHERE document = %" PRId64, d.id), 1);
	broken = 0;
	d.owner = bob;
	assert_int_equal(document_replace(&cx, &d, one_part, &broken), -1);
	FAILED_WITH(F_NOT_FOUND);
	d.owner = ann;
	assert_int_equal(document_replace(&cx, &d, one_part, &broken), 0);
	assert_int_equal(document_length(&cx, d.id), 3);
	assert_int_equal(count("segment WHERE document = %" PRId64, d.id), 0);
	assert_int_equal(count("segment_posting WHERE document = %" PRId64, d.id), 0);
	assert_int_equal(count("job WHERE ref = %" PRId64, d.id), 1);
	got = document_get(&cx, ann, d.id);
	assert_string_equal(got->status, "pending");
	assert_int_equal(got->size, 3);
	assert_int_equal(got->segments, 0);
	assert_int_equal(got->tokens, 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(content),
		TEST(lost),
		TEST(ends),
		TEST(search),
		TEST(rename_one),
		TEST(sessions),
		TEST(datasets),
		TEST(delete_one),
		TEST(replace_one),
	};

	return run_furnished("document", tests);
}
