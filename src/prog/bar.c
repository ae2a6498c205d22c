#include "bar.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define BAR		"##############################"
#define BAR_LEN		((int)sizeof(BAR) - 1)
#define EVERY		100		/* ms between two looks of it */

void
bar_begin(struct bar *b)
{
	*b = (struct bar){ .on = isatty(STDERR_FILENO), .begun = clock_mono_ms() };
}

double
bar_seconds(const struct bar *b)
{
	const int64_t	ms = clock_mono_ms() - b->begun;

	return (double)(ms > 0 ? ms : 1) / 1000;
}

void
bar_draw(struct bar *b, int64_t done, int64_t all, const char *fmt, ...)
{
	const int64_t	now = clock_mono_ms();
	const double	part = all > 0 ? (double)done / (double)all : 1;
	const int	full = (int)(BAR_LEN * part);
	va_list		ap;

	if (!b->on || now < b->drawn + EVERY)
		return;
	b->drawn = now;
	fprintf(stderr, "\r[%.*s%*s] %3d %%  ", full, BAR, BAR_LEN - full, "", (int)(100 * part));
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\033[K", stderr);
}

void
bar_clear(const struct bar *b)
{
	if (b->on)
		fputs("\r\033[K", stderr);
}
