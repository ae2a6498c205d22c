/*
 * Conversations of logged-in users: what a change makes of one, all or nothing, for its owner
 * alone; how they are found; their records.
 */
#include "material.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ident.h"
#include "core/chat.h"
#include "core/session.h"
#include "core/who.h"
#include "store/chats.h"
#include "store/document.h"
#include "store/user.h"

static void
call_as(int64_t user)
{
	cx.who = arena_get(cx.a, sizeof(*cx.who));
	*cx.who = (struct who){ .id = user, .tenant = TENANT_DEFAULT };
	cx.now = clock_ms();
}

static int64_t
a_document(int64_t owner)
{
	struct document	 d = {
		.id = ident_new(), .tenant = TENANT_DEFAULT, .owner = owner,
		.file_name = arena_strdup(cx.a, "a.txt"), .type = arena_strdup(cx.a, "txt"),
		.media_type = arena_strdup(cx.a, "text/plain"), .size = 10,
		.status = arena_strdup(cx.a, "ready"), .created_ms = clock_ms(),
	};

	assert_int_equal(document_add(&cx, &d, 1, NULL, NULL), 0);
	return d.id;
}

static int64_t
a_dataset(int64_t owner)
{
	struct dataset	 d = {
		.id = ident_new(), .tenant = TENANT_DEFAULT, .owner = owner,
		.name = arena_strdup(cx.a, "set"), .created_ms = clock_ms(),
	};

	assert_int_equal(dataset_add(&cx, &d, NULL, 0), 0);
	return d.id;
}

static void
assert_documents(int64_t session, const int64_t *ids, size_t n)
{
	const struct chat_row		 one = { .id = session };
	struct chat_document_row	*list;
	size_t				 have;

	assert_int_equal(chats_documents(&cx, &one, 1, &list, &have), 0);
	assert_int_equal(have, n);
	for (size_t i = 0; i < n; i++)
		assert_true(list[i].document == ids[i] && list[i].session == session);
}

/* A new one, and what is left out of a change. */
static void
begin_and_alter(void **state)
{
	struct chat_change	 c = { 0 };
	struct chat_row		*row;
	struct lane_row		*lanes;
	int64_t			 id;
	size_t			 n;

	(void)state;
	call_as(ann);
	assert_true((id = chat_begin(&cx, &c)) > 0);
	row = chats_get(&cx, ann, id);
	assert_non_null(row);
	assert_string_equal(row->title, "");
	assert_string_equal(row->abstract, "");
	assert_string_equal(row->type, CHAT_PLAIN);
	assert_true(row->module == 1 && row->dataset == 0 && row->model == 0 && row->records == 0);
	assert_string_equal(row->owner_name, "Ann");
	assert_null(row->owner_avatar);
	assert_int_equal(session_lanes(&cx, id, &lanes, &n), 0);
	assert_true(n == 1 && lanes[0].lane == 0 && lanes[0].model == models[0]);
	assert_null(lanes[0].mask);
	assert_int_equal(strspn(lanes[0].pri_id, "0123456789abcdef"), 32);

	c = (struct chat_change){ .title = "t", .abstract = "a", .model = models[1] };
	assert_int_equal(chat_alter(&cx, id, &c), 0);
	c = (struct chat_change){ .abstract = "" };
	assert_int_equal(chat_alter(&cx, id, &c), 0);
	row = chats_get(&cx, ann, id);
	assert_string_equal(row->title, "t");
	assert_string_equal(row->abstract, "");
	assert_string_equal(row->model_code, "m1");
	c = (struct chat_change){ .title = "" };
	assert_int_equal(chat_alter(&cx, id, &c), 0);
	assert_string_equal(chats_get(&cx, ann, id)->title, "");
	c = (struct chat_change){ .title = " \n\u3000" };
	assert_int_equal(chat_alter(&cx, id, &c), -1);
	assert_int_equal(cx.fail.kind, F_VALUE);
	fail_clear(&cx);

	c = (struct chat_change){ .model = models[1] };
	assert_true((id = chat_begin(&cx, &c)) > 0);
	assert_int_equal(session_lanes(&cx, id, &lanes, &n), 0);
	assert_true(lanes[0].model == models[1]);
}

/* A model that is disabled can be kept, but not chosen. */
static void
models_of_chats(void **state)
{
	struct chat_change	 c = { .model = models[1] };
	int64_t			 id;

	(void)state;
	call_as(ann);
	assert_true((id = chat_begin(&cx, &c)) > 0);
	assert_int_equal(model_enable(&cx, "m1", false), 0);
	assert_int_equal(chat_alter(&cx, id, &c), 0);
	assert_int_equal(chat_begin(&cx, &c), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(model_enable(&cx, "m1", true), 0);
	c.model = 4711;
	assert_int_equal(chat_alter(&cx, id, &c), -1);
	FAILED_WITH(F_NOT_FOUND);
}

/* Module and type fit each other, and what the type rests on is there. */
static void
bases(void **state)
{
	const int64_t	 set = a_dataset(ann), foreign = a_dataset(bob);
	const int64_t	 docs[] = { a_document(ann), a_document(ann), a_document(bob) };
	const struct {
		int		 module;
		const char	*type;
		int64_t		 dataset;
		size_t		 ndocuments;	/* 3: the last is bob's */
		bool		 spark;
		enum fail_kind	 kind;
		const char	*becomes;
	} cases[] = {
		{ 0, NULL, 0, 0, false, F_NONE, CHAT_PLAIN },
		{ 1, NULL, 0, 0, false, F_NONE, CHAT_PLAIN },
		{ 0, CHAT_PLAIN, 0, 2, false, F_NONE, CHAT_PLAIN },
		{ 2, NULL, 0, 0, false, F_VALUE, NULL },
		{ 3, NULL, 0, 0, false, F_VALUE, NULL },
		{ -1, CHAT_PLAIN, 0, 0, false, F_VALUE, NULL },
		{ 0, "other", 0, 0, false, F_VALUE, NULL },
		{ 0, "", 0, 0, false, F_VALUE, NULL },
		{ 0, CHAT_DATASET, set, 0, false, F_VALUE, NULL },
		{ 1, CHAT_DOCUMENTS, 0, 2, false, F_VALUE, NULL },
		{ 2, CHAT_DATASET, 0, 0, false, F_MISSING, NULL },
		{ 2, CHAT_DATASET, set, 0, false, F_NONE, CHAT_DATASET },
		{ 2, CHAT_DATASET, foreign, 0, false, F_NOT_FOUND, NULL },
		{ 0, NULL, foreign, 0, false, F_NOT_FOUND, NULL },
		{ 2, CHAT_DOCUMENTS, 0, 0, false, F_MISSING, NULL },
		{ 2, CHAT_DOCUMENTS, set, 0, false, F_MISSING, NULL },
		{ 2, CHAT_DOCUMENTS, 0, 2, false, F_NONE, CHAT_DOCUMENTS },
		{ 2, CHAT_DOCUMENTS, 0, 3, false, F_NOT_FOUND, NULL },
		{ 0, NULL, 0, 3, false, F_NOT_FOUND, NULL },
		{ 0, NULL, set, 0, true, F_NONE, CHAT_DATASET },
		{ 0, NULL, set, 2, true, F_NONE, CHAT_DATASET },
		{ 0, NULL, 0, 2, true, F_NONE, CHAT_DOCUMENTS },
		{ 2, NULL, 0, 2, true, F_NONE, CHAT_DOCUMENTS },
		{ 0, NULL, 0, 0, true, F_MISSING, NULL },
		{ 1, NULL, 0, 2, true, F_NONE, CHAT_DOCUMENTS },
		{ 1, CHAT_PLAIN, 0, 0, true, F_VALUE, NULL },
		{ 0, CHAT_PLAIN, 0, 2, true, F_VALUE, NULL },
	};

	(void)state;
	call_as(ann);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct chat_change	 c = {
			.module = cases[i].module, .type = cases[i].type,
			.dataset = cases[i].dataset, .spark = cases[i].spark,
			.documents = cases[i].ndocuments > 0 ? docs : NULL,
			.ndocuments = cases[i].ndocuments,
		};
		char				*before, *after;
		int64_t				 id;

		before = arena_strdup(cx.a, private_db_ask(&server, "SELECT COUNT(*) FROM session"));
		id = chat_begin(&cx, &c);
		if (cx.fail.kind != cases[i].kind)
			print_message("# case %zu: %s\n", i, fail_name(cx.fail.kind));
		assert_int_equal(cx.fail.kind, cases[i].kind);
		fail_clear(&cx);
		if (cases[i].becomes != NULL) {
			assert_string_equal(chats_get(&cx, ann, id)->type, cases[i].becomes);
			assert_int_equal(chats_get(&cx, ann, id)->module,
			    strcmp(cases[i].becomes, CHAT_PLAIN) == 0 ? 1 : 2);
			continue;
		}
		assert_int_equal(id, -1);
		after = private_db_ask(&server, "SELECT COUNT(*) FROM session");
		assert_string_equal(after, before);
	}
}

/* Documents given are all that there are from then on. */
static void
exchange(void **state)
{
	const int64_t		 a = a_document(ann), b = a_document(ann), c = a_document(ann);
	const int64_t		 theirs = a_document(bob);
	const int64_t		 first[] = { b, a }, then[] = { c, b }, bad[] = { a, theirs };
	struct chat_change	 change = { .module = 2, .type = CHAT_DOCUMENTS, .documents = first,
		.ndocuments = 2 };
	int64_t			 id;

	(void)state;
	call_as(ann);
	assert_true((id = chat_begin(&cx, &change)) > 0);
	assert_documents(id, first, 2);
	change = (struct chat_change){ .title = "x" };
	assert_int_equal(chat_alter(&cx, id, &change), 0);
	assert_documents(id, first, 2);
	change = (struct chat_change){ .documents = then, .ndocuments = 2 };
	assert_int_equal(chat_alter(&cx, id, &change), 0);
	assert_documents(id, then, 2);
	change = (struct chat_change){ .title = "y", .documents = bad, .ndocuments = 2 };
	assert_int_equal(chat_alter(&cx, id, &change), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_documents(id, then, 2);
	assert_string_equal(chats_get(&cx, ann, id)->title, "x");
	change = (struct chat_change){ .documents = then };
	assert_int_equal(chat_alter(&cx, id, &change), -1);
	FAILED_WITH(F_MISSING);
	change = (struct chat_change){ .module = 1, .type = CHAT_PLAIN, .documents = then };
	assert_int_equal(chat_alter(&cx, id, &change), 0);
	assert_documents(id, NULL, 0);

	/* A dataset that is gone is none. */
	change = (struct chat_change){ .dataset = a_dataset(ann) };
	assert_int_equal(chat_alter(&cx, id, &change), 0);
	assert_true(chats_get(&cx, ann, id)->dataset == change.dataset);
	assert_int_equal(dataset_delete(&cx, ann, change.dataset), 0);
	assert_true(chats_get(&cx, ann, id)->dataset == 0);
}

/* A stranger, and what is deleted. */
static void
owners_alone(void **state)
{
	struct chat_change	 c = { .title = "mine" };
	struct chats_filter	 any = { 0 };
	struct chat_row		*list;
	struct record_row	*records;
	struct citation_row	*citations;
	int64_t			 id, total, answers[2], last;
	size_t			 n;

	(void)state;
	call_as(ann);
	assert_true((id = chat_begin(&cx, &c)) > 0);
	asked(id, false, "q", "a", NULL, answers);
	assert_int_equal(citation_add(&cx, &(struct citation_row){ .answer = answers[0],
	    .body = arena_strdup(cx.a, "{}") }), 0);
	for (int round = 0; round < 2; round++) {
		const int64_t	 owner = round == 0 ? bob : ann;

		call_as(owner);
		assert_null(chats_get(&cx, owner, id));
		FAILED_WITH(F_NOT_FOUND);
		assert_int_equal(chat_alter(&cx, id, &c), -1);
		FAILED_WITH(F_NOT_FOUND);
		assert_int_equal(chats_alter(&cx, &(struct chat_row){ .id = id, .owner = owner }),
		    -1);
		FAILED_WITH(F_NOT_FOUND);
		assert_null(records_get(&cx, owner, answers[0]));
		FAILED_WITH(F_NOT_FOUND);
		assert_int_equal(records_list(&cx, owner, id, 0, 9, &records, &n), 0);
		assert_int_equal(n, 0);
		assert_int_equal(records_citations(&cx, owner, id, 0, answers[0], &citations, &n),
		    0);
		assert_int_equal(n, 0);
		if (round == 0) {
			assert_non_null(records_get(&cx, ann, answers[0]));
			assert_int_equal(records_citations(&cx, ann, id, 0, answers[0], &citations,
			    &n), 0);
			assert_int_equal(n, 1);
			assert_non_null(chats_get_of_tenant(&cx, TENANT_DEFAULT, id));
			assert_null(chats_get_of_tenant(&cx, TENANT_DEFAULT + 1, id));
			FAILED_WITH(F_NOT_FOUND);
			assert_int_equal(session_delete(&cx, ann, id), 0);
		}
	}
	assert_null(chats_get_of_tenant(&cx, TENANT_DEFAULT, id));
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(chats_find(&cx, ann, &any, 0, 100, &list, &n, &total), 0);
	assert_int_equal(n, total);
	last = INT64_MAX;
	for (size_t i = 0; i < n; i++) {
		assert_true(list[i].id != id && list[i].owner == ann && list[i].id < last);
		last = list[i].id;
	}
	assert_int_equal(chats_find_of_tenant(&cx, TENANT_DEFAULT + 1, &any, 0, 100, &list, &n,
	    &total), 0);
	assert_true(n == 0 && total == 0);
}

/* Masks hide who answered until they are off. */
static void
masked_records(void **state)
{
	const int64_t		 id = a_session(bob, 0);
	struct record_row	*records;
	int64_t			 answers[2];
	size_t			 n;

	(void)state;
	asked(id, false, "q", "a", "b", answers);
	assert_int_equal(records_list(&cx, bob, id, 0, 9, &records, &n), 0);
	assert_int_equal(n, 2);
	assert_true(records[0].id == answers[1] && records[1].id == answers[0]);
	assert_true(records[0].masked && records[1].masked);
	assert_true(records[0].group_id == records[1].group_id);
	assert_true(records_get(&cx, bob, answers[1])->masked);
	assert_int_equal(session_reveal(&cx, id, 5), 0);
	assert_int_equal(records_list(&cx, bob, id, 1, 9, &records, &n), 0);
	assert_int_equal(n, 1);
	assert_true(!records[0].masked && records[0].model == models[0]);
	assert_string_equal(records[0].model_code, "m0");
	assert_string_equal(records[0].content_type, "text");
	assert_string_equal(records[0].text, "a");
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(begin_and_alter),
		TEST(models_of_chats),
		TEST(bases),
		TEST(exchange),
		TEST(owners_alone),
		TEST(masked_records),
	};

	return run_furnished("chats", tests);
}
