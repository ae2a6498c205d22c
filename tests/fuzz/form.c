/* Bodies and queries in application/x-www-form-urlencoded. */
#include "fuzz.h"
#include "sample.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ctx	 cx;

	sample_open(&cx);
	sample_check(&cx, json_from_form(&cx, (const char *)data, n), false);
	sample_close(&cx);
	return 0;
}
