#include "input.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/ident.h"
#include "base/utf8.h"
#include "store/user.h"

#define FILE_MOST	(1 << 20)	/* bytes of one */
#define BOM		"\xef\xbb\xbf"
#define NONE		"none"
#define NAME_MOST	190		/* characters */
#define DIGITS		"0123456789"
#define WHOLE_MOST	14		/* digits of an amount before its point, */
#define PLACES_MOST	10		/* and behind it */

/* All of a file, as text. */
static int
slurp(const struct run *r, const char *file, struct str *all)
{
	FILE	*in = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	char	 buf[8192];
	size_t	 n;
	int	 error = 0;

	if (in == NULL)
		return cmd_error(r, EX_NOINPUT, "%s: %s", file, strerror(errno));
	while ((n = fread(buf, 1, sizeof(buf), in)) > 0 && !all->full)
		str_put(all, buf, n);
	if (ferror(in))
		error = errno;
	if (in != stdin)
		fclose(in);
	if (error != 0)
		return cmd_error(r, EX_NOINPUT, "%s: %s", file, strerror(error));
	if (all->full)
		return cmd_error(r, EX_DATAERR, "%s: over %d bytes are too much", file, FILE_MOST);
	if (all->len >= strlen(BOM) && memcmp(all->p, BOM, strlen(BOM)) == 0)
		str_cut(all, strlen(BOM));
	if (all->len > 0 && (memchr(all->p, '\0', all->len) != NULL ||
	    !utf8_valid(all->p, all->len)))
		return cmd_error(r, EX_DATAERR, "%s: it is not UTF-8: iconv converts it", file);
	return EX_OK;
}

int
input_text(const struct run *r, const char *option, const char *value, char **text)
{
	struct str	 all = STR_INIT(FILE_MOST);
	int		 status;

	if (*value != '@') {
		if (!utf8_valid(value, strlen(value)))
			return cmd_error(r, EX_USAGE, "--%s is not UTF-8", option);
		*text = arena_strdup(r->cx.a, value);
		return EX_OK;
	}
	if ((status = slurp(r, value + 1, &all)) == EX_OK)
		*text = arena_strndup(r->cx.a, all.len > 0 ? all.p : "", all.len);
	str_free(&all);
	return status;
}

int
input_wrong(const struct run *r, const char *file, const char *why, ...)
{
	va_list	 ap;
	char	*text;

	va_start(ap, why);
	text = arena_vprintf(r->cx.a, why, ap);
	va_end(ap);
	return cmd_error(r, EX_DATAERR, "%s: %s", file, text);
}

/* A member that nobody knows is a mistake in its name. */
static const char *
unknown_member(const struct json *j, const struct fields *t)
{
	const struct json	*value;
	const void		*at = NULL;
	const char		*name;
	size_t			 i;

	while (json_next(j, &at, &name, &value)) {
		for (i = 0; i < t->n && strcmp(t->f[i].name, name) != 0; i++)
			;
		if (i == t->n)
			return name;
	}
	return NULL;
}

int
input_object(struct run *r, const char *file, const struct fields *t, void *into)
{
	struct str	 all = STR_INIT(FILE_MOST);
	json_auto	*j = NULL;
	const char	*unknown;
	int		 status;

	if ((status = slurp(r, file, &all)) == EX_OK &&
	    (j = json_parse(&r->cx, all.len > 0 ? all.p : "", all.len)) == NULL)
		status = input_wrong(r, file, "%s", cmd_why(r));
	str_free(&all);
	if (status != EX_OK)
		return status;
	if (!json_is_object(j))
		return input_wrong(r, file, "it has to be one JSON object");
	if ((unknown = unknown_member(j, t)) != NULL)
		return input_wrong(r, file, "there is no member `%s`", unknown);
	return json_read(&r->cx, j, t, into) == 0 ? EX_OK :
	    input_wrong(r, file, "%s", cmd_why(r));
}

int
input_name(const struct run *r, const char *typed, char **name)
{
	const size_t	 n = strlen(typed);

	if (n == 0 || !utf8_valid(typed, n) || utf8_length(typed, n) > NAME_MOST)
		return cmd_error(r, EX_USAGE, "a name has 1 to %d characters of UTF-8", NAME_MOST);
	*name = arena_strdup(r->cx.a, typed);
	return EX_OK;
}

int
input_tenant(struct run *r, const char *name, int64_t *tenant)
{
	*tenant = TENANT_DEFAULT;
	if (name != NULL && (*tenant = tenant_by_name(&r->cx, name)) == -1)
		return cmd_failed(r);
	return *tenant != 0 ? EX_OK : cmd_error(r, EX_NOINPUT, "there is no tenant %s", name);
}

int
input_id(const struct run *r, const char *what, const char *typed, int64_t *id)
{
	return ident_parse(typed, id) ? EX_OK :
	    cmd_error(r, EX_USAGE, "`%s` is no id of %s", typed, what);
}

int
input_ids(const struct run *r, const char *what, const struct strs *typed, int64_t **ids,
    size_t *n)
{
	int	 status = EX_OK;

	*n = typed->n == 1 && strcmp(typed->v[0], NONE) == 0 ? 0 : typed->n;
	*ids = arena_array(r->cx.a, *n, sizeof(**ids));
	for (size_t i = 0; i < *n && status == EX_OK; i++)
		status = input_id(r, what, typed->v[i], &(*ids)[i]);
	return status;
}

bool
input_is_amount(const char *s)
{
	const size_t	whole = strspn(s, DIGITS);
	size_t		places;

	if (whole == 0 || whole > WHOLE_MOST)
		return false;
	if (s[whole] == '\0')
		return true;
	places = strspn(s + whole + 1, DIGITS);
	return s[whole] == '.' && places > 0 && places <= PLACES_MOST &&
	    s[whole + 1 + places] == '\0';
}
