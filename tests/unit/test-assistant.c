/*
 * Assistants with their versions, tools, intents and apps: what each family does, for a stranger
 * too, and for what is not there.
 */
#include "material.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ident.h"
#include "store/app.h"
#include "store/assistant.h"
#include "store/document.h"
#include "store/intent.h"
#include "store/tool.h"
#include "store/user.h"

#define STRANGE	4711		/* a tenant that nobody is in */

static struct tool
a_tool(const char *name)
{
	return (struct tool){ .name = arena_strdup(cx.a, name),
		.description = arena_strdup(cx.a, "it does"),
		.parameters = arena_strdup(cx.a, "{\"type\":\"object\"}"),
		.method = arena_strdup(cx.a, "GET"), .url = arena_strdup(cx.a, "http://t/"),
		.headers = arena_strdup(cx.a, "{}"), .timeout_s = 3 };
}

static struct assistant_version
a_version(int64_t assistant)
{
	return (struct assistant_version){ .assistant = assistant, .tenant = TENANT_DEFAULT,
		.name = arena_strdup(cx.a, "Baker"), .model = models[0],
		.system = arena_strdup(cx.a, "bake"), .opening = arena_strdup(cx.a, ""),
		.context = true, .resume = true };
}

/* A dataset of ann's with one document. */
static int64_t
a_dataset(int64_t *document)
{
	struct document	 doc = { .id = ident_new(), .tenant = TENANT_DEFAULT, .owner = ann,
		.file_name = arena_strdup(cx.a, "a.txt"), .type = arena_strdup(cx.a, "txt"),
		.media_type = arena_strdup(cx.a, "text/plain"),
		.status = arena_strdup(cx.a, "ready"), .created_ms = clock_ms() };
	struct dataset	 d = { .id = ident_new(), .tenant = TENANT_DEFAULT, .owner = ann,
		.name = arena_strdup(cx.a, "d"), .created_ms = clock_ms() };

	assert_int_equal(document_add(&cx, &doc, 1, NULL, NULL), 0);
	assert_int_equal(dataset_add(&cx, &d, &doc.id, 1), 0);
	*document = doc.id;
	return d.id;
}

static int64_t
an_assistant(const struct assistant_means *means, char key[ASSISTANT_KEY_SIZE])
{
	struct assistant		 s = { .tenant = TENANT_DEFAULT,
		.name = arena_strdup(cx.a, "Baker") };
	struct assistant_version	 v = a_version(0);

	assert_int_equal(assistant_add(&cx, &s, &v, means, key), 0);
	assert_true(v.assistant == s.id && v.number == 1);
	return s.id;
}

static void
versions(void **state)
{
	const struct assistant_means	 none = { 0 };
	struct assistant_version	 next, *v, *first;
	struct assistant		*s;
	char				 key[ASSISTANT_KEY_SIZE];
	const int64_t			 id = an_assistant(&none, key);
	int				 number;

	(void)state;
	assert_int_equal(strlen(key), ASSISTANT_KEY_SIZE - 1);
	s = assistant_get(&cx, TENANT_DEFAULT, id);
	assert_true(s->published == 0 && s->versions == 1 && !s->public);
	assert_string_equal(s->tenant_name, "default");
	first = assistant_newest(&cx, 0, id);
	assert_string_equal(first->model_code, "m0");
	assert_true(first->context && first->resume && !first->suggest && !first->public);
	assert_null(assistant_released(&cx, key));
	FAILED_WITH(F_NOT_FOUND);

	assert_int_equal(assistant_publish(&cx, id, false, &number), 0);
	assert_int_equal(number, 1);
	assert_true(assistant_released(&cx, key)->id == first->id);
	assert_null(assistant_released(&cx, "rel-0"));
	FAILED_WITH(F_NOT_FOUND);

	next = a_version(id);
	next.name = arena_strdup(cx.a, "Cook");
	next.model = models[1];
	assert_int_equal(assistant_revise(&cx, &next, &none), 0);
	assert_int_equal(next.number, 2);
	v = assistant_newest(&cx, TENANT_DEFAULT, id);
	assert_true(v->id == next.id);
	assert_string_equal(v->name, "Cook");
	assert_true(assistant_released(&cx, key)->id == first->id);
	assert_true(assistant_current(&cx, TENANT_DEFAULT, id)->id == first->id);
	assert_true(assistant_version_get(&cx, TENANT_DEFAULT, first->id)->model == models[0]);

	assert_int_equal(assistant_publish(&cx, id, true, &number), 0);
	assert_int_equal(number, 2);
	assert_true(assistant_released(&cx, key)->public);
	assert_false(assistant_version_get(&cx, 0, first->id)->public);
	assert_int_equal(assistant_unpublish(&cx, id), 0);
	assert_null(assistant_released(&cx, key));
	FAILED_WITH(F_NOT_FOUND);
	assert_true(assistant_current(&cx, TENANT_DEFAULT, id)->id == next.id);
}

static void
strangers(void **state)
{
	struct assistant_version	 v;
	struct assistant		*list;
	char				 key[ASSISTANT_KEY_SIZE];
	const int64_t			 id = an_assistant(&(struct assistant_means){ 0 }, key);
	const int64_t			 version = assistant_newest(&cx, 0, id)->id;
	size_t				 n;
	int				 number;

	(void)state;
	assert_null(assistant_get(&cx, STRANGE, id));
	FAILED_WITH(F_NOT_FOUND);
	assert_null(assistant_newest(&cx, STRANGE, id));
	FAILED_WITH(F_NOT_FOUND);
	assert_null(assistant_current(&cx, STRANGE, id));
	FAILED_WITH(F_NOT_FOUND);
	assert_null(assistant_version_get(&cx, STRANGE, version));
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(assistant_list(&cx, STRANGE, &list, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(assistant_list(&cx, 0, &list, &n), 0);
	assert_true(n > 0);

	v = a_version(STRANGE);
	assert_int_equal(assistant_revise(&cx, &v, &(struct assistant_means){ 0 }), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(assistant_publish(&cx, STRANGE, false, &number), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(assistant_unpublish(&cx, STRANGE), -1);
	FAILED_WITH(F_NOT_FOUND);
}

static void
what_it_has(void **state)
{
	struct tool			 hammer = a_tool("hammer"), saw = a_tool("saw"), *tools;
	int64_t				 document, *ids, count, sets[2];
	const char			*names[] = { "saw", NULL, "saw" };
	struct assistant_means		 m = { sets, 2, names, 3 };
	struct assistant		 s = { .tenant = TENANT_DEFAULT,
		.name = arena_strdup(cx.a, "Baker") };
	struct assistant_version	 v = a_version(0);
	struct document			*documents;
	char				 key[ASSISTANT_KEY_SIZE];
	size_t				 n;

	(void)state;
	sets[0] = sets[1] = a_dataset(&document);
	assert_int_equal(tool_add(&cx, &hammer), 0);
	assert_int_equal(tool_add(&cx, &saw), 0);
	names[1] = arena_printf(cx.a, "%lld", (long long)hammer.id);
	v = *assistant_newest(&cx, 0, an_assistant(&m, key));
	assert_int_equal(assistant_datasets(&cx, v.id, &ids, &n), 0);
	assert_true(n == 1 && ids[0] == sets[0]);
	assert_int_equal(tool_of_version(&cx, v.id, &tools, &n), 0);
	assert_true(n == 2 && tools[0].id == hammer.id && tools[1].id == saw.id);
	assert_int_equal(document_of_version(&cx, v.id, &documents, &n), 0);
	assert_true(n == 1 && documents->id == document);

	/* What is not there, or another tenant's, leaves nothing behind. */
	count = strtoll(private_db_ask(&server, "SELECT COUNT(*) FROM assistant"), NULL, 10);
	v = a_version(0);
	names[1] = "nail";
	assert_int_equal(assistant_add(&cx, &s, &v, &m, key), -1);
	FAILED_WITH(F_NOT_FOUND);
	m.ntools = 0;
	private_db_feed(&server, "INSERT INTO tenant (id, name, created_ms)"
	    " VALUES (4711, 'strange', 0)");
	s.tenant = STRANGE;
	v = a_version(0);
	assert_int_equal(assistant_add(&cx, &s, &v, &m, key), -1);
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(strtoll(private_db_ask(&server, "SELECT COUNT(*) FROM assistant"), NULL,
	    10), count);
}

static void *
revise_thread(void *arg)
{
	struct assistant_version	 v;
	struct ctx			 c;
	int				 number;

	private_ctx_open(&server, &c);
	v = *assistant_newest(&c, 0, *(int64_t *)arg);
	number = assistant_revise(&c, &v, &(struct assistant_means){ 0 }) == 0 ? v.number : 0;
	private_ctx_close(&c);
	return number > 1 ? arg : NULL;
}

/* Who revises at the same time as others makes a version all the same. */
static void
revised_at_once(void **state)
{
	char		 key[ASSISTANT_KEY_SIZE];
	int64_t		 id = an_assistant(&(struct assistant_means){ 0 }, key);
	pthread_t	 threads[6];
	void		*well;

	(void)state;
	for (int i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, revise_thread, &id);
	for (int i = 0; i < 6; i++) {
		pthread_join(threads[i], &well);
		assert_non_null(well);
	}
	assert_int_equal(assistant_newest(&cx, 0, id)->number, 7);
}

static void
tool_family(void **state)
{
	struct tool	 t = a_tool("spade"), again = a_tool("spade"), *got;

	(void)state;
	t.secret_env = arena_strdup(cx.a, "SPADE");
	assert_int_equal(tool_add(&cx, &t), 0);
	assert_int_equal(tool_add(&cx, &again), -1);
	FAILED_WITH(F_CONFLICT);
	got = tool_get(&cx, "spade");
	assert_true(got->id == t.id && got->timeout_s == 3);
	assert_string_equal(got->secret_env, "SPADE");
	got = tool_get(&cx, arena_printf(cx.a, "%lld", (long long)t.id));
	assert_string_equal(got->name, "spade");
	assert_null(tool_get(&cx, arena_printf(cx.a, "%lldx", (long long)t.id)));
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(tool_remove(&cx, t.id), 0);
	assert_int_equal(tool_remove(&cx, t.id), -1);
	FAILED_WITH(F_NOT_FOUND);
}

static void
intent_family(void **state)
{
	struct intent	 i = { .name = arena_strdup(cx.a, "hours"),
		.examples = arena_strdup(cx.a, "[\"open?\"]"),
		.reply = arena_strdup(cx.a, "always") }, again = i, *list;
	size_t		 n;

	(void)state;
	assert_int_equal(intent_add(&cx, &i), 0);
	assert_int_equal(intent_add(&cx, &again), -1);
	FAILED_WITH(F_CONFLICT);
	assert_int_equal(intent_list(&cx, &list, &n), 0);
	assert_true(n == 1 && list->system == NULL);
	assert_string_equal(intent_get(&cx, "hours")->reply, "always");
	assert_int_equal(intent_remove(&cx, i.id), 0);
	assert_null(intent_get(&cx, arena_printf(cx.a, "%lld", (long long)i.id)));
	FAILED_WITH(F_NOT_FOUND);
}

static void
app_family(void **state)
{
	struct app	 p = { .tenant = TENANT_DEFAULT, .name = arena_strdup(cx.a, "Titles"),
		.description = arena_strdup(cx.a, ""), .kind = arena_strdup(cx.a, "text"),
		.model = models[1], .template = arena_strdup(cx.a, "a {{b}}") }, *list;
	size_t		 n;

	(void)state;
	assert_int_equal(app_add(&cx, &p), 0);
	assert_string_equal(app_get(&cx, TENANT_DEFAULT, p.id)->model_code, "m1");
	assert_null(app_get(&cx, STRANGE, p.id));
	FAILED_WITH(F_NOT_FOUND);
	assert_int_equal(app_list(&cx, TENANT_DEFAULT, &list, &n), 0);
	assert_true(n == 1 && list->id == p.id);
	assert_int_equal(app_list(&cx, STRANGE, &list, &n), 0);
	assert_int_equal(n, 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(versions),
		TEST(strangers),
		TEST(what_it_has),
		TEST(revised_at_once),
		TEST(tool_family),
		TEST(intent_family),
		TEST(app_family),
	};

	return run_furnished("assistant", tests);
}
