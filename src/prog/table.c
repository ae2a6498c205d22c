#include "table.h"

#include <string.h>
#include <wchar.h>

#include "base/utf8.h"

void
table_begin(struct table *t, struct arena *a, const char *headings)
{
	const char	*cells[TABLE_COLUMNS];
	char		*list = arena_strdup(a, headings), *heading;

	*t = (struct table){ .a = a };
	while ((heading = strsep(&list, "|")) != NULL && t->columns < TABLE_COLUMNS) {
		t->right[t->columns] = *heading == '>';
		cells[t->columns++] = heading + (*heading == '>');
	}
	table_row(t, cells);
}

static const char **
cell_at(const struct table *t, size_t row, int column)
{
	return &t->cell[row * (size_t)t->columns + (size_t)column];
}

void
table_row(struct table *t, const char *const *cells)
{
	const size_t	  one = (size_t)t->columns * sizeof(*cells);
	const char	**bigger;

	if (t->rows == t->size) {
		t->size = t->size == 0 ? 16 : 2 * t->size;
		bigger = arena_array(t->a, t->size, one);
		if (t->rows > 0)
			memcpy(bigger, t->cell, t->rows * one);
		t->cell = bigger;
	}
	t->rows++;
	for (int c = 0; c < t->columns; c++)
		*cell_at(t, t->rows - 1, c) = cells[c] != NULL ? cells[c] : "-";
}

void
table_end(struct table *t, struct str *out)
{
	size_t	 width[TABLE_COLUMNS] = { 0 }, w, i;
	int	 c;

	for (i = 0; i < t->rows; i++)
		for (c = 0; c < t->columns; c++)
			if ((w = text_width(*cell_at(t, i, c))) > width[c])
				width[c] = w;
	for (i = 0; i < t->rows; i++) {
		for (c = 0; c < t->columns; c++) {
			const char	*s = *cell_at(t, i, c);
			const int	 pad = (int)(width[c] - text_width(s));

			if (c > 0)
				str_puts(out, "  ");
			if (t->right[c])
				str_printf(out, "%*s%s", pad, "", s);
			else
				str_printf(out, "%s%*s", s, c + 1 < t->columns ? pad : 0, "");
		}
		str_putc(out, '\n');
	}
}

size_t
text_width(const char *s)
{
	size_t		 len = strlen(s), width = 0, n;
	uint32_t	 cp;
	int		 w;

	for (; len > 0; s += n, len -= n) {
		if ((n = utf8_next(s, len, &cp)) == 0) {
			n = 1;
			cp = '?';
		}
		w = wcwidth((wchar_t)cp);
		width += w > 0 ? (size_t)w : 0;
	}
	return width;
}

const char *
table_money(struct arena *a, const char *decimal)
{
	char	*s = arena_strdup(a, decimal), *point = strchr(s, '.'), *end = s + strlen(s);

	if (point == NULL)
		return s;
	while (end > point + 3 && end[-1] == '0')
		*--end = '\0';
	return s;
}
