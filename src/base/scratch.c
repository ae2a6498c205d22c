#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
scratch_open(const char *dir)
{
	char	name[PATH_MAX];
	int	fd;

	if ((fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) != -1 ||
	    (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	/* Not every file system can: then it has a name for a moment. */
	if (snprintf(name, sizeof(name), "%s/scratch.XXXXXX", dir) >= (int)sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((fd = mkostemp(name, O_CLOEXEC)) != -1)
		unlink(name);
	return fd;
}

int
scratch_put(int fd, const void *p, size_t n)
{
	const char	*from = p;
	ssize_t		 put;

	for (; n > 0; from += put, n -= (size_t)put)
		if ((put = write(fd, from, n)) == -1) {
			if (errno != EINTR)
				return -1;
			put = 0;
		}
	return 0;
}

long
scratch_get(int fd, void *p, size_t n, long long at)
{
	size_t	 have = 0;
	ssize_t	 got;

	while (have < n) {
		got = pread(fd, (char *)p + have, n - have, (off_t)at + (off_t)have);
		if (got == 0)
			break;
		if (got == -1 && errno != EINTR)
			return -1;
		have += got > 0 ? (size_t)got : 0;
	}
	return (long)have;
}
