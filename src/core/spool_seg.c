#include "core/spool_seg.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/spool_file.h"

static void
seg_path(const char *dir, uint32_t number, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, SPOOL_SEG, dir, number);
}

int
seg_new(const char *dir, uint32_t number, struct segment *seg)
{
	char	path[PATH_MAX];

	seg_path(dir, number, path);
	*seg = (struct segment){ .number = number, .size = SPOOL_MAGIC_LEN };
	seg->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (seg->fd == -1)
		return -1;
	if (write(seg->fd, SPOOL_MAGIC, SPOOL_MAGIC_LEN) == SPOOL_MAGIC_LEN)
		return 0;
	close(seg->fd);
	seg->fd = -1;
	unlink(path);
	errno = ENOSPC;		/* also where less was written than asked for */
	return -1;
}

int
seg_old(const char *dir, uint32_t number, struct segment *seg)
{
	char		path[PATH_MAX];
	struct stat	st;

	seg_path(dir, number, path);
	*seg = (struct segment){ .number = number };
	if (spool_scan_segment(path, number, NULL, NULL, &seg->size) == -1 || seg->size == 0 ||
	    seg->size > UINT32_MAX - SPOOL_SEGMENT ||
	    (seg->fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return -1;
	if (spool_wipe(seg->fd, seg->size) == -1 || fstat(seg->fd, &st) == -1) {
		close(seg->fd);
		return -1;
	}
	/* What the dead worker had reserved is used, unless it was given back. */
	seg->room = SEG_STEP_OF(st.st_blocks * INT64_C(512) >= st.st_size ?
	    (uint64_t)st.st_size : seg->size);
	return 0;
}

void
seg_unlink(const char *dir, const struct segment *seg)
{
	char	path[PATH_MAX];

	seg_path(dir, seg->number, path);
	unlink(path);
}

static void
unmap(struct segment *seg)
{
	if (seg->window != NULL)
		munmap(seg->window, SEG_STEP);
	seg->window = NULL;
}

void
seg_close(struct segment *seg)
{
	unmap(seg);
	close(seg->fd);
}

/*
 * Records are copied into a window of the segment that is mapped into memory: to the page cache
 * it is all the same as a write, without a system call per round. Only what is allocated is mapped:
 * a disk that is full must not end in SIGBUS.
 */
static int
map_end(struct segment *seg)
{
	uint64_t	at = SEG_STEP_OF(seg->size);

	if (seg->window != NULL && seg->window_at == at)
		return 0;
	unmap(seg);
	if (seg->room < at + SEG_STEP) {
		errno = ENOSPC;
		return -1;
	}
	seg->window = mmap(NULL, SEG_STEP, PROT_READ | PROT_WRITE, MAP_SHARED, seg->fd, (off_t)at);
	if (seg->window == MAP_FAILED) {
		seg->window = NULL;
		return -1;
	}
	seg->window_at = at;
	return 0;
}

ssize_t
seg_write(struct segment *seg, const char *p, size_t n)
{
	uint64_t	left;

	if (map_end(seg) == -1)
		return -1;
	left = seg->window_at + SEG_STEP - seg->size;
	if (n > left)
		n = (size_t)left;
	memcpy(seg->window + (seg->size - seg->window_at), p, n);
	seg->size += n;
	return (ssize_t)n;
}

int
seg_extend(struct segment *seg)
{
	uint64_t	to = SEG_STEP_OF(seg->size + SPOOL_AHEAD + SEG_STEP - 1);

	if (seg->room >= to)
		return 0;
	do
		errno = posix_fallocate(seg->fd, (off_t)seg->room, (off_t)(to - seg->room));
	while (errno == EINTR);
	if (errno != 0)
		return -1;
	seg->room = to;
	return 0;
}

void
seg_give_back(struct segment *seg)
{
	uint64_t	end = (seg->size + 4095) & ~(uint64_t)4095;

	unmap(seg);
	/* Where the file system cannot, it is kept until the segment goes. */
	if (seg->room > end && fallocate(seg->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    (off_t)end, (off_t)(seg->room - end)) == 0)
		seg->room = end;
}
