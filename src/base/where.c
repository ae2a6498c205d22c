#include "where.h"

#include <string.h>

#include "strict.h"
#include "utf8.h"

#define NAME_CHARS	64	/* of one name */

struct level {			/* an object or array that has not ended */
	bool		 array;
	size_t		 index;
	const char	*name;	/* of the member whose value follows; NULL: none yet */
	size_t		 len;
};

/* What follows the string that begins at s[i], or `end` where it does not end before. */
static size_t
string_end(const char *s, size_t i, size_t end)
{
	for (i++; i < end && s[i] != '"'; i++)
		if (s[i] == '\\')
			i++;
	return i < end ? i + 1 : end;
}

/* The levels around the byte, outermost first; how many. */
static int
descend(struct level *l, const char *s, size_t at)
{
	struct level	*top = NULL;
	size_t		 i, from;
	int		 n = 0;

	for (i = 0; i < at; i++) {
		if ((s[i] == '{' || s[i] == '[') && n < STRICT_DEPTH) {
			top = &l[n++];
			*top = (struct level){ .array = s[i] == '[' };
		} else if (top == NULL) {
			continue;
		} else if (s[i] == '}' || s[i] == ']') {
			top = --n > 0 ? top - 1 : NULL;
		} else if (s[i] == ',') {
			top->index++;
			top->name = NULL;
		} else if (s[i] == '"') {
			from = i + 1;
			i = string_end(s, i, at) - 1;
			if (i + 1 < at && !top->array && top->name == NULL) {
				top->name = s + from;
				top->len = i - from;
			}
		}
	}
	return n;
}

void
where_tell(struct str *out, const char *s, size_t at)
{
	struct level	 l[STRICT_DEPTH];
	int		 n = descend(l, s, at);

	for (int i = 0; i < n; i++) {
		if (l[i].array)
			str_printf(out, "[%zu]", l[i].index);
		else if (l[i].name != NULL)
			str_printf(out, "%s%.*s", out->len > 0 ? "." : "",
			    (int)utf8_cut(l[i].name, l[i].len, NAME_CHARS), l[i].name);
	}
}
