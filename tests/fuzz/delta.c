/* Upstream chunks: where the short cut understands one, the JSON parser understands the same. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fuzz.h"
#include "upstream/delta.h"
#include "upstream/scan.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct delta_parser	*parser;
	static struct str		 room;
	struct chunk			 c;
	const char			*text, *event = (const char *)data;
	size_t				 len;

	if (parser == NULL)
		parser = delta_parser_new();
	if (!scan_text(event, n, &room, &text, &len)) {
		delta_parse(parser, event, n, &c);
		return 0;
	}
	if (delta_parse_json(parser, event, n, &c) == -1 || c.text_len != len ||
	    (len > 0 && memcmp(c.text, text, len) != 0))
		abort();
	if (c.reasoning != NULL || c.finish != FINISH_NONE || c.has_usage || c.citations != NULL || c.error || c.done)
		abort();
	return 0;
}
