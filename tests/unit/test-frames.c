#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "web/frames.h"
#include "ws-client.h"

/* A client that has sent so much, of which so much at a time arrives. */
static struct str	sent;
static size_t		at, step;

static ssize_t
arrive(void *arg, void *p, size_t n)
{
	size_t	left = sent.len - at;

	(void)arg;
	n = n < left ? n : left;
	if (step != 0 && n > step)
		n = step;
	memcpy(p, sent.p + at, n);
	at += n;
	return (ssize_t)n;
}

static struct frames *
client(void)
{
	str_free(&sent);
	at = 0;
	return frames_new(arrive, NULL);
}

#define expect(f, what, text)	do {					\
	struct frames_in	in_;					\
	assert_int_equal(frames_next(f, &in_), what);			\
	assert_int_equal(in_.n, strlen(text));				\
	assert_memory_equal(in_.p, text, in_.n);			\
} while (0)

#define expect_code(f, what, want)	do {				\
	struct frames_in	in_;					\
	assert_int_equal(frames_next(f, &in_), what);			\
	assert_int_equal(in_.code, want);				\
} while (0)

static void
expect_none(struct frames *f)
{
	struct frames_in	in;

	assert_int_equal(frames_next(f, &in), FRAMES_NONE);
}

static void
messages(void **state)
{
	static char	 big[70000];

	(void)state;
	memset(big, 'b', sizeof(big) - 1);
	for (step = 0; step < 4; step++) {
		struct frames	*f = client();

		ws_text(&sent, "hello");
		ws_text(&sent, "");
		ws_frame(&sent, WS_FIN | WS_BINARY, "bytes", 5);
		ws_frame(&sent, WS_TEXT, "你", 2);		/* cut inside the character */
		ws_frame(&sent, WS_FIN | WS_PING, "p", 1);
		ws_frame(&sent, WS_CONT, "", 0);
		ws_frame(&sent, WS_CONT, &"你"[2], 1);
		ws_frame(&sent, WS_FIN | WS_PONG, "", 0);
		ws_frame(&sent, WS_FIN | WS_CONT, "好", 3);
		ws_text(&sent, big);
		ws_text(&sent, "after");
		expect(f, FRAMES_MESSAGE, "hello");
		expect(f, FRAMES_MESSAGE, "");
		expect(f, FRAMES_MESSAGE, "bytes");
		expect(f, FRAMES_PING, "p");
		expect(f, FRAMES_PONG, "");
		expect(f, FRAMES_MESSAGE, "你好");
		expect(f, FRAMES_MESSAGE, big);
		expect(f, FRAMES_MESSAGE, "after");
		expect_none(f);
		frames_free(f);
	}
	step = 0;
}

static void
breaches(void **state)
{
	static const struct {
		int		 head[3];	/* of frames, */
		const char	*text[3];	/* and their contents; NULL: no more */
		bool		 naked;
		int		 code;
	}	cases[] = {
		{ { WS_FIN | WS_TEXT }, { "x" }, true, CLOSE_PROTOCOL },
		{ { WS_FIN | WS_RSV1 | WS_TEXT }, { "x" }, false, CLOSE_PROTOCOL },
		{ { WS_FIN | 0x20 | WS_TEXT }, { "x" }, false, CLOSE_PROTOCOL },
		{ { WS_FIN | 0x10 | WS_PING }, { "" }, false, CLOSE_PROTOCOL },
		{ { WS_FIN | 0x3 }, { "x" }, false, CLOSE_PROTOCOL },
		{ { WS_FIN | 0x7 }, { "" }, false, CLOSE_PROTOCOL },
		{ { WS_FIN | 0xb }, { "" }, false, CLOSE_PROTOCOL },
		{ { WS_FIN | 0xf }, { "x" }, false, CLOSE_PROTOCOL },
		{ { WS_FIN | WS_CONT }, { "x" }, false, CLOSE_PROTOCOL },
		{ { WS_TEXT, WS_FIN | WS_TEXT }, { "x", "y" }, false, CLOSE_PROTOCOL },
		{ { WS_TEXT, WS_FIN | WS_BINARY }, { "x", "y" }, false, CLOSE_PROTOCOL },
		{ { WS_PING }, { "x" }, false, CLOSE_PROTOCOL },
		{ { WS_FIN | WS_TEXT }, { "\xff" }, false, CLOSE_UTF8 },
		{ { WS_FIN | WS_TEXT }, { "\xed\xa0\x80" }, false, CLOSE_UTF8 },
		{ { WS_FIN | WS_TEXT }, { "\xe4\xbd" }, false, CLOSE_UTF8 },
		{ { WS_TEXT, WS_FIN | WS_CONT }, { "\xe4", "\xbd" }, false, CLOSE_UTF8 },
		{ { WS_TEXT, WS_CONT }, { "\xe4\xbd", "x" }, false, CLOSE_UTF8 },
		{ { WS_TEXT, WS_FIN | WS_CONT }, { "\xe4\xbd", "" }, false, CLOSE_UTF8 },
		{ { WS_FIN | WS_CLOSE }, { "x" }, false, CLOSE_PROTOCOL },
		{ { WS_FIN | WS_CLOSE }, { "\x03\xe7" }, false, CLOSE_PROTOCOL },	/* 999 */
		{ { WS_FIN | WS_CLOSE }, { "\x03\xed" }, false, CLOSE_PROTOCOL },	/* 1005 */
		{ { WS_FIN | WS_CLOSE }, { "\x0b\xb7" }, false, CLOSE_PROTOCOL },	/* 2999 */
		{ { WS_FIN | WS_CLOSE }, { "\x03\xe8\xff" }, false, CLOSE_UTF8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frames	*f = client();

		for (int k = 0; k < 3 && cases[i].text[k] != NULL; k++)
			(cases[i].naked ? ws_naked : ws_frame)(&sent, cases[i].head[k],
			    cases[i].text[k], strlen(cases[i].text[k]));
		ws_text(&sent, "not heard any more");
		expect_code(f, FRAMES_BROKEN, cases[i].code);
		expect_none(f);
		frames_free(f);
	}
}

/* A control frame has at most 125 bytes, lengths are the shortest. */
static void
lengths(void **state)
{
	static const char	 text[200] = "";
	struct frames		*f = client();

	(void)state;
	ws_frame(&sent, WS_FIN | WS_PING, text, 125);
	ws_frame(&sent, WS_FIN | WS_PING, text, 126);
	{
		struct frames_in	in;

		assert_int_equal(frames_next(f, &in), FRAMES_PING);
		assert_int_equal(in.n, 125);
	}
	expect_code(f, FRAMES_BROKEN, CLOSE_PROTOCOL);
	expect_none(f);
	frames_free(f);

	f = client();
	str_put(&sent, "\x81\xfe\x00\x05maskhello", 13);
	expect_code(f, FRAMES_BROKEN, CLOSE_PROTOCOL);
	frames_free(f);
	f = client();
	str_put(&sent, "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xffmaskhello", 19);
	expect_code(f, FRAMES_BROKEN, CLOSE_PROTOCOL);
	frames_free(f);
}

/* Exactly as much as may be; a byte more, at once or in pieces, is too large as soon as it shows. */
static void
large(void **state)
{
	static char	 text[FRAMES_MESSAGE_MAX + 1];
	struct frames	*f = client();

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	ws_text(&sent, text);
	expect(f, FRAMES_MESSAGE, text);
	ws_frame(&sent, WS_TEXT, text, sizeof(text) - 2);
	ws_frame(&sent, WS_FIN | WS_CONT, text, 1);
	expect(f, FRAMES_MESSAGE, text);
	ws_frame(&sent, WS_FIN | WS_TEXT, text, sizeof(text));
	expect_code(f, FRAMES_BROKEN, CLOSE_LARGE);
	/* The frame is passed over, and the client's close is heard. */
	ws_text(&sent, "unheard");
	ws_close(&sent, 1009, "");
	expect_code(f, FRAMES_CLOSE, CLOSE_NONE);
	frames_free(f);

	f = client();
	ws_frame(&sent, WS_TEXT, text, sizeof(text) - 1);
	ws_frame(&sent, WS_FIN | WS_CONT, "x", 1);
	expect_code(f, FRAMES_BROKEN, CLOSE_LARGE);
	frames_free(f);

	/* It says how long it will be: nobody waits for the rest. */
	f = client();
	str_put(&sent, "\x81\xff\x00\x00\x00\x00\x40\x00\x00\x00maskb", 15);
	expect_code(f, FRAMES_BROKEN, CLOSE_LARGE);
	frames_free(f);
}

static void
closes(void **state)
{
	static const int	good[] = { 1000, 1001, 1003, 1011, 1012, 3000, 4999 };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct frames	*f = client();

		ws_close(&sent, good[i], "wiedersehen");
		expect_code(f, FRAMES_CLOSE, good[i]);
		frames_free(f);
	}
	{
		struct frames	*f = client();

		ws_frame(&sent, WS_FIN | WS_CLOSE, "", 0);
		expect_code(f, FRAMES_CLOSE, CLOSE_NONE);
		frames_free(f);
	}
}

static void
puts_frames(void **state)
{
	struct frames	*f = client();
	struct str	 out = STR_INIT(0);
	static char	 text[70000];

	(void)state;
	frames_put(f, &out, FRAME_TEXT, "hi", 2);
	frames_put(f, &out, FRAME_PING, NULL, 0);
	frames_put_close(f, &out, 1001);
	frames_put_close(f, &out, CLOSE_NONE);
	assert_int_equal(out.len, 12);
	assert_memory_equal(out.p, "\x81\x02hi\x89\x00\x88\x02\x03\xe9\x88\x00", 12);
	str_reset(&out);
	frames_put(f, &out, FRAME_TEXT, text, 126);
	assert_memory_equal(out.p, "\x81\x7e\x00\x7e", 4);
	str_reset(&out);
	frames_put(f, &out, FRAME_TEXT, text, sizeof(text));
	assert_int_equal(out.len, sizeof(text) + 10);
	assert_memory_equal(out.p, "\x81\x7f\x00\x00\x00\x00\x00\x01\x11\x70", 10);
	str_free(&out);
	frames_free(f);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(breaches),
		cmocka_unit_test(lengths),
		cmocka_unit_test(large),
		cmocka_unit_test(closes),
		cmocka_unit_test(puts_frames),
	};
	int	rc = cmocka_run_group_tests(tests, NULL, NULL);

	str_free(&sent);
	return rc;
}
