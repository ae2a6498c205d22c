/* Who calls: tokens, the gateway's header and guests, with the user table replaced by a list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jwt.h>

#include "base/arena.h"
#include "base/conf.h"
#include "base/ident.h"
#include "core/who.h"
#include "store/api_key.h"
#include "store/user.h"

#include <cmocka.h>
#undef fail

#define SECRET	"a secret of the tests, long enough"
#define NOW	INT64_C(1800000000)

static char		dir[] = "/tmp/test-who-XXXXXX";
static char		secret_file[64];
static struct conf	conf;
static struct ctx	cx;
static int		users_made;

/* The store, as far as who.c uses it. */

struct user *
user_ensure(struct ctx *c, int64_t tenant, const char *subject, const char *name,
    const char *avatar)
{
	struct user	*u = arena_get(c->a, sizeof(*u));

	users_made++;
	*u = (struct user){ .id = 77, .tenant = tenant, .subject = arena_strdup(c->a, subject),
	    .name = arena_strdup(c->a, name), .avatar = arena_strdup(c->a, avatar) };
	return u;
}

int64_t
tenant_by_name(struct ctx *c, const char *name)
{
	(void)c;
	return strcmp(name, "acme") == 0 ? 5 : 0;
}

#define KEY	"sk-0123456789012345678901234567890123456789abc"

static int	keys_asked;

struct key_holder *
api_key_find(struct ctx *c, const char *key)
{
	struct key_holder	*h = arena_get(c->a, sizeof(*h));

	keys_asked++;
	*h = (struct key_holder){ .key = 4, .tenant = 5, .user = 77, .assistant = 6, .rate = 8,
	    .subject = arena_strdup(c->a, "robot"), .name = arena_strdup(c->a, "R") };
	return strcmp(key, KEY) == 0 ? h : NULL;
}

/* Material. */

/* head: what its header says beside alg and typ; NULL: nothing. */
static char *
signed_under(const char *head, const char *secret, jwt_alg_t alg, const char *claims)
{
	jwt_t	*j;
	char	*text, *copy;

	assert_int_equal(jwt_new(&j), 0);
	assert_int_equal(jwt_set_alg(j, alg, (const unsigned char *)secret,
	    secret != NULL ? (int)strlen(secret) : 0), 0);
	if (head != NULL)
		assert_int_equal(jwt_add_headers_json(j, head), 0);
	assert_int_equal(jwt_add_grants_json(j, claims), 0);
	text = jwt_encode_str(j);
	copy = arena_strdup(cx.a, text);
	free(text);
	jwt_free(j);
	return copy;
}

static char *
signed_with(const char *secret, jwt_alg_t alg, const char *claims)
{
	return signed_under(NULL, secret, alg, claims);
}

/* With the end of the minute as its exp where the claims have none. */
static char *
token(const char *claims)
{
	if (strstr(claims, "\"exp\"") == NULL)
		claims = arena_printf(cx.a, "{\"exp\":%lld,%s", NOW + 60LL, claims + 1);
	return signed_with(SECRET, JWT_ALG_HS256, claims);
}

static int
setup(void **state)
{
	(void)state;
	conf = (struct conf){
		.identity = "header", .trusted_proxies = "127.0.0.0/8,::1",
		.jwt_secret_file = secret_file, .jwt_subject = "userId,uid,sub", .jwt_role = "role",
		.jwt_admin = "admin", .timezone = "UTC",
	};
	cx = (struct ctx){ .a = arena_new(0), .conf = &conf, .now = NOW * 1000 };
	users_made = 0;
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
assert_known(const struct who_shown *shown, const char *subject)
{
	assert_int_equal(who_find(&cx, shown), WHO_KNOWN);
	assert_int_equal(cx.fail.kind, F_NONE);
	assert_string_equal(cx.who->subject, subject);
	assert_int_equal(cx.who->id, 77);
}

static void
assert_refused(const struct who_shown *shown, enum fail_kind kind, const char *what)
{
	assert_int_equal(who_find(&cx, shown), WHO_FAILED);
	assert_int_equal(cx.fail.kind, kind);
	assert_string_equal(cx.fail.what, what);
	assert_null(cx.who);
	assert_int_equal(users_made, 0);
	fail_clear(&cx);
}

static void
assert_token_refused(const char *text, const char *what)
{
	struct who_shown	shown = { .bearer = text, .remote = "127.0.0.1" };

	assert_refused(&shown, F_UNAUTHORIZED, what);
	shown = (struct who_shown){ .login = text, .remote = "127.0.0.1" };
	/* A cookie may be stale: as if there were none. */
	assert_int_equal(who_find(&cx, &shown), WHO_NOBODY);
	assert_int_equal(cx.fail.kind, F_NONE);
}

static void
tokens_that_hold(void **state)
{
	struct who_shown	shown = { .remote = "203.0.113.9" };

	(void)state;
	shown.bearer = token("{\"sub\":\"ann\",\"name\":\"Ann Other\","
	    "\"avatar\":\"http://x/a.png\",\"role\":\"admin\"}");
	assert_known(&shown, "ann");
	assert_string_equal(cx.who->name, "Ann Other");
	assert_string_equal(cx.who->avatar, "http://x/a.png");
	assert_string_equal(cx.who->role, "admin");
	assert_int_equal(cx.who->tenant, TENANT_DEFAULT);
	assert_false(cx.who->guest);

	shown.bearer = token("{\"sub\":\"no\",\"uid\":1810970515641233410}");
	assert_known(&shown, "1810970515641233410");
	shown.bearer = token("{\"sub\":\"no\",\"uid\":\"neither\",\"userId\":\"张三\"}");
	assert_known(&shown, "张三");
	shown.bearer = token("{\"sub\":\"bob\",\"tenant\":\"acme\",\"exp\":1800000000.5}");
	assert_known(&shown, "bob");
	assert_int_equal(cx.who->tenant, 5);

	shown = (struct who_shown){ .login = token("{\"sub\":\"carl\"}"), .user_id = "carl" };
	assert_known(&shown, "carl");
}

static void
tokens_that_do_not(void **state)
{
	char	*good = token("{\"sub\":\"ann\"}"), *bent = arena_strdup(cx.a, good);

	(void)state;
	bent[strlen(bent) - 5] ^= 1;
	assert_token_refused(bent, "token");
	assert_token_refused("", "token");
	assert_token_refused("a.b.c", "token");
	assert_token_refused(signed_with("another secret, as long as that", JWT_ALG_HS256,
	    "{\"sub\":\"ann\"}"), "token");
	assert_token_refused(signed_with(NULL, JWT_ALG_NONE, "{\"sub\":\"ann\"}"), "token");
	assert_token_refused(signed_with(SECRET, JWT_ALG_HS512, "{\"sub\":\"ann\"}"), "token alg");
	assert_token_refused(token("{\"name\":\"nobody\"}"), "token subject");
	assert_token_refused(token("{\"sub\":\"\"}"), "token subject");
	assert_token_refused(token("{\"sub\":true}"), "token subject");
	assert_token_refused(token("{\"sub\":\"ann\",\"uid\":1.5}"), "token subject");
	assert_token_refused(token("{\"sub\":\"guest:00\"}"), "token subject");
	assert_token_refused(token("{\"sub\":\"public:42\"}"), "token subject");

	conf.jwt_secret_file = "";
	assert_token_refused(good, "token");
	conf.jwt_secret_file = "/nonexistent/secret";
	assert_token_refused(good, "token");
}

/* RFC 7515, 4.1.11: who does not know what a header calls critical must not take it. */
static void
critical_headers(void **state)
{
	static const char *const	 heads[] = {
		"{\"crit\":[\"exp\"],\"exp\":1}", "{\"crit\":[\"b64\"],\"b64\":false}",
		"{\"crit\":[]}", "{\"crit\":\"x\"}", "{\"crit\":null}",
	};
	static const char	 claims[] = "{\"sub\":\"ann\",\"exp\":1800000060}";
	struct who_shown	 shown = { 0 };

	(void)state;
	shown.bearer = signed_under("{\"kid\":\"1\"}", SECRET, JWT_ALG_HS256, claims);
	assert_known(&shown, "ann");
	users_made = 0;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		assert_token_refused(signed_under(heads[i], SECRET, JWT_ALG_HS256, claims),
		    "token crit");
}

static void
times_with_leeway(void **state)
{
	struct who_shown	shown = { 0 };

	(void)state;
	shown.bearer = token("{\"sub\":\"ann\",\"exp\":1799999941,\"nbf\":1800000059}");
	assert_known(&shown, "ann");
	assert_int_equal(cx.who->until_ms, 1800000001000);
	shown.bearer = token("{\"sub\":\"ann\",\"exp\":1799999941.0625}");
	assert_known(&shown, "ann");
	assert_int_equal(cx.who->until_ms, 1800000001063);
	shown.bearer = token("{\"sub\":\"ann\",\"exp\":1e300}");
	assert_known(&shown, "ann");
	assert_int_equal(cx.who->until_ms, 0);
	users_made = 0;
	assert_token_refused(token("{\"sub\":\"ann\",\"exp\":1799999939}"), "token exp");
	assert_token_refused(token("{\"sub\":\"ann\",\"exp\":1799999939.5}"), "token exp");
	assert_token_refused(token("{\"sub\":\"ann\",\"exp\":\"2099999999\"}"), "token exp");
	assert_token_refused(token("{\"sub\":\"ann\",\"exp\":null}"), "token exp");
	assert_token_refused(signed_with(SECRET, JWT_ALG_HS256, "{\"sub\":\"ann\"}"), "token exp");
	assert_token_refused(token("{\"sub\":\"ann\",\"nbf\":1800000061}"), "token nbf");
	assert_token_refused(token("{\"sub\":\"ann\",\"nbf\":\"1\"}"), "token nbf");
}

static void
token_and_header(void **state)
{
	struct who_shown	shown = {
		.bearer = token("{\"sub\":\"ann\"}"), .user_id = "ann", .remote = "203.0.113.9",
	};

	(void)state;
	assert_known(&shown, "ann");
	users_made = 0;
	cx.who = NULL;
	shown.user_id = "bob";
	assert_refused(&shown, F_FORBIDDEN, "userId");
	shown.remote = "127.0.0.1";		/* however trusted the way */
	assert_refused(&shown, F_FORBIDDEN, "userId");
	shown.bearer = token("{\"sub\":\"ann\",\"tenant\":\"nowhere\"}");
	shown.user_id = NULL;
	assert_refused(&shown, F_UNAUTHORIZED, "token tenant");
}

static void
header_of_a_gateway(void **state)
{
	static const char *const	foreign[] = { "203.0.113.9", "unix:", "", NULL };
	struct who_shown		shown = {
		.user_id = "王 \"O'Neil\" 😀", .remote = "127.0.0.1",
	};
	char				*longest = arena_get(cx.a, 3 * WHO_SUBJECT_MAX + 4);

	(void)state;
	assert_known(&shown, "王 \"O'Neil\" 😀");
	assert_false(cx.who->guest);
	for (int i = 0; i < WHO_SUBJECT_MAX; i++)
		strcat(longest, "字");
	shown.user_id = longest;
	assert_known(&shown, longest);
	users_made = 0;
	strcat(longest, "字");
	assert_refused(&shown, F_RANGE, "userId");
	shown.user_id = "guest:0123";
	assert_refused(&shown, F_VALUE, "userId");
	shown.user_id = "";
	assert_int_equal(who_find(&cx, &shown), WHO_NOBODY);

	shown.user_id = "ann";
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		shown.remote = foreign[i];
		assert_int_equal(who_find(&cx, &shown), WHO_NOBODY);
	}
	shown.remote = "127.0.0.1";
	conf.identity = "jwt";
	assert_int_equal(who_find(&cx, &shown), WHO_NOBODY);
	assert_int_equal(users_made, 0);
}

/* Of callers without identity a release makes one user. */
static void
the_public(void **state)
{
	(void)state;
	who_become_nobody(&cx);
	assert_int_equal(who_become_public(&cx, TENANT_DEFAULT, 42), 0);
	assert_string_equal(cx.who->subject, "public:42");
	assert_true(cx.who->id != 0 && !cx.who->guest && cx.who->key == 0);
	assert_true(who_is_public(cx.who->subject));
	assert_false(who_is_public("ann"));
	assert_false(who_is_public(NULL));
	assert_false(who_subject_ok("public:42"));
}

static void
guests(void **state)
{
	char			 one[WHO_GUEST_SIZE], two[WHO_GUEST_SIZE], bent[WHO_GUEST_SIZE];
	struct who_shown	 shown = { .guest = { one, two }, .remote = "203.0.113.9" };

	(void)state;
	who_guest_token(one);
	who_guest_token(two);
	assert_string_not_equal(one, two);
	assert_true(who_guest_genuine(one));
	assert_known(&shown, arena_printf(cx.a, "guest:%.32s", one));
	assert_true(cx.who->guest);

	for (size_t i = 0; i < sizeof(bent) - 1; i++) {		/* no digit of it may be another */
		memcpy(bent, one, sizeof(bent));
		bent[i] = bent[i] == '0' ? '1' : '0';
		assert_false(who_guest_genuine(bent));
	}
	assert_false(who_guest_genuine(NULL));
	assert_false(who_guest_genuine(""));
	memcpy(bent, one, sizeof(bent));
	memcpy(bent, two, 32);
	assert_false(who_guest_genuine(bent));

	shown.guest[0] = bent;
	assert_known(&shown, arena_printf(cx.a, "guest:%.32s", two));
	shown.guest[1] = NULL;
	assert_int_equal(who_find(&cx, &shown), WHO_NOBODY);
	assert_int_equal(cx.fail.kind, F_NONE);

	shown = (struct who_shown){ .guest = { one }, .user_id = "ann", .remote = "127.0.0.1" };
	assert_known(&shown, "ann");	/* the gateway's word goes before a guest's id */
}

/* Where a login is asked for, a token alone makes somebody of a stranger. */
static void
token_only(void **state)
{
	char			 guest[WHO_GUEST_SIZE];
	struct who_shown	 shown = {
		.token_only = true, .user_id = "ann", .guest = { guest, guest },
		.remote = "127.0.0.1",
	};

	(void)state;
	who_guest_token(guest);
	assert_int_equal(who_find(&cx, &shown), WHO_NOBODY);
	shown.login = "stale";
	assert_int_equal(who_find(&cx, &shown), WHO_NOBODY);
	assert_int_equal(cx.fail.kind, F_NONE);
	assert_int_equal(users_made, 0);
	shown.login = token("{\"sub\":\"bob\"}");
	assert_refused(&shown, F_FORBIDDEN, "userId");
	shown.login = token("{\"sub\":\"ann\"}");
	assert_known(&shown, "ann");
	shown.user_id = NULL;
	shown.bearer = token("{\"sub\":\"carl\"}");
	assert_known(&shown, "carl");
}

/* A key, wherever it is shown, and what it says of its holder. */
static void
keys(void **state)
{
	struct who_shown	 shown[] = {
		{ .bearer = KEY }, { .key = { KEY } }, { .key = { NULL, KEY } },
		{ .key = { KEY, "sk-other" } }, { .bearer = KEY, .key = { "sk-other" } },
		{ .bearer = KEY, .token_only = true }, { .bearer = KEY, .user_id = "robot" },
		{ .key = { KEY }, .key_only = true }, { .key = { KEY }, .login = "stale" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		assert_known(&shown[i], "robot");
		assert_int_equal(cx.who->key, 4);
		assert_int_equal(cx.who->tenant, 5);
		assert_int_equal(cx.who->assistant, 6);
		assert_int_equal(cx.who->key_rate, 8);
		assert_string_equal(cx.who->name, "R");
		assert_false(who_is_admin(&cx));
	}
	assert_int_equal(users_made, 0);
}

/* The first that is shown counts, alone. */
static void
keys_that_do_not(void **state)
{
	struct who_shown	 shown[] = {
		{ .bearer = "sk-other", .key = { KEY } }, { .key = { "sk-other", KEY } },
		{ .key = { "other" } }, { .key = { "", KEY } }, { .key = { NULL, "x" } },
		{ .bearer = "sk-", .user_id = "ann", .remote = "127.0.0.1" },
	};
	struct who_shown	 no_key[] = {
		{ .key_only = true }, { .key_only = true, .bearer = token("{\"sub\":\"ann\"}") },
		{ .key_only = true, .bearer = "x", .key = { KEY } },
		{ .key_only = true, .login = token("{\"sub\":\"ann\"}") },
		{ .key_only = true, .user_id = "ann", .remote = "127.0.0.1" },
	};
	struct who_shown	 other = { .key = { KEY }, .user_id = "ann", .remote = "127.0.0.1" };

	(void)state;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		assert_refused(&shown[i], F_UNAUTHORIZED, "API key");
	for (size_t i = 0; i < sizeof(no_key) / sizeof(no_key[0]); i++) {
		assert_int_equal(who_find(&cx, &no_key[i]), WHO_NOBODY);
		assert_int_equal(cx.fail.kind, F_NONE);
	}
	assert_refused(&other, F_FORBIDDEN, "userId");
	keys_asked = 0;
	assert_refused(&(struct who_shown){ .bearer = "a.b.c", .key = { KEY } }, F_UNAUTHORIZED,
	    "token");
	assert_int_equal(keys_asked, 0);
}

static void
administrators(void **state)
{
	struct who_shown	shown = { .bearer = token("{\"sub\":\"ann\",\"role\":\"admin\"}") };

	(void)state;
	assert_known(&shown, "ann");
	assert_true(who_is_admin(&cx));
	conf.jwt_admin = "root";
	assert_false(who_is_admin(&cx));
	conf.jwt_admin = "";
	assert_false(who_is_admin(&cx));
	shown.bearer = token("{\"sub\":\"ann\",\"role\":\"\"}");
	assert_known(&shown, "ann");
	assert_false(who_is_admin(&cx));
	shown.bearer = token("{\"sub\":\"ann\"}");
	assert_known(&shown, "ann");
	assert_false(who_is_admin(&cx));
}

static void
signs_what_it_takes(void **state)
{
	struct who_shown	shown = { 0 };

	(void)state;
	shown.bearer = who_sign(&cx, "李四", "Li", "acme", "admin", 3600);
	assert_non_null(shown.bearer);
	assert_known(&shown, "李四");
	assert_string_equal(cx.who->name, "Li");
	assert_string_equal(cx.who->role, "admin");
	assert_int_equal(cx.who->tenant, 5);
	cx.now += 3661 * 1000;
	cx.who = NULL;
	users_made = 0;
	assert_token_refused(shown.bearer, "token exp");
	assert_null(who_sign(&cx, "guest:1", NULL, NULL, NULL, 60));
	assert_int_equal(cx.fail.kind, F_VALUE);
	fail_clear(&cx);
	conf.jwt_secret_file = "";
	assert_null(who_sign(&cx, "ann", NULL, NULL, NULL, 60));
	assert_int_equal(cx.fail.kind, F_UNAVAILABLE);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(tokens_that_hold, setup, teardown),
		cmocka_unit_test_setup_teardown(tokens_that_do_not, setup, teardown),
		cmocka_unit_test_setup_teardown(critical_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(times_with_leeway, setup, teardown),
		cmocka_unit_test_setup_teardown(token_and_header, setup, teardown),
		cmocka_unit_test_setup_teardown(header_of_a_gateway, setup, teardown),
		cmocka_unit_test_setup_teardown(guests, setup, teardown),
		cmocka_unit_test_setup_teardown(the_public, setup, teardown),
		cmocka_unit_test_setup_teardown(token_only, setup, teardown),
		cmocka_unit_test_setup_teardown(keys, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_that_do_not, setup, teardown),
		cmocka_unit_test_setup_teardown(administrators, setup, teardown),
		cmocka_unit_test_setup_teardown(signs_what_it_takes, setup, teardown),
	};
	static const char *const files[] = { "jwt", "ids", "secret" };
	char	path[64];
	FILE	*f;
	int	 r;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(secret_file, sizeof(secret_file), "%s/jwt", dir);
	if ((f = fopen(secret_file, "w")) == NULL)
		return 1;
	fputs(SECRET "\n", f);
	fclose(f);
	if (ident_open(dir, 0) == -1)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	r = cmocka_run_group_tests_name("who", tests, NULL, NULL);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
	return r;
}
