#include "lines.h"

#include <string.h>

void
lines_open(struct lines *l, FILE *in, size_t most)
{
	*l = (struct lines){ .in = in, .text = STR_INIT(most) };
}

void
lines_close(struct lines *l)
{
	str_free(&l->text);
}

static bool
is_blank(const struct str *s)
{
	return s->len == 0 || strspn(s->p, " \t\r") == s->len;
}

static enum lines_read
read_one(struct lines *l)
{
	int	ch;

	str_reset(&l->text);
	l->text.full = false;
	l->line++;
	while ((ch = getc_unlocked(l->in)) != '\n' && ch != EOF)
		str_putc(&l->text, (char)ch);
	if (ferror(l->in))
		return LINES_ERROR;
	if (l->text.full)
		return LINES_LONG;
	return ch == EOF && l->text.len == 0 ? LINES_END : LINES_READ;
}

enum lines_read
lines_next(struct lines *l)
{
	enum lines_read	 got;

	do
		got = read_one(l);
	while (got == LINES_READ && is_blank(&l->text));
	return got;
}
