#include "findings.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "table.h"

#define WHAT	16		/* columns of what was looked at */

static const struct {
	const char	*name, *sign, *colour;
} kinds[] = {
	[GOOD] = { "good", "✓", "\033[32m" },
	[BAD] = { "bad", "✗", "\033[31m" },
	[NOTE] = { "note", "–", "\033[33m" },
};

void
findings_begin(struct findings *f, struct run *r)
{
	*f = (struct findings){ .run = r, .status = EX_OK, .colours = isatty(STDOUT_FILENO) };
	jw_open(&f->w, &f->json);
	jw_obj(&f->w, NULL);
	jw_arr(&f->w, "findings");
}

/* Closes the object of the finding before. */
static void
settle(struct findings *f)
{
	if (f->open) {
		jw_end(&f->w);		/* its advice */
		jw_end(&f->w);
	}
	f->open = false;
}

void
found(struct findings *f, enum finding kind, int status, const char *what, const char *fmt, ...)
{
	const char	*text;
	int		 pad = WHAT - (int)text_width(what);
	va_list		 ap;

	va_start(ap, fmt);
	text = arena_vprintf(f->run->cx.a, fmt, ap);
	va_end(ap);
	f->good += kind == GOOD;
	f->bad += kind == BAD;
	f->notes += kind == NOTE;
	if (kind == BAD && f->status == EX_OK)
		f->status = status;

	settle(f);
	jw_obj(&f->w, NULL);
	jw_str(&f->w, "what", what);
	jw_str(&f->w, "finding", kinds[kind].name);
	jw_str(&f->w, "text", text);
	jw_arr(&f->w, "advice");
	f->open = true;
	if (!f->run->json) {
		printf("%s%s%s %s%*s %s\n", f->colours ? kinds[kind].colour : "", kinds[kind].sign,
		    f->colours ? "\033[0m" : "", what, pad > 0 ? pad : 0, "", text);
		fflush(stdout);
	}
}

void
advise(struct findings *f, const char *fmt, ...)
{
	const char	*text;
	va_list		 ap;

	va_start(ap, fmt);
	text = arena_vprintf(f->run->cx.a, fmt, ap);
	va_end(ap);
	jw_str(&f->w, NULL, text);
	if (!f->run->json)
		printf("%*s→ %s\n", WHAT + 3, "", text);
}

int
findings_end(struct findings *f)
{
	int	status = EX_OK;

	settle(f);
	jw_end(&f->w);
	jw_bool(&f->w, "ok", f->bad == 0);
	if (f->run->json)
		status = cmd_print_json(f->run, &f->w);
	else if (f->bad > 0)
		printf("\n%d of %d not as they should be\n", f->bad, f->good + f->bad);
	str_free(&f->json);
	return status != EX_OK ? status : f->status;
}
