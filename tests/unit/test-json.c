#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail		/* ours is in ctx.h */
#define wrong(...)	(print_error(__VA_ARGS__), _fail(__FILE__, __LINE__))

#include "base/conf.h"
#include "base/json.h"
#include "base/utf8.h"

struct role {
	const char	*role;
	const char	*content;
};

struct score {
	const char	*name;
	int		 value;
	double		 weight;
};

struct body {
	const char	*title;
	bool		 stream;
	int		 n;
	int64_t		 big;
	int64_t		 id;
	double		 temperature;
	int64_t		 when;
	struct role	*who;
	struct list	 messages;
	struct list	 tags;
	struct list	 numbers;
	struct list	 scores;
	struct list	 headers;
	struct list	 rates;
	const char	*any;
	struct list	 groups;
};

static const struct field role_f[] = {
	FIELD(role, T_STR, MUST, role, 1, 20, NULL),
	FIELD(role, T_STR, MAY, content, 0, 0, NULL),
};
static FIELDS(role, "Role");

static const struct field score_f[] = {
	FIELD(score, T_INT, MUST, value, 0, 5, NULL),
	FIELD(score, T_F64, OMIT, weight, 0, 0, NULL),
};
static FIELDS(score, "Score");

static const struct field body_f[] = {
	FIELD(body, T_STR, MAY, title, 1, 5, "a title"),
	FIELD(body, T_BOOL, MAY, stream, 0, 0, NULL),
	FIELD(body, T_INT, MAY, n, -5, 5, NULL),
	FIELD(body, T_I64, MAY, big, 0, 0, NULL),
	FIELD(body, T_ID, MAY, id, 0, 0, NULL),
	FIELD(body, T_F64, MAY, temperature, 0, 2, NULL),
	FIELD_AS(body, T_TIME, MAY, when, "startTime", 0, 0, NULL),
	FIELD_SUB(body, T_OBJ, OMIT, who, &role_fields, 0, 0, NULL),
	FIELD_SUB(body, T_LIST, MAY, messages, &role_fields, 0, 3, NULL),
	FIELD(body, T_STRS, OMIT, tags, 0, 0, NULL),
	FIELD(body, T_I64S, OMIT, numbers, 0, 0, NULL),
	FIELD_SUB(body, T_MAP, OMIT, scores, &score_fields, 0, 0, NULL),
	FIELD(body, T_MAPSTR, OMIT, headers, 0, 0, NULL),
	FIELD(body, T_MAPF64, OMIT, rates, 0, 10, NULL),
	FIELD(body, T_ANY, OMIT, any, 0, 0, NULL),
	FIELD_SUB(body, T_MAPLIST, OMIT, groups, &role_fields, 0, 0, NULL),
};
static FIELDS(body, "Body");

static const struct conf	 conf = { .timezone = "Asia/Shanghai" };
static struct ctx		 cx;
static struct body		 in;

static int
begin(void **state)
{
	(void)state;
	cx = (struct ctx){ .a = arena_new(0), .conf = &conf, .lang = LANG_EN };
	in = (struct body){ .n = 1 };
	return 0;
}

static int
end(void **state)
{
	(void)state;
	arena_free(cx.a);
	return 0;
}

static void
again(void)
{
	end(NULL);
	begin(NULL);
}

/* Parses a copy whose end the sanitizer watches, and fills `in`. */
static int
take(const char *text, size_t n, bool form)
{
	char		*copy = malloc(n != 0 ? n : 1);
	json_auto	*j = NULL;

	again();
	memcpy(copy, text, n);
	j = form ? json_from_form(&cx, copy, n) : json_parse(&cx, copy, n);
	free(copy);
	return j == NULL ? -1 : json_read(&cx, j, &body_fields, &in);
}

static void
good(const char *text)
{
	if (take(text, strlen(text), false) == -1)
		wrong("%s: %s %s\n", text, fail_name(cx.fail.kind), cx.fail.what);
}

static void
good_form(const char *text)
{
	if (take(text, strlen(text), true) == -1)
		wrong("%s: %s %s\n", text, fail_name(cx.fail.kind), cx.fail.what);
}

/* what NULL: anything. */
static void
bad_n(const char *text, size_t n, bool form, enum fail_kind kind, const char *what)
{
	if (take(text, n, form) != -1)
		wrong("%s is taken\n", text);
	if (cx.fail.kind != kind || (what != NULL && strcmp(cx.fail.what, what) != 0))
		wrong("%s: %s %s\n", text, fail_name(cx.fail.kind), cx.fail.what);
	assert_true(utf8_valid(cx.fail.what, strlen(cx.fail.what)));
}

static void
bad(const char *text, enum fail_kind kind, const char *what)
{
	bad_n(text, strlen(text), false, kind, what);
}

static void
bad_form(const char *text, enum fail_kind kind, const char *what)
{
	bad_n(text, strlen(text), true, kind, what);
}

/* ---- the text ----------------------------------------------------------------------------- */

static void
malformed(void **state)
{
	static const char	*const texts[] = {
		"", " ", "\n\t", "{", "[", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}",
		"{'a':1}", "{\"a\":'b'}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "[1,]", "[1 2]", "{,}", "{}}", "{} {}",
		"{}x", "{\"a\":01}", "{\"a\":-01}", "{\"a\":00}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":1e}",
		"{\"a\":1e+}", "{\"a\":+1}", "{\"a\":-}", "{\"a\":0x10}", "{\"a\":1.2.3}", "{\"a\":1-2}",
		"{\"a\":NaN}", "{\"a\":nan}", "{\"a\":Infinity}", "{\"a\":-Infinity}", "{\"a\":True}",
		"{\"a\":nul}", "{\"a\":nullx}", "{\"a\":undefined}", "{\"a\":\"b}", "{\"a\":\"b\\\"}",
		"{\"a\":\"\n\"}", "{\"a\":\"\t\"}", "{\"a\":\"\x1f\"}", "{\"a\":\"\\x41\"}", "{\"a\":\"\\u12g4\"}",
		"{\"a\":\"\\u12\"}", "{\"a\":\"\\u", "/**/{}", "{}//", "\xef\xbb\xbf{}", "\"", "tru", "hello",
	};
	static const struct {
		const char	*text;
		size_t		 n;
	} with_nul[] = {
		{ "{}\0", 3 }, { "\0{}", 3 }, { "{\"a\0b\":1}", 9 }, { "{\"a\":\"b\0c\"}", 11 }, { "{\"a\":1\0}", 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		bad(texts[i], F_BODY, NULL);
		assert_true(strlen(cx.fail.what) > 0);
	}
	for (size_t i = 0; i < sizeof with_nul / sizeof with_nul[0]; i++)
		bad_n(with_nul[i].text, with_nul[i].n, false, F_BODY, NULL);
	bad("{\"a\":1e999}", F_BODY, "byte 5: a number out of range");
	bad("", F_BODY, "byte 0: there is nothing");
	bad("{\"a\":1", F_BODY, "byte 6: it ends too early");
	bad("{} {}", F_BODY, "byte 3: something follows the end");
	bad("{a:1}", F_BODY, "byte 1: an unexpected character");
	bad("{\"a\" 1}", F_BODY, "byte 5: a colon is expected");
	bad("{[1]:2}", F_BODY, "byte 1: a name in quotes is expected");
	bad("[1 2]", F_BODY, "byte 3: a comma or the end is expected");
}

static void
whole_bodies(void **state)
{
	(void)state;
	good("{}");
	good(" \r\n\t{ \"title\" : \"x\" , \"any\" : [ ] } \n");
	assert_string_equal(in.title, "x");
	assert_string_equal(in.any, "[]");
	bad("[]", F_TYPE, "body");
	bad("null", F_TYPE, "body");
	bad("12", F_TYPE, "body");
	bad("1.5e3 ", F_TYPE, "body");
	bad("true", F_TYPE, "body");
	bad("\"x\"", F_TYPE, "body");
}

static void
duplicates(void **state)
{
	(void)state;
	good("{\"n\":1,\"title\":\"a\",\"n\":2,\"title\":\"b\"}");
	assert_int_equal(in.n, 2);
	assert_string_equal(in.title, "b");
	/* The last one is the value, even one of another type. */
	bad("{\"n\":1,\"n\":\"2\"}", F_TYPE, "n");
	good("{\"title\":\"a\",\"title\":null}");
	assert_null(in.title);
}

static void
nul(void **state)
{
	(void)state;
	bad("{\"a\\u0000b\":1}", F_BODY, "byte 1: \\u0000 in a name");
	bad("{\"n\":1,\"a\\u0000\"  \n:1}", F_BODY, NULL);
	bad("{\"x\":{\"\\u0000\":{}}}", F_BODY, NULL);
	/* In a value that nobody reads it does no harm. */
	good("{\"unknown\":\"a\\u0000b\",\"any\":\"c\\u0000d\"}");
	assert_string_equal(in.any, "\"c\\u0000d\"");
	bad("{\"title\":\"a\\u0000b\"}", F_VALUE, "title");
	bad("{\"messages\":[{\"role\":\"x\"},{\"role\":\"\\u0000\"}]}", F_VALUE, "messages[1].role");
	bad("{\"tags\":[\"\\u0000\"]}", F_VALUE, "tags[0]");
}

static void
utf8(void **state)
{
	(void)state;
	bad("{\"title\":\"\xff\"}", F_UTF8, "title");
	bad("{\"title\":\"\xed\xa0\x80\"}", F_UTF8, "title");
	bad("{\"\xc0\x80\":1}", F_UTF8, "body");
	bad("{\"title\":\"\xe4\xb8\"}", F_UTF8, "title");
	bad("{\"title\":\"\\ud800\"}", F_UTF8, "title");
	bad("{\"title\":\"\\udc00\"}", F_UTF8, "title");
	bad("{\"title\":\"\\ud83dx\"}", F_UTF8, "title");
	bad("{\"title\":\"\\ud83d\\n\"}", F_UTF8, "title");
	bad("{\"title\":\"\\ud83d\\ud83d\"}", F_UTF8, "title");
	bad("{\"title\":\"\\ud83d\\u0041\"}", F_UTF8, "title");
	bad("{\"title\":\"\\ud83d", F_UTF8, "title");
	bad("{\"\\udfff\":1}", F_UTF8, "body");
	bad("\"\xff\"", F_UTF8, "body");
	good("{\"title\":\"\\ud83d\\ude00\\uD83D\\uDE00\\u00e9\"}");
	assert_string_equal(in.title, "😀😀é");
	good("{\"title\":\"中文\\ufffd\"}");
	assert_string_equal(in.title, "中文\xef\xbf\xbd");
}

static void
numbers(void **state)
{
	(void)state;
	bad("{\"x\":99999999999999999999}", F_BODY, "byte 5: a number out of range");
	bad("{\"x\":9223372036854775808}", F_BODY, NULL);
	bad("{\"x\":-9223372036854775809}", F_BODY, NULL);
	bad("{\"x\":[1,-1E400]}", F_BODY, NULL);
	good("{\"big\":9223372036854775807}");
	assert_true(in.big == INT64_MAX);
	good("{\"big\":-9223372036854775808}");
	assert_true(in.big == INT64_MIN);
	good("{\"big\":1.0,\"n\":-0}");
	assert_true(in.big == 1 && in.n == 0);
	good("{\"big\":1e3,\"temperature\":1,\"any\":1e-999}");
	assert_true(in.big == 1000 && in.temperature == 1.0);
	good("{\"temperature\":1.25e0}");
	assert_true(in.temperature == 1.25);

	/* A long one is copied from the heap. */
	good("{\"temperature\":1.0000000000000000000000000000000000000000000000000000000000000000000000000000001}");
	assert_true(in.temperature == 1.0);

	bad("{\"big\":1.5}", F_TYPE, "big");
	bad("{\"big\":1e300}", F_RANGE, "big");
	bad("{\"big\":\"1\"}", F_TYPE, "big");
	bad("{\"n\":6}", F_RANGE, "n");
	bad("{\"n\":-6}", F_RANGE, "n");
	bad("{\"n\":4294967297}", F_RANGE, "n");
	bad("{\"n\":true}", F_TYPE, "n");
	bad("{\"temperature\":2.01}", F_RANGE, "temperature");
	bad("{\"temperature\":\"1\"}", F_TYPE, "temperature");
}

/* depth times [ around nothing or a number. */
static void
nest(int depth, const char *inner, bool ok)
{
	char	*text = malloc((size_t)depth * 2 + 100), *p = text;

	p += sprintf(p, "{\"any\":");
	for (int i = 1; i < depth; i++)
		*p++ = '[';
	p += sprintf(p, "%s", inner);
	for (int i = 1; i < depth; i++)
		*p++ = ']';
	strcpy(p, "}");
	if (ok)
		good(text);
	else
		bad(text, F_BODY, NULL);
	free(text);
}

static void
nesting(void **state)
{
	(void)state;
	nest(64, "", true);
	nest(64, "1", true);
	nest(64, "\"x\"", true);
	nest(65, "", false);
	nest(65, "1", false);
	nest(10000, "", false);
	nest(100000, "{}", false);
}

/* ---- the table ---------------------------------------------------------------------------- */

static void
absent(void **state)
{
	(void)state;
	good("{\"title\":null,\"n\":null,\"messages\":null,\"unknown\":{\"x\":[1]}}");
	assert_null(in.title);
	assert_int_equal(in.n, 1);	/* as it was */
	assert_null(in.messages.p);
	bad("{\"messages\":[{}]}", F_MISSING, "messages[0].role");
	bad("{\"messages\":[{\"role\":\"a\"},{\"role\":null}]}", F_MISSING, "messages[1].role");
	bad("{\"who\":{}}", F_MISSING, "who.role");
	bad("{\"scores\":{\"style\":{}}}", F_MISSING, "scores.style.value");
}

static void
strings(void **state)
{
	(void)state;
	good("{\"title\":\"五个字符吗\"}");		/* characters, not bytes */
	bad("{\"title\":\"五个字符吗?\"}", F_RANGE, "title");
	bad("{\"title\":\"\"}", F_MISSING, "title");
	bad("{\"title\":1}", F_TYPE, "title");
	bad("{\"title\":{}}", F_TYPE, "title");
	good("{\"stream\":true}");
	assert_true(in.stream);
	bad("{\"stream\":1}", F_TYPE, "stream");
	bad("{\"stream\":\"true\"}", F_TYPE, "stream");
}

static void
ids_and_times(void **state)
{
	(void)state;
	good("{\"id\":\"9007199254740991\"}");
	assert_true(in.id == 9007199254740991);
	good("{\"id\":42}");
	assert_true(in.id == 42);
	bad("{\"id\":\"abc\"}", F_NOT_FOUND, "id abc");
	bad("{\"id\":\"\"}", F_NOT_FOUND, NULL);
	bad("{\"id\":\"007\"}", F_NOT_FOUND, "id 007");
	bad("{\"id\":-1}", F_NOT_FOUND, "id -1");
	bad("{\"id\":9007199254740992}", F_NOT_FOUND, NULL);
	bad("{\"id\":true}", F_TYPE, "id");
	bad("{\"id\":1.5}", F_TYPE, "id");
	bad("{\"id\":[]}", F_TYPE, "id");

	good("{\"startTime\":\"2024-11-04 14:28:49\"}");
	assert_true(in.when == INT64_C(1730701729000));
	good("{\"startTime\":\"2024-11-04T06:28:49.416Z\"}");
	assert_true(in.when == INT64_C(1730701729416));
	bad("{\"startTime\":\"yesterday\"}", F_VALUE, "startTime");
	bad("{\"startTime\":\"2023-02-29\"}", F_VALUE, "startTime");
	bad("{\"startTime\":1730701729}", F_TYPE, "startTime");
}

static void
lists(void **state)
{
	struct role	*m;

	(void)state;
	good("{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"bot\"}],"
	    "\"tags\":[\"a\",\"\"],\"numbers\":[1,-2],\"who\":{\"role\":\"me\"}}");
	assert_int_equal(in.messages.n, 2);
	m = in.messages.p;
	assert_string_equal(m[0].role, "user");
	assert_string_equal(m[0].content, "hi");
	assert_string_equal(m[1].role, "bot");
	assert_null(m[1].content);
	assert_int_equal(in.tags.n, 2);
	assert_string_equal(((char **)in.tags.p)[0], "a");
	assert_string_equal(((char **)in.tags.p)[1], "");
	assert_int_equal(in.numbers.n, 2);
	assert_true(((int64_t *)in.numbers.p)[1] == -2);
	assert_string_equal(in.who->role, "me");

	good("{\"messages\":[]}");
	assert_int_equal(in.messages.n, 0);
	bad("{\"messages\":{}}", F_TYPE, "messages");
	bad("{\"messages\":\"x\"}", F_TYPE, "messages");
	bad("{\"messages\":[{\"role\":\"a\"},7]}", F_TYPE, "messages[1]");
	bad("{\"messages\":[null]}", F_TYPE, "messages[0]");
	bad("{\"messages\":[{\"role\":1}]}", F_TYPE, "messages[0].role");
	bad("{\"messages\":[{\"role\":\"123456789012345678901\"}]}", F_RANGE, "messages[0].role");
	bad("{\"messages\":[{\"role\":\"a\"},{\"role\":\"a\"},{\"role\":\"a\"},{\"role\":\"a\"}]}", F_RANGE,
	    "messages");
	bad("{\"tags\":[\"a\",2]}", F_TYPE, "tags[1]");
	bad("{\"tags\":\"a\"}", F_TYPE, "tags");
	bad("{\"numbers\":[1,2.5]}", F_TYPE, "numbers[1]");
	bad("{\"who\":[]}", F_TYPE, "who");
}

static void
maps(void **state)
{
	struct score		*s;
	struct named_str	*h;
	struct named_f64	*r;

	(void)state;
	good("{\"scores\":{\"a.b\":{\"value\":3},\"none\":null,\"样式\":{\"value\":5,\"weight\":0.5}},"
	    "\"headers\":{\"X\":\"1\"},\"rates\":{\"speed\":9.5,\"sense\":1}}");
	assert_int_equal(in.scores.n, 2);
	s = in.scores.p;
	assert_string_equal(s[0].name, "a.b");
	assert_int_equal(s[0].value, 3);
	assert_string_equal(s[1].name, "样式");
	assert_true(s[1].weight == 0.5);
	h = in.headers.p;
	assert_string_equal(h[0].name, "X");
	assert_string_equal(h[0].value, "1");
	r = in.rates.p;
	assert_int_equal(in.rates.n, 2);
	assert_true(r[0].value == 9.5 && r[1].value == 1);
	bad("{\"scores\":[]}", F_TYPE, "scores");
	bad("{\"scores\":{\"x\":{\"value\":6}}}", F_RANGE, "scores.x.value");
	bad("{\"headers\":{\"X\":1}}", F_TYPE, "headers.X");
	bad("{\"rates\":{\"speed\":11}}", F_RANGE, "rates.speed");
	bad("{\"rates\":{\"speed\":\"9\"}}", F_TYPE, "rates.speed");
}

/* A name that the caller made up is told in part only, and whole characters of it. */
static void
long_names(void **state)
{
	char	 text[1000] = "{\"headers\":{\"";

	(void)state;
	for (int i = 0; i < 100; i++)
		strcat(text, "长");
	strcat(text, "\":1}}");
	bad(text, F_TYPE, NULL);
	assert_int_equal(strlen(cx.fail.what), strlen("headers.") + 64 * 3);
}

static void
any(void **state)
{
	(void)state;
	good("{\"any\": { \"b\" : [ 1 , 2.50, -3e2, true, null, \"a/b\\n\\u2028\" ], \"a\" : {} } }");
	assert_string_equal(in.any, "{\"b\":[1,2.50,-3e2,true,null,\"a/b\\n\\u2028\"],\"a\":{}}");
	good("{\"any\":false}");
	assert_string_equal(in.any, "false");
}

/* ---- forms -------------------------------------------------------------------------------- */

static void
forms(void **state)
{
	struct role	*m;

	(void)state;
	good_form("title=a+b%21&stream=true&n=-3&big=12&id=77&temperature=0.5&startTime=2024-11-04+14%3A28%3A49"
	    "&messages[0].content=hi&messages%5B0%5D.role=user&messages[1][role]=bot&who.role=me"
	    "&tags[]=x&tags[]=y&numbers[1]=2&numbers[0]=1&rates[speed]=7&scores.style.value=4&unknown=%E4%BD%A0");
	assert_string_equal(in.title, "a b!");
	assert_true(in.stream);
	assert_int_equal(in.n, -3);
	assert_true(in.big == 12 && in.id == 77 && in.temperature == 0.5);
	assert_true(in.when == INT64_C(1730701729000));
	assert_int_equal(in.messages.n, 2);
	m = in.messages.p;
	assert_string_equal(m[0].content, "hi");
	assert_string_equal(m[0].role, "user");
	assert_string_equal(m[1].role, "bot");
	assert_string_equal(in.who->role, "me");
	assert_int_equal(in.tags.n, 2);
	assert_string_equal(((char **)in.tags.p)[1], "y");
	assert_true(((int64_t *)in.numbers.p)[0] == 1 && ((int64_t *)in.numbers.p)[1] == 2);
	assert_true(((struct named_f64 *)in.rates.p)[0].value == 7);
	assert_int_equal(((struct score *)in.scores.p)[0].value, 4);

	good_form("");
	good_form("&&=x&a&title=100%&b=");
	assert_string_equal(in.title, "100%");
	good_form("title=%zz%4");
	assert_string_equal(in.title, "%zz%4");
	good_form("stream=1");
	assert_true(in.stream);
	good_form("stream=false&stream=on&title=a&title=b=c");
	assert_true(in.stream);
	assert_string_equal(in.title, "b=c");
	/* What was left empty counts as absent, but for strings. */
	good_form("n=&stream=&id=&startTime=&messages=&temperature=&big=5");
	assert_int_equal(in.n, 1);
	bad_form("title=", F_MISSING, "title");
	/* One value is a list of one. */
	good_form("tags=x&numbers=5");
	assert_int_equal(in.tags.n, 1);
	assert_true(((int64_t *)in.numbers.p)[0] == 5);
	/* The last of what contradicts itself. */
	good_form("who=x&who.role=a&tags[0]=q&tags.x=1&tags[0]=r");
	assert_string_equal(in.who->role, "a");
	assert_string_equal(((char **)in.tags.p)[0], "r");
}

static void
bad_forms(void **state)
{
	(void)state;
	bad_form("n=x", F_TYPE, "n");
	bad_form("n=1.5", F_TYPE, "n");
	bad_form("n=0x1", F_TYPE, "n");
	bad_form("n=1+", F_TYPE, "n");
	bad_form("n=9", F_RANGE, "n");
	bad_form("big=9223372036854775808", F_RANGE, "big");
	bad_form("temperature=1e999", F_RANGE, "temperature");
	bad_form("temperature=nan", F_TYPE, "temperature");
	bad_form("temperature=inf", F_TYPE, "temperature");
	bad_form("stream=maybe", F_TYPE, "stream");
	bad_form("id=x", F_NOT_FOUND, "id x");
	bad_form("title=%FF", F_UTF8, "title");
	bad_form("%FF=1", F_UTF8, "body");
	bad_form("title=%00", F_VALUE, "title");
	bad_form("a%00b=1", F_BODY, "a malformed name");
	bad_form("who=x", F_TYPE, "who");
	bad_form("messages=x", F_TYPE, "messages");
	bad_form("messages[1].role=x", F_MISSING, "messages[0]");
	bad_form("messages[0].content=x", F_MISSING, "messages[0].role");
	bad_form("[0]=x", F_BODY, NULL);
	bad_form("a..b=x", F_BODY, NULL);
	bad_form("a.=x", F_BODY, NULL);
	bad_form("a[=x", F_BODY, NULL);
	bad_form("a[1000]=x", F_RANGE, "a[1000]");
	bad_form("a[99999999999999999999]=x", F_RANGE, NULL);
	bad_form("a[999]=x&b[]=y", F_RANGE, "b[]");
	good_form("a[999]=x&a[999]=y&a[5]=z");
}

static void
form_limits(void **state)
{
	char	*text = malloc(5000 * 8), *p = text;

	(void)state;
	for (int i = 0; i < 4096; i++)
		p += sprintf(p, "a=%d&", i % 10);
	good_form(text);
	strcpy(p, "a=1");
	bad_form(text, F_BODY, "too many pairs");
	p = text;
	for (int i = 0; i < 63; i++)
		p += sprintf(p, "a.");
	strcpy(p, "a=1");
	good_form(text);
	strcpy(p, "a.a=1");
	bad_form(text, F_BODY, NULL);
	free(text);
}

/* ---- looking ------------------------------------------------------------------------------ */

static void
looking(void **state)
{
	static const char	 text[] = "{\"choices\":[{\"delta\":{\"content\":\"a\\u0000b\"},\"i\":7}],"
				    "\"a.b\":1.5,\"t\":true,\"z\":null,\"e\":[],\"d\":3.0}";
	json_auto		*j = json_parse(&cx, text, sizeof text - 1);
	const struct json	*value;
	const char		*s, *name;
	const void		*at = NULL;
	int64_t			 i;
	size_t			 n;
	double			 d;
	bool			 b;

	(void)state;
	assert_non_null(j);
	assert_true(json_is_object(j) && !json_is_array(j) && !json_is_form(j));
	assert_true(json_get_str(json_at(j, "choices.0.delta.content"), &s, &n));
	assert_int_equal(n, 3);
	assert_memory_equal(s, "a\0b", 4);
	assert_true(json_get_i64(json_at(j, "choices.0.i"), &i) && i == 7);
	assert_null(json_at(j, "choices.1"));
	assert_null(json_at(j, "choices.x"));
	assert_null(json_at(j, "choices.0x"));
	assert_null(json_at(j, "choices.-1"));
	assert_null(json_at(j, "choices.99999999999999999999999"));
	assert_null(json_at(j, "choices.0.i.deeper"));
	assert_null(json_at(j, "a.b"));
	assert_null(json_at(j, "z"));
	assert_null(json_at(NULL, "z"));
	assert_true(json_get_f64(json_member(j, "a.b"), &d) && d == 1.5);
	assert_true(json_get_f64(json_at(j, "choices.0.i"), &d) && d == 7);
	assert_false(json_get_i64(json_member(j, "a.b"), &i));
	assert_true(json_get_i64(json_member(j, "d"), &i) && i == 3);
	assert_true(json_get_bool(json_at(j, "t"), &b) && b);
	assert_false(json_get_str(json_at(j, "t"), &s, &n));
	assert_false(json_get_i64(NULL, &i) || json_get_str(NULL, &s, &n) || json_get_f64(NULL, &d) ||
	    json_get_bool(NULL, &b) || json_is_object(NULL));
	assert_int_equal(json_count(json_at(j, "choices")), 1);
	assert_int_equal(json_count(json_at(j, "e")), 0);
	assert_int_equal(json_count(j), 0);
	assert_null(json_elem(j, 0));
	assert_null(json_elem(json_at(j, "e"), 0));

	n = 0;
	while (json_next(j, &at, &name, &value))
		if (n++ == 3)
			assert_true(strcmp(name, "z") == 0 && value == NULL);
	assert_int_equal(n, 6);
	at = NULL;
	assert_false(json_next(json_at(j, "e"), &at, &name, &value));

	assert_string_equal(json_text(&cx, j, "t"), "true");
	assert_string_equal(json_text(&cx, j, "choices"), "[{\"delta\":{\"content\":\"a\\u0000b\"},\"i\":7}]");
	assert_string_equal(json_text(&cx, json_at(j, "choices.0.delta"), "content"), "a");
	assert_null(json_text(&cx, j, "none"));
	assert_string_equal(json_dump(cx.a, NULL), "null");
}

/* What upstreams send: lenient in, valid JSON out. */
static void
parser(void **state)
{
	static const char	 lenient[] = "{\"n\":NaN,\"o\":01.5,\"p\":1.,\"b\":\"\xff\xe4\xb8\","
				    "\"s\":\"\\ud800\",\"u\":18446744073709551615,\"t\":\"\xe2\x80\xa8\"}";
	struct json_parser	*p = json_parser_new();
	char			*big = malloc(100003);
	struct json		*j, *other;
	const char		*s;
	int64_t			 i;
	size_t			 n;
	double			 d;

	(void)state;
	assert_null(json_parser_parse(p, "", 0));
	assert_null(json_parser_parse(p, "{\"a\":", 5));
	assert_null(json_parser_parse(p, "<html>", 6));
	assert_null(json_parser_parse(p, "{} x", 4));
	assert_null(json_parser_parse(p, "null", 4));
	/* A failure leaves nothing behind for the next. */
	j = json_parser_parse(p, "{\"a\":\"x\"}", 9);
	assert_non_null(j);
	other = json_parser_parse(p, "[1]", 3);
	assert_non_null(other);
	assert_true(json_get_str(json_at(j, "a"), &s, &n) && n == 1 && s[0] == 'x');
	json_free(other);
	json_free(j);

	j = json_parser_parse(p, "12", 2);
	assert_true(json_get_i64(j, &i) && i == 12);
	json_free(j);

	memset(big, 'x', 100003);
	big[0] = '"';
	big[100001] = '"';
	j = json_parser_parse(p, big, 100002);
	assert_true(json_get_str(j, &s, &n) && n == 100000);
	json_free(j);

	j = json_parser_parse(p, lenient, sizeof lenient - 1);
	assert_non_null(j);
	assert_false(json_get_f64(json_at(j, "n"), &d));
	assert_false(json_get_i64(json_at(j, "n"), &i));
	assert_false(json_get_i64(json_at(j, "u"), &i));
	assert_string_equal(json_dump(cx.a, j), "{\"n\":null,\"o\":1.5,\"p\":1,\"b\":\"\xef\xbf\xbd\xef\xbf\xbd\","
	    "\"s\":\"\xef\xbf\xbd\",\"u\":18446744073709551615,\"t\":\"\\u2028\"}");
	json_free(j);
	json_parser_free(p);
	json_parser_free(NULL);
	free(big);
}

/* ---- writing ------------------------------------------------------------------------------ */

static const char *
written(const struct body *b)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;
	const char	*text;

	jw_open(&w, &s);
	json_write(&w, NULL, &body_fields, b, "Asia/Shanghai");
	text = arena_strndup(cx.a, s.p, s.len);
	str_free(&s);
	return text;
}

static void
writing(void **state)
{
	struct role	 roles[] = { { "user", "hi" }, { "bot", NULL } };
	const char	*tags[] = { "a", "b\n" };
	int64_t		 numbers_[] = { 1, -2 };
	struct score	 scores[] = { { "x", 3, 0 }, { "y", 4, 0.5 } };
	struct named_str headers[] = { { "H", "v" } };
	struct named_f64 rates[] = { { "r", 1.5 } };
	struct named_list groups[] = { { "g", { roles, 2 } }, { "empty", { NULL, 0 } } };
	struct body	 out = {
		.title = "t", .stream = true, .n = -1, .big = INT64_MAX, .id = 42, .temperature = 0.1,
		.when = INT64_C(1730701729000), .who = &roles[0], .messages = { roles, 2 }, .tags = { tags, 2 },
		.numbers = { numbers_, 2 }, .scores = { scores, 2 }, .headers = { headers, 1 },
		.rates = { rates, 1 }, .any = "[1]", .groups = { groups, 2 },
	};

	(void)state;
	assert_string_equal(written(&out), "{\"title\":\"t\",\"stream\":true,\"n\":-1,\"big\":9223372036854775807,"
	    "\"id\":\"42\",\"temperature\":0.1,\"startTime\":\"2024-11-04 14:28:49\","
	    "\"who\":{\"role\":\"user\",\"content\":\"hi\"},"
	    "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"bot\",\"content\":null}],"
	    "\"tags\":[\"a\",\"b\\n\"],\"numbers\":[1,-2],"
	    "\"scores\":{\"x\":{\"value\":3},\"y\":{\"value\":4,\"weight\":0.5}},"
	    "\"headers\":{\"H\":\"v\"},\"rates\":{\"r\":1.5},\"any\":[1],"
	    "\"groups\":{\"g\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"bot\",\"content\":null}],"
	    "\"empty\":[]}}");
	out = (struct body){ 0 };
	assert_string_equal(written(&out), "{\"title\":null,\"stream\":false,\"n\":0,\"big\":0,\"id\":null,"
	    "\"temperature\":0,\"startTime\":null,\"messages\":[]}");
}

/* What is written reads back as it was. */
static void
round_trip(void **state)
{
	static const char	 text[] = "{\"title\":\"标题\",\"stream\":true,\"n\":3,\"big\":-7,\"id\":\"42\","
				    "\"temperature\":0.3,\"startTime\":\"2024-02-29 23:59:59\",\"messages\":"
				    "[{\"role\":\"a\",\"content\":\"\\\"\\\\\\n\"}],\"tags\":[\"x\"],"
				    "\"scores\":{\"s\":{\"value\":1,\"weight\":2.5}},\"any\":{\"k\":[null]}}";

	(void)state;
	good(text);
	assert_string_equal(written(&in), text);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest	tests[] = {
		TEST(malformed), TEST(whole_bodies), TEST(duplicates), TEST(nul), TEST(utf8), TEST(numbers),
		TEST(nesting), TEST(absent), TEST(strings), TEST(ids_and_times), TEST(lists), TEST(maps),
		TEST(long_names), TEST(any), TEST(forms), TEST(bad_forms), TEST(form_limits), TEST(looking),
		TEST(parser), TEST(writing), TEST(round_trip),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
