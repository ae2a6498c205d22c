/* Bodies in JSON: parsed by the strict rules, and by the lenient ones of upstream events. */
#include "fuzz.h"
#include "sample.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct json_parser	*p = json_parser_new();
	struct json		*j;
	struct ctx		 cx;

	sample_open(&cx);
	sample_check(&cx, json_parse(&cx, (const char *)data, n), false);
	if ((j = json_parser_parse(p, (const char *)data, n)) != NULL)
		sample_check(&cx, j, true);
	sample_close(&cx);
	json_parser_free(p);
	return 0;
}
