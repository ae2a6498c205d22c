#include "slot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LISTENERS	8

static char	 path[PATH_MAX];
static int	 held = -1;		/* our lock lasts as long as this is open */
static int	 self = -1;
static void	(*listeners[LISTENERS])(int);
static int	 nlisteners;

/* A lock of the open file, not of the process: closing another descriptor does not lose it. */
static int
lock(int fd, int slot, short type)
{
	struct flock	l = { .l_type = type, .l_whence = SEEK_SET, .l_start = slot, .l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &l);
}

static int
file_open(void)
{
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int
slot_open(const char *state_dir)
{
	int	fd;

	if (snprintf(path, sizeof(path), "%s/slots", state_dir) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((fd = file_open()) == -1)
		return -1;
	close(fd);
	return 0;
}

void
slot_on_free(void (*fn)(int slot))
{
	for (int i = 0; i < nlisteners; i++)
		if (listeners[i] == fn)
			return;
	if (nlisteners < LISTENERS)
		listeners[nlisteners++] = fn;
}

static void
tell_free(int slot)
{
	for (int i = 0; i < nlisteners; i++)
		listeners[i](slot);
}

int
slot_take(void)
{
	int	fd;

	if ((fd = file_open()) == -1)
		return -1;
	for (int i = 0; i < SLOTS; i++)
		if (lock(fd, i, F_WRLCK) == 0) {
			tell_free(i);
			held = fd;
			return self = i;
		}
	close(fd);
	errno = EAGAIN;
	return -1;
}

int
slot_self(void)
{
	return self;
}

bool
slot_any(void)
{
	struct flock	l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = SLOTS };
	bool		any;
	int		fd;

	if ((fd = file_open()) == -1)
		return true;
	any = fcntl(fd, F_OFD_GETLK, &l) == -1 || l.l_type != F_UNLCK;
	close(fd);
	return any;
}

void
slot_sweep(void)
{
	int	fd;

	if ((fd = file_open()) == -1)
		return;
	for (int i = 0; i < SLOTS; i++)
		if (lock(fd, i, F_WRLCK) == 0) {
			tell_free(i);
			lock(fd, i, F_UNLCK);
		}
	close(fd);
}
