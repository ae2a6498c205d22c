#include "req.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/ident.h"
#include "base/unread.h"
#include "base/url.h"
#include "fcgi.h"
#include "upload.h"

#define NAME	64		/* most of a header's name */
#define HEADER_PARAM	(sizeof("HTTP_") + NAME)
#define CHUNK	16384		/* of a body of unknown length */

/* A parameter as it came, or NULL. */
static const char *
raw_param(const struct req *r, const char *name)
{
	size_t	 n = strlen(name);

	if (r->params == NULL)
		return fcgi_param(r->io, name);
	for (char *const *p = r->params; *p != NULL; p++)
		if (strncmp(*p, name, n) == 0 && (*p)[n] == '=')
			return *p + n + 1;
	return NULL;
}

/* A parameter that is text, or NULL. */
static const char *
param(const struct req *r, const char *name)
{
	const char	*v = raw_param(r, name);

	return v != NULL && *v != '\0' && url_text(v, strlen(v)) ? v : NULL;
}

/* The parameter that holds the header; NULL: no header has so long a name. */
static const char *
header_param(char dst[HEADER_PARAM], const char *name)
{
	char	*p = dst + strlen("HTTP_");
	size_t	 i, n = strlen(name);

	if (n > NAME)
		return NULL;
	memcpy(dst, "HTTP_", strlen("HTTP_"));
	for (i = 0; i <= n; i++)
		p[i] = name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]);
	/* These two CGI names without HTTP_. */
	return strcmp(p, "CONTENT_TYPE") == 0 || strcmp(p, "CONTENT_LENGTH") == 0 ? p : dst;
}

const char *
req_header(struct req *r, const char *name)
{
	char		 s[HEADER_PARAM];
	const char	*p = header_param(s, name);

	return p != NULL ? param(r, p) : NULL;
}

bool
req_header_bad(struct req *r, const char *name)
{
	char		 s[HEADER_PARAM];
	const char	*p = header_param(s, name), *v = p != NULL ? raw_param(r, p) : NULL;

	return v != NULL && *v != '\0' && !url_text(v, strlen(v));
}

bool
req_header_sent(struct req *r, const char *name)
{
	char		 s[HEADER_PARAM];
	const char	*p = header_param(s, name);

	return p != NULL && raw_param(r, p) != NULL;
}

/* The next item of a list split by `sep`, without the blanks around it. NULL at the end. */
static const char *
item(const char **list, char sep, size_t *len)
{
	const char	*s = *list;
	const char	 stop[] = { sep, '\0' };

	if (s == NULL || *s == '\0')
		return NULL;
	*len = strcspn(s, stop);
	*list = s + *len + (s[*len] == sep);
	while (*len > 0 && *s == ' ') {
		s++;
		(*len)--;
	}
	while (*len > 0 && s[*len - 1] == ' ')
		(*len)--;
	return s;
}

static bool
item_is(const char *s, size_t len, const char *what)
{
	return strlen(what) == len && strncasecmp(s, what, len) == 0;
}

const char *
req_cookie(struct req *r, const char *name)
{
	const char	*list = req_header(r, "Cookie"), *s;
	size_t		 len, n = strlen(name);

	while ((s = item(&list, ';', &len)) != NULL) {
		if (len <= n || strncmp(s, name, n) != 0 || s[n] != '=')
			continue;
		s += n + 1;
		len -= n + 1;
		if (len >= 2 && *s == '"' && s[len - 1] == '"') {
			s++;
			len -= 2;
		}
		return arena_strndup(r->cx.a, s, len);
	}
	return NULL;
}

const char *
req_bearer(struct req *r)
{
	const char	*v = req_header(r, "Authorization");

	if (v == NULL)
		return NULL;
	if (strncasecmp(v, "Bearer ", 7) == 0)
		v += 7;
	v += strspn(v, " ");
	return *v != '\0' && strchr(v, ' ') == NULL ? v : NULL;
}

/* The q of "text/html; q=0.5" in thousandths. */
static int
quality(const char *s, size_t len)
{
	const char	*p;
	size_t		 n;
	double		 q = 1;
	char		 buf[8];

	while ((p = memchr(s, ';', len)) != NULL) {
		len -= (size_t)(p + 1 - s);
		for (s = p + 1; len > 0 && *s == ' '; s++)
			len--;
		if (len > 2 && (*s == 'q' || *s == 'Q') && s[1] == '=') {
			n = len - 2 < sizeof(buf) - 1 ? len - 2 : sizeof(buf) - 1;
			memcpy(buf, s + 2, n);
			buf[n] = '\0';
			q = strtod(buf, NULL);
		}
	}
	return q > 0 && q <= 1 ? (int)(q * 1000) : 0;
}

bool
req_accepts(struct req *r, const char *type)
{
	const char	*list = req_header(r, "Accept"), *s;
	size_t		 len, n;

	while ((s = item(&list, ',', &len)) != NULL) {
		for (n = 0; n < len && s[n] != ';' && s[n] != ' '; n++)
			continue;
		if (item_is(s, n, type) && quality(s, len) > 0)
			return true;
	}
	return false;
}

/* zh or en, whichever Accept-Language likes better; neither: the setting. */
static enum lang
language(struct req *r)
{
	const char	*list = req_header(r, "Accept-Language"), *s;
	enum lang	 lang = strcmp(r->cx.conf->language, "en") == 0 ? LANG_EN : LANG_ZH;
	size_t		 len;
	int		 q, best = 0;

	while ((s = item(&list, ',', &len)) != NULL) {
		if (len < 2 || (len > 2 && strchr("-; ", s[2]) == NULL) ||
		    (q = quality(s, len)) <= best)
			continue;
		if (strncasecmp(s, "zh", 2) == 0)
			lang = LANG_ZH;
		else if (strncasecmp(s, "en", 2) == 0)
			lang = LANG_EN;
		else
			continue;
		best = q;
	}
	return lang;
}

static void
request_id(struct req *r)
{
	const char	*s = req_header(r, "X-Request-Id");
	size_t		 n = s != NULL ? strlen(s) : 0;

	if (*r->cx.rid != '\0')	/* its connection's */
		return;
	/* The @ is for Apache's UNIQUE_ID. */
	if (n > 0 && n < sizeof(r->cx.rid) && strspn(s,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@") == n)
		memcpy(r->cx.rid, s, n + 1);
	else
		ident_random_hex(r->cx.rid, 8);
}

void
req_open(struct req *r)
{
	const char	*uri = raw_param(r, "REQUEST_URI"), *query, *p;
	size_t		 n;

	r->started_us = clock_mono_us();
	r->cx.now = clock_ms();
	r->method_text = param(r, "REQUEST_METHOD");
	r->method = (enum method)method_parse(r->method_text);
	if (r->method_text == NULL)
		r->method_text = "?";
	if (uri == NULL || *uri == '\0')
		uri = raw_param(r, "SCRIPT_NAME");
	if (uri == NULL)
		uri = "/";
	/* Of an absolute form the server passes on, "http://host/path", the path counts. */
	if (*uri != '/' && (p = strstr(uri, "://")) != NULL)
		uri = p + 3 + strcspn(p + 3, "/?");
	n = strcspn(uri, "?");
	query = raw_param(r, "QUERY_STRING");
	if (query == NULL)
		query = uri[n] == '?' ? uri + n + 1 : "";
	r->path = arena_strndup(r->cx.a, uri, n);
	r->query = arena_strdup(r->cx.a, query);
	p = param(r, "REMOTE_ADDR");
	r->remote = arena_strdup(r->cx.a, p != NULL ? p : "");
	r->cx.lang = language(r);
	request_id(r);
}

const char *
req_query(struct req *r, const char *name)
{
	const char	*list = r->query, *s, *eq, *key, *v = NULL;
	size_t		 len;

	while ((s = item(&list, '&', &len)) != NULL) {
		if ((eq = memchr(s, '=', len)) == NULL)
			eq = s + len;
		key = url_decode(r->cx.a, s, (size_t)(eq - s), true);
		if (key == NULL || strcmp(key, name) != 0)
			continue;
		v = eq == s + len ? "" :
		    url_decode(r->cx.a, eq + 1, (size_t)(s + len - eq - 1), true);
	}
	return v;
}

int
req_drain(struct req *r)
{
	char	drop[CHUNK];
	ssize_t	n = 0;

	while (r->io != NULL && (n = fcgi_read(r->io, drop, sizeof(drop))) > 0)
		continue;
	return n == 0 ? 0 : -1;
}

static int
upload_media_check(struct req *r)
{
	const char	*type = req_header(r, "Content-Type"), *list = type, *s;
	size_t		 len;

	if ((s = item(&list, ';', &len)) != NULL && item_is(s, len, "multipart/form-data"))
		return 0;
	return fail(&r->cx, F_MEDIA, "%s", type != NULL ? type : "application/octet-stream");
}

/* Is the body's media type one that the route takes? Says whether it is a form. */
static int
media_check(struct req *r)
{
	const char	*type = req_header(r, "Content-Type"), *list = type, *s;
	int		 takes = r->route->flags & (R_JSON | R_FORM);
	size_t		 len;

	if (r->route->flags & R_UPLOAD)
		return upload_media_check(r);
	if ((s = item(&list, ';', &len)) == NULL) {
		r->body_form = takes == R_FORM;
		return 0;
	}
	r->body_form = item_is(s, len, "application/x-www-form-urlencoded");
	if (!(takes & (r->body_form ? R_FORM : R_JSON)) ||
	    (!r->body_form && !item_is(s, len, "application/json")))
		return fail(&r->cx, F_MEDIA, "%s", type);
	while ((s = item(&list, ';', &len)) != NULL)
		if (len > 8 && strncasecmp(s, "charset=", 8) == 0 &&
		    !item_is(s + 8, len - 8, "utf-8") && !item_is(s + 8, len - 8, "utf8") &&
		    !item_is(s + 8, len - 8, "\"utf-8\""))
			return fail(&r->cx, F_MEDIA, "%s", type);
	return 0;
}

/*
 * Takes the body into the arena. What is over the limit is read and dropped (*over), so that the
 * connection can be kept. -1: it came broken.
 */
static int
body_take(struct req *r, int64_t expected, size_t limit, bool *over)
{
	size_t	 size = expected < 0 ? CHUNK : (size_t)expected + 1, len = 0;
	char	*p, *more, one;
	ssize_t	 n;

	*over = expected > 0 && (size_t)expected > limit;
	if (*over)
		return req_drain(r);
	if (size > limit)
		size = limit;
	p = arena_get(r->cx.a, size + 1);
	while ((n = fcgi_read(r->io, p + len, size - len)) > 0) {
		len += (size_t)n;
		if (len < size)
			continue;
		if (size == limit) {	/* one byte more would be too many */
			if ((n = fcgi_read(r->io, &one, 1)) > 0) {
				*over = true;
				return req_drain(r);
			}
			break;
		}
		size = size > limit / 2 ? limit : size * 2;
		more = arena_get(r->cx.a, size + 1);
		memcpy(more, p, len);
		p = more;
	}
	if (n < 0)
		return -1;
	p[len] = '\0';
	r->body = p;
	r->body_len = len;
	return 0;
}

static size_t
body_limit(const struct req *r)
{
	const struct conf	*conf = r->cx.conf;

	if (r->route->kib > 0)
		return (size_t)r->route->kib * 1024;
	return (size_t)(r->route->flags & R_UPLOAD ? conf->upload_limit : conf->body_limit);
}

int
req_body_load(struct req *r)
{
	const char	*length = req_header(r, "Content-Length");
	const bool	 upload = r->route->flags & R_UPLOAD;
	int64_t		 expected = -1;
	char		*end;
	bool		 over;

	if (r->body != NULL)
		return 0;
	if (!(r->route->flags & (R_JSON | R_FORM | R_UPLOAD)) || r->method == M_GET ||
	    r->method == M_HEAD) {
		r->body = "";
		return req_drain(r) == 0 ? 0 : fail_unread(&r->cx, UNREAD_CUT);
	}
	if (length != NULL && ((expected = strtoll(length, &end, 10)) < 0 || *end != '\0')) {
		req_drain(r);
		return fail_unread(&r->cx, UNREAD_LENGTH);
	}
	if (media_check(r) == -1) {
		req_drain(r);
		return -1;
	}
	if ((upload ? upload_take : body_take)(r, expected, body_limit(r), &over) == -1)
		return fail_unread(&r->cx, UNREAD_CUT);		/* unless it failed otherwise */
	if (over)
		return fail(&r->cx, F_TOO_LARGE, "body");
	if (expected >= 0 && (upload ? upload_size(r) : (int64_t)r->body_len) != expected)
		return fail_unread(&r->cx, UNREAD_CUT);
	return 0;
}

int
req_read(struct req *r, void *in)
{
	int			 flags = r->route->flags;
	struct json		*tree;
	const char		*whole;
	int			 rc;

	/* A request without a body may say it in the query, where the row allows that. */
	if (r->body_len > 0 || !(flags & (R_QUERY | R_REQ_PARAM)))
		tree = (r->body_form ? json_from_form : json_parse)(&r->cx,
		    r->body != NULL ? r->body : "", r->body_len);
	else if ((flags & R_REQ_PARAM) && (whole = req_query(r, "req")) != NULL)
		tree = json_parse(&r->cx, whole, strlen(whole));
	else
		tree = json_from_form(&r->cx, r->query, strlen(r->query));
	if (tree == NULL)
		return -1;
	rc = json_read(&r->cx, tree, r->route->in, in);
	json_free(tree);
	return rc;
}
