#include "strict.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t
digit_run(const char *s, size_t n)
{
	size_t	 i;

	for (i = 0; i < n && is_digit(s[i]); i++)
		continue;
	return i;
}

/* -? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)? */
size_t
strict_number(const char *s, size_t n, bool *whole)
{
	size_t	 i = 0, run;

	*whole = true;
	if (i < n && s[i] == '-')
		i++;
	if ((run = digit_run(s + i, n - i)) == 0 || (s[i] == '0' && run > 1))
		return 0;
	i += run;
	if (i < n && s[i] == '.') {
		*whole = false;
		i++;
		if ((run = digit_run(s + i, n - i)) == 0)
			return 0;
		i += run;
	}
	if (i < n && (s[i] == 'e' || s[i] == 'E')) {
		*whole = false;
		i++;
		if (i < n && (s[i] == '+' || s[i] == '-'))
			i++;
		if ((run = digit_run(s + i, n - i)) == 0)
			return 0;
		i += run;
	}
	return i;
}

/*
 * Does the machine have this number? Its text is copied: what follows in a document could be read
 * as part of it.
 */
static bool
holds(const char *s, size_t n, bool whole)
{
	char	 most[64], *copy = n < sizeof most ? most : xmalloc(n + 1);
	bool	 ok;

	memcpy(copy, s, n);
	copy[n] = '\0';
	errno = 0;
	if (whole)
		ok = (strtoll(copy, NULL, 10), errno == 0);
	else
		ok = isfinite(strtod(copy, NULL));
	if (copy != most)
		free(copy);
	return ok;
}

static enum unread
number(const char *s, size_t n, size_t *len)
{
	bool	 whole;

	if ((*len = strict_number(s, n, &whole)) == 0)
		return UNREAD_NUMBER;
	/* It ends where something else begins: 1x, 01 and 1.2.3 are no numbers. */
	if (*len < n && !is_space(s[*len]) && strchr(",]}", s[*len]) == NULL)
		return UNREAD_NUMBER;
	/* Up to 18 digits always fit. */
	return (whole && *len <= 18) || holds(s, *len, whole) ? UNREAD_NOT : UNREAD_RANGE;
}

long
strict_hex4(const char *s, size_t n)
{
	long	 v = 0;

	if (n < 4)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		if (is_digit(s[i]))
			v = v << 4 | (s[i] - '0');
		else if ((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'f')
			v = v << 4 | ((s[i] | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

/* An escape, from its backslash on. */
static enum unread
escape(const char *s, size_t n, size_t *len, bool *nul)
{
	long	 v;

	*len = 2;
	if (n < 2)
		return UNREAD_OPEN;
	if (s[1] != 'u')
		return memchr("\"\\/bfnrt", s[1], 8) != NULL ? UNREAD_NOT : UNREAD_ESCAPE;
	*len = 6;
	if ((v = strict_hex4(s + 2, n - 2)) == -1)
		return UNREAD_ESCAPE;
	if (v == 0)
		*nul = true;
	if (v < 0xd800 || v > 0xdfff)
		return UNREAD_NOT;
	/* The first half of a character above U+FFFF, and the second right behind it. */
	*len = 12;
	if (v > 0xdbff || n < 12 || s[6] != '\\' || s[7] != 'u')
		return UNREAD_SURROGATE;
	v = strict_hex4(s + 8, 4);
	return v >= 0xdc00 && v <= 0xdfff ? UNREAD_NOT : UNREAD_SURROGATE;
}

/* A string, from its first quote to its last. Followed by a colon it is a name. */
static enum unread
string(const char *s, size_t n, size_t *len)
{
	enum unread	 e;
	bool		 nul = false;
	size_t		 i = 1, used;

	while (i < n && s[i] != '"') {
		if ((unsigned char)s[i] < 0x20)
			return UNREAD_CONTROL;
		used = 1;
		if (s[i] == '\\' && (e = escape(s + i, n - i, &used, &nul)) != UNREAD_NOT)
			return e;
		i += used;
	}
	if (i >= n)
		return UNREAD_OPEN;
	*len = ++i;
	while (nul && i < n && is_space(s[i]))
		i++;
	return nul && i < n && s[i] == ':' ? UNREAD_NUL_NAME : UNREAD_NOT;
}

static enum unread
word(const char *s, size_t n, size_t *len)
{
	static const char	*const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if ((*len = strlen(words[i])) <= n && memcmp(s, words[i], *len) == 0)
			return UNREAD_NOT;
	return UNREAD_WORD;
}

enum unread
strict_check(const char *s, size_t n, size_t *at)
{
	enum unread	 e;
	size_t		 i = 0, len;
	int		 depth = 0;

	while (i < n) {
		len = 1;
		e = UNREAD_NOT;
		if (s[i] == '"')
			e = string(s + i, n - i, &len);
		else if (s[i] == '-' || is_digit(s[i]))
			e = number(s + i, n - i, &len);
		else if (s[i] == '{' || s[i] == '[')
			e = ++depth <= STRICT_DEPTH ? UNREAD_NOT : UNREAD_DEEP;
		else if (s[i] == '}' || s[i] == ']')
			depth--;
		else if (!is_space(s[i]) && s[i] != ',' && s[i] != ':')
			e = word(s + i, n - i, &len);
		if (e != UNREAD_NOT) {
			*at = i;
			return e;
		}
		i += len;
	}
	return UNREAD_NOT;
}
