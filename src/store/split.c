#include "store/split.h"

#include <ctype.h>
#include <string.h>

static const char	*skip_quoted(const char *);
static const char	*skip_comment(const char *);

char *
split_next(struct arena *a, const char **rest)
{
	const char	*p = *rest, *start = NULL, *end = NULL, *after;

	for (; *p != '\0' && !(*p == ';' && start != NULL); p = after) {
		if ((after = skip_comment(p)) != NULL)
			continue;
		after = strchr("'\"`", *p) != NULL ? skip_quoted(p) : p + 1;
		if (isspace((unsigned char)*p) || *p == ';')
			continue;
		if (start == NULL)
			start = p;
		end = after;
	}
	*rest = *p == ';' ? p + 1 : p;
	return start != NULL ? arena_strndup(a, start, (size_t)(end - start)) : NULL;
}

/* Past the closing quote. A doubled one is two strings next to each other, which is as good. */
static const char *
skip_quoted(const char *p)
{
	const char	 quote = *p++;

	for (; *p != '\0' && *p != quote; p++)
		if (*p == '\\' && quote != '`' && p[1] != '\0')
			p++;
	return *p != '\0' ? p + 1 : p;
}

/* Past the comment that begins here, or NULL. */
static const char *
skip_comment(const char *p)
{
	const char	*end;

	if (*p == '#' ||
	    (strncmp(p, "--", 2) == 0 && (p[2] == '\0' || isspace((unsigned char)p[2]))))
		end = strchr(p, '\n');
	else if (strncmp(p, "/*", 2) == 0 && (end = strstr(p + 2, "*/")) != NULL)
		end += 2;
	else
		return NULL;
	return end != NULL ? end : p + strlen(p);
}
