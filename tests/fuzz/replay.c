/*
 * replay: the corpus as a test where there is no fuzzer: each file of tests/fuzz/corpus/NAME, for
 * the program NAME.t, or those given as arguments. A file fails by ending the process, as it would
 * end the fuzzer.
 */
#include <err.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/*
 * The target gets exactly as much memory as the file is long, so that a sanitizer sees every step
 * too far.
 */
static void
replay(const char *file)
{
	FILE	*f = fopen(file, "r");
	uint8_t	*data;
	long	 n;

	if (f == NULL || fseek(f, 0, SEEK_END) == -1 || (n = ftell(f)) == -1)
		err(1, "%s", file);
	rewind(f);
	if ((data = malloc(n != 0 ? (size_t)n : 1)) == NULL || fread(data, 1, (size_t)n, f) != (size_t)n)
		err(1, "%s", file);
	fclose(f);
	LLVMFuzzerTestOneInput(data, (size_t)n);
	free(data);
}

int
main(int argc, char **argv)
{
	const char	*top = getenv("top_srcdir"), *slash = strrchr(argv[0], '/');
	const char	*self = slash != NULL ? slash + 1 : argv[0];
	char		 pattern[4096];
	glob_t		 g;

	if (argc > 1)
		g = (glob_t){ .gl_pathc = (size_t)argc - 1, .gl_pathv = argv + 1 };
	else {
		snprintf(pattern, sizeof pattern, "%s/tests/fuzz/corpus/%.*s/*", top != NULL ? top : ".",
		    (int)strcspn(self, "."), self);
		if (glob(pattern, 0, NULL, &g) != 0)
			errx(1, "no corpus: %s", pattern);
	}
	printf("1..%zu\n", g.gl_pathc);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		replay(g.gl_pathv[i]);
		printf("ok %zu - %s\n", i + 1, strrchr(g.gl_pathv[i], '/') != NULL ?
		    strrchr(g.gl_pathv[i], '/') + 1 : g.gl_pathv[i]);
		fflush(stdout);
	}
	if (argc == 1)
		globfree(&g);
	return 0;
}
