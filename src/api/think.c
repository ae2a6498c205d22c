#include "api/think.h"

#define OPEN	"<think>"
#define CLOSE	"</think>"

const char *
think_delta(struct str *s, const struct delta *d, size_t *len)
{
	if (!(d->flags & (DELTA_OPENS | DELTA_CLOSES))) {
		*len = d->len;
		return d->text;
	}
	if (d->flags & DELTA_CLOSES)
		str_puts(s, CLOSE);
	if (d->flags & DELTA_OPENS)
		str_puts(s, OPEN);
	str_put(s, d->text, d->len);
	*len = s->len;
	return s->p;
}

void
think_whole(struct str *s, const char *reasoning, const char *text)
{
	if (reasoning != NULL && *reasoning != '\0') {
		str_puts(s, OPEN);
		str_puts(s, reasoning);
		str_puts(s, CLOSE);
	}
	if (text != NULL)
		str_puts(s, text);
}
