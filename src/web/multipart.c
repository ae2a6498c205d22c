#include "multipart.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <gmime/gmime.h>

#include "base/filename.h"
#include "base/log.h"
#include "base/scratch.h"
#include "base/unread.h"
#include "base/utf8.h"

#define WINDOW		65536	/* what is looked through at once */
#define HEAD_MOST	8192	/* of a part, with the end of the delimiter before it */
#define BOUNDARY_MOST	200	/* RFC 2046 has 70 */

/* Going through the file. */
struct scan {
	struct ctx	*cx;
	int		 fd;
	const char	*delimiter;	/* "\r\n--boundary" */
	size_t		 dlen;
	char		*window;
};

/* At most n bytes from there on, fewer only at the end of the file. -1: ctx failed. */
static ssize_t
scan_read(struct scan *s, int64_t from, char *buf, size_t n)
{
	const long	 got = scratch_get(s->fd, buf, n, from);

	if (got == -1) {
		log_error("an upload cannot be read", LOG_S("error", strerror(errno)));
		return fail(s->cx, F_INTERNAL, "%s", s->cx->rid);
	}
	return got;
}

/* Where the first delimiter from there on begins; -1: ctx failed: `without` where there is none. */
static int64_t
scan_find(struct scan *s, int64_t from, enum unread without)
{
	const char	*at;
	ssize_t		 n;

	while ((n = scan_read(s, from, s->window, WINDOW)) >= (ssize_t)s->dlen) {
		if ((at = memmem(s->window, (size_t)n, s->delimiter, s->dlen)) != NULL)
			return from + (at - s->window);
		from += n - (ssize_t)s->dlen + 1;	/* it may have begun */
	}
	return n == -1 ? -1 : fail_unread(s->cx, without);
}

/*
 * The first delimiter may have no line before it, else what stands there is nobody's (RFC 2046's
 * preamble). Where what follows it begins, or -1.
 */
static int64_t
scan_begin(struct scan *s)
{
	const size_t	 len = s->dlen - strlen("\r\n");
	int64_t		 at;
	ssize_t		 n;

	if ((n = scan_read(s, 0, s->window, len)) == -1)
		return -1;
	if ((size_t)n == len && memcmp(s->window, s->delimiter + strlen("\r\n"), len) == 0)
		return (int64_t)len;
	at = scan_find(s, 0, UNREAD_NO_PART);
	return at == -1 ? -1 : at + (int64_t)s->dlen;
}

/* Heads, by GMime. */

static void
mime_open(void)
{
	g_mime_init();
}

static void
mime_once(void)
{
	static pthread_once_t	once = PTHREAD_ONCE_INIT;

	pthread_once(&once, mime_open);
}

/* A quote and the ends of lines come as browsers write them into a name. */
static size_t
name_unescape(char *s, size_t n)
{
	static const char	what[] = "\"\r\n";
	static const char	*const codes[] = { "%22", "%0D", "%0A" };
	size_t			 to = 0, k;

	for (size_t i = 0; i < n; i++) {
		for (k = 0; k < 3 && (n - i < 3 || strncasecmp(s + i, codes[k], 3) != 0); k++)
			continue;
		s[to++] = k < 3 ? what[k] : s[i];
		i += k < 3 ? 2 : 0;
	}
	return to;
}

static char *
text_of(struct arena *a, const char *from)
{
	const size_t	 n = strlen(from);
	char		*s = arena_get(a, 3 * n + 1);

	utf8_clean(s, from, n);
	return s;
}

static const char *
name_clean(struct arena *a, const char *from)
{
	char	*s = arena_strdup(a, from);

	return filename_clean(a, s, name_unescape(s, strlen(s)));
}

static void
head_take(struct arena *a, GMimeObject *o, struct multipart_part *part)
{
	const char	*s;

	if ((s = g_mime_object_get_content_disposition_parameter(o, "name")) != NULL)
		part->name = text_of(a, s);
	if ((s = g_mime_object_get_content_disposition_parameter(o, "filename")) != NULL)
		part->file_name = name_clean(a, s);
}

/*
 * Browsers mean a backslash as it is, as in a path of Windows; what is older escapes with it. Where
 * it escapes neither a quote nor itself it is the former, and doubled for GMime.
 */
static const char *
head_plain(struct arena *a, const char *head, size_t *len)
{
	char	*s = arena_get(a, 2 * *len + 1);
	size_t	 to = 0;

	for (size_t i = 0; i < *len; i++) {
		s[to++] = head[i];
		if (head[i] != '\\')
			continue;
		if (i + 1 < *len && (head[i + 1] == '"' || head[i + 1] == '\\'))
			s[to++] = head[++i];
		else
			s[to++] = '\\';
	}
	*len = to;
	return s;
}

static int
head_parse(struct ctx *cx, const char *head, size_t len, struct multipart_part *part)
{
	GMimeStream	*stream;
	GMimeParser	*parser;
	GMimeObject	*o;
	int		 rc = 0;

	part->name = "";
	if (memchr(head, '\0', len) != NULL)
		return fail_unread(cx, UNREAD_PART_HEAD);
	head = head_plain(cx->a, head, &len);
	stream = g_mime_stream_mem_new_with_buffer(head, len);
	parser = g_mime_parser_new_with_stream(stream);
	if ((o = g_mime_parser_construct_part(parser, NULL)) == NULL)
		rc = fail_unread(cx, UNREAD_PART_HEAD);
	else if (!GMIME_IS_PART(o))
		rc = fail_unread(cx, UNREAD_NESTED);
	else
		head_take(cx->a, o, part);
	if (o != NULL)
		g_object_unref(o);
	g_object_unref(parser);
	g_object_unref(stream);
	return rc;
}

/*
 * What follows the delimiter that ends at `at`: a part's head (1, part->from is set), the end of
 * the body (0), or -1.
 */
static int
part_open(struct scan *s, int64_t at, struct multipart_part *part)
{
	const char	*p, *end;
	ssize_t		 n;

	if ((n = scan_read(s, at, s->window, HEAD_MOST)) == -1)
		return -1;
	if (n >= 2 && memcmp(s->window, "--", 2) == 0)
		return 0;
	for (p = s->window; p < s->window + n && (*p == ' ' || *p == '\t'); p++)
		continue;
	n -= p - s->window;
	if (n < 2)
		return fail_unread(s->cx, UNREAD_CUT);
	end = memmem(p, (size_t)n, "\r\n\r\n", 4);
	if (end == NULL || memcmp(p, "\r\n", 2) != 0)
		return fail_unread(s->cx, UNREAD_PART_HEAD);
	part->from = at + (end + 4 - s->window);
	return head_parse(s->cx, p + 2, (size_t)(end + 4 - p - 2), part) == -1 ? -1 : 1;
}

static int
parts_list(struct scan *s, struct multipart_part *list, size_t *n)
{
	struct multipart_part	 more;
	int64_t			 at;
	int			 rc;

	if ((at = scan_begin(s)) == -1)
		return -1;
	for (*n = 0;; list[(*n)++] = more) {
		more = (struct multipart_part){ 0 };
		if ((rc = part_open(s, at, &more)) <= 0)
			return rc;
		if (*n == MULTIPART_MOST)
			return fail_unread(s->cx, UNREAD_PARTS);
		if ((at = scan_find(s, more.from, UNREAD_CUT)) == -1)
			return -1;
		more.len = at - more.from;
		at += (int64_t)s->dlen;
	}
}

/* "\r\n--boundary", or NULL. */
static char *
delimiter_of(struct ctx *cx, const char *type)
{
	GMimeContentType	*ct = g_mime_content_type_parse(NULL, type);
	const char		*boundary = NULL;
	char			*s = NULL;

	if (ct != NULL)
		boundary = g_mime_content_type_get_parameter(ct, "boundary");
	if (boundary == NULL || *boundary == '\0' || strlen(boundary) > BOUNDARY_MOST)
		fail_unread(cx, UNREAD_BOUNDARY);
	else
		s = arena_printf(cx->a, "\r\n--%s", boundary);
	if (ct != NULL)
		g_object_unref(ct);
	return s;
}

int
multipart_parse(struct ctx *cx, int fd, const char *type, struct multipart_part **list, size_t *n)
{
	struct scan	 s = { .cx = cx, .fd = fd };

	mime_once();
	if ((s.delimiter = delimiter_of(cx, type)) == NULL)
		return -1;
	s.dlen = strlen(s.delimiter);
	s.window = arena_get(cx->a, WINDOW);
	*list = arena_array(cx->a, MULTIPART_MOST, sizeof(**list));
	return parts_list(&s, *list, n);
}
