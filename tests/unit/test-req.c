#include <sys/socket.h>
#include <sys/time.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail			/* ctx.h has its own */

#include "base/arena.h"
#include "base/conf.h"
#include "fcgi-client.h"
#include "web/fcgi.h"
#include "web/req.h"
#include "web/upload.h"

struct say {
	const char	*text;
	int		 count;
};

static const struct field	say_f[] = {
	FIELD(say, T_STR, MUST, text, 1, 100, NULL),
	FIELD(say, T_INT, MAY, count, 0, 9, NULL),
};
static FIELDS(say, "Say");

static const struct conf	conf = {
	.language = "zh", .body_limit = 100000, .timezone = "UTC"
};
static struct route		route;		/* of the request under test */
static struct req		r;
static int			client;
static struct str		request;	/* as the client sends it */
static pthread_t		sender;

static void *
send_request(void *arg)
{
	fc_send(client, arg);
	return NULL;
}

/* Opens a request with these parameters (name, value, …, NULL), the bytes of `body` behind them. */
static void
ask_n(const char *const *params, const char *body, size_t n, bool cut)
{
	const struct timeval	 tv = { .tv_usec = 100000 };
	int			 pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	client = pair[0];
	fc_request(&request, true, params, body, n);
	if (cut)
		request.len -= 8;
	assert_int_equal(pthread_create(&sender, NULL, send_request, &request), 0);
	r = (struct req){ .cx = { .a = arena_new(0), .conf = &conf }, .route = &route };
	assert_non_null(r.io = fcgi_accept(pair[1], fcgi_come(pair[1])));
	req_open(&r);
}

static void
request_sent(void)
{
	if (request.p == NULL)
		return;
	pthread_join(sender, NULL);
	str_free(&request);
}

static void
done(void)
{
	fcgi_finish(r.io, true);
	request_sent();
	close(client);
	str_free(&r.reply);
	str_free(&r.reply_headers);
	arena_free(r.cx.a);
}

#define ask(...)	ask_n((const char *const[]){ __VA_ARGS__, NULL }, "", 0, false)

static void
line(void **state)
{
	(void)state;
	ask("REQUEST_METHOD", "POST", "REQUEST_URI", "/a//b%20c/?x=1&y=%3F?",
	    "QUERY_STRING", "x=1&y=%3F?", "REMOTE_ADDR", "10.0.0.7");
	assert_int_equal(r.method, M_POST);
	assert_string_equal(r.method_text, "POST");
	assert_string_equal(r.path, "/a//b%20c/");
	assert_string_equal(r.query, "x=1&y=%3F?");
	assert_string_equal(r.remote, "10.0.0.7");
	assert_true(r.started_us > 0 && r.cx.now > 0);
	done();

	ask("REQUEST_METHOD", "BREW", "REQUEST_URI", "/a?b=c");	/* QUERY_STRING is missing */
	assert_int_equal(r.method, 0);
	assert_string_equal(r.method_text, "BREW");
	assert_string_equal(r.query, "b=c");
	assert_string_equal(r.remote, "");
	done();

	ask("REQUEST_METHOD", "GE\nT", "REQUEST_URI", "http://host:80/a/b?c");
	assert_int_equal(r.method, 0);
	assert_string_equal(r.method_text, "?");
	assert_string_equal(r.path, "/a/b");
	done();

	ask("REQUEST_URI", "http://host?c");
	assert_string_equal(r.path, "");
	assert_string_equal(r.query, "c");
	done();

	ask("SCRIPT_NAME", "/script", "QUERY_STRING", "");
	assert_string_equal(r.path, "/script");
	done();

	ask("GATEWAY_INTERFACE", "CGI/1.1");
	assert_int_equal(r.method, 0);
	assert_string_equal(r.path, "/");
	assert_string_equal(r.query, "");
	done();
}

static void
headers(void **state)
{
	(void)state;
	ask("HTTP_X_GUEST_ID", "g-1", "HTTP_BAD", "a\tb", "HTTP_LATIN", "caf\xe9", "HTTP_EMPTY", "",
	    "HTTP_NAME", "你好", "CONTENT_TYPE", "text/plain", "CONTENT_LENGTH", "");
	assert_string_equal(req_header(&r, "X-Guest-Id"), "g-1");
	assert_string_equal(req_header(&r, "x-guest-id"), "g-1");
	assert_string_equal(req_header(&r, "Name"), "你好");
	assert_string_equal(req_header(&r, "Content-Type"), "text/plain");
	assert_null(req_header(&r, "Content-Length"));
	assert_null(req_header(&r, "Bad"));
	assert_null(req_header(&r, "Latin"));
	assert_null(req_header(&r, "Empty"));
	assert_null(req_header(&r, "Guest-Id"));
	assert_true(req_header_sent(&r, "X-Guest-Id") && !req_header_bad(&r, "X-Guest-Id"));
	assert_true(req_header_sent(&r, "Bad") && req_header_bad(&r, "Bad"));
	assert_true(req_header_sent(&r, "Empty") && !req_header_bad(&r, "Empty"));
	assert_false(req_header_sent(&r, "Guest-Id"));
	assert_null(req_header(&r,
	    "A-name-that-is-longer-than-any-name-of-a-header-that-we-would-ever-ask-for"));
	done();
}

static void
cookies(void **state)
{
	(void)state;
	ask("HTTP_COOKIE", "a=1; parley_guest=abc.def;b=\"q u\"; =x; c; parley=2; a=second; e=");
	assert_string_equal(req_cookie(&r, "a"), "1");
	assert_string_equal(req_cookie(&r, "parley_guest"), "abc.def");
	assert_string_equal(req_cookie(&r, "parley"), "2");
	assert_string_equal(req_cookie(&r, "b"), "q u");
	assert_string_equal(req_cookie(&r, "e"), "");
	assert_null(req_cookie(&r, "c"));
	assert_null(req_cookie(&r, "d"));
	done();
	ask("HTTP_A", "b");
	assert_null(req_cookie(&r, "a"));
	done();
}

static void
bearers(void **state)
{
	static const char *const	v[][2] = {
		{ "Bearer abc.d-e_f", "abc.d-e_f" }, { "bearer  abc", "abc" }, { "abc", "abc" },
		{ "Basic dXNlcg==", NULL }, { "Bearer ", NULL }, { "Bearer a b", NULL },
		{ "", NULL },
	};
	size_t				i;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		ask("HTTP_AUTHORIZATION", v[i][0]);
		if (v[i][1] == NULL)
			assert_null(req_bearer(&r));
		else
			assert_string_equal(req_bearer(&r), v[i][1]);
		done();
	}
	ask("HTTP_A", "b");
	assert_null(req_bearer(&r));
	done();
}

static void
accepts(void **state)
{
	(void)state;
	ask("HTTP_ACCEPT", "text/html;level=1 , Text/Event-Stream;q=0.5,*/*, a/b;q=0, c/d ; q=0.0");
	assert_true(req_accepts(&r, "text/event-stream"));
	assert_true(req_accepts(&r, "text/html"));
	assert_false(req_accepts(&r, "application/json"));
	assert_false(req_accepts(&r, "text"));
	assert_false(req_accepts(&r, "a/b"));
	assert_false(req_accepts(&r, "c/d"));
	done();
}

static void
languages(void **state)
{
	static const struct {
		const char	*accept;
		enum lang	 lang;
	} v[] = {
		{ "en", LANG_EN }, { "en-GB,zh;q=0.9", LANG_EN },
		{ "zh-CN,zh;q=0.9,en;q=0.8", LANG_ZH }, { "en;q=0.3, zh-Hans;q=0.4", LANG_ZH },
		{ "de,en;q=0.1", LANG_EN }, { "de", LANG_ZH }, { "", LANG_ZH },
		{ "*", LANG_ZH }, { "eng,enx", LANG_ZH }, { "en;q=0", LANG_ZH },
		{ "EN-us", LANG_EN },
	};
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		ask("HTTP_ACCEPT_LANGUAGE", v[i].accept);
		assert_int_equal(r.cx.lang, v[i].lang);
		done();
	}
}

static void
request_ids(void **state)
{
	char	first[24];

	(void)state;
	ask("HTTP_X_REQUEST_ID", "Ab1._-");
	assert_string_equal(r.cx.rid, "Ab1._-");
	done();
	ask("HTTP_X_REQUEST_ID", "12345678901234567890123");
	assert_string_equal(r.cx.rid, "12345678901234567890123");
	done();
	ask("HTTP_X_REQUEST_ID", "123456789012345678901234");
	assert_int_equal(strlen(r.cx.rid), 16);
	memcpy(first, r.cx.rid, sizeof(first));
	done();
	ask("HTTP_X_REQUEST_ID", "a\"b");
	assert_int_equal(strlen(r.cx.rid), 16);
	assert_string_not_equal(r.cx.rid, first);
	done();
}

static void
queries(void **state)
{
	(void)state;
	ask("QUERY_STRING", "a=1&b=x+y%26z&a=2&%63=C&flag&e=&bad=%ff&nul=a%00b&=v");
	assert_string_equal(req_query(&r, "a"), "2");
	assert_string_equal(req_query(&r, "b"), "x y&z");
	assert_string_equal(req_query(&r, "c"), "C");
	assert_string_equal(req_query(&r, "flag"), "");
	assert_string_equal(req_query(&r, "e"), "");
	assert_null(req_query(&r, "bad"));
	assert_null(req_query(&r, "nul"));
	assert_null(req_query(&r, "d"));
	assert_int_equal(r.cx.fail.kind, F_NONE);
	done();
}

/* Loads a body and says how that ended. */
static enum fail_kind
load(int flags, const char *type, const char *length, const char *body, size_t n)
{
	int	rc;

	route = (struct route){ .methods = M_POST, .flags = flags };
	ask_n((const char *const[]){ "REQUEST_METHOD", "POST", "CONTENT_TYPE", type,
	    "CONTENT_LENGTH", length, NULL }, body, n, false);
	rc = req_body_load(&r);
	assert_int_equal(rc, r.cx.fail.kind == F_NONE ? 0 : -1);
	/* Whatever it was, it has been read: the connection can be kept. */
	assert_int_equal(req_drain(&r), 0);
	return r.cx.fail.kind;
}

#define loads(flags, type, body)	load(flags, type, "", body, strlen(body))

static void
media(void **state)
{
	static const struct {
		int		 flags;
		const char	*type;
		enum fail_kind	 kind;
		bool		 form;
	} v[] = {
		{ R_JSON, "application/json", F_NONE, false },
		{ R_JSON, "Application/JSON; charset=UTF-8", F_NONE, false },
		{ R_JSON, "application/json;charset=\"utf-8\"", F_NONE, false },
		{ R_JSON, "application/json; charset=gbk", F_MEDIA, false },
		{ R_JSON, "application/json; version=1; charset=iso-8859-1", F_MEDIA, false },
		{ R_JSON, "", F_NONE, false },
		{ R_JSON, "text/plain", F_MEDIA, false },
		{ R_JSON, "application/jsonx", F_MEDIA, false },
		{ R_JSON, "application/x-www-form-urlencoded", F_MEDIA, false },
		{ R_FORM, "application/x-www-form-urlencoded", F_NONE, true },
		{ R_FORM, "application/json", F_MEDIA, false },
		{ R_FORM, "", F_NONE, true },
		{ R_JSON | R_FORM, "application/x-www-form-urlencoded;charset=utf-8",
		    F_NONE, true },
		{ R_JSON | R_FORM, "application/json", F_NONE, false },
		{ R_JSON | R_FORM, "", F_NONE, false },
		{ R_JSON | R_FORM, "multipart/form-data; boundary=x", F_MEDIA, false },
	};
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_int_equal(loads(v[i].flags, v[i].type, "abc"), v[i].kind);
		if (v[i].kind == F_NONE) {
			assert_int_equal(r.body_form, v[i].form);
			assert_string_equal(r.body, "abc");
		} else
			assert_string_equal(r.cx.fail.what, v[i].type);
		done();
	}
}

static void
limits(void **state)
{
	char	*big = xmalloc(2 << 20);

	(void)state;
	memset(big, 'x', 2 << 20);
	assert_int_equal(load(R_JSON, "", "100000", big, 100000), F_NONE);
	assert_int_equal(r.body_len, 100000);
	assert_int_equal(r.body[100000], '\0');
	done();
	assert_int_equal(load(R_JSON, "", "", big, 100000), F_NONE);	/* of unknown length */
	assert_int_equal(r.body_len, 100000);
	done();
	assert_int_equal(load(R_JSON, "", "100001", big, 100001), F_TOO_LARGE);
	assert_null(r.body);
	done();
	assert_int_equal(load(R_JSON, "", "", big, 100001), F_TOO_LARGE);
	done();
	assert_int_equal(load(R_JSON, "", "2097152", big, 2 << 20), F_TOO_LARGE);
	assert_in_range(arena_held(r.cx.a), 0, 65536);	/* none of it was kept */
	done();
	/* A route that takes no body. */
	assert_int_equal(load(0, "text/plain", "2097152", big, 2 << 20), F_NONE);
	assert_int_equal(r.body_len, 0);
	assert_string_equal(r.body, "");
	done();
	route.kib = 1;
	ask_n((const char *const[]){ "REQUEST_METHOD", "POST", NULL }, big, 1025, false);
	route.flags = R_JSON;
	assert_int_equal(req_body_load(&r), -1);
	assert_int_equal(r.cx.fail.kind, F_TOO_LARGE);
	done();
	free(big);
}

static void
lengths(void **state)
{
	(void)state;
	assert_int_equal(load(R_JSON, "", "0", "", 0), F_NONE);
	assert_int_equal(r.body_len, 0);
	assert_int_equal(req_body_load(&r), 0);		/* once more: nothing happens */
	done();
	assert_int_equal(load(R_JSON, "", "10", "abc", 3), F_BODY);
	done();
	assert_int_equal(load(R_JSON, "", "2", "abc", 3), F_BODY);
	done();
	assert_int_equal(load(R_JSON, "", "-1", "abc", 3), F_BODY);
	done();
	assert_int_equal(load(R_JSON, "", "3x", "abc", 3), F_BODY);
	done();
	assert_int_equal(load(R_JSON, "", "99999999999999999999", "abc", 3), F_TOO_LARGE);
	done();

	/* The connection broke off. */
	route = (struct route){ .flags = R_JSON };
	ask_n((const char *const[]){ "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "3", NULL },
	    "abc", 3, true);
	request_sent();
	shutdown(client, SHUT_WR);
	assert_int_equal(req_body_load(&r), -1);
	assert_int_equal(r.cx.fail.kind, F_BODY);
	done();
	/* It is silent for longer than the socket's limit. */
	ask_n((const char *const[]){ "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "3", NULL },
	    "abc", 3, true);
	assert_int_equal(req_body_load(&r), -1);
	assert_int_equal(r.cx.fail.kind, F_BODY);
	done();
}

static void
text(void **state)
{
	(void)state;
	assert_int_equal(loads(R_JSON, "", "{\"a\":\"你\"}"), F_NONE);
	done();
}

/* Reads `say` from a request. */
static int
reads(int flags, const char *method, const char *type, const char *query, const char *body,
    struct say *in)
{
	route = (struct route){ .flags = flags, .in = &say_fields };
	*in = (struct say){ 0 };
	ask_n((const char *const[]){ "REQUEST_METHOD", method, "CONTENT_TYPE", type,
	    "QUERY_STRING", query, NULL }, body, strlen(body), false);
	if (req_body_load(&r) == -1)
		return -1;
	return req_read(&r, in);
}

static void
fields(void **state)
{
	const char	*form = "application/x-www-form-urlencoded";
	struct say	 in;

	(void)state;
	assert_int_equal(reads(R_JSON, "POST", "", "", "{\"text\":\"hi\",\"count\":3}", &in), 0);
	assert_string_equal(in.text, "hi");
	assert_int_equal(in.count, 3);
	done();
	assert_int_equal(reads(R_JSON | R_FORM, "POST", form, "", "text=a+%E4%BD%A0&count=4",
	    &in), 0);
	assert_string_equal(in.text, "a 你");
	assert_int_equal(in.count, 4);
	done();
	assert_int_equal(reads(R_QUERY, "GET", "", "text=q&count=5", "", &in), 0);
	assert_string_equal(in.text, "q");
	assert_int_equal(in.count, 5);
	done();
	/* Not from the query here. */
	assert_int_equal(reads(R_JSON, "POST", "", "text=q", "", &in), -1);
	done();
	assert_int_equal(reads(R_QUERY, "GET", "", "", "", &in), -1);
	assert_int_equal(r.cx.fail.kind, F_MISSING);
	assert_string_equal(r.cx.fail.what, "text");
	done();
	assert_int_equal(reads(R_QUERY, "GET", "", "text=%ff", "", &in), -1);
	assert_int_equal(r.cx.fail.kind, F_UTF8);
	done();
	assert_int_equal(reads(R_JSON, "POST", "", "", "{\"text\":\"\xff\"}", &in), -1);
	assert_int_equal(r.cx.fail.kind, F_UTF8);
	assert_string_equal(r.cx.fail.what, "text");
	done();
	assert_int_equal(reads(R_FORM, "POST", form, "", "text=\xed\xa0\x80", &in), -1);
	assert_int_equal(r.cx.fail.kind, F_UTF8);
	assert_string_equal(r.cx.fail.what, "text");
	done();
	assert_int_equal(reads(R_JSON, "POST", "", "", "{\"text\":", &in), -1);
	assert_int_equal(r.cx.fail.kind, F_BODY);
	done();
}

static void
req_parameter(void **state)
{
	const int	flags = R_JSON | R_FORM | R_QUERY | R_REQ_PARAM;
	struct say	in;

	(void)state;
	assert_int_equal(reads(flags, "GET", "", "req=%7B%22text%22:%22a%2Bb+c%22%7D&text=no", "",
	    &in), 0);
	assert_string_equal(in.text, "a+b c");
	done();
	assert_int_equal(reads(flags, "GET", "", "text=flat&count=2", "", &in), 0);
	assert_string_equal(in.text, "flat");
	done();
	/* What a GET carries as a body counts for nothing. */
	assert_int_equal(reads(flags, "GET", "", "text=flat", "{\"text\":\"body\"}", &in), 0);
	assert_string_equal(in.text, "flat");
	done();
	assert_int_equal(reads(flags, "DELETE", "", "text=flat", "{\"text\":\"body\"}", &in), 0);
	assert_string_equal(in.text, "body");
	done();
	assert_int_equal(reads(flags, "DELETE", "", "text=flat", "", &in), 0);
	assert_string_equal(in.text, "flat");
	done();
	assert_int_equal(reads(flags, "GET", "", "req=%7B", "", &in), -1);
	assert_int_equal(r.cx.fail.kind, F_BODY);
	done();
	assert_int_equal(reads(flags, "GET", "", "req=%7B%22text%22:1%7D", "", &in), -1);
	assert_int_equal(r.cx.fail.kind, F_TYPE);
	done();
}

/* Uploads: the body lies in a file. */

#define MULTIPART	"multipart/form-data; boundary=XX"
#define FILE_PART	"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"" \
			"\r\n\r\nhello\r\n--XX--\r\n"

static struct conf	uploading = { .language = "en", .upload_limit = 200000 };

static enum fail_kind
upload(const char *type, const char *length, const char *body, size_t n)
{
	char	dir[] = "/tmp/test-req-XXXXXX";
	int	rc;

	assert_non_null(mkdtemp(dir));
	route = (struct route){ .methods = M_POST, .flags = R_UPLOAD };
	ask_n((const char *const[]){ "REQUEST_METHOD", "POST", "CONTENT_TYPE", type,
	    "CONTENT_LENGTH", length, NULL }, body, n, false);
	uploading.state_dir = dir;
	r.cx.conf = &uploading;
	rc = req_body_load(&r);
	assert_int_equal(rc, r.cx.fail.kind == F_NONE ? 0 : -1);
	assert_int_equal(req_drain(&r), 0);
	assert_int_equal(rmdir(dir), 0);	/* no name is left in it */
	return r.cx.fail.kind;
}

static void
uploaded(void)
{
	upload_drop(&r);
	assert_null(r.upload);
	done();
}

static void
uploads(void **state)
{
	const size_t		 len = strlen(FILE_PART), big = 300000;
	char			*body = xcalloc(1, big), buf[6] = "";
	struct multipart_part	*parts;
	size_t			 n;

	(void)state;
	assert_int_equal(upload(MULTIPART, "", FILE_PART, len), F_NONE);
	assert_int_equal(upload_size(&r), len);
	assert_int_equal(upload_parts(&r, &parts, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(parts[0].file_name, "a.txt");
	assert_int_equal(parts[0].len, 5);
	assert_int_equal(upload_read(&r, &parts[0], 1, buf, 4), 0);
	assert_string_equal(buf, "ello");
	assert_int_equal(upload_read(&r, &parts[0], (int64_t)len, buf, 1), -1);
	assert_int_equal(r.cx.fail.kind, F_INTERNAL);
	uploaded();

	/* As long as was said, and no longer than it may be. */
	assert_int_equal(upload(MULTIPART, "10", FILE_PART, len), F_BODY);
	uploaded();
	assert_int_equal(upload(MULTIPART, "x", FILE_PART, len), F_BODY);
	uploaded();
	assert_int_equal(upload(MULTIPART, "", body, 200000), F_NONE);
	assert_int_equal(upload_size(&r), 200000);
	uploaded();
	assert_int_equal(upload(MULTIPART, "", body, 200001), F_TOO_LARGE);
	assert_null(r.upload);
	uploaded();
	assert_int_equal(upload(MULTIPART, "300000", body, big), F_TOO_LARGE);
	assert_null(r.upload);
	uploaded();

	/* Of no other type. */
	assert_int_equal(upload("application/json", "", "{}", 2), F_MEDIA);
	uploaded();
	assert_int_equal(upload("", "", "{}", 2), F_MEDIA);
	uploaded();
	assert_int_equal(upload("multipart/mixed; boundary=XX", "", FILE_PART, len), F_MEDIA);
	uploaded();

	/* There is no such directory. */
	ask_n((const char *const[]){ "REQUEST_METHOD", "POST", "CONTENT_TYPE", MULTIPART, NULL },
	    FILE_PART, len, false);
	uploading.state_dir = "/nowhere";
	r.cx.conf = &uploading;
	assert_int_equal(req_body_load(&r), -1);
	assert_int_equal(r.cx.fail.kind, F_UNAVAILABLE);
	assert_true(r.cx.fail.retry_after > 0);
	assert_int_equal(req_drain(&r), 0);
	uploaded();
	free(body);
}

/* Sends the reply and reads it as a web server does. */
static struct fc_reply
sent(int64_t bytes)
{
	struct fc_reply	answer = { 0 };
	int		fd;

	assert_int_equal(req_drain(&r), 0);
	assert_int_equal(reply_send(&r), bytes);
	fd = fcgi_finish(r.io, false);
	assert_int_not_equal(fd, -1);
	fc_receive(client, &answer);
	request_sent();
	close(client);
	close(fd);
	str_free(&r.reply);
	str_free(&r.reply_headers);
	arena_free(r.cx.a);
	assert_true(answer.ended);
	return answer;
}

static void
replies(void **state)
{
	struct fc_reply	 a;
	char		*big = xmalloc(300000);

	(void)state;
	ask("REQUEST_METHOD", "GET", "HTTP_X_REQUEST_ID", "rid-1");
	reply(&r, 500, "text/plain", "no", 2);
	reply_header(&r, "Set-Cookie", "a=b\r\nX-Evil: 1");
	reply_header(&r, "Retry-After", "7");
	reply(&r, 404, "application/json", "{\"a\":1}", 7);	/* the last one counts */
	a = sent(7);
	assert_int_equal(a.status, 404);
	assert_true(fc_header_is(&a, "Status", "404 Not Found"));
	assert_true(fc_header_is(&a, "Content-Type", "application/json"));
	assert_true(fc_header_is(&a, "Content-Length", "7"));
	assert_true(fc_header_is(&a, "X-Request-Id", "rid-1"));
	assert_true(fc_header_is(&a, "Set-Cookie", "a=bX-Evil: 1"));
	assert_true(fc_header_is(&a, "Retry-After", "7"));
	assert_false(fc_header_is(&a, "X-Evil", "1"));
	assert_string_equal(a.body.p, "{\"a\":1}");
	fc_free(&a);

	ask("REQUEST_METHOD", "HEAD");
	reply(&r, 200, "text/plain", "hello", 5);
	a = sent(0);
	assert_true(fc_header_is(&a, "Content-Length", "5"));
	assert_int_equal(a.body.len, 0);
	fc_free(&a);

	ask("REQUEST_METHOD", "OPTIONS");
	reply(&r, 204, NULL, NULL, 0);
	a = sent(0);
	assert_int_equal(a.status, 204);
	assert_null(strstr(a.head.p, "Content-"));
	fc_free(&a);

	ask("REQUEST_METHOD", "GET");
	memset(big, 'z', 300000);
	reply(&r, 200, "text/plain", big, 100000);
	a = sent(100000);
	assert_int_equal(a.body.len, 100000);
	assert_memory_equal(a.body.p, big, 100000);
	fc_free(&a);
	free(big);

	assert_string_equal(reply_reason(503), "Service Unavailable");
	assert_string_equal(reply_reason(299), "");
}

/* Digits, a thousand at a time, up to *arg; then it breaks. */
static ssize_t
digits(struct req *req, void *arg, const char **p)
{
	static char	 piece[1000];
	int		*left = arg;

	if (*left == 0)
		return fail(&req->cx, F_UNAVAILABLE, "more");
	memset(piece, '0' + *left % 10, sizeof(piece));
	*left -= 1;
	*p = piece;
	return sizeof(piece);
}

static void
pieces(void **state)
{
	struct fc_reply	 a = { 0 };
	int		 left = 100;

	(void)state;
	ask("REQUEST_METHOD", "GET");
	reply_pieces(&r, 200, "application/pdf", 100000, digits, &left);
	a = sent(100000);
	assert_true(fc_header_is(&a, "Content-Type", "application/pdf"));
	assert_true(fc_header_is(&a, "Content-Length", "100000"));
	assert_int_equal(a.body.len, 100000);
	assert_true(a.body.p[0] == '0' && a.body.p[1000] == '9' && a.body.p[99999] == '1');
	fc_free(&a);

	left = 1;
	ask("REQUEST_METHOD", "HEAD");
	reply_pieces(&r, 200, "text/plain", 1000, digits, &left);
	a = sent(0);
	assert_true(fc_header_is(&a, "Content-Length", "1000"));
	assert_int_equal(left, 1);
	fc_free(&a);

	ask("REQUEST_METHOD", "GET");	/* a failure takes its place */
	reply_pieces(&r, 200, "text/plain", 1000, digits, &left);
	reply(&r, 404, "text/plain", "no", 2);
	a = sent(2);
	assert_string_equal(a.body.p, "no");
	fc_free(&a);

	ask("REQUEST_METHOD", "GET");	/* it breaks off */
	reply_pieces(&r, 200, "text/plain", 2000, digits, &left);
	assert_int_equal(reply_send(&r), -1);
	done();
}

static void
attachments(void **state)
{
	static const char *const	v[][2] = {
		{ "a b.txt", "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt" },
		{ "报告.pdf", "attachment; filename=\"__.pdf\";"
		    " filename*=UTF-8''%E6%8A%A5%E5%91%8A.pdf" },
		{ "a\"b\\c%41.md", "attachment; filename=\"a_b_c_41.md\";"
		    " filename*=UTF-8''a%22b%5Cc%2541.md" },
		{ "a;'*\r\n.txt", "attachment; filename=\"a;'*__.txt\";"
		    " filename*=UTF-8''a%3B%27%2A%0D%0A.txt" },
	};
	struct fc_reply			a;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		ask("REQUEST_METHOD", "GET");
		reply(&r, 200, "text/plain", "", 0);
		reply_attachment(&r, v[i][0]);
		a = sent(0);
		assert_true(fc_header_is(&a, "Content-Disposition", v[i][1]));
		fc_free(&a);
	}
}

static int
setup(void **state)
{
	(void)state;
	return fcgi_init();
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(line),
		cmocka_unit_test(headers),
		cmocka_unit_test(cookies),
		cmocka_unit_test(bearers),
		cmocka_unit_test(accepts),
		cmocka_unit_test(languages),
		cmocka_unit_test(request_ids),
		cmocka_unit_test(queries),
		cmocka_unit_test(media),
		cmocka_unit_test(limits),
		cmocka_unit_test(lengths),
		cmocka_unit_test(text),
		cmocka_unit_test(fields),
		cmocka_unit_test(req_parameter),
		cmocka_unit_test(uploads),
		cmocka_unit_test(replies),
		cmocka_unit_test(pieces),
		cmocka_unit_test(attachments),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
