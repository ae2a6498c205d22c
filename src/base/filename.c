#include "filename.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "utf8.h"

static bool
takes(uint32_t c)
{
	static const struct {
		uint32_t	first, last;
	} left_out[] = {
		{ 0, 0x1f }, { 0x7f, 0x9f }, { 0x61c, 0x61c }, { 0x200e, 0x200f },
		{ 0x2028, 0x202e }, { 0x2066, 0x2069 },
	};

	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (c >= left_out[i].first && c <= left_out[i].last)
			return false;
	return true;
}

char *
filename_clean(struct arena *a, const char *name, size_t n)
{
	char		*s = arena_get(a, 3 * n + 1);
	const size_t	 len = utf8_clean(s, name, n);
	size_t		 step, to = 0;
	uint32_t	 c;

	for (size_t i = 0; i < len; i += step) {
		step = utf8_next(s + i, len - i, &c);
		if (c == '/' || c == '\\')
			to = 0;
		else if (takes(c) && (c != ' ' || to > 0)) {
			memmove(s + to, s + i, step);
			to += step;
		}
	}
	while (to > 0 && s[to - 1] == ' ')
		to--;
	s[to] = '\0';
	return s;
}
