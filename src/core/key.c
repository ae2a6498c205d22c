#include "core/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_MAX	4096

static int
read_file(struct arena *a, const char *file, const char **key, const char **err)
{
	char	*buf = arena_get(a, KEY_MAX + 1);
	ssize_t	 n = -1;
	int	 fd;

	if ((fd = open(file, O_RDONLY | O_CLOEXEC)) != -1) {
		n = read(fd, buf, KEY_MAX);
		close(fd);
	}
	if (n == -1) {
		*err = arena_printf(a, "key file %s: %s", file, strerror(errno));
		return -1;
	}
	while (n > 0 && strchr(" \t\r\n", buf[n - 1]) != NULL)
		n--;
	buf[n] = '\0';
	*key = buf;
	return 0;
}

int
key_of(struct arena *a, const struct model *m, const char **key, const char **err)
{
	const char	*k = NULL;

	*key = NULL;
	if (m->key_env != NULL && (k = getenv(m->key_env)) == NULL) {
		*err = arena_printf(a, "the environment variable %s is not set", m->key_env);
		return -1;
	}
	if (k == NULL && m->key_file != NULL && read_file(a, m->key_file, &k, err) == -1)
		return -1;
	/* A line end inside would begin another header of the request. */
	if (k != NULL && (*k == '\0' || strpbrk(k, "\r\n") != NULL)) {
		*err = arena_printf(a, "the key of model %s is empty or has several lines",
		    m->code);
		return -1;
	}
	*key = arena_strdup(a, k);
	return 0;
}
