#include "upstream/whole.h"

#include <string.h>

#include "base/jw.h"
#include "base/utf8.h"

#define PER_PICTURE	1056	/* tokens: what one of 1024 x 1024 takes to draw, as a rule */

static const char *const	paths[] = {
	[ASK_STREAM] = "/chat/completions",
	[ASK_IMAGES] = "/images/generations",
	[ASK_TRANSCRIPT] = "/audio/transcriptions",
};

const char *
whole_path(enum ask_kind kind)
{
	return paths[kind];
}

int64_t
whole_write(struct str *dst, enum ask_kind kind, const char *model, const char *prompt,
    const char *extra)
{
	struct jw	 w;

	jw_open(&w, dst);
	jw_obj(&w, NULL);
	jw_str(&w, "model", model);
	if (kind == ASK_IMAGES)
		jw_str(&w, "prompt", prompt);
	else
		jw_str(&w, "response_format", "json");
	if (extra != NULL) {
		str_putc(dst, ',');
		str_puts(dst, extra);
	}
	jw_close(&w);
	return kind == ASK_IMAGES ? utf8_tokens(prompt, strlen(prompt)) : 0;
}

size_t
whole_fields(struct arena *a, const struct json *j, struct call_field *fields)
{
	const struct json	*value;
	const char		*name, *s;
	const void		*at = NULL;
	size_t			 n = 0, len;

	while (n < WHOLE_FIELDS && json_next(j, &at, &name, &value))
		fields[n++] = (struct call_field){ .name = arena_strdup(a, name),
		    .value = json_get_str(value, &s, &len) ? arena_strndup(a, s, len) :
		    json_dump(a, value) };
	return n;
}

/* The two names that servers have for either number. */
static bool
count_of(const struct json *usage, const char *name, const char *other, int64_t *n)
{
	const struct json	*j = json_at(usage, name);

	if (j == NULL)
		j = json_at(usage, other);
	return json_get_i64(j, n) && *n >= 0;
}

static void
read_usage(struct whole *w, const struct json *reply)
{
	const struct json	*u = json_at(reply, "usage");
	int64_t			 in, out;

	if (u == NULL || !json_is_object(u) || !count_of(u, "input_tokens", "prompt_tokens", &in) ||
	    !count_of(u, "output_tokens", "completion_tokens", &out))
		return;
	w->usage = true;
	w->prompt_tokens = in;
	w->completion_tokens = out;
}

static bool
is_base64(const char *s, size_t n)
{
	return n > 0 && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789+/-_=") == n;
}

static int
add_picture(struct jw *w, const struct json *picture)
{
	static const char *const	 names[] = { "url", "b64_json" };
	const char			*s;
	size_t				 len;

	for (int i = 0; i < 2; i++) {
		if (!json_get_str(json_at(picture, names[i]), &s, &len))
			continue;
		if (i == 0 ? len == 0 || !utf8_valid(s, len) : !is_base64(s, len))
			return -1;
		jw_obj(w, NULL);
		jw_strn(w, names[i], s, len);
		jw_end(w);
		return 0;
	}
	return -1;
}

static int
read_pictures(struct whole *whole, const struct json *reply)
{
	const struct json	*data = json_at(reply, "data");
	struct jw		 w;
	size_t			 n = json_count(data);

	if (n == 0)
		return -1;
	jw_open(&w, &whole->text);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++)
		if (add_picture(&w, json_elem(data, i)) == -1)
			return -1;
	jw_close(&w);
	whole->completion_tokens = (int64_t)n * PER_PICTURE;
	return 0;
}

static int
read_transcript(struct whole *whole, const struct json *reply)
{
	const char	*s;
	char		*p;
	size_t		 len;

	if (!json_get_str(json_at(reply, "text"), &s, &len) || memchr(s, '\0', len) != NULL)
		return -1;
	if ((p = str_room(&whole->text, 3 * len + 1)) == NULL)
		return -1;
	whole->text.len += utf8_clean(p, s, len);
	whole->text.p[whole->text.len] = '\0';
	return 0;
}

int
whole_read(struct whole *w, enum ask_kind kind, const struct json *reply)
{
	if (!json_is_object(reply) ||
	    (kind == ASK_IMAGES ? read_pictures(w, reply) : read_transcript(w, reply)) == -1)
		return -1;
	read_usage(w, reply);
	return w->text.full ? -1 : 0;
}
