#include "str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

#define SMALLEST	64
#define LARGE		4096
#define DEFAULT_CAP	((size_t)1 << 30)

static size_t
cap_of(const struct str *s)
{
	return s->cap != 0 ? s->cap : DEFAULT_CAP;
}

/* Memory for n more bytes and the NUL; -1 when they are over the cap. */
static int
reserve(struct str *s, size_t n)
{
	size_t	 cap = cap_of(s), need, size;

	if (s->len > cap || n > cap - s->len) {
		s->full = true;
		return -1;
	}
	need = s->len + n + 1;
	if (need <= s->size)
		return 0;
	/* Doubling is quick; long ones grow by half, or ten thousand of them waste too much. */
	size = s->size == 0 ? SMALLEST :
	    s->size < LARGE ? s->size * 2 : s->size + s->size / 2;
	if (size < need)
		size = need;
	if (size > cap + 1)
		size = cap + 1;
	s->p = xrealloc(s->p, size);
	s->size = size;
	return 0;
}

int
str_put(struct str *s, const void *p, size_t n)
{
	if (reserve(s, n) == -1)
		return -1;
	if (n != 0)
		memcpy(s->p + s->len, p, n);
	s->len += n;
	s->p[s->len] = '\0';
	return 0;
}

int
str_puts(struct str *s, const char *text)
{
	return str_put(s, text, strlen(text));
}

int
str_putc(struct str *s, char c)
{
	return str_put(s, &c, 1);
}

/* First into the memory that is there; what does not fit is formatted a second time. */
int
str_printf(struct str *s, const char *fmt, ...)
{
	size_t	 room;
	va_list	 ap;
	int	 n;

	if (reserve(s, 0) == -1)
		return -1;
	room = s->size - s->len;
	va_start(ap, fmt);
	n = vsnprintf(s->p + s->len, room, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n >= room) {
		if (reserve(s, (size_t)n) == -1) {
			s->p[s->len] = '\0';
			return -1;
		}
		va_start(ap, fmt);
		n = vsnprintf(s->p + s->len, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	if (n < 0) {
		s->p[s->len] = '\0';
		return -1;
	}
	s->len += (size_t)n;
	return 0;
}

char *
str_room(struct str *s, size_t n)
{
	if (reserve(s, n) == -1)
		return NULL;
	s->p[s->len] = s->p[s->len + n] = '\0';
	return s->p + s->len;
}

void
str_cut(struct str *s, size_t n)
{
	if (n == 0 || s->len == 0)
		return;
	if (n > s->len)
		n = s->len;
	s->len -= n;
	memmove(s->p, s->p + n, s->len);
	s->p[s->len] = '\0';
}

void
str_reset(struct str *s)
{
	s->len = 0;
	s->full = false;
	if (s->p != NULL)
		s->p[0] = '\0';
}

void
str_free(struct str *s)
{
	free(s->p);
	*s = (struct str)STR_INIT(s->cap);
}

char *
str_keep(struct str *s, struct arena *a)
{
	char	*kept = arena_strndup(a, s->len > 0 ? s->p : "", s->len);

	str_free(s);
	return kept;
}
