/* Bodies of multipart/form-data: the first line is the Content-Type, the rest the file. */
#include <sys/mman.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/url.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "web/multipart.h"

#define MUST(what)	do { if (!(what)) abort(); } while (0)

static void
check_name(const char *s)
{
	MUST(utf8_valid(s, strlen(s)));
	MUST(url_text(s, strlen(s)));		/* no control characters */
	MUST(strpbrk(s, "/\\") == NULL);
}

/* Parts lie one behind the other, each within the file. */
static void
check(const struct multipart_part *p, size_t n, int64_t size)
{
	int64_t	 at = 0;

	MUST(n <= MULTIPART_MOST);
	for (size_t i = 0; i < n; i++) {
		MUST(p[i].from > at && p[i].len >= 0);
		at = p[i].from + p[i].len;
		MUST(at < size);
		MUST(utf8_valid(p[i].name, strlen(p[i].name)));
		if (p[i].file_name != NULL)
			check_name(p[i].file_name);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t		*line = n > 0 ? memchr(data, '\n', n) : NULL;
	struct ctx		 cx = { .a = arena_new(0), .lang = LANG_EN };
	struct multipart_part	*parts;
	const char		*type;
	size_t			 count, len;
	int			 fd;

	if (line != NULL && (fd = memfd_create("body", MFD_CLOEXEC)) != -1) {
		type = arena_strndup(cx.a, (const char *)data, (size_t)(line - data));
		len = n - (size_t)(line + 1 - data);
		MUST(write(fd, line + 1, len) == (ssize_t)len);
		if (multipart_parse(&cx, fd, type, &parts, &count) == 0)
			check(parts, count, (int64_t)len);
		else
			MUST(cx.fail.kind == F_BODY);
		close(fd);
	}
	arena_free(cx.a);
	return 0;
}
