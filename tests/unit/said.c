#include "said.h"

#include <stdio.h>
#include <string.h>

#include "core/running.h"

struct turn	turn;
struct lane	lane;
struct out	out;
char		said[4096];
int		messages;

void
listen_with(void (*message)(void *, const char *, size_t))
{
	out = (struct out){ .message = message };
	messages = 0;
}

void
hear(void *arg, const char *message, size_t len)
{
	(void)arg;
	assert_true(len < sizeof(said));
	memcpy(said, message, len);
	said[len] = '\0';
	messages++;
}

int
hush(void **state)
{
	(void)state;
	str_free(&out.buf);
	lane_forget(&lane);
	return 0;
}

void
assert_said(const char *format, ...)
{
	char		 text[sizeof(said)];
	va_list		 ap;

	va_start(ap, format);
	assert_true((size_t)vsnprintf(text, sizeof(text), format, ap) < sizeof(text));
	va_end(ap);
	assert_string_equal(said, text);
}
