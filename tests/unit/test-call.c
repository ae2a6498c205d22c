/* What calls send: methods, bodies, forms with a file; and how they end. */
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
#include "base/str.h"
#include "upstream/call.h"
#include "wire.h"

#include <cmocka.h>

static int		 door, port;
static struct loop	*loop;
static struct caller	*caller;
static pthread_t	 thread;

/* What the call that runs heard. */
static struct str	 got;
static struct call_end	 end;
static size_t		 most;		/* bytes after which it has heard enough; 0: never */
static struct call_spec	 spec;

static int
on_data(void *arg, int status, const char *p, size_t n)
{
	(void)arg;
	(void)status;
	str_put(&got, p, n);
	return most > 0 && got.len > most ? -1 : 0;
}

static void
on_done(void *arg, const struct call_end *e)
{
	(void)arg;
	end = *e;
	loop_stop(loop);
}

static const struct call_ops	ops = { .data = on_data, .done = on_done };

static void
start(void *arg)
{
	(void)arg;
	call_start(caller, &spec, &ops, NULL);
}

static void *
run(void *arg)
{
	loop_run(arg);
	return NULL;
}

/* Begins a call; finished() waits for its end. */
static void
begin(const char *path, struct call_spec s)
{
	static char	 url[256];

	snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
	spec = s;
	spec.url = url;
	spec.connect_ms = 5000;
	str_free(&got);
	loop = loop_new();
	caller = caller_new(loop);
	loop_post(loop, start, NULL);
	assert_int_equal(pthread_create(&thread, NULL, run, loop), 0);
}

static void
finished(enum call_result result, int status)
{
	pthread_join(thread, NULL);
	assert_int_equal(end.result, result);
	assert_int_equal(end.status, status);
	assert_int_equal(caller_running(caller), 0);
	caller_free(caller);
	loop_free(loop);
}

static void
methods(void **state)
{
	static const struct {
		const char	*method, *body, *sent, *length;
	} cases[] = {
		{ NULL, NULL, "GET", NULL },
		{ NULL, "{}", "POST", "2" },
		{ "GET", NULL, "GET", NULL },
		{ "POST", "{\"a\":1}", "POST", "7" },
		{ "POST", NULL, "POST", "0" },
		{ "PUT", "{\"b\":2}", "PUT", "7" },
		{ "PATCH", NULL, "PATCH", "0" },
		{ "DELETE", NULL, "DELETE", NULL },
		{ "DELETE", "{\"c\":3}", "DELETE", "7" },
	};
	struct wire	 w;
	const char	*length;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin("/x", (struct call_spec){ .method = cases[i].method, .body = cases[i].body,
		    .body_len = cases[i].body != NULL ? strlen(cases[i].body) : 0 });
		wire_take(door, &w);
		assert_string_equal(w.method, cases[i].sent);
		length = wire_header(&w, "content-length");
		if (cases[i].length == NULL)
			assert_null(length);
		else
			assert_string_equal(length, cases[i].length);
		if (cases[i].body != NULL) {
			assert_string_equal(w.body.p, cases[i].body);
			assert_string_equal(wire_header(&w, "content-type"), "application/json");
		}
		wire_reply(&w, 200, "yes");
		finished(CALL_OK, 200);
		assert_string_equal(got.p, "yes");
	}
}

/* What a caller says himself goes before ours. */
static void
headers(void **state)
{
	const char	*lines[] = { "content-type: text/plain", "X-One: 1", "Authorization: Own", NULL };
	struct wire	 w;
	const char	*first;

	(void)state;
	begin("/x", (struct call_spec){ .body = "hi", .body_len = 2, .headers = lines, .key = "k",
	    .accept = "text/*", .rid = "r1" });
	wire_take(door, &w);
	assert_string_equal(wire_header(&w, "Content-Type"), "text/plain");
	assert_string_equal(wire_header(&w, "Authorization"), "Own");
	assert_string_equal(wire_header(&w, "X-One"), "1");
	assert_string_equal(wire_header(&w, "Accept"), "text/*");
	assert_string_equal(wire_header(&w, "X-Request-Id"), "r1");
	assert_non_null(first = strstr(w.head.p, "uthorization: "));
	assert_null(strstr(first + 1, "uthorization: "));
	wire_reply(&w, 204, "");
	finished(CALL_OK, 204);

	begin("/x", (struct call_spec){ .key = "k" });
	wire_take(door, &w);
	assert_string_equal(wire_header(&w, "Authorization"), "Bearer k");
	wire_reply(&w, 200, "");
	finished(CALL_OK, 200);
}

static void
limits(void **state)
{
	struct wire	 w;

	(void)state;
	begin("/slow", (struct call_spec){ .total_ms = 200 });
	wire_take(door, &w);
	finished(CALL_TIMEOUT, 0);
	wire_close(&w);

	most = 3;
	begin("/long", (struct call_spec){ 0 });
	wire_take(door, &w);
	wire_reply(&w, 200, "four");
	finished(CALL_STOPPED, 200);
	most = 0;

	begin("/cut", (struct call_spec){ 0 });
	wire_take(door, &w);
	wire_close(&w);
	finished(CALL_CUT, 0);
}

/* A file of so many bytes, whose position is at its end. */
static int
a_file(size_t n)
{
	int	 fd = scratch_open("/tmp");
	char	*bytes = xmalloc(n);

	assert_true(fd != -1);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	assert_int_equal(scratch_put(fd, bytes, n), 0);
	free(bytes);
	return fd;
}

static void
forms(void **state)
{
	const size_t			 size = 300000;
	const struct call_field		 fields[] = { { "model", "whisper" }, { "prompt", "模型 \"x\"" } };
	struct call_file		 file = { .fd = a_file(size + 5), .from = 3, .size = (int64_t)size,
		.name = "a \"b\".wav", .media_type = "audio/wav" };
	const struct call_form		 form = { .fields = fields, .nfields = 2, .file_field = "file",
		.file = &file };
	struct wire			 w;
	const char			*p;

	(void)state;
	begin("/form", (struct call_spec){ .form = &form, .accept = "application/json" });
	wire_take(door, &w);
	assert_string_equal(w.method, "POST");
	assert_memory_equal(wire_header(&w, "content-type"), "multipart/form-data; boundary=", 30);
	assert_non_null(strstr(w.body.p, "name=\"model\"\r\n\r\nwhisper\r\n"));
	assert_non_null(strstr(w.body.p, "name=\"prompt\"\r\n\r\n模型 \"x\"\r\n"));
	assert_non_null(p = strstr(w.body.p, "name=\"file\"; filename="));
	assert_non_null(strstr(p, "Content-Type: audio/wav\r\n"));
	assert_non_null(p = strstr(p, "\r\n\r\n"));
	p += 4;
	assert_true((size_t)(w.body.p + w.body.len - p) > size);
	for (size_t i = 0; i < size; i++)
		if (p[i] != (char)((i + 3) * 7 + (i + 3) / 251))
			fail_msg("byte %zu is another", i);
	assert_memory_equal(p + size, "\r\n--", 4);
	wire_reply(&w, 200, "{}");
	finished(CALL_OK, 200);

	/* It has become shorter than was promised: no half of it is taken for the whole. */
	assert_int_equal(ftruncate(file.fd, 1000), 0);
	begin("/form", (struct call_spec){ .form = &form });
	finished(CALL_CUT, 0);
	assert_int_equal(wire_quiet(door, 0), 0);
	close(file.fd);
	close(door);
	door = wire_open(&port);
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
		cmocka_unit_test(methods),
		cmocka_unit_test(headers),
		cmocka_unit_test(limits),
		cmocka_unit_test(forms),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("call", tests, setup, NULL);
}
