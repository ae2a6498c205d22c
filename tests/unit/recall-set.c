#include "recall-set.h"

#include <err.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static char *
slurp(const char *path)
{
	struct str	 s = STR_INIT(0);
	FILE		*f = fopen(path, "r");
	char		 part[4096];

	if (f == NULL)
		err(1, "%s", path);
	for (size_t n; (n = fread(part, 1, sizeof(part), f)) > 0;)
		str_put(&s, part, n);
	fclose(f);
	return s.p;
}

char *
recall_file(const char *top, const char *name)
{
	char	 path[4200];

	snprintf(path, sizeof(path), "%s/tests/recall/%s", top, name);
	return slurp(path);
}

void
recall_texts(const char *top, void (*tell)(void *, const char *, char *), void *arg)
{
	char		 path[4200], name[64];
	const char	*file;
	glob_t		 g;

	snprintf(path, sizeof(path), "%s/tests/recall/*.txt", top);
	if (glob(path, 0, NULL, &g) != 0)
		errx(1, "%s: nothing there", path);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		file = strrchr(g.gl_pathv[i], '/') + 1;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(file, "."), file);
		tell(arg, name, slurp(g.gl_pathv[i]));
	}
	globfree(&g);
}
