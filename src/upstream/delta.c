#include "upstream/delta.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "upstream/half.h"
#include "upstream/scan.h"

#define REPLACEMENT	"\xef\xbf\xbd"	/* U+FFFD */

struct delta_parser {
	struct json_parser	*json;
	struct json		*event;		/* what the last chunk points into */
	struct str		 marked;	/* the event, where it had half characters */
	struct str		 clean[2];	/* text and reasoning, where they were not UTF-8 */
};

struct delta_parser *
delta_parser_new(void)
{
	struct delta_parser	*p = xcalloc(1, sizeof *p);

	p->json = json_parser_new();
	return p;
}

void
delta_parser_free(struct delta_parser *p)
{
	if (p == NULL)
		return;
	json_free(p->event);
	json_parser_free(p->json);
	str_free(&p->marked);
	str_free(&p->clean[0]);
	str_free(&p->clean[1]);
	free(p);
}

static enum finish
finish_of(const char *s, size_t len)
{
	static const struct {
		const char	*name;
		enum finish	 finish;
	} known[] = {
		{ "stop", FINISH_STOP },
		{ "length", FINISH_LENGTH },
		{ "content_filter", FINISH_FILTER },
		{ "tool_calls", FINISH_TOOLS },
		{ "function_call", FINISH_TOOLS },
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strlen(known[i].name) == len && memcmp(known[i].name, s, len) == 0)
			return known[i].finish;
	/* A word of the server's own ("eos"): the answer has ended. */
	return FINISH_STOP;
}

/* The member's text as it came; NULL when it is absent, null or empty. -1: it is something else. */
static int
text_of(const struct json *delta, const char *name, const char **text, size_t *len)
{
	const struct json	*j = json_at(delta, name);

	if (j == NULL)
		return 0;
	if (!json_get_str(j, text, len))
		return -1;
	if (*len == 0)
		*text = NULL;
	return 0;
}

/* The pieces of calls; NULL when they are absent, null or none. -1: it is something else. */
static int
tools_of(const struct json *delta, const struct json **tools)
{
	const struct json	*j = json_at(delta, "tool_calls");

	if (j == NULL)
		return 0;
	if (!json_is_array(j))
		return -1;
	if (json_count(j) > 0)
		*tools = j;
	return 0;
}

/* The character will not become whole. */
static void
lose(struct delta_half *half, struct chunk *c)
{
	c->lost = half->reasoning ? LOST_REASONING : LOST_TEXT;
	half->first = 0;
}

/* Adds a text, what is malformed in it replaced; U+0000, which would end it, is left out. */
static void
put_clean(struct str *dst, const char *s, size_t n)
{
	const char	*nul;
	size_t		 k;

	if (str_room(dst, n * 3) == NULL)
		return;
	for (; n > 0; s += k, n -= k) {
		nul = memchr(s, '\0', n);
		k = nul != NULL ? (size_t)(nul - s) : n;
		dst->len += utf8_clean(dst->p + dst->len, s, k);
		k += nul != NULL;
	}
}

/*
 * Makes a text valid UTF-8: a half that waited is joined with it or lost, one at its end waits
 * where more can come, and what else is malformed is replaced. NULL: nothing is left to tell yet.
 */
static void
mend(struct delta_parser *p, struct delta_half *half, struct chunk *c, bool reasoning, bool more)
{
	const char	**text = reasoning ? &c->reasoning : &c->text, *s = *text;
	size_t		 *len = reasoning ? &c->reasoning_len : &c->text_len, n = *len;
	struct str	 *out = &p->clean[reasoning];
	uint16_t	  first, second;

	if (s == NULL)
		return;
	second = half_begins(s, n);
	if (half->first != 0 && (second == 0 || half->reasoning != reasoning))
		lose(half, c);
	if (utf8_valid(s, n) && memchr(s, '\0', n) == NULL)
		return;
	str_reset(out);
	if (second != 0) {
		if (half->first != 0)
			half_join(out, half->first, second);
		else
			str_puts(out, REPLACEMENT);
		half->first = 0;
		s += HALF_BYTES;
		n -= HALF_BYTES;
	}
	if ((first = half_ends(s, n)) != 0)
		n -= HALF_BYTES;
	put_clean(out, s, n);
	if (first != 0 && more)
		*half = (struct delta_half){ .first = first, .reasoning = reasoning };
	else if (first != 0)
		str_puts(out, REPLACEMENT);
	*text = out->len > 0 ? out->p : NULL;
	*len = out->len;
}

static void
read_usage(const struct json *event, struct chunk *c)
{
	const struct json	*u = json_at(event, "usage");
	int64_t			 in = 0, out = 0;

	if (u == NULL || !json_is_object(u))
		return;
	if (!json_get_i64(json_at(u, "prompt_tokens"), &in) ||
	    !json_get_i64(json_at(u, "completion_tokens"), &out) || in < 0 || out < 0)
		return;
	c->has_usage = true;
	c->prompt_tokens = in;
	c->completion_tokens = out;
}

static int
read_event(struct delta_parser *p, struct delta_half *half, const char *data, size_t n,
    struct chunk *c)
{
	const struct json	*choice, *delta, *j;
	const char		*s;
	size_t			 len;

	if (n == 6 && memcmp(data, "[DONE]", 6) == 0) {
		c->done = true;
		return 0;
	}
	json_free(p->event);
	half_mark(&p->marked, &data, &n);
	if ((p->event = json_parser_parse(p->json, data, n)) == NULL || !json_is_object(p->event))
		return -1;

	read_usage(p->event, c);
	c->error = json_at(p->event, "error") != NULL;
	if ((choice = json_at(p->event, "choices.0")) == NULL) {
		c->citations = json_at(p->event, "citations");
		return 0;
	}
	if (!json_is_object(choice))
		return -1;
	if ((j = json_at(choice, "finish_reason")) != NULL && json_get_str(j, &s, &len))
		c->finish = finish_of(s, len);
	if ((delta = json_at(choice, "delta")) != NULL) {
		if (text_of(delta, "content", &c->text, &c->text_len) == -1 ||
		    text_of(delta, "reasoning_content", &c->reasoning, &c->reasoning_len) == -1)
			return -1;
		/* The reasoning is told first. */
		mend(p, half, c, true, c->finish == FINISH_NONE && c->text == NULL);
		mend(p, half, c, false, c->finish == FINISH_NONE);
	}
	if (tools_of(delta, &c->tool_calls) == -1)
		return -1;
	if ((c->citations = json_at(p->event, "citations")) == NULL && delta != NULL)
		c->citations = json_at(delta, "citations");
	return 0;
}

int
delta_parse_json(struct delta_parser *p, struct delta_half *half, const char *data, size_t n,
    struct chunk *c)
{
	memset(c, 0, sizeof *c);
	if (read_event(p, half, data, n, c) == -1)
		return -1;
	if (half->first != 0 && (c->finish != FINISH_NONE || c->done || c->error))
		lose(half, c);
	return 0;
}

int
delta_parse(struct delta_parser *p, struct delta_half *half, const char *data, size_t n,
    struct chunk *c)
{
	memset(c, 0, sizeof *c);
	if (!scan_text(data, n, &p->clean[0], &c->text, &c->text_len))
		return delta_parse_json(p, half, data, n, c);
	if (c->text_len == 0)
		c->text = NULL;
	else if (half->first != 0)
		lose(half, c);		/* no half comes by this way */
	return 0;
}
