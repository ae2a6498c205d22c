#include "core/kind.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define EXTENSION	5	/* letters, at most */
#define DOCX		"application/vnd.openxmlformats-officedocument.wordprocessingml.document"

static bool
begins(const char *head, size_t n, const char *with, size_t len)
{
	return n >= len && memcmp(head, with, len) == 0;
}
#define BEGINS(head, n, with)	begins(head, n, with, sizeof(with) - 1)

/* No text of one byte per character, or of UTF-8, has a NUL; one of UTF-16 begins with its mark. */
static bool
is_text(const char *head, size_t n)
{
	return memchr(head, '\0', n) == NULL || BEGINS(head, n, "\xff\xfe") ||
	    BEGINS(head, n, "\xfe\xff");
}

/* Readers take one that begins late. */
static bool
is_pdf(const char *head, size_t n)
{
	return memmem(head, n, "%PDF-", 5) != NULL;
}

static bool
is_zip(const char *head, size_t n)
{
	return BEGINS(head, n, "PK\x03\x04");
}

static bool
is_png(const char *head, size_t n)
{
	return BEGINS(head, n, "\x89PNG\r\n\x1a\n");
}

static bool
is_jpeg(const char *head, size_t n)
{
	return BEGINS(head, n, "\xff\xd8\xff");
}

static bool
is_gif(const char *head, size_t n)
{
	return BEGINS(head, n, "GIF87a") || BEGINS(head, n, "GIF89a");
}

static bool
is_webp(const char *head, size_t n)
{
	return BEGINS(head, n, "RIFF") && n >= 12 && memcmp(head + 8, "WEBP", 4) == 0;
}

static const struct {
	const char	*extension;
	struct kind	 kind;
	bool		(*fits)(const char *, size_t);
} kinds[] = {
	{ "txt",	{ "txt", "text/plain" },	is_text },
	{ "md",		{ "md", "text/markdown" },	is_text },
	{ "html",	{ "html", "text/html" },	is_text },
	{ "htm",	{ "html", "text/html" },	is_text },
	{ "pdf",	{ "pdf", "application/pdf" },	is_pdf },
	{ "docx",	{ "docx", DOCX },		is_zip },
	{ "png",	{ "image", "image/png" },	is_png },
	{ "jpg",	{ "image", "image/jpeg" },	is_jpeg },
	{ "jpeg",	{ "image", "image/jpeg" },	is_jpeg },
	{ "gif",	{ "image", "image/gif" },	is_gif },
	{ "webp",	{ "image", "image/webp" },	is_webp },
};

const struct kind *
kind_by_name(const char *file_name)
{
	const char	*dot = strrchr(file_name, '.');

	for (size_t i = 0; dot != NULL && i < COUNT(kinds); i++)
		if (strcasecmp(dot + 1, kinds[i].extension) == 0)
			return &kinds[i].kind;
	return NULL;
}

bool
kind_named(const char *file_name)
{
	const char	*dot = strrchr(file_name, '.');
	size_t		 n = 0;

	if (dot == NULL || !isalpha((unsigned char)dot[1]))
		return false;
	while (isalnum((unsigned char)dot[n + 1]))
		n++;
	return n <= EXTENSION && dot[n + 1] == '\0';
}

const struct kind *
kind_of(const char *file_name, const char *head, size_t n)
{
	const struct kind	*named = kind_by_name(file_name);

	for (size_t i = 0; named != NULL && i < COUNT(kinds); i++)
		if (strcmp(kinds[i].kind.type, named->type) == 0 && kinds[i].fits(head, n))
			return &kinds[i].kind;
	return NULL;
}

/* A type that the content may have, and which says more than that it is bytes, or text. */
static const struct kind *
kind_by_media_type(const char *media_type, const char *head, size_t n)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (strcmp(kinds[i].kind.media_type, media_type) == 0 && kinds[i].fits(head, n))
			return &kinds[i].kind;
	return NULL;
}

/* The first that the content proves; of text that is HTML where it begins as a page does. */
static const struct kind *
kind_by_content(const char *head, size_t n)
{
	size_t	from = BEGINS(head, n, "\xef\xbb\xbf") ? 3 : 0;

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (kinds[i].fits != is_text && kinds[i].fits(head, n))
			return &kinds[i].kind;
	if (!is_text(head, n))
		return NULL;
	while (from < n && strchr(" \t\r\n", head[from]) != NULL)
		from++;
	return kind_by_name(from < n && head[from] == '<' ? ".html" : ".txt");
}

const struct kind *
kind_fetched(const char *file_name, const char *media_type, const char *head, size_t n)
{
	const struct kind	*k;

	if ((k = kind_of(file_name, head, n)) == NULL &&
	    (k = kind_by_media_type(media_type, head, n)) == NULL)
		k = kind_by_content(head, n);
	return k;
}
