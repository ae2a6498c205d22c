#include "req.h"

#include <string.h>

#include "base/conf.h"
#include "base/jw.h"
#include "fcgi.h"

static const struct {
	int		 status;
	const char	*reason;
} reasons[] = {
	{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" },
	{ 301, "Moved Permanently" }, { 302, "Found" }, { 303, "See Other" },
	{ 304, "Not Modified" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
	{ 402, "Payment Required" }, { 403, "Forbidden" }, { 404, "Not Found" },
	{ 405, "Method Not Allowed" }, { 408, "Request Timeout" }, { 409, "Conflict" },
	{ 413, "Content Too Large" }, { 415, "Unsupported Media Type" },
	{ 426, "Upgrade Required" }, { 429, "Too Many Requests" },
	{ 500, "Internal Server Error" }, { 501, "Not Implemented" },
	{ 502, "Bad Gateway" }, { 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

const char *
reply_reason(int status)
{
	size_t	i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

int
reply(struct req *r, int status, const char *type, const char *body, size_t len)
{
	r->status = status;
	r->reply_type = type;
	str_reset(&r->reply);
	if (len > 0)
		str_put(&r->reply, body, len);
	return 0;
}

int
reply_fields(struct req *r, const struct fields *table, const void *from)
{
	struct str	 s = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &s);
	json_write(&w, NULL, table, from, r->cx.conf->timezone);
	reply(r, 200, REPLY_JSON, s.p, s.len);
	str_free(&s);
	return 0;
}

void
reply_header(struct req *r, const char *name, const char *value)
{
	size_t	n;

	str_printf(&r->reply_headers, "%s: ", name);
	while (*value != '\0') {
		n = strcspn(value, "\r\n");
		str_put(&r->reply_headers, value, n);
		value += n;
		value += strspn(value, "\r\n");
	}
	str_puts(&r->reply_headers, "\r\n");
}

int64_t
reply_send(struct req *r)
{
	struct str	 head = STR_INIT(0);
	bool		 bodiless = r->status == 204 || r->status == 304;
	size_t		 len = bodiless || r->method == M_HEAD ? 0 : r->reply.len;
	int		 rc;

	str_printf(&head, "Status: %d %s\r\n", r->status, reply_reason(r->status));
	if (!bodiless) {
		if (r->reply_type != NULL)
			str_printf(&head, "Content-Type: %s\r\n", r->reply_type);
		str_printf(&head, "Content-Length: %zu\r\n", r->reply.len);
	}
	str_printf(&head, "X-Request-Id: %s\r\n", r->cx.rid);
	if (r->reply_headers.len > 0)
		str_put(&head, r->reply_headers.p, r->reply_headers.len);
	str_puts(&head, "\r\n");
	/* What libfcgi's buffer still holds goes out with the end of the request, in one write. */
	rc = fcgi_write(r->io, head.p, head.len, false);
	if (rc == 0 && len > 0)
		rc = fcgi_write(r->io, r->reply.p, len, false);
	str_free(&head);
	return rc == 0 ? (int64_t)len : -1;
}
