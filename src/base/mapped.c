#include "mapped.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A page's cache lines are not shared between the head and what follows. */
struct head {
	char		magic[16];
	uint64_t	size;
	char		rest[40];
};

/* dir/name into path, which holds PATH_MAX. */
static int
path_of(char *path, const char *dir, const char *name)
{
	if (snprintf(path, PATH_MAX, "%s/%s", dir, name) < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/* What stands behind the head; the descriptor is closed. */
static void *
map(int fd, size_t size, int how)
{
	char	*p = mmap(NULL, sizeof(struct head) + size, how, MAP_SHARED, fd, 0);

	close(fd);
	return p == MAP_FAILED ? NULL : p + sizeof(struct head);
}

/* The file where it is what it should be, or -1. */
static int
open_existing(const char *path, int flags, const struct head *wanted)
{
	struct head	h;
	struct stat	st;
	int		fd;

	if ((fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW)) == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size == sizeof(h) + wanted->size &&
	    pread(fd, &h, sizeof(h), 0) == sizeof(h) && memcmp(&h, wanted, sizeof(h)) == 0)
		return fd;
	close(fd);
	errno = ENOENT;
	return -1;
}

/* A whole new file, in its place at once: of two processes that make it one comes second. */
static int
make(const char *dir, const char *path, const struct head *h)
{
	char		temp[PATH_MAX];
	struct stat	owner;
	int		fd, saved;

	if (stat(dir, &owner) == -1)
		return -1;
	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= (int)sizeof(temp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((fd = mkostemp(temp, O_CLOEXEC)) == -1)	/* mode 0600 */
		return -1;
	if (write(fd, h, sizeof(*h)) == sizeof(*h) &&
	    ftruncate(fd, (off_t)(sizeof(*h) + h->size)) == 0 &&
	    (geteuid() != 0 || fchown(fd, owner.st_uid, owner.st_gid) == 0) &&
	    rename(temp, path) == 0)
		return fd;
	saved = errno;
	close(fd);
	unlink(temp);
	errno = saved;
	return -1;
}

static struct head
head_of(const char *magic, size_t size)
{
	struct head	h = { .size = size };

	snprintf(h.magic, sizeof(h.magic), "%s", magic);
	return h;
}

void *
mapped_open(const char *dir, const char *name, const char *magic, size_t size)
{
	struct head	 h = head_of(magic, size);
	char		 path[PATH_MAX];
	int		 fd;

	if (path_of(path, dir, name) == -1 ||
	    ((fd = open_existing(path, O_RDWR, &h)) == -1 && (fd = make(dir, path, &h)) == -1))
		return NULL;
	/* All of it is on disk before it is touched: a disk that is full must not end in SIGBUS. */
	if ((errno = posix_fallocate(fd, 0, (off_t)(sizeof(h) + size))) != 0) {
		close(fd);
		return NULL;
	}
	return map(fd, size, PROT_READ | PROT_WRITE);
}

const void *
mapped_look(const char *dir, const char *name, const char *magic, size_t size)
{
	struct head	 h = head_of(magic, size);
	char		 path[PATH_MAX];
	int		 fd;

	if (path_of(path, dir, name) == -1 || (fd = open_existing(path, O_RDONLY, &h)) == -1)
		return NULL;
	return map(fd, size, PROT_READ);
}
