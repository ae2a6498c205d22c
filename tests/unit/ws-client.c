#include "ws-client.h"

#include <sys/socket.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void
put_head(struct str *b, int head, size_t n, int mask)
{
	str_putc(b, (char)head);
	if (n < 126)
		str_putc(b, (char)(mask | (int)n));
	else if (n < 65536) {
		str_putc(b, (char)(mask | 126));
		str_putc(b, (char)(n >> 8));
		str_putc(b, (char)n);
	} else {
		str_putc(b, (char)(mask | 127));
		for (int i = 56; i >= 0; i -= 8)
			str_putc(b, (char)((uint64_t)n >> i));
	}
}

void
ws_naked(struct str *b, int head, const void *p, size_t n)
{
	put_head(b, head, n, 0);
	str_put(b, p, n);
}

void
ws_frame(struct str *b, int head, const void *p, size_t n)
{
	static const char	mask[4] = { 0x37, (char)0xfa, 0x21, 0x3d };
	const char		*s = p;

	put_head(b, head, n, 0x80);
	str_put(b, mask, sizeof(mask));
	for (size_t i = 0; i < n; i++)
		str_putc(b, (char)(s[i] ^ mask[i % 4]));
}

void
ws_text(struct str *b, const char *s)
{
	ws_frame(b, WS_FIN | WS_TEXT, s, strlen(s));
}

void
ws_close(struct str *b, int code, const char *reason)
{
	char	p[128] = { (char)(code >> 8), (char)code };
	size_t	n = strlen(reason);

	memcpy(p + 2, reason, n);
	ws_frame(b, WS_FIN | WS_CLOSE, p, 2 + n);
}

static bool
all(int fd, void *p, size_t n)
{
	return n == 0 || recv(fd, p, n, MSG_WAITALL) == (ssize_t)n;
}

void
ws_hear(int fd, struct ws_heard *h)
{
	unsigned char	b[2], more[2];

	memset(h, 0, sizeof(*h));
	h->head = -1;
	if (!all(fd, b, sizeof(b)))
		return;
	if ((b[1] & 0x80) != 0 || b[1] == 127)	/* a server does not mask */
		abort();
	h->n = b[1];
	if (b[1] == 126) {
		if (!all(fd, more, sizeof(more)))
			abort();
		h->n = (size_t)more[0] << 8 | more[1];
	}
	if (h->n >= sizeof(h->p) || !all(fd, h->p, h->n))
		abort();
	h->head = b[0];
}

int
ws_code(const struct ws_heard *h)
{
	const unsigned char	*p = (const unsigned char *)h->p;

	return h->n < 2 ? 1005 : p[0] << 8 | p[1];
}
