/* Tokens, postings and what is made of the records found, with the store's search replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/conf.h"
#include "base/ident.h"
#include "base/json.h"
#include "core/retrieve.h"
#include "core/tokens.h"

#include <cmocka.h>
#undef fail

static const struct conf	conf = { .timezone = "Asia/Shanghai" };
static struct ctx		cx;

/*
 * The store, as far as retrieve.c uses it: remembers what it was asked, gives what it was told to.
 */
static struct {
	int64_t			 tenant, from_ms, to_ms, tokens;
	int64_t			*h;
	size_t			 n;
	const struct posting	*postings;
	int			 most;
	struct call_record	*give;
	size_t			 ngive;
} store;

int
call_put(struct ctx *c, int64_t tenant, struct call_record *r, const struct posting *p, size_t n)
{
	(void)c;
	store.tenant = tenant;
	store.tokens = r->tokens;
	store.postings = p;
	store.n = n;
	return 0;
}

int
call_search(struct ctx *c, int64_t tenant, const int64_t *h, size_t nh, int64_t from_ms,
    int64_t to_ms, int most, struct call_record **list, size_t *n)
{
	store.tenant = tenant;
	store.h = arena_array(c->a, nh, sizeof(*h));
	memcpy(store.h, h, nh * sizeof(*h));
	store.n = nh;
	store.from_ms = from_ms;
	store.to_ms = to_ms;
	store.most = most;
	*list = store.give;
	*n = store.ngive;
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	memset(&store, 0, sizeof(store));
	cx = (struct ctx){ .a = arena_new(0), .conf = &conf };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(cx.a);
	return 0;
}

static void
join(void *arg, const char *token, size_t len)
{
	struct str	*s = arg;

	if (s->len > 0)
		str_putc(s, ' ');
	str_put(s, token, len);
}

static void
assert_tokens(const char *text, const char *expected)
{
	struct str	 s = STR_INIT(0);
	size_t		 n = tokens_each(cx.a, text, strlen(text), false, join, &s), spaces = 0;

	assert_string_equal(s.p != NULL ? s.p : "", expected);
	for (const char *p = expected; *p != '\0'; p++)
		spaces += *p == ' ';
	assert_int_equal(n, *expected == '\0' ? 0 : spaces + 1);
	str_free(&s);
}

static void
tokens(void **state)
{
	(void)state;
	assert_tokens("", "");
	assert_tokens(" ,。!\n", "");
	assert_tokens("退", "退");
	assert_tokens("退款", "退款");
	assert_tokens("客户要退款", "客户 户要 要退 退款");
	assert_tokens("退款,投诉", "退款 投诉");
	assert_tokens("套餐5G资费", "套餐 5g 资费");
	assert_tokens("ABC１２ Straße ﬁ", "abc12 strasse fi");
	assert_tokens("ＶＩＰ客户的Wi-Fi坏了", "vip 客户 户的 wi fi 坏了");
	assert_tokens("Ünïcode naïve", "ünïcode naïve");
	assert_tokens("𠮷野家", "𠮷野 野家");
	assert_tokens("がんばる한국어", "がんばる한국어");
}

static void
singles(void **state)
{
	static const char	 text[] = "退,绿茶㐀 tea";
	struct str		 s = STR_INIT(0);

	(void)state;
	assert_int_equal(tokens_each(cx.a, text, strlen(text), true, join, &s), 4);
	assert_string_equal(s.p, "退 绿 茶 㐀 绿茶 茶㐀 tea");
	str_free(&s);
}

/* A word without end is cut between two characters. */
static void
long_words(void **state)
{
	char	 text[4 * TOKEN_BYTES + 1] = "x", expected[TOKEN_BYTES + 1] = "x";

	(void)state;
	while (strlen(text) + 2 < sizeof(text))
		strcat(text, "é");
	while (strlen(expected) + 2 <= TOKEN_BYTES)
		strcat(expected, "é");
	assert_tokens(text, expected);
}

static int
tf_of(const char *token)
{
	for (size_t i = 0; i < store.n; i++)
		if (store.postings[i].h == ident_hash64(token, strlen(token)))
			return store.postings[i].tf;
	return 0;
}

static void
index_call(void **state)
{
	struct call_record	 c = { .ref = arena_strdup(cx.a, "r1") };

	(void)state;
	c.summary = arena_strdup(cx.a, "退款 退款 refund 退款难");
	assert_int_equal(retrieve_index_call(&cx, 9, &c), 0);
	assert_int_equal(store.tenant, 9);
	assert_int_equal(store.tokens, 5);
	assert_int_equal(store.n, 3);
	assert_int_equal(tf_of("退款"), 3);
	assert_int_equal(tf_of("款难"), 1);
	assert_int_equal(tf_of("refund"), 1);
	for (size_t i = 1; i < store.n; i++)
		assert_true(store.postings[i - 1].h < store.postings[i].h);

	c.summary = arena_get(cx.a, 2 * 1000 + 1);
	for (int i = 0; i < 1000; i++)
		memcpy(c.summary + 2 * i, "a ", 2);
	assert_int_equal(retrieve_index_call(&cx, 9, &c), 0);
	assert_int_equal(store.tokens, 1000);
	assert_int_equal(tf_of("a"), 255);
}

static void
nothing_found(void **state)
{
	struct found	 f;

	(void)state;
	assert_int_equal(retrieve_calls(&cx, 1, "?!", 0, 0, &f), 0);
	assert_int_equal(store.most, 0);		/* there is nothing to ask for */
	assert_int_equal(retrieve_calls(&cx, 1, "退款 退款", 10, 20, &f), 0);
	assert_int_equal(store.n, 1);
	assert_true(store.h[0] == ident_hash64("退款", strlen("退款")));
	assert_int_equal(store.from_ms, 10);
	assert_int_equal(store.to_ms, 20);
	assert_int_equal(store.most, RETRIEVE_MOST);
	assert_int_equal(f.n, 0);
	assert_null(f.knowledge);
}

static void
found(void **state)
{
	struct call_record	 calls[] = {
		{ .ref = arena_strdup(cx.a, "c-1"), .summary = arena_strdup(cx.a, "客户要求\"退款\""),
		  .start_ms = INT64_C(1730701729000), .duration = 35,
		  .callnumber = arena_strdup(cx.a, "138"),
		  .callednumber = arena_strdup(cx.a, "10086"),
		  .labels = arena_strdup(cx.a, "退款|投诉") },
		{ .ref = arena_strdup(cx.a, "c-2"), .summary = arena_strdup(cx.a, "second") },
	};
	struct found		 f;

	(void)state;
	store.give = calls;
	store.ngive = 2;
	assert_int_equal(retrieve_calls(&cx, 1, "退款", 0, 0, &f), 0);
	assert_int_equal(f.n, 2);
	assert_string_equal(f.citations[0], "{\"id\":\"c-1\",\"summary\":\"客户要求\\\"退款\\\"\","
	    "\"start_time\":\"2024-11-04 14:28:49\",\"duration\":35,\"callnumber\":\"138\","
	    "\"callednumber\":\"10086\",\"labels\":\"退款|投诉\"}");
	assert_non_null(strstr(f.citations[1], "\"callnumber\":null"));
	assert_non_null(strstr(f.knowledge, "通话记录"));
	assert_non_null(strstr(f.knowledge, "[1] 2024-11-04 14:28:49"));
	assert_non_null(strstr(f.knowledge, "客户要求\"退款\""));
	assert_non_null(strstr(f.knowledge, "[2]"));

	cx.lang = LANG_EN;
	assert_int_equal(retrieve_calls(&cx, 1, "退款", 0, 0, &f), 0);
	assert_non_null(strstr(f.knowledge, "Call records"));
	assert_null(strstr(f.knowledge, "通话记录"));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(tokens, setup, teardown),
		cmocka_unit_test_setup_teardown(singles, setup, teardown),
		cmocka_unit_test_setup_teardown(long_words, setup, teardown),
		cmocka_unit_test_setup_teardown(index_call, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_found, setup, teardown),
		cmocka_unit_test_setup_teardown(found, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("retrieve", tests, NULL, NULL);
}
