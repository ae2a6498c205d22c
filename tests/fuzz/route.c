/* Paths: whatever comes, a row is found or not, and how the path is written makes no difference. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "fuzz.h"
#include "web/route.h"

#define ROW(m, p)	{ .methods = m, .path = p }
static const struct route	rows[] = {
	ROW(M_GET, "/"),
	ROW(M_GET, "/a/{x}"),
	ROW(M_POST, "/a/{x}/b"),
	ROW(M_GET | M_POST, "/a/b"),
	ROW(M_DELETE, "/a/{x}/{y}/{z}"),
	ROW(M_GET, "/a/{x}/b/{z}"),
};

static void
find(const struct routes *t, struct arena *a, enum method m, const char *path,
    struct route_hit *hit)
{
	int	i;

	routes_find(t, a, m, path, hit);
	if (hit->route == NULL)
		return;
	if (!(hit->methods & (int)m))
		abort();
	for (i = 0; i < ROUTE_ARGS && hit->args[i] != NULL; i++)
		if (*hit->args[i] == '\0')
			abort();
}

/* The same path after "/api", with its slashes doubled and one at its end. */
static char *
rewritten(struct arena *a, const char *path)
{
	char	*s = arena_get(a, 2 * strlen(path) + 8), *p = s;

	memcpy(p, "//api/", 6);
	for (p += 6; *path != '\0'; path++) {
		*p++ = *path;
		if (*path == '/')
			*p++ = '/';
	}
	*p = '/';
	return s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct routes	*t;
	static const int	 methods[] = { M_GET, M_HEAD, M_POST, M_DELETE };
	struct str		 err = STR_INIT(0);
	struct route_hit	 one, other;
	struct arena		*a = arena_new(0);
	char			*path = arena_strndup(a, (const char *)data, n);
	const char		*first = path + strspn(path, "/");
	size_t			 i;

	if (t == NULL && (t = routes_compile(rows, sizeof(rows) / sizeof(rows[0]), &err)) == NULL)
		abort();
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		find(t, a, (enum method)methods[i], path, &one);
		if (strcspn(first, "/") == 3 && memcmp(first, "api", 3) == 0)
			continue;
		find(t, a, (enum method)methods[i], rewritten(a, path), &other);
		if (one.route != other.route || one.methods != other.methods)
			abort();
	}
	arena_free(a);
	return 0;
}
