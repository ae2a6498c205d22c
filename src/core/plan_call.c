/* One call of a tool: its request made of the arguments, its result of the reply. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/jw.h"
#include "base/url.h"
#include "base/utf8.h"
#include "core/plan_steps.h"

#define EXCERPT		1024	/* bytes of what a tool says of its failure */
#define HEADERS_MAX	32

static struct arena *
arena_of(const struct tool_run *r)
{
	return r->plan->lane->turn->a;
}

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
in_address(const struct tool_run *r, const char *name)
{
	return strstr(r->tool->url, arena_printf(arena_of(r), "{%s}", name)) != NULL;
}

/*
 * The address with its arguments. False: the run has a result, that one is missing, or would lead
 * out of its place.
 */
static bool
write_address(struct tool_run *r, const struct json *arguments, struct str *url)
{
	const struct json	*value;
	const char		*p = r->tool->url, *end, *text;
	char			*name;

	for (; *p != '\0'; p++) {
		if (*p != '{' || (end = strchr(p, '}')) == NULL) {
			str_putc(url, *p);
			continue;
		}
		name = arena_strndup(arena_of(r), p + 1, (size_t)(end - p - 1));
		p = end;
		if ((value = json_member(arguments, name)) == NULL) {
			plan_call_fail(r, arena_printf(arena_of(r),
			    "the argument %s is missing", name));
			return false;
		}
		text = value_text(arena_of(r), value);
		if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
			plan_call_fail(r, arena_printf(arena_of(r),
			    "the argument %s cannot be that", name));
			return false;
		}
		url_escape(url, text, strlen(text));
	}
	return true;
}

static void
write_query(const struct tool_run *r, const struct json *arguments, struct str *url)
{
	const struct json	*value;
	const void		*at = NULL;
	const char		*name, *text;
	char			 before = strchr(url->p, '?') != NULL ? '&' : '?';

	while (json_next(arguments, &at, &name, &value)) {
		if (in_address(r, name))
			continue;
		str_putc(url, before);
		url_escape(url, name, strlen(name));
		str_putc(url, '=');
		text = value_text(arena_of(r), value);
		url_escape(url, text, strlen(text));
		before = '&';
	}
}

static void
write_body(struct tool_run *r, const struct json *arguments)
{
	const struct json	*value;
	const void		*at = NULL;
	const char		*name;
	struct jw		 w;
	char			*text;

	jw_open(&w, &r->body);
	jw_obj(&w, NULL);
	while (json_next(arguments, &at, &name, &value)) {
		if (in_address(r, name))
			continue;
		text = json_dump(arena_of(r), value);
		jw_raw(&w, name, text, strlen(text));
	}
	jw_close(&w);
}

/* The tool's own headers, a JSON object, as lines. */
static void
read_headers(const struct tool_run *r, const char **lines)
{
	struct json_parser	*p = json_parser_new();
	const char		*from = r->tool->headers != NULL ? r->tool->headers : "", *name, *s;
	struct json		*j = json_parser_parse(p, from, strlen(from));
	const struct json	*value;
	const void		*at = NULL;
	size_t			 n = 0, len;
	char			*line;

	while (n < HEADERS_MAX && json_next(j, &at, &name, &value)) {
		if (!json_get_str(value, &s, &len))
			continue;
		line = arena_printf(arena_of(r), "%s: %s", name, s);
		if (strpbrk(line, "\r\n") == NULL)
			lines[n++] = line;
	}
	lines[n] = NULL;
	json_free(j);
	json_parser_free(p);
}

/* ---- the result ---- */

static void
finish(struct tool_run *r, char *result)
{
	r->ms = (int)(loop_now(r->plan->lane->turn->engine->loop) - r->begun);
	r->result = result;
	str_free(&r->body);
	str_free(&r->got);
	plan_tool_over(r);
}

/* What came, as UTF-8 of at most so many bytes. */
static char *
clean(const struct tool_run *r, size_t most)
{
	const size_t	 n = r->got.len < most ? r->got.len : most;
	char		*text = arena_get(arena_of(r), 3 * n + 1);
	size_t		 len;

	for (size_t i = 0; i < n; i++)
		if (r->got.p[i] == '\0')
			r->got.p[i] = ' ';
	len = n > 0 ? utf8_clean(text, r->got.p, n) : 0;
	if (len > most)
		len = most - utf8_partial(text, most);
	text[len] = '\0';
	return text;
}

static void
fail_with(struct tool_run *r, const char *why, const char *said)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &s);
	jw_obj(&w, NULL);
	jw_str(&w, "error", why);
	if (said != NULL && *said != '\0')
		jw_str(&w, "body", said);
	jw_close(&w);
	finish(r, str_keep(&s, arena_of(r)));
}

void
plan_call_fail(struct tool_run *r, const char *why)
{
	fail_with(r, why, NULL);
}

static int
on_data(void *arg, int status, const char *data, size_t n)
{
	struct tool_run	*r = arg;

	(void)status;
	return str_put(&r->got, data, n);
}

static void
on_done(void *arg, const struct call_end *e)
{
	struct tool_run	*r = arg;
	struct arena	*a = arena_of(r);

	r->call = NULL;
	r->status = e->status;
	switch (e->result) {
	case CALL_OK:
		if (e->status >= 200 && e->status < 300)
			finish(r, clean(r, PLAN_RESULT_MAX));
		else
			fail_with(r, arena_printf(a, "the tool answered with status %d", e->status),
			    clean(r, EXCERPT));
		break;
	case CALL_TIMEOUT:
		plan_call_fail(r, arena_printf(a, "the tool gave no answer within %d s",
		    r->tool->timeout_s));
		break;
	case CALL_STOPPED:
		plan_call_fail(r, arena_printf(a, "the tool's result is larger than %d bytes",
		    PLAN_RESULT_MAX));
		break;
	default:
		plan_call_fail(r, "the tool cannot be reached");
	}
}

static const struct call_ops	tool_ops = { .data = on_data, .done = on_done };

static void
start(struct tool_run *r, const struct json *arguments)
{
	struct turn		*t = r->plan->lane->turn;
	const struct plan_tool	*tool = r->tool;
	const char		*headers[HEADERS_MAX + 1];
	struct str		 url = STR_INIT(0);
	const int		 limit = tool->timeout_s * 1000;
	const int		 connect = r->plan->who[0].spec.connect_ms;

	if (!write_address(r, arguments, &url)) {
		str_free(&url);
		return;
	}
	if (strcmp(tool->method, "GET") == 0)
		write_query(r, arguments, &url);
	else
		write_body(r, arguments);
	read_headers(r, headers);
	r->got.cap = PLAN_RESULT_MAX;
	r->call = call_start(asker_caller(t->engine->asker), &(struct call_spec){ .url = url.p,
	    .method = tool->method, .key = tool->secret, .body = r->body.p,
	    .body_len = r->body.len, .accept = "application/json, text/*;q=0.9, */*;q=0.1",
	    .rid = t->rid, .headers = headers, .total_ms = limit,
	    .connect_ms = connect < limit ? connect : limit }, &tool_ops, r);
	str_free(&url);
}

void
plan_call(struct tool_run *r)
{
	const struct str	*from = &r->wanted->arguments;
	struct json_parser	*p = json_parser_new();
	/* A tool without arguments is called without any, by some. */
	struct json		*j = json_parser_parse(p, from->len > 0 ? from->p : "{}",
	    from->len > 0 ? from->len : 2);

	r->begun = loop_now(r->plan->lane->turn->engine->loop);
	if (r->tool == NULL)
		plan_call_fail(r, "there is no such tool");
	else if (!json_is_object(j))
		plan_call_fail(r, "the arguments are no JSON object");
	else
		start(r, j);
	json_free(j);
	json_parser_free(p);
}
