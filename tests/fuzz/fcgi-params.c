/*
 * The head of a FastCGI request, through a socket and libfcgi. The first byte says what follows: 0,
 * the connection's bytes as they are; else the content of PARAMS, in records of that many bytes.
 */
#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "fuzz.h"
#include "web/fcgi.h"
#include "web/head.h"

static void
record(struct str *b, int type, const void *p, size_t n)
{
	const uint8_t	h[8] = { 1, (uint8_t)type, 0, 1, (uint8_t)(n >> 8), (uint8_t)n };

	str_put(b, h, sizeof(h));
	if (n > 0)
		str_put(b, p, n);
}

static void
serve(const struct str *b, bool read_body)
{
	struct fcgi	*f;
	const char	*v;
	int		 pair[2];
	char		 body[256];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1 ||
	    send(pair[0], b->p, b->len, 0) != (ssize_t)b->len || shutdown(pair[0], SHUT_WR) == -1)
		abort();
	if ((f = fcgi_accept(pair[1], fcgi_come(pair[1]))) != NULL) {
		if ((v = fcgi_param(f, "REQUEST_METHOD")) != NULL && strlen(v) > b->len)
			abort();
		while (read_body && fcgi_read(f, body, sizeof(body)) > 0)
			continue;
		fcgi_write(f, "\r\n", 2, true);
		if (fcgi_finish(f, false) != -1)
			close(pair[1]);
	}
	close(pair[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool	started;
	struct str	b = STR_INIT(0);
	size_t		i, step;

	if (!started && fcgi_init() == -1)
		abort();
	started = true;
	if (n < 2 || n > 16384)
		return 0;
	if ((step = *data++) == 0)
		str_put(&b, data, n - 1);
	else {
		record(&b, 1, "\0\1\1\0\0\0\0\0", 8);
		for (i = 0; i < n - 1; i += step)
			record(&b, 4, data + i, n - 1 - i < step ? n - 1 - i : step);
		record(&b, 4, NULL, 0);
		record(&b, 5, NULL, 0);
	}
	/*
	 * What is sound stays so with more behind it, what is bad can only have been unfinished
	 * before.
	 */
	for (i = 0; i < b.len && i < 512; i++)
		if (head_check((const uint8_t *)b.p, i) == HEAD_BAD &&
		    head_check((const uint8_t *)b.p, i + 1) != HEAD_BAD)
			abort();
	serve(&b, step != 0);
	str_free(&b);
	return 0;
}
