#include "wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/jw.h"

#define PATIENCE_MS	20000

int
wire_open(int *port)
{
	struct sockaddr_in	 sin = { .sin_family = AF_INET };
	socklen_t		 len = sizeof sin;
	int			 door;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_return_code(door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), errno);
	assert_return_code(bind(door, (struct sockaddr *)&sin, sizeof sin), errno);
	assert_return_code(listen(door, 64), errno);
	assert_return_code(getsockname(door, (struct sockaddr *)&sin, &len), errno);
	*port = ntohs(sin.sin_port);
	return door;
}

int
wire_quiet(int door, int ms)
{
	struct pollfd	 p = { .fd = door, .events = POLLIN };

	return poll(&p, 1, ms) == 0;
}

const char *
wire_header(const struct wire *w, const char *name)
{
	static char	 value[1024];
	const size_t	 n = strlen(name);

	for (const char *p = w->head.p; (p = strstr(p, "\r\n")) != NULL;) {
		p += 2;
		if (strncasecmp(p, name, n) != 0 || p[n] != ':')
			continue;
		p += n + 1;
		p += strspn(p, " ");
		snprintf(value, sizeof value, "%.*s", (int)strcspn(p, "\r"), p);
		return value;
	}
	return NULL;
}

/* What came behind the head is of the body. */
static int
has_head(struct wire *w)
{
	const char	*end = w->head.p != NULL ? strstr(w->head.p, "\r\n\r\n") : NULL;
	size_t		 n;

	if (end == NULL)
		return 0;
	n = (size_t)(end + 4 - w->head.p);
	str_put(&w->body, w->head.p + n, w->head.len - n);
	w->head.len = n;
	w->head.p[n] = '\0';
	return 1;
}

static void
more(struct wire *w, struct str *to)
{
	struct pollfd	 p = { .fd = w->fd, .events = POLLIN };
	char		 buf[16384];
	ssize_t		 n;

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	assert_true((n = recv(w->fd, buf, sizeof buf, 0)) > 0);
	str_put(to, buf, (size_t)n);
}

void
wire_take(int door, struct wire *w)
{
	struct pollfd	 p = { .fd = door, .events = POLLIN };
	const char	*length;

	memset(w, 0, sizeof *w);
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	assert_return_code(w->fd = accept4(door, NULL, NULL, SOCK_CLOEXEC), errno);
	while (!has_head(w))
		more(w, &w->head);
	assert_int_equal(sscanf(w->head.p, "%15s %1023s", w->method, w->path), 2);
	if ((length = wire_header(w, "content-length")) == NULL)
		return;
	for (size_t n = strtoul(length, NULL, 10); w->body.len < n;)
		more(w, &w->body);
}

void
wire_send(struct wire *w, const char *p, size_t n)
{
	ssize_t	 done;

	for (; n > 0; p += done, n -= (size_t)done)
		if ((done = send(w->fd, p, n, MSG_NOSIGNAL)) <= 0)
			return;			/* whoever called has left */
}

static void
put(struct wire *w, const struct str *s)
{
	wire_send(w, s->p, s->len);
}

void
wire_close(struct wire *w)
{
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
	str_free(&w->head);
	str_free(&w->body);
}

void
wire_reply(struct wire *w, int status, const char *body)
{
	struct str	 s = STR_INIT(0);

	str_printf(&s, "HTTP/1.1 %d x\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
	    "Connection: close\r\n\r\n", status, strlen(body));
	str_puts(&s, body);
	put(w, &s);
	str_free(&s);
	wire_close(w);
}

void
wire_stream(struct wire *w)
{
	static const char	 head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	    "Connection: close\r\n\r\n";

	wire_send(w, head, sizeof head - 1);
}

static void
say(struct wire *w, const char *member, const char *text, const char *json)
{
	struct str	 s = STR_INIT(0);
	struct jw	 j;

	str_puts(&s, "data: ");
	jw_open(&j, &s);
	jw_obj(&j, NULL);
	jw_arr(&j, "choices");
	jw_obj(&j, NULL);
	jw_obj(&j, "delta");
	if (text != NULL)
		jw_str(&j, member, text);
	else
		jw_raw(&j, member, json, strlen(json));
	jw_close(&j);
	str_puts(&s, "\n\n");
	put(w, &s);
	str_free(&s);
}

void
wire_says(struct wire *w, const char *text)
{
	const int	 thought = text[0] == '~';

	say(w, thought ? "reasoning_content" : "content", text + thought, NULL);
}

void
wire_calls(struct wire *w, const char *json)
{
	say(w, "tool_calls", NULL, json);
}

void
wire_ends(struct wire *w, const char *finish, int prompt_tokens, int completion_tokens)
{
	struct str	 s = STR_INIT(0);

	str_printf(&s, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"%s\"}]}\n\n", finish);
	if (prompt_tokens >= 0)
		str_printf(&s, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":%d,"
		    "\"completion_tokens\":%d}}\n\n", prompt_tokens, completion_tokens);
	str_puts(&s, "data: [DONE]\n\n");
	put(w, &s);
	str_free(&s);
	wire_close(w);
}
