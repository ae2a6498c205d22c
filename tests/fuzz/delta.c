/*
 * Upstream chunks: where the short cut understands one, the JSON parser understands the same; texts
 * are UTF-8 whatever stands in the event, also with half a character before it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "upstream/delta.h"
#include "upstream/scan.h"

static struct delta_parser	*parser;

static void
parse(struct delta_half half, const char *event, size_t n)
{
	struct chunk	 c;

	if (delta_parse(parser, &half, event, n, &c) == 0 &&
	    (!utf8_valid(c.text, c.text_len) || !utf8_valid(c.reasoning, c.reasoning_len)))
		abort();
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
	    c.error || c.done || c.lost != LOST_NONE || half.first != 0)
		abort();
	return 0;
}
