#include "api/chat_file.h"

#include <string.h>
#include <strings.h>

#include "base/ident.h"

#define BEFORE	"/v1/chat/document/"
#define AFTER	"/file"

char *
chat_file_url(struct arena *a, int64_t document)
{
	return arena_printf(a, BEFORE "%lld" AFTER, (long long)document);
}

/* The length of an authority without the port that need not be said. */
static size_t
named(const char *authority, size_t n, const char *port)
{
	size_t	 len = strlen(port);

	return n > len && strncmp(authority + n - len, port, len) == 0 ? n - len : n;
}

/* Where the path begins if the address is of this server; NULL: it is not. */
static const char *
path_of(const char *url, const char *host)
{
	static const struct {
		const char	*scheme, *port;
	} webs[] = { { "http://", ":80" }, { "https://", ":443" } };

	if (*url == '/')
		return url;
	for (size_t i = 0; host != NULL && i < sizeof(webs) / sizeof(webs[0]); i++) {
		const char	*at = url + strlen(webs[i].scheme);
		size_t		 n, ours;

		if (strncasecmp(url, webs[i].scheme, strlen(webs[i].scheme)) != 0)
			continue;
		n = named(at, strcspn(at, "/?#"), webs[i].port);
		ours = named(host, strlen(host), webs[i].port);
		if (n == ours && strncasecmp(at, host, n) == 0)
			return at + strcspn(at, "/?#");
	}
	return NULL;
}

bool
chat_file_parse(const char *url, const char *host, int64_t *document)
{
	const char	*path = path_of(url, host), *id;
	char		 s[24];
	size_t		 n, rest;

	if (path == NULL)
		return false;
	if (strncmp(path, "/api/", 5) == 0)
		path += 4;
	if (strncmp(path, BEFORE, strlen(BEFORE)) != 0)
		return false;
	id = path + strlen(BEFORE);
	n = strcspn(id, "/");
	rest = strcspn(id + n, "?#");
	*document = 0;
	if (rest != strlen(AFTER) || strncmp(id + n, AFTER, rest) != 0 || n >= sizeof(s))
		return true;
	memcpy(s, id, n);
	s[n] = '\0';
	if (!ident_parse(s, document))
		*document = 0;
	return true;
}
