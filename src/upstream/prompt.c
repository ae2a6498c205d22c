#include "upstream/prompt.h"

#include <string.h>

#include "base/jw.h"
#include "base/utf8.h"

#define ANSWER_ROOM	1024	/* tokens kept free for an answer whose length is not said */
#define PER_MESSAGE	4	/* tokens that role and separators of a message take */
#define PER_IMAGE	765	/* tokens: what a picture of 1024 x 1024 takes, as a rule */

static const char *const role_names[] = { "system", "user", "assistant" };

int
role_parse(const char *s)
{
	for (int i = 0; s != NULL && i < 3; i++)
		if (strcmp(s, role_names[i]) == 0)
			return i;
	return -1;
}

/* The image that is sent with the i-th message; NULL: none. */
static const char *
image_of(const struct prompt *p, size_t i)
{
	return p->blind && i + 1 < p->n ? NULL : p->m[i].image;
}

static int64_t
tokens_of(const char *text, const char *image)
{
	return utf8_tokens(text, strlen(text)) + PER_MESSAGE + (image != NULL ? PER_IMAGE : 0);
}

static int64_t
tokens_at(const struct prompt *p, size_t i)
{
	return tokens_of(p->m[i].text, image_of(p, i));
}

static int64_t
tokens_of_extra(const char *extra)
{
	return extra != NULL ? utf8_tokens(extra, strlen(extra)) : 0;
}

int64_t
prompt_room(int context_tokens, int max_tokens)
{
	if (context_tokens == 0)
		return INT64_MAX;
	return context_tokens - (max_tokens > 0 ? max_tokens : ANSWER_ROOM);
}

int64_t
prompt_estimate(const struct message *m, size_t n, const char *extra)
{
	int64_t	 total = tokens_of_extra(extra);

	for (size_t i = 0; i < n; i++)
		total += tokens_of(m[i].text, m[i].image);
	return total;
}

static void
open_part(struct jw *w, const char *type)
{
	jw_obj(w, NULL);
	jw_str(w, "type", type);
}

/* Text alone is a string; with an image it is one of two parts. */
static void
write_content(struct jw *w, const char *text, const char *image)
{
	if (image == NULL) {
		jw_str(w, "content", text);
		return;
	}
	jw_arr(w, "content");
	open_part(w, "text");
	jw_str(w, "text", text);
	jw_end(w);
	open_part(w, "image_url");
	jw_obj(w, "image_url");
	jw_str(w, "url", image);
	jw_end(w);
	jw_end(w);
	jw_end(w);
}

/* As it came, or made of its parts. */
static void
write_message(struct jw *w, const struct prompt *p, size_t i)
{
	const struct message	*m = &p->m[i];

	if (m->raw != NULL) {
		jw_raw(w, NULL, m->raw, strlen(m->raw));
		return;
	}
	jw_obj(w, NULL);
	jw_str(w, "role", role_names[m->role]);
	write_content(w, m->text, image_of(p, i));
	jw_end(w);
}

/*
 * The index of the first message, past the leading system ones, that is sent: whole turns are
 * dropped from the oldest on until the rest fits.
 */
static size_t
first_kept(const struct prompt *p, size_t systems, int64_t *total)
{
	const int64_t	 room = prompt_room(p->context_tokens, p->max_tokens);
	size_t		 i = systems, next;

	while (*total > room) {
		for (next = i + 1; next < p->n && p->m[next].role != ROLE_USER; next++)
			;
		if (next >= p->n)
			break;			/* only the question's own turn is left */
		for (; i < next; i++)
			*total -= tokens_at(p, i);
	}
	return i;
}

int64_t
prompt_write(struct str *out, const struct prompt *p)
{
	struct jw	 w;
	int64_t		 total = tokens_of_extra(p->extra);
	size_t		 systems = 0, first;

	for (size_t i = 0; i < p->n; i++)
		total += tokens_at(p, i);
	while (systems < p->n && p->m[systems].role == ROLE_SYSTEM)
		systems++;
	first = first_kept(p, systems, &total);

	jw_open(&w, out);
	jw_obj(&w, NULL);
	jw_str(&w, "model", p->model);
	jw_bool(&w, "stream", true);
	jw_obj(&w, "stream_options");
	jw_bool(&w, "include_usage", true);
	jw_end(&w);
	if (p->max_tokens > 0)
		jw_i64(&w, "max_tokens", p->max_tokens);
	jw_arr(&w, "messages");
	for (size_t i = 0; i < p->n; i++) {
		if (i >= systems && i < first)
			continue;
		write_message(&w, p, i);
	}
	jw_end(&w);
	if (p->extra != NULL && *p->extra != '\0') {
		str_putc(out, ',');
		str_puts(out, p->extra);
	}
	jw_close(&w);
	return total;
}
