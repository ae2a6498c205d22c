#include "upstream/delta.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "upstream/scan.h"

struct delta_parser {
	struct json_parser	*json;
	struct json		*event;		/* what the last chunk points into */
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

/*
 * The member's text, made valid UTF-8; NULL when it is absent, null or
 * empty. -1: it is something else.
 */
static int
text_of(const struct json *delta, const char *name, struct str *clean, const char **text,
    size_t *len)
{
	const struct json	*j = json_at(delta, name);

	*text = NULL;
	*len = 0;
	if (j == NULL)
		return 0;
	if (!json_get_str(j, text, len))
		return -1;
	if (*len == 0)
		*text = NULL;
	else if (!utf8_valid(*text, *len)) {
		str_reset(clean);
		if (str_room(clean, *len * 3) == NULL)
			return -1;
		clean->len = utf8_clean(clean->p, *text, *len);
		*text = clean->p;
		*len = clean->len;
	}
	return 0;
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

int
delta_parse(struct delta_parser *p, const char *data, size_t n, struct chunk *c)
{
	memset(c, 0, sizeof *c);
	if (!scan_text(data, n, &p->clean[0], &c->text, &c->text_len))
		return delta_parse_json(p, data, n, c);
	if (c->text_len == 0)
		c->text = NULL;
	return 0;
}

int
delta_parse_json(struct delta_parser *p, const char *data, size_t n, struct chunk *c)
{
	const struct json	*choice, *delta, *j;
	const char		*s;
	size_t			 len;

	memset(c, 0, sizeof *c);
	if (n == 6 && memcmp(data, "[DONE]", 6) == 0) {
		c->done = true;
		return 0;
	}
	json_free(p->event);
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
	if ((delta = json_at(choice, "delta")) != NULL) {
		if (text_of(delta, "content", &p->clean[0], &c->text, &c->text_len) == -1 ||
		    text_of(delta, "reasoning_content", &p->clean[1], &c->reasoning,
			&c->reasoning_len) == -1)
			return -1;
	}
	if ((j = json_at(choice, "finish_reason")) != NULL && json_get_str(j, &s, &len))
		c->finish = finish_of(s, len);
	if ((c->citations = json_at(p->event, "citations")) == NULL && delta != NULL)
		c->citations = json_at(delta, "citations");
	return 0;
}
