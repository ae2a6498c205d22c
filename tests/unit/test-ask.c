/* Asks whose reply comes whole: pictures and transcripts, and every way it fails to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/scratch.h"
#include "upstream/ask.h"
#include "wire.h"

#include <cmocka.h>

static int		 door, port;
static struct loop	*loop;
static struct asker	*asker;
static pthread_t	 thread;

static struct ask_spec	 spec;
static struct str	 got;
static int		 deltas;
static bool		 refuse, cancel;	/* what a delta does */
static bool		 ended, asked_again;
static struct ask_end	 end;
static struct ask	*ask;

static int
on_delta(void *arg, const struct delta *d)
{
	(void)arg;
	deltas++;
	assert_int_equal(d->flags, 0);
	assert_true(d->at_ms > 0);
	str_put(&got, d->text, d->len);
	if (cancel) {
		ask_cancel(ask);
		loop_stop(loop);
	}
	return refuse ? -1 : 0;
}

static void
on_end(void *arg, const struct ask_end *e)
{
	(void)arg;
	assert_false(ended);
	ended = true;
	end = *e;
	asked_again = e->body != NULL && e->body->len > 0;
	loop_stop(loop);
}

static const struct ask_ops	ops = { .delta = on_delta, .end = on_end };

static void
start(void *arg)
{
	(void)arg;
	ask = ask_start(asker, &spec, &ops, NULL);
}

static void *
run(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void
begin_within(enum ask_kind kind, const char *extra, const struct call_file *file, int total_ms)
{
	static char	 url[64];

	snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", port);
	spec = (struct ask_spec){ .kind = kind, .url = url, .key = "k", .rid = "r", .file = file,
		.connect_ms = 5000, .first_ms = 1, .idle_ms = 1, .total_ms = total_ms };
	spec.prompt_estimate = whole_write(&spec.body, kind, "m", "a \"red\" 猫", extra);
	deltas = 0;
	ended = false;
	str_free(&got);
	loop = loop_new();
	asker = asker_new(loop);
	loop_post(loop, start, NULL);
	assert_int_equal(pthread_create(&thread, NULL, run, loop), 0);
}

static void
begin(enum ask_kind kind, const char *extra, const struct call_file *file)
{
	begin_within(kind, extra, file, 20000);
}

static void
finished(enum fail_kind why, enum fault fault)
{
	pthread_join(thread, NULL);
	asker_free(asker);
	loop_free(loop);
	assert_int_equal(ended, !cancel);
	assert_int_equal(end.why, why);
	assert_int_equal(end.fault, fault);
	if (why == F_NONE && !cancel)
		assert_int_equal(end.finish, FINISH_STOP);
}

static void
reply(enum ask_kind kind, int status, const char *body)
{
	struct wire	 w;

	begin(kind, NULL, NULL);
	wire_take(door, &w);
	wire_reply(&w, status, body);
}

static void
pictures(void **state)
{
	struct wire	 w;

	(void)state;
	begin(ASK_IMAGES, "\"n\":2,\"size\":\"64x64\"", NULL);
	wire_take(door, &w);
	assert_string_equal(w.method, "POST");
	assert_string_equal(w.path, "/v1/images/generations");
	assert_string_equal(wire_header(&w, "authorization"), "Bearer k");
	assert_string_equal(wire_header(&w, "accept"), "application/json");
	assert_string_equal(w.body.p,
	    "{\"model\":\"m\",\"prompt\":\"a \\\"red\\\" 猫\",\"n\":2,\"size\":\"64x64\"}");
	wire_reply(&w, 200, "{\"created\":1,\"data\":[{\"url\":\"https://x/1.png\","
	    "\"revised_prompt\":\"p\"},{\"b64_json\":\"aGk=\"}],"
	    "\"usage\":{\"input_tokens\":5,\"output_tokens\":70}}");
	finished(F_NONE, FAULT_NONE);
	assert_int_equal(deltas, 1);
	assert_string_equal(got.p, "[{\"url\":\"https://x/1.png\"},{\"b64_json\":\"aGk=\"}]");
	assert_true(end.usage && end.prompt_tokens == 5 && end.completion_tokens == 70);

	/* Nobody counted. */
	reply(ASK_IMAGES, 200, "{\"data\":[{\"b64_json\":\"aGk=\"},{\"url\":\"u\"}]}");
	finished(F_NONE, FAULT_NONE);
	assert_false(end.usage);
	assert_true(end.prompt_tokens == spec.prompt_estimate && end.prompt_tokens > 0);
	assert_int_equal(end.completion_tokens, 2 * 1056);
}

static void
no_pictures(void **state)
{
	static const char *const	 bodies[] = {
		"", "[]", "null", "{}", "{\"data\":[]}", "{\"data\":{}}", "{\"data\":[{}]}",
		"{\"data\":[{\"url\":\"\"}]}", "{\"data\":[{\"url\":1}]}",
		"{\"data\":[{\"b64_json\":\"a b\"}]}", "{\"data\":[{\"b64_json\":\"\"}]}",
		"{\"data\":[{\"url\":\"u\"},{\"nothing\":1}]}", "<html>", "{\"data\":[{\"url\":\"u\"}]",
		"{\"error\":{\"message\":\"no\"}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		reply(ASK_IMAGES, 200, bodies[i]);
		finished(F_UPSTREAM, FAULT_GARBAGE);
		assert_int_equal(deltas, 0);
		assert_true(asked_again);
	}
}

static void
failures(void **state)
{
	struct wire	 w;
	char		 part[65536];
	static const char	 head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"data\":\"";

	(void)state;
	reply(ASK_IMAGES, 503, "{\"data\":[{\"url\":\"u\"}]}");
	finished(F_UNAVAILABLE, FAULT_SERVER);
	assert_int_equal(end.prompt_tokens, 0);
	reply(ASK_IMAGES, 400, "{}");
	finished(F_UPSTREAM, FAULT_REQUEST);

	begin(ASK_IMAGES, NULL, NULL);
	wire_take(door, &w);
	wire_send(&w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":", 48);
	wire_close(&w);
	finished(F_UPSTREAM, FAULT_CUT);
	assert_int_equal(deltas, 0);

	begin(ASK_IMAGES, NULL, NULL);	/* more than anybody keeps */
	wire_take(door, &w);
	wire_send(&w, head, sizeof head - 1);
	memset(part, 'x', sizeof part);
	for (size_t n = 0; n <= WHOLE_CAP; n += sizeof part)
		wire_send(&w, part, sizeof part);
	wire_close(&w);
	finished(F_UPSTREAM, FAULT_GARBAGE);

	refuse = true;			/* more than the answer may have */
	reply(ASK_IMAGES, 200, "{\"data\":[{\"url\":\"u\"}]}");
	finished(F_UPSTREAM, FAULT_GARBAGE);
	refuse = false;

	memset(&end, 0, sizeof end);
	cancel = true;
	reply(ASK_IMAGES, 200, "{\"data\":[{\"url\":\"u\"}]}");
	finished(F_NONE, FAULT_NONE);
	cancel = false;
}

/* Silent until it is over, within the limit of all: the others are not for it. */
static void
patience(void **state)
{
	struct wire	 w;

	(void)state;
	begin(ASK_IMAGES, NULL, NULL);
	wire_take(door, &w);
	usleep(400000);
	wire_reply(&w, 200, "{\"data\":[{\"url\":\"u\"}]}");
	finished(F_NONE, FAULT_NONE);

	begin_within(ASK_IMAGES, NULL, NULL, 300);
	wire_take(door, &w);
	finished(F_TIMEOUT, FAULT_TIMEOUT);
	wire_close(&w);
}

static void
transcripts(void **state)
{
	struct call_file	 file = { .fd = scratch_open("/tmp"), .size = 8, .name = "a.wav",
		.media_type = "audio/wav" };
	struct wire		 w;

	(void)state;
	assert_int_equal(scratch_put(file.fd, "RIFFwave", 8), 0);
	begin(ASK_TRANSCRIPT, "\"language\":\"zh\",\"temperature\":0.5", &file);
	wire_take(door, &w);
	assert_string_equal(w.path, "/v1/audio/transcriptions");
	assert_non_null(strstr(w.body.p, "name=\"model\"\r\n\r\nm\r\n"));
	assert_non_null(strstr(w.body.p, "name=\"response_format\"\r\n\r\njson\r\n"));
	assert_non_null(strstr(w.body.p, "name=\"language\"\r\n\r\nzh\r\n"));
	assert_non_null(strstr(w.body.p, "name=\"temperature\"\r\n\r\n0.5\r\n"));
	assert_non_null(strstr(w.body.p, "filename=\"a.wav\""));
	assert_non_null(strstr(w.body.p, "\r\n\r\nRIFFwave\r\n"));
	wire_reply(&w, 200, "{\"text\":\"听到\\ud83d了\","
	    "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}");
	finished(F_NONE, FAULT_NONE);
	assert_string_equal(got.p, "听到\xef\xbf\xbd了");
	assert_true(end.usage && end.prompt_tokens == 9 && end.completion_tokens == 3);

	reply(ASK_TRANSCRIPT, 200, "{\"text\":\"\",\"usage\":{\"type\":\"duration\",\"seconds\":1}}");
	finished(F_NONE, FAULT_NONE);		/* silence */
	assert_true(deltas == 0 && !end.usage && end.completion_tokens == 0);
	reply(ASK_TRANSCRIPT, 200, "{\"text\":null}");
	finished(F_UPSTREAM, FAULT_GARBAGE);
	reply(ASK_TRANSCRIPT, 200, "{\"text\":\"a\\u0000b\"}");
	finished(F_UPSTREAM, FAULT_GARBAGE);
	close(file.fd);
}

static int
setup(void **state)
{
	(void)state;
	log_open("/dev/null", LOG_DEBUG_);
	door = wire_open(&port);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(pictures),
		cmocka_unit_test(no_pictures),
		cmocka_unit_test(failures),
		cmocka_unit_test(patience),
		cmocka_unit_test(transcripts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ask", tests, setup, NULL);
}
