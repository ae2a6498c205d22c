#include "req.h"

#include <inttypes.h>
#include <string.h>

#include "base/conf.h"
#include "base/jw.h"
#include "fcgi.h"

static const struct {
	int		 status;
	const char	*reason;
} reasons[] = {
	{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" },
	{ 206, "Partial Content" },
	{ 301, "Moved Permanently" }, { 302, "Found" }, { 303, "See Other" },
	{ 304, "Not Modified" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
	{ 402, "Payment Required" }, { 403, "Forbidden" }, { 404, "Not Found" },
	{ 405, "Method Not Allowed" }, { 408, "Request Timeout" }, { 409, "Conflict" },
	{ 413, "Content Too Large" }, { 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
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
	r->reply_next = NULL;
	str_reset(&r->reply);
	if (len > 0)
		str_put(&r->reply, body, len);
	return 0;
}

int
reply_pieces(struct req *r, int status, const char *type, int64_t len, reply_next next, void *arg)
{
	reply(r, status, type, "", 0);
	r->reply_next = next;
	r->reply_arg = arg;
	r->reply_len = len;
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

/*
 * A name in ASCII for old clients, which must not trip over it, then the real one: RFC 6266, its
 * characters by RFC 5987.
 */
void
reply_attachment(struct req *r, const char *file_name)
{
	static const char	 attr[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789!#$&+-.^_`|~";
	struct str		 s = STR_INIT(0);
	const unsigned char	*p;

	str_puts(&s, "attachment; filename=\"");
	for (p = (const unsigned char *)file_name; *p != '\0'; p++)
		if ((*p & 0xc0) != 0x80)	/* one for each character */
			str_putc(&s, *p < ' ' || *p > '~' || strchr("\"\\%", *p) != NULL ? '_' :
			    (char)*p);
	str_puts(&s, "\"; filename*=UTF-8''");
	for (p = (const unsigned char *)file_name; *p != '\0'; p++)
		if (strchr(attr, *p) != NULL)
			str_putc(&s, (char)*p);
		else
			str_printf(&s, "%%%02X", *p);
	reply_header(r, "Content-Disposition", s.p);
	str_free(&s);
}

/* -1: the client is gone, or what it was promised cannot be had. */
static int
pieces_send(struct req *r)
{
	const char	*p;
	int64_t		 left;
	ssize_t		 n;

	for (left = r->reply_len; left > 0; left -= n) {
		if ((n = r->reply_next(r, r->reply_arg, &p)) <= 0 || n > left)
			return -1;
		if (fcgi_write(r->io, p, (size_t)n, false) == -1)
			return -1;
	}
	return 0;
}

int64_t
reply_send(struct req *r)
{
	struct str	 head = STR_INIT(0);
	bool		 bodiless = r->status == 204 || r->status == 304;
	int64_t		 len = r->reply_next != NULL ? r->reply_len : (int64_t)r->reply.len;
	int		 rc;

	str_printf(&head, "Status: %d %s\r\n", r->status, reply_reason(r->status));
	if (!bodiless) {
		if (r->reply_type != NULL)
			str_printf(&head, "Content-Type: %s\r\n", r->reply_type);
		str_printf(&head, "Content-Length: %" PRId64 "\r\n", len);
	}
	str_printf(&head, "X-Request-Id: %s\r\n", r->cx.rid);
	if (r->reply_headers.len > 0)
		str_put(&head, r->reply_headers.p, r->reply_headers.len);
	str_puts(&head, "\r\n");
	/* What libfcgi's buffer still holds goes out with the end of the request, in one write. */
	rc = fcgi_write(r->io, head.p, head.len, false);
	str_free(&head);
	if (bodiless || r->method == M_HEAD)
		len = 0;
	if (rc == 0 && len > 0)
		rc = r->reply_next != NULL ? pieces_send(r) :
		    fcgi_write(r->io, r->reply.p, r->reply.len, false);
	return rc == 0 ? len : -1;
}
