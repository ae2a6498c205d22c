#include "core/tool_call.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/jw.h"
#include "base/log.h"
#include "base/url.h"
#include "base/utf8.h"
#include "core/plan.h"
#include "core/running.h"

#define EXCERPT		1024	/* bytes of what a tool says of its failure */
#define HEADERS_MAX	32

/* ---- the result ---- */

static void
finish(struct tool_call *c, char *result)
{
	c->ms = (int)(loop_now(c->engine->loop) - c->begun);
	c->result = result;
	tool_call_free(c);
	log_info("a tool was called", LOG_S("rid", c->rid),
	    LOG_S("tool", c->tool != NULL ? c->tool->name : "unknown"),
	    LOG_I("status", c->status), LOG_I("ms", c->ms));
	c->over(c);
}

/* What came, as UTF-8 of at most so many bytes. */
static char *
clean(const struct tool_call *c, size_t most)
{
	const size_t	 n = c->got.len < most ? c->got.len : most;
	char		*text = arena_get(c->a, 3 * n + 1);
	size_t		 len;

	for (size_t i = 0; i < n; i++)
		if (c->got.p[i] == '\0')
			c->got.p[i] = ' ';
	len = n > 0 ? utf8_clean(text, c->got.p, n) : 0;
	if (len > most)
		len = most - utf8_partial(text, most);
	text[len] = '\0';
	return text;
}

static void
fail_with(struct tool_call *c, const char *why, const char *said)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;

	c->why = arena_strdup(c->a, why);
	jw_open(&w, &s);
	jw_obj(&w, NULL);
	jw_str(&w, "error", why);
	if (said != NULL && *said != '\0')
		jw_str(&w, "body", said);
	jw_close(&w);
	finish(c, str_keep(&s, c->a));
}

static void
refuse(struct tool_call *c, const char *why)
{
	fail_with(c, why, NULL);
}

static int
on_data(void *arg, int status, const char *data, size_t n)
{
	struct tool_call	*c = arg;

	(void)status;
	return str_put(&c->got, data, n);
}

static void
on_done(void *arg, const struct call_end *e)
{
	struct tool_call	*c = arg;

	c->call = NULL;
	c->status = e->status;
	switch (e->result) {
	case CALL_OK:
		if (e->status >= 200 && e->status < 300)
			finish(c, clean(c, PLAN_RESULT_MAX));
		else
			fail_with(c, arena_printf(c->a, "the tool answered with status %d",
			    e->status), clean(c, EXCERPT));
		break;
	case CALL_TIMEOUT:
		refuse(c, arena_printf(c->a, "the tool gave no answer within %d s",
		    c->tool->timeout_s));
		break;
	case CALL_STOPPED:
		refuse(c, arena_printf(c->a, "the tool's result is larger than %d bytes",
		    PLAN_RESULT_MAX));
		break;
	default:
		refuse(c, "the tool cannot be reached");
	}
}

static const struct call_ops	tool_ops = { .data = on_data, .done = on_done };

/* ---- the request ---- */

static char *
value_text(struct arena *a, const struct json *value)
{
	const char	*s;
	size_t		 len;

	return json_get_str(value, &s, &len) ? arena_strndup(a, s, len) : json_dump(a, value);
}

/* Does the address take this argument? */
static bool
in_address(const struct tool_call *c, const char *name)
{
	return strstr(c->tool->url, arena_printf(c->a, "{%s}", name)) != NULL;
}

/*
 * The address with its arguments. False: there is a result, that one is missing, or would lead
 * out of its place.
 */
static bool
write_address(struct tool_call *c, const struct json *arguments, struct str *url)
{
	const struct json	*value;
	const char		*p = c->tool->url, *end, *text;
	char			*name;

	for (; *p != '\0'; p++) {
		if (*p != '{' || (end = strchr(p, '}')) == NULL) {
			str_putc(url, *p);
			continue;
		}
		name = arena_strndup(c->a, p + 1, (size_t)(end - p - 1));
		p = end;
		if ((value = json_member(arguments, name)) == NULL) {
			refuse(c, arena_printf(c->a, "the argument %s is missing", name));
			return false;
		}
		text = value_text(c->a, value);
		if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
			refuse(c, arena_printf(c->a, "the argument %s cannot be that", name));
			return false;
		}
		url_escape(url, text, strlen(text));
	}
	return true;
}

static void
write_query(const struct tool_call *c, const struct json *arguments, struct str *url)
{
	const struct json	*value;
	const void		*at = NULL;
	const char		*name, *text;
	char			 before = strchr(url->p, '?') != NULL ? '&' : '?';

	while (json_next(arguments, &at, &name, &value)) {
		if (in_address(c, name))
			continue;
		str_putc(url, before);
		url_escape(url, name, strlen(name));
		str_putc(url, '=');
		text = value_text(c->a, value);
		url_escape(url, text, strlen(text));
		before = '&';
	}
}

static void
write_body(struct tool_call *c, const struct json *arguments)
{
	const struct json	*value;
	const void		*at = NULL;
	const char		*name;
	struct jw		 w;
	char			*text;

	jw_open(&w, &c->body);
	jw_obj(&w, NULL);
	while (json_next(arguments, &at, &name, &value)) {
		if (in_address(c, name))
			continue;
		text = json_dump(c->a, value);
		jw_raw(&w, name, text, strlen(text));
	}
	jw_close(&w);
}

/* The tool's own headers, a JSON object, as lines. */
static void
read_headers(const struct tool_call *c, const char **lines)
{
	struct json_parser	*p = json_parser_new();
	const char		*from = c->tool->headers != NULL ? c->tool->headers : "", *name, *s;
	struct json		*j = json_parser_parse(p, from, strlen(from));
	const struct json	*value;
	const void		*at = NULL;
	size_t			 n = 0, len;
	char			*line;

	while (n < HEADERS_MAX && json_next(j, &at, &name, &value)) {
		if (!json_get_str(value, &s, &len))
			continue;
		line = arena_printf(c->a, "%s: %s", name, s);
		if (strpbrk(line, "\r\n") == NULL)
			lines[n++] = line;
	}
	lines[n] = NULL;
	json_free(j);
	json_parser_free(p);
}

static void
start(struct tool_call *c, const struct json *arguments)
{
	const struct plan_tool	*tool = c->tool;
	const char		*headers[HEADERS_MAX + 1];
	struct str		 url = STR_INIT(0);
	const int		 limit = tool->timeout_s * 1000;

	if (!write_address(c, arguments, &url)) {
		str_free(&url);
		return;
	}
	if (strcmp(tool->method, "GET") == 0)
		write_query(c, arguments, &url);
	else
		write_body(c, arguments);
	read_headers(c, headers);
	c->got.cap = PLAN_RESULT_MAX;
	c->call = call_start(asker_caller(c->engine->asker), &(struct call_spec){ .url = url.p,
	    .method = tool->method, .key = tool->secret, .body = c->body.p,
	    .body_len = c->body.len, .accept = "application/json, text/*;q=0.9, */*;q=0.1",
	    .rid = c->rid, .headers = headers, .total_ms = limit,
	    .connect_ms = c->connect_ms < limit ? c->connect_ms : limit }, &tool_ops, c);
	str_free(&url);
}

void
tool_call_start(struct tool_call *c)
{
	/* A tool without arguments is called without any, by some. */
	const bool		 none = c->arguments_len == 0;
	struct json_parser	*p = json_parser_new();
	struct json		*j = json_parser_parse(p, none ? "{}" : c->arguments,
	    none ? 2 : c->arguments_len);

	c->begun = loop_now(c->engine->loop);
	if (c->tool == NULL)
		refuse(c, "there is no such tool");
	else if (!json_is_object(j))
		refuse(c, "the arguments are no JSON object");
	else
		start(c, j);
	json_free(j);
	json_parser_free(p);
}

void
tool_call_refuse(struct tool_call *c, const char *why)
{
	c->begun = loop_now(c->engine->loop);
	refuse(c, why);
}

void
tool_call_cancel(struct tool_call *c)
{
	if (c->call != NULL)
		call_cancel(c->call);
	c->call = NULL;
	tool_call_free(c);
}

void
tool_call_free(struct tool_call *c)
{
	str_free(&c->body);
	str_free(&c->got);
}
