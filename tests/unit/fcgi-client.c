#include "fcgi-client.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

void
fc_record(struct str *b, int type, int id, const void *p, size_t n)
{
	const char	zeros[8] = { 0 };
	uint8_t		h[8] = { 1, (uint8_t)type, (uint8_t)(id >> 8), (uint8_t)id,
	    (uint8_t)(n >> 8), (uint8_t)n, (uint8_t)(-n & 7) };

	str_put(b, h, sizeof(h));
	if (n > 0)
		str_put(b, p, n);
	str_put(b, zeros, -n & 7);
}

void
fc_begin(struct str *b, bool keep)
{
	const uint8_t	body[8] = { 0, 1, keep };

	fc_record(b, FC_BEGIN, 1, body, sizeof(body));
}

static void
put_length(struct str *b, size_t n)
{
	if (n > 127)
		str_put(b, (uint8_t[]){ (uint8_t)(n >> 24 | 0x80), (uint8_t)(n >> 16),
		    (uint8_t)(n >> 8), (uint8_t)n }, 4);
	else
		str_putc(b, (char)n);
}

void
fc_param(struct str *b, const char *name, const char *value)
{
	put_length(b, strlen(name));
	put_length(b, strlen(value));
	str_puts(b, name);
	str_puts(b, value);
}

void
fc_request(struct str *b, bool keep, const char *const *params, const char *body, size_t len)
{
	struct str	 pairs = STR_INIT(0);
	size_t		 n;

	fc_begin(b, keep);
	for (; *params != NULL; params += 2)
		fc_param(&pairs, params[0], params[1]);
	fc_record(b, FC_PARAMS, 1, pairs.p, pairs.len);
	fc_record(b, FC_PARAMS, 1, NULL, 0);
	for (; len > 0; body += n, len -= n) {
		n = len < 32768 ? len : 32768;
		fc_record(b, FC_STDIN, 1, body, n);
	}
	fc_record(b, FC_STDIN, 1, NULL, 0);
	str_free(&pairs);
}

void
fc_send(int fd, const struct str *b)
{
	size_t	at = 0;
	ssize_t	n;

	for (; at < b->len; at += (size_t)n)
		if ((n = send(fd, b->p + at, b->len - at, MSG_NOSIGNAL)) == -1) {
			perror("fc_send");
			abort();
		}
}

static bool
read_all(int fd, void *p, size_t n)
{
	ssize_t	got;

	for (; n > 0; p = (char *)p + got, n -= (size_t)got)
		if ((got = read(fd, p, n)) <= 0)
			return false;
	return true;
}

/* Status and headers, once they are whole, from the front of the body. */
static void
take_head(struct fc_reply *r)
{
	char	*end;

	if (r->status != 0 || r->body.p == NULL || (end = strstr(r->body.p, "\r\n\r\n")) == NULL)
		return;
	str_put(&r->head, r->body.p, (size_t)(end + 2 - r->body.p));
	str_cut(&r->body, (size_t)(end + 4 - r->body.p));
	r->status = sscanf(r->head.p, "Status: %d", &r->status) == 1 ? r->status : 200;
}

void
fc_receive_until(int fd, struct fc_reply *r, const char *until)
{
	uint8_t	 h[8];
	size_t	 n;
	char	*p;

	while (until == NULL || r->status == 0 || r->body.p == NULL ||
	    strstr(r->body.p, until) == NULL) {
		if (!read_all(fd, h, sizeof(h)))
			return;
		n = (size_t)(h[4] << 8 | h[5]);
		p = str_room(&r->body, n + h[6] + 1);
		if (!read_all(fd, p, n + h[6]))
			return;
		if (h[1] == FC_STDOUT)
			r->body.len += n;
		r->body.p[r->body.len] = '\0';
		take_head(r);
		if (h[1] == FC_END) {
			r->ended = true;
			return;
		}
	}
}

void
fc_receive(int fd, struct fc_reply *r)
{
	fc_receive_until(fd, r, NULL);
}

bool
fc_header_is(const struct fc_reply *r, const char *name, const char *value)
{
	const char	*p = r->head.p;
	size_t		 n = strlen(name), v = strlen(value);

	for (; p != NULL && *p != '\0'; p = strstr(p, "\r\n") + 2)
		if (strncasecmp(p, name, n) == 0 && strncmp(p + n, ": ", 2) == 0)
			return strncmp(p + n + 2, value, v) == 0 &&
			    strncmp(p + n + 2 + v, "\r\n", 2) == 0;
	return false;
}

void
fc_free(struct fc_reply *r)
{
	str_free(&r->head);
	str_free(&r->body);
	*r = (struct fc_reply){ 0 };
}
