#include "template.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"

#define OPEN	"{{"
#define CLOSE	"}}"
#define BLANKS	" \t\r\n"
#define NAMED	20		/* characters that an error repeats */

/* What stands between the marks, without blanks around it. */
static const char *
name_between(struct arena *a, const char *from, const char *to)
{
	from += strspn(from, BLANKS);
	while (to > from && strchr(BLANKS, to[-1]) != NULL)
		to--;
	return to > from ? arena_strndup(a, from, (size_t)(to - from)) : "";
}

static void
add_once(const char **names, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(names[i], name) == 0)
			return;
	names[(*n)++] = name;
}

const char *
template_inputs(struct arena *a, const char *text, const char ***names, size_t *n)
{
	const char	*s, *end, *name;
	size_t		 blanks = 0;

	*n = 0;
	for (s = text; (s = strstr(s, OPEN)) != NULL; s += strlen(OPEN))
		blanks++;
	*names = arena_array(a, blanks, sizeof(**names));
	for (s = text; (s = strstr(s, OPEN)) != NULL; s = end + strlen(CLOSE)) {
		s += strlen(OPEN);
		if ((end = strstr(s, CLOSE)) == NULL)
			return arena_printf(a, "a " OPEN " has no " CLOSE ": %.*s",
			    (int)utf8_cut(s, strlen(s), NAMED), s);
		name = name_between(a, s, end);
		if (*name == '\0' || strpbrk(name, "{}\r\n") != NULL)
			return "between " OPEN " and " CLOSE " stands the name of an input";
		if (utf8_length(name, strlen(name)) > TEMPLATE_NAME)
			return "the name of an input is too long";
		add_once(*names, n, name);
	}
	return NULL;
}

static const char *
value_of(const struct named_str *inputs, size_t n, const char *name)
{
	while (n > 0 && strcmp(inputs[n - 1].name, name) != 0)
		n--;
	return n > 0 ? inputs[n - 1].value : NULL;
}

char *
template_fill(struct arena *a, const char *text, const struct named_str *inputs, size_t n,
    const char **missing)
{
	struct str	 s = STR_INIT(0);
	const char	*blank, *end, *name, *value = "";

	while (value != NULL && (blank = strstr(text, OPEN)) != NULL &&
	    (end = strstr(blank, CLOSE)) != NULL) {
		str_put(&s, text, (size_t)(blank - text));
		name = name_between(a, blank + strlen(OPEN), end);
		if ((value = value_of(inputs, n, name)) != NULL)
			str_puts(&s, value);
		else
			*missing = name;
		text = end + strlen(CLOSE);
	}
	str_puts(&s, text);
	if (value != NULL)
		return str_keep(&s, a);
	str_free(&s);
	return NULL;
}
