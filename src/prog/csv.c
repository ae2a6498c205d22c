#include "csv.h"

#include <string.h>

void
csv_open(struct csv *c, FILE *in)
{
	static const char	bom[] = "\xef\xbb\xbf";
	char			head[sizeof(bom)] = "";
	const size_t		n = fread(head, 1, 3, in);

	*c = (struct csv){ .in = in, .line = 1, .text = STR_INIT(CSV_RECORD) };
	if (n != 3 || memcmp(head, bom, 3) != 0)
		rewind(in);
}

void
csv_close(struct csv *c)
{
	str_free(&c->text);
}

static void
field_begin(struct csv *c)
{
	if (c->n < CSV_FIELDS)
		c->at[c->n] = c->text.len;
	c->n++;
}

/* After a quote. The character behind the field, or EOF; sets *why where the quotes are wrong. */
static int
quoted(struct csv *c, const char **why)
{
	int	ch;

	while ((ch = getc_unlocked(c->in)) != EOF) {
		if (ch == '"' && (ch = getc_unlocked(c->in)) != '"')
			return ch;
		if (ch == '\n')
			c->line++;
		if (str_putc(&c->text, (char)ch) == -1)
			break;
	}
	*why = ch == EOF ? "a quote is not closed" : "it is too long, or a quote is not closed";
	return ch;
}

/* One field, from its first character on. What ended it: a comma, a line feed or EOF. */
static int
field(struct csv *c, int ch, const char **why)
{
	if (ch == '"') {
		ch = quoted(c, why);
		if (ch == '\r')
			ch = getc_unlocked(c->in);
		if (*why == NULL && ch != ',' && ch != '\n' && ch != EOF)
			*why = "text follows a closing quote";
		return ch;
	}
	for (; ch != ',' && ch != '\n' && ch != EOF; ch = getc_unlocked(c->in))
		if (str_putc(&c->text, (char)ch) == -1) {
			*why = "it is too long";
			return ch;
		}
	if (ch != ',' && c->text.len > c->at[c->n - 1] && c->text.p[c->text.len - 1] == '\r')
		c->text.len--;
	return ch;
}

/* Back to the record's first line, and behind it. */
static enum csv_result
skip(struct csv *c, off_t begin)
{
	int	ch;

	if (fseeko(c->in, begin, SEEK_SET) == -1)
		return CSV_ERROR;
	while ((ch = getc_unlocked(c->in)) != '\n' && ch != EOF)
		continue;
	c->line = c->begun + 1;
	return ferror(c->in) ? CSV_ERROR : CSV_BAD;
}

static enum csv_result
record(struct csv *c, int ch, const char **why)
{
	const off_t	begin = ftello(c->in) - 1;

	c->begun = c->line;
	c->n = 0;
	c->text.full = false;
	str_reset(&c->text);
	for (;; ch = getc_unlocked(c->in)) {
		field_begin(c);
		if (c->n > CSV_FIELDS)
			*why = "it has too many fields";
		else
			ch = field(c, ch, why);
		if (*why == NULL && str_putc(&c->text, '\0') == -1)
			*why = "it is too long";
		if (*why != NULL)
			return skip(c, begin);
		if (ch != ',')
			break;
	}
	if (ferror(c->in))
		return CSV_ERROR;
	c->line++;
	return CSV_RECORD_READ;
}

enum csv_result
csv_next(struct csv *c, const char **why)
{
	int	ch;

	*why = NULL;
	while ((ch = getc_unlocked(c->in)) == '\n' || ch == '\r')
		c->line += ch == '\n';
	if (ch == EOF)
		return ferror(c->in) ? CSV_ERROR : CSV_END;
	return record(c, ch, why);
}

const char *
csv_field(const struct csv *c, int i, size_t *len)
{
	size_t	end;

	if (i < 0 || i >= c->n) {
		if (len != NULL)
			*len = 0;
		return "";
	}
	end = i + 1 < c->n ? c->at[i + 1] : c->text.len;
	if (len != NULL)
		*len = end - c->at[i] - 1;
	return c->text.p + c->at[i];
}
