/*
 * Upstream chunks: where the short cut understands one, the JSON parser understands the same; texts
 * are UTF-8 whatever stands in the event, also with half a character before it; and so are the calls of
 * tools that its pieces make.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "upstream/delta.h"
#include "upstream/scan.h"
#include "upstream/toolcalls.h"

static struct delta_parser	*parser;

/* Twice, so that pieces go on with each other. */
static void
call(const struct json *pieces)
{
	struct toolcalls	 calls = { 0 };
	struct str		 s = STR_INIT(0);
	struct jw		 w;

	if (toolcalls_add(&calls, pieces) == 0)
		toolcalls_add(&calls, pieces);
	jw_open(&w, &s);
	toolcalls_write(&calls, &w, NULL);
	if (calls.n > TOOLCALLS_MAX || !utf8_valid(s.p, s.len))
		abort();
	str_free(&s);
	toolcalls_free(&calls);
}

static void
parse(struct delta_half half, const char *event, size_t n)
{
	struct chunk	 c;

	if (delta_parse(parser, &half, event, n, &c) == -1)
		return;
	if (!utf8_valid(c.text, c.text_len) || !utf8_valid(c.reasoning, c.reasoning_len))
		abort();
	if (c.tool_calls != NULL)
		call(c.tool_calls);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct str	 room;
	struct delta_half	 half = { 0 };
	struct chunk		 c;
	const char		*text, *event = (const char *)data;
	size_t			 len;

	if (parser == NULL)
		parser = delta_parser_new();
	parse(half, event, n);
	parse((struct delta_half){ .first = 0xd83d }, event, n);
	parse((struct delta_half){ .first = 0xd83d, .reasoning = true }, event, n);
	if (!scan_text(event, n, &room, &text, &len))
		return 0;
	if (delta_parse_json(parser, &half, event, n, &c) == -1 || c.text_len != len ||
	    (len > 0 && memcmp(c.text, text, len) != 0))
		abort();
	if (c.reasoning != NULL || c.finish != FINISH_NONE || c.has_usage || c.citations != NULL ||
	    c.tool_calls != NULL || c.error || c.done || c.lost != LOST_NONE || half.first != 0)
		abort();
	return 0;
}
