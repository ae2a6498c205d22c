/* Event streams: however the bytes are cut into packets, the events are the same. */
#include <stdlib.h>
#include <string.h>

#include "base/sse.h"
#include "fuzz.h"

#define CAP	256

static int
on_event(void *arg, const char *data, size_t len)
{
	struct str	*all = arg;

	if (len == 0 || len > CAP || data[len] != '\0')
		abort();
	str_put(all, data, len);
	str_put(all, "\0|", 2);
	return 0;
}

/* All events of the input, fed `step` bytes at a time. */
static int
events(const char *data, size_t n, size_t step, struct str *all)
{
	struct sse	 s;
	int		 rc = 0;

	sse_init(&s, CAP);
	for (size_t i = 0; i < n && rc == 0; i += step)
		rc = sse_feed(&s, data + i, n - i < step ? n - i : step, on_event, all);
	if (rc == 0)
		rc = sse_end(&s, on_event, all);
	sse_free(&s);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const size_t	 steps[] = { 1, 2, 3, 7, 64 };
	struct str		 whole = STR_INIT(0), parts = STR_INIT(0);
	int			 rc;

	rc = events((const char *)data, n, n + 1, &whole);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		str_reset(&parts);
		if (events((const char *)data, n, steps[i], &parts) != rc || parts.len != whole.len ||
		    (whole.len != 0 && memcmp(parts.p, whole.p, whole.len) != 0))
			abort();
	}
	str_free(&whole);
	str_free(&parts);
	return 0;
}
