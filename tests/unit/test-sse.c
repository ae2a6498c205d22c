#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/sse.h"

#define CAP	64

struct got {
	char	text[4096];	/* events, each ended by `|` */
	size_t	len;
	int	stop_after;	/* this many events; 0 = never */
};

static int
on_event(void *arg, const char *data, size_t len)
{
	struct got	*g = arg;

	assert_int_equal(data[len], '\0');
	assert_true(len > 0);
	memcpy(g->text + g->len, data, len);
	g->len += len;
	g->text[g->len++] = '|';
	g->text[g->len] = '\0';
	return g->stop_after > 0 && --g->stop_after == 0 ? -1 : 0;
}

static const struct {
	const char	*in;
	const char	*out;
	const char	*end;		/* what sse_end adds, NULL: nothing */
} cases[] = {
	{ "", "", NULL },
	{ "data: a\n\n", "a|", NULL },
	{ "data:a\n\n", "a|", NULL },
	{ "data:  a\n\n", " a|", NULL },
	{ "data: a\r\n\r\n", "a|", NULL },
	{ "data: a\r\r", "a|", NULL },
	{ "data: a\r\n\rdata: b\r\n\n", "a|b|", NULL },
	{ "data: a\n\r\ndata: b\n\r", "a|b|", NULL },
	{ "data: a\ndata: b\n\n", "a\nb|", NULL },
	{ "data: a\r\ndata\r\ndata: b\r\n\r\n", "a\n\nb|", NULL },
	{ "data\n\n", "", NULL },
	{ "data:\n\n", "", NULL },
	{ "data: \n\ndata: x\n\n", "x|", NULL },
	{ "data\ndata\n\n", "\n|", NULL },
	{ "\n\n\ndata: a\n\n\n\n", "a|", NULL },
	{ ": ping\n\ndata: a\n: ping\ndata: b\n\n", "a\nb|", NULL },
	{ "event: x\nid: 7\nretry: 5\ndata: a\nevent: y\n\n", "a|", NULL },
	{ "dataset: no\ndat: no\nDATA: no\n data: no\ndata: yes\n\n", "yes|", NULL },
	{ "data: a: b:c\n\n", "a: b:c|", NULL },
	{ "\xef\xbb\xbf" "data: a\n\n", "a|", NULL },
	{ "\xef\xbb" "data: a\n\ndata: b\n\n", "b|", NULL },
	{ "\xef\xbb\xbf\xef\xbb\xbf" "data: a\n\ndata: b\n\n", "b|", NULL },
	{ "data: a\n\n\xef\xbb\xbf" "data: b\n\n", "a|", NULL },
	{ "\xef\xbb\xbf\n\ndata: a\n\n", "a|", NULL },
	{ "data: 模型\n\ndata: \xf0\x9f\x98\x80\n\n", "模型|\xf0\x9f\x98\x80|", NULL },
	{ "data: a\n\ndata: b\n", "a|", "b|" },
	{ "data: a\n\ndata: b", "a|", "b|" },
	{ "data: a\n\ndata: b\r", "a|", "b|" },
	{ "data: a\ndata: b", "", "a\nb|" },
	{ "data: a\n\n: bye", "a|", NULL },
	{ "data: a\n\ndata", "a|", NULL },
	/* 64 bytes of data are allowed, in one line or several */
	{ "data: 0123456789012345678901234567890123456789012345678901234567890123\n\n",
	    "0123456789012345678901234567890123456789012345678901234567890123|", NULL },
	{ "data: 01234567890123456789012345678901\ndata: 0123456789012345678901234567890\n\n",
	    "01234567890123456789012345678901\n0123456789012345678901234567890|", NULL },
};

static void
feed(const char *in, size_t n, size_t first, size_t step, const char *out, const char *end)
{
	struct got	g = { .len = 0 };
	struct sse	s;
	size_t		at = 0, m = first;

	sse_init(&s, CAP);
	while (at < n) {
		if (m > n - at)
			m = n - at;
		assert_int_equal(sse_feed(&s, in + at, m, on_event, &g), 0);
		at += m;
		m = step;
	}
	assert_string_equal(g.text, out);
	g.len = 0;
	g.text[0] = '\0';
	assert_int_equal(sse_end(&s, on_event, &g), 0);
	assert_string_equal(g.text, end != NULL ? end : "");
	sse_free(&s);
}

/*
 * Every case whole, byte by byte, and split once at every place, with and without an empty feed
 * between.
 */
static void
splits(void **state)
{
	size_t	i, n, cut;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		n = strlen(cases[i].in);
		feed(cases[i].in, n, n, n, cases[i].out, cases[i].end);
		feed(cases[i].in, n, 0, 1, cases[i].out, cases[i].end);
		for (cut = 1; cut < n; cut++)
			feed(cases[i].in, n, cut, n, cases[i].out, cases[i].end);
	}
}

/* The text of an event that came in a buffer without NUL, up to the last byte of it. */
static void
nul_inside(void **state)
{
	struct got	g = { .len = 0 };
	struct sse	s;

	(void)state;
	sse_init(&s, CAP);
	assert_int_equal(sse_feed(&s, "data: a\0b\n\n", 11, on_event, &g), 0);
	assert_int_equal(g.len, 4);
	assert_memory_equal(g.text, "a\0b|", 4);
	sse_free(&s);
}

static void
too_large(void **state)
{
	static const char *const	in[] = {
		"data: 01234567890123456789012345678901234567890123456789012345678901234\n\n",
		"data:01234567890123456789012345678901234567890123456789012345678901234\n\n",
		("data: 01234567890123456789012345678901\n"
		    "data: 01234567890123456789012345678901\n\n"),
		": a comment has no more right to be long than an event has, has it now?\n",
	};
	size_t		i, n, step, at;
	struct got	g;
	struct sse	s;
	int		r;

	(void)state;
	for (i = 0; i < sizeof(in) / sizeof(in[0]); i++)
		for (n = strlen(in[i]), step = 1; step <= n; step++) {
			g.len = 0;
			sse_init(&s, CAP);
			for (r = 0, at = 0; at < n && r == 0; at += step)
				r = sse_feed(&s, in[i] + at, step < n - at ? step : n - at,
				    on_event, &g);
			assert_int_equal(r, -1);
			assert_true(s.line.full || s.data.full);
			assert_int_equal(g.len, 0);
			assert_int_equal(sse_feed(&s, "\n\ndata: a\n\n", 11, on_event, &g), -1);
			assert_int_equal(sse_end(&s, on_event, &g), -1);
			assert_int_equal(g.len, 0);
			sse_free(&s);
		}
}

static void
stop(void **state)
{
	struct got	g = { .stop_after = 2 };
	struct sse	s;

	(void)state;
	sse_init(&s, CAP);
	assert_int_equal(sse_feed(&s, "data: a\n\ndata: b\n\ndata: c\n\n", 27, on_event, &g), -1);
	assert_false(s.line.full || s.data.full);
	assert_string_equal(g.text, "a|b|");
	assert_int_equal(sse_feed(&s, "data: d\n\n", 9, on_event, &g), -1);
	assert_int_equal(sse_end(&s, on_event, &g), -1);
	assert_string_equal(g.text, "a|b|");
	sse_free(&s);
}

static int
on_large(void *arg, const char *data, size_t len)
{
	(void)data;
	*(size_t *)arg = len;
	return 0;
}

/* A large event does not leave a large buffer behind. */
static void
memory(void **state)
{
	static char	in[100000];
	struct sse	s;
	size_t		i, len = 0;

	(void)state;
	memset(in, 'x', sizeof(in));
	memcpy(in, "data: ", 6);
	sse_init(&s, 1 << 20);
	for (i = 0; i < sizeof(in); i += 10000)
		assert_int_equal(sse_feed(&s, in + i, 10000, on_large, &len), 0);
	assert_true(s.line.size >= sizeof(in));
	assert_int_equal(sse_feed(&s, "\n: x\n\n", 6, on_large, &len), 0);
	assert_int_equal(len, sizeof(in) - 6);
	assert_true(s.line.size <= 4096);
	assert_true(s.data.size <= 4096);
	sse_free(&s);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(splits),
		cmocka_unit_test(nul_inside),
		cmocka_unit_test(too_large),
		cmocka_unit_test(stop),
		cmocka_unit_test(memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sse", tests, NULL, NULL);
}
