#include "http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value of a field, if the line is of that name. */
static const char *
field(const struct http *h, const char *name)
{
	size_t		 len = strlen(name);
	const char	*p = h->line + len;

	if (strncasecmp(h->line, name, len) != 0 || *p++ != ':')
		return NULL;
	return p + strspn(p, " \t");
}

/* The head is whole: what kind of body follows. */
static void
head_done(struct http *h)
{
	if (h->status == 100)
		memset(h, 0, sizeof(*h));
	else if (h->chunked)
		h->state = HTTP_SIZE;
	else if (h->status == 204 || h->status == 304 || (h->sized && h->left == 0))
		h->state = HTTP_DONE;
	else
		h->state = h->sized ? HTTP_BODY : HTTP_BODY_EOF;
}

/* A line of the framing is whole: 0, or -1 when it is none. */
static int
line_done(struct http *h)
{
	const char	*v;
	char		*end;

	h->line[h->line_len] = '\0';
	if (h->state == HTTP_SIZE) {
		h->left = strtoull(h->line, &end, 16);
		if (end == h->line)
			return -1;
		h->state = h->left > 0 ? HTTP_CHUNK : HTTP_TRAILER;
	} else if (h->state == HTTP_CHUNK_END) {
		if (h->line_len > 0)
			return -1;
		h->state = HTTP_SIZE;
	} else if (h->state == HTTP_TRAILER) {
		if (h->line_len == 0)
			h->state = HTTP_DONE;
	} else if (h->status == 0) {
		if (strncmp(h->line, "HTTP/1.", 7) != 0 || h->line_len < 12)
			return -1;
		h->status = atoi(h->line + 9);
		h->close = h->line[7] == '0';
	} else if (h->line_len == 0) {
		head_done(h);
	} else if ((v = field(h, "content-length")) != NULL) {
		h->sized = true;
		h->left = strtoull(v, NULL, 10);
	} else if ((v = field(h, "transfer-encoding")) != NULL) {
		h->chunked = strcasecmp(v, "chunked") == 0;
	} else if ((v = field(h, "connection")) != NULL) {
		h->close = strcasecmp(v, "close") == 0;
	}
	h->line_len = 0;
	return 0;
}

int
http_feed(struct http *h, const char *p, size_t n,
    void (*fn)(void *, const char *, size_t), void *arg)
{
	const char	*end = p + n, *eol;

	while (p < end && h->state != HTTP_DONE) {
		if (h->state == HTTP_BODY_EOF) {
			fn(arg, p, (size_t)(end - p));
			return 0;
		}
		if (h->state == HTTP_BODY || h->state == HTTP_CHUNK) {
			size_t	 take = (size_t)(end - p);

			if (take > h->left)
				take = h->left;
			fn(arg, p, take);
			p += take;
			h->left -= take;
			if (h->left == 0)
				h->state = h->state == HTTP_BODY ? HTTP_DONE : HTTP_CHUNK_END;
			continue;
		}
		eol = memchr(p, '\n', (size_t)(end - p));
		for (; p < (eol != NULL ? eol : end); p++)
			if (*p != '\r' && h->line_len < sizeof(h->line) - 1)
				h->line[h->line_len++] = *p;
		if (eol == NULL)
			break;
		p++;
		if (line_done(h) == -1)
			return -1;
	}
	return h->state == HTTP_DONE;
}

bool
http_ended(const struct http *h)
{
	return h->state == HTTP_DONE || h->state == HTTP_BODY_EOF;
}
