#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail		/* ctx.h has one of its own */

#include "base/arena.h"
#include "web/route.h"

/* Only their addresses count here. */
static char	arena_mark, native_mark, visitor_mark;
#define ARENA	((const struct dialect *)&arena_mark)
#define NATIVE	((const struct dialect *)&native_mark)
#define VISITOR	((const struct dialect *)&visitor_mark)

#define ROW(m, p, d)	{ .methods = m, .path = p, .dialect = d, .handler_name = p }
static const struct route	rows[] = {
	ROW(M_GET, "/", NATIVE),
	ROW(M_GET, "/v1/streams/{turn}", NATIVE),
	ROW(M_POST, "/v1/streams/{turn}/stop", NATIVE),
	ROW(M_GET, "/v1/streams/list", NATIVE),
	ROW(M_DELETE, "/v1/streams/{turn}", NATIVE),
	ROW(M_POST, "/v1/streams/search", NATIVE),
	ROW(M_PUT, "/v1/streams//search", NATIVE),
	ROW(M_GET | M_POST | M_HEAD | M_OPTIONS, "/combine/chat", ARENA),
	ROW(M_POST, "/conv/chat", ARENA),
	ROW(M_GET, "/v1/openapi/{a}/{b}/x", VISITOR),
	ROW(M_POST, "/v1/openapi/{a}/b", VISITOR),
	ROW(M_PUT, "/v1/openapi/{other}/b", VISITOR),
	{ .methods = M_POST, .path = "/v1/openapi/guest", .dialect = ARENA, .flags = R_GUEST,
	    .handler_name = "guest" },
};
#define ROWS	(sizeof(rows) / sizeof(rows[0]))

static struct routes	*routes;
static struct arena	*a;

static const struct route_hit *
find(enum method m, const char *path)
{
	static struct route_hit	hit;

	routes_find(routes, a, m, path, &hit);
	return &hit;
}

#define assert_hit(m, p, row)	do {					\
	assert_non_null(find(m, p)->route);				\
	assert_string_equal(find(m, p)->route->path, row);		\
} while (0)
#define assert_miss(m, p, allowed)	do {				\
	assert_null(find(m, p)->route);					\
	assert_int_equal(find(m, p)->methods, allowed);			\
} while (0)

static void
finds(void **state)
{
	(void)state;
	assert_hit(M_GET, "/", "/");
	assert_hit(M_GET, "", "/");
	assert_hit(M_POST, "/conv/chat", "/conv/chat");
	assert_hit(M_GET, "/v1/streams/42", "/v1/streams/{turn}");
	assert_string_equal(find(M_GET, "/v1/streams/42")->args[0], "42");
	assert_hit(M_POST, "/v1/streams/42/stop", "/v1/streams/{turn}/stop");
	assert_hit(M_GET, "/v1/openapi/1/2/x", "/v1/openapi/{a}/{b}/x");
	assert_string_equal(find(M_GET, "/v1/openapi/1/2/x")->args[0], "1");
	assert_string_equal(find(M_GET, "/v1/openapi/1/2/x")->args[1], "2");
	assert_null(find(M_GET, "/v1/openapi/1/2/x")->args[2]);
	assert_ptr_equal(find(M_GET, "/v1/openapi/1/2/x")->dialect, VISITOR);
}

static void
literals_first(void **state)
{
	(void)state;
	assert_hit(M_GET, "/v1/streams/list", "/v1/streams/list");
	assert_hit(M_GET, "/v1/streams/listed", "/v1/streams/{turn}");
	/* It decides also of the methods that it does not take: it is nobody's {turn}. */
	assert_miss(M_DELETE, "/v1/streams/list", M_GET | M_HEAD | M_OPTIONS);
	assert_hit(M_POST, "/v1/streams/search", "/v1/streams/search");
	assert_miss(M_GET, "/v1/streams/search", M_POST | M_PUT | M_OPTIONS);
	assert_miss(M_HEAD, "/v1/streams/search", M_POST | M_PUT | M_OPTIONS);
	assert_miss(M_PATCH, "/v1/streams/search", M_POST | M_PUT | M_OPTIONS);
	assert_ptr_equal(find(M_GET, "/v1/streams/search")->dialect, NATIVE);
	/* Its methods may be several rows, under other names. */
	assert_hit(M_PUT, "/v1/streams/search", "/v1/streams//search");
	assert_hit(M_DELETE, "/v1/streams/42", "/v1/streams/{turn}");
	assert_hit(M_PUT, "/v1/openapi/1/b", "/v1/openapi/{other}/b");
	assert_string_equal(find(M_PUT, "/v1/openapi/1/b")->args[0], "1");
}

static void
methods(void **state)
{
	(void)state;
	assert_miss(M_PUT, "/v1/streams/42", M_GET | M_HEAD | M_DELETE | M_OPTIONS);
	assert_miss(M_GET, "/conv/chat", M_POST | M_OPTIONS);
	assert_miss(M_HEAD, "/conv/chat", M_POST | M_OPTIONS);
	assert_miss(0, "/conv/chat", M_POST | M_OPTIONS);
	assert_miss(M_OPTIONS, "/conv/chat", M_POST | M_OPTIONS);
	assert_ptr_equal(find(M_GET, "/conv/chat")->dialect, ARENA);
	assert_hit(M_HEAD, "/v1/streams/42", "/v1/streams/{turn}");
	assert_hit(M_HEAD, "/combine/chat", "/combine/chat");
	assert_hit(M_OPTIONS, "/combine/chat", "/combine/chat");

	assert_int_equal(method_parse("PATCH"), M_PATCH);
	assert_int_equal(method_parse("patch"), 0);
	assert_int_equal(method_parse("PROPFIND"), 0);
	assert_int_equal(method_parse(""), 0);
	assert_int_equal(method_parse(NULL), 0);
	assert_string_equal(method_name(M_DELETE), "DELETE");
	assert_string_equal(method_name(0), "?");
	assert_string_equal(methods_allow(a, M_POST | M_GET | M_OPTIONS | M_HEAD),
	    "GET, HEAD, POST, OPTIONS");
	assert_string_equal(methods_allow(a, 0), "");
}

static void
paths(void **state)
{
	(void)state;
	assert_hit(M_POST, "//conv///chat/", "/conv/chat");
	assert_hit(M_POST, "/api/conv/chat", "/conv/chat");
	assert_hit(M_POST, "//api/conv/chat//", "/conv/chat");
	assert_hit(M_GET, "/api", "/");
	assert_miss(M_POST, "/api/api/conv/chat", 0);
	assert_miss(M_POST, "/apiconv/chat", 0);
	assert_miss(M_POST, "/conv/Chat", 0);
	assert_miss(M_POST, "/conv/chat/more", 0);
	assert_miss(M_POST, "/conv", 0);
	assert_miss(M_POST, "/./conv/chat", 0);
	assert_miss(M_GET, "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", 0);
}

static void
decoding(void **state)
{
	(void)state;
	assert_hit(M_POST, "/%63onv/chat", "/conv/chat");
	assert_string_equal(find(M_GET, "/v1/streams/a%2Fb%20c+d")->args[0], "a/b c+d");
	assert_string_equal(find(M_GET, "/v1/streams/%E4%BD%A0")->args[0], "你");
	assert_string_equal(find(M_GET, "/v1/streams/5%")->args[0], "5%");
	assert_string_equal(find(M_GET, "/v1/streams/%zz%4")->args[0], "%zz%4");
	/* An encoded slash divides nothing. */
	assert_miss(M_POST, "/conv%2Fchat", 0);
	/* What is no text is no path of ours. */
	assert_miss(M_GET, "/v1/streams/a%00b", 0);
	assert_miss(M_GET, "/v1/streams/%ff", 0);
	assert_miss(M_GET, "/v1/streams/\xff", 0);
	assert_miss(M_GET, "/v1/streams/%0a", 0);
}

static void
dialects(void **state)
{
	(void)state;
	assert_ptr_equal(find(M_GET, "/conv/nothing")->dialect, ARENA);
	assert_ptr_equal(find(M_GET, "/conv/chat/deeper/than/that")->dialect, ARENA);
	assert_ptr_equal(find(M_GET, "/v1/openapi/nothing")->dialect, VISITOR);
	assert_null(find(M_GET, "/v1/nothing")->dialect);	/* it is as near to two */
	assert_ptr_equal(find(M_GET, "/v1/streams")->dialect, NATIVE);
	assert_null(find(M_GET, "/nothing")->dialect);
	assert_ptr_equal(find(M_GET, "/v1/openapi/guest")->dialect, ARENA);
	/* Also where the rest of the path is no text, or longer than any. */
	assert_ptr_equal(find(M_GET, "/conv/%ff")->dialect, ARENA);
	assert_ptr_equal(find(M_GET, "/api/conv/\xff/chat")->dialect, ARENA);
	assert_ptr_equal(find(M_GET, "/v1/openapi/%00")->dialect, VISITOR);
	assert_ptr_equal(find(M_GET, "/conv/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a")->dialect, ARENA);
	assert_null(find(M_GET, "/%ff/conv")->dialect);
	assert_miss(M_GET, "/%ff", 0);
}

static void
refused(const struct route *bad, size_t n, const char *why)
{
	struct str	 err = STR_INIT(0);

	assert_null(routes_compile(bad, n, &err));
	assert_non_null(strstr(err.p, why));
	str_free(&err);
}

static void
tables(void **state)
{
	const struct route	same[] = {
		ROW(M_GET, "/a/{x}", ARENA), ROW(M_GET | M_POST, "/a/{y}/", ARENA)
	};
	const struct route	crossed[] = {
		ROW(M_GET, "/a/{x}", ARENA), ROW(M_GET, "/{x}/b", ARENA)
	};
	const struct route	crossed_methods[] = {
		ROW(M_GET, "/a/{x}", ARENA), ROW(M_POST, "/{x}/b", ARENA)
	};
	const struct route	apart[] = {
		ROW(M_GET, "/a/{x}", ARENA), ROW(M_POST, "/a/{y}", ARENA),
		ROW(M_GET, "/a/b", ARENA), ROW(M_GET, "/{x}/{y}", ARENA)
	};
	const struct route	rootless[] = { ROW(M_GET, "a", ARENA) };
	const struct route	methodless[] = { ROW(0, "/a", ARENA) };
	const struct route	greedy[] = { ROW(M_GET, "/{a}/{b}/{c}/{d}/{e}", ARENA) };
	const struct route	deep[] = {
		ROW(M_GET, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", ARENA)
	};
	struct str		 err = STR_INIT(0);
	struct routes		*t;

	(void)state;
	refused(same, 2, "/a/{x} and /a/{y}/ could both match");
	refused(crossed, 2, "could both match");
	refused(crossed_methods, 2, "could both match");
	refused(rootless, 1, "must begin with /");
	refused(methodless, 1, "no method");
	refused(greedy, 1, "arguments");
	refused(deep, 1, "segments");
	assert_non_null(t = routes_compile(apart, 4, &err));
	routes_free(t);
	assert_non_null(t = routes_compile(NULL, 0, &err));
	routes_free(t);
	assert_int_equal(err.len, 0);
}

static int
setup(void **state)
{
	struct str	 err = STR_INIT(0);

	(void)state;
	a = arena_new(0);
	return (routes = routes_compile(rows, ROWS, &err)) == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	routes_free(routes);
	arena_free(a);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(literals_first),
		cmocka_unit_test(methods),
		cmocka_unit_test(paths),
		cmocka_unit_test(decoding),
		cmocka_unit_test(dialects),
		cmocka_unit_test(tables),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
