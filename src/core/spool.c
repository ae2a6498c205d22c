#include "core/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "core/spool_file.h"

/*
 * Records are copied into a window of the segment that is mapped into memory: to the page cache
 * it is all the same as a write, without a system call per round.
 */
#define WINDOW	((size_t)1 << 20)

/*
 * A position is the segment's number in the upper 32 bits and the offset of the record's head in
 * the lower: never 0, as a segment begins with its own head.
 */
#define POS(seg, off)	((uint64_t)(seg) << 32 | (uint32_t)(off))
#define POS_SEG(pos)	((uint32_t)((pos) >> 32))
#define POS_OFF(pos)	((uint32_t)(pos))

struct segment {
	uint32_t	 number;
	int		 fd;
	uint64_t	 size;		/* written */
	uint64_t	 room;		/* allocated on disk */
	int		 turns;		/* begun in it and not done */
	bool		 used;		/* a turn began in it */
	int64_t		 done_ms;	/* when the last of them was done */
};

struct spool {
	char		*path;
	int		 lock_fd;
	int64_t		 keep_ms;
	struct segment	*segs;		/* oldest first, the last is written to */
	size_t		 nsegs;
	struct str	 queue;		/* records not written yet, all for the last segment */
	/* Of the last segment, mapped: from window_at on, WINDOW bytes; or NULL */
	char		*window;
	uint64_t	 window_at;
	int64_t		 now_ms;	/* of the last sweep */
	bool		 failing;	/* the last write failed; said once */
	pthread_mutex_t	 sync_lock;	/* keeps sync_fd open while another thread syncs */
	int		 sync_fd;
};

static struct segment *
current(struct spool *s)
{
	return &s->segs[s->nsegs - 1];
}

static void
unmap(struct spool *s)
{
	if (s->window != NULL)
		munmap(s->window, WINDOW);
	s->window = NULL;
}

static int
add_segment(struct spool *s)
{
	struct segment	 seg = { .number = s->nsegs > 0 ? current(s)->number + 1 : 1 };
	char		*path = xprintf("%s/%08x.seg", s->path, seg.number);

	seg.fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	free(path);
	if (seg.fd == -1)
		return -1;
	if (write(seg.fd, SPOOL_MAGIC, SPOOL_MAGIC_LEN) != SPOOL_MAGIC_LEN) {
		close(seg.fd);
		return -1;
	}
	unmap(s);
	seg.size = seg.room = SPOOL_MAGIC_LEN;
	s->segs = xrealloc(s->segs, (s->nsegs + 1) * sizeof *s->segs);
	s->segs[s->nsegs++] = seg;
	pthread_mutex_lock(&s->sync_lock);
	s->sync_fd = seg.fd;
	pthread_mutex_unlock(&s->sync_lock);
	return 0;
}

struct spool *
spool_open(const char *dir, int64_t id, int64_t keep_ms)
{
	struct spool	*s = xcalloc(1, sizeof *s);
	char		*making = xprintf("%s/.%014llx", dir, (unsigned long long)id);
	int		 e;

	s->path = xprintf("%s/%014llx", dir, (unsigned long long)id);
	s->keep_ms = keep_ms;
	s->lock_fd = s->sync_fd = -1;
	pthread_mutex_init(&s->sync_lock, NULL);
	/*
	 * It appears under its name only when it is locked: whoever recovers
	 * spools takes unlocked ones for dead.
	 */
	if ((mkdir(dir, 0700) == -1 && errno != EEXIST) || mkdir(making, 0700) == -1 ||
	    (s->lock_fd = spool_lock(making)) == -1 || rename(making, s->path) == -1 ||
	    add_segment(s) == -1)
		goto fail;
	free(making);
	return s;
fail:
	e = errno;
	spool_remove(making);
	free(making);
	if (s->lock_fd != -1)
		close(s->lock_fd);
	free(s->path);
	free(s);
	errno = e;
	return NULL;
}

static void
drop_segment(struct spool *s, size_t i)
{
	char	 path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%08x.seg", s->path, s->segs[i].number);
	unlink(path);
	pthread_mutex_lock(&s->sync_lock);
	if (s->sync_fd == s->segs[i].fd)
		s->sync_fd = -1;
	close(s->segs[i].fd);
	pthread_mutex_unlock(&s->sync_lock);
	memmove(&s->segs[i], &s->segs[i + 1], (s->nsegs - i - 1) * sizeof *s->segs);
	s->nsegs--;
}

void
spool_close(struct spool *s)
{
	bool	 needed = false;

	if (s == NULL)
		return;
	spool_write(s);
	unmap(s);
	for (size_t i = 0; i < s->nsegs; i++)
		needed |= s->segs[i].turns > 0;
	while (!needed && s->nsegs > 0)
		drop_segment(s, 0);
	for (size_t i = 0; i < s->nsegs; i++)
		close(s->segs[i].fd);
	if (!needed)
		spool_remove(s->path);
	close(s->lock_fd);
	pthread_mutex_destroy(&s->sync_lock);
	str_free(&s->queue);
	free(s->segs);
	free(s->path);
	free(s);
}

void
spool_add(struct spool *s, const struct spool_record *r, uint64_t *last)
{
	struct segment	*seg = current(s);
	uint64_t	 off = seg->size + s->queue.len;

	if (off > SPOOL_SEGMENT && spool_write(s) == 0 && add_segment(s) == 0) {
		seg = current(s);
		off = seg->size;
	}
	if (r->kind == SPOOL_BEGIN) {
		seg->turns++;
		seg->used = true;
	}
	spool_encode(&s->queue, r, *last);
	*last = POS(seg->number, off);
}

/*
 * The segment's window that holds its end, allocated on disk before it is mapped: a
 * full disk must not end in SIGBUS.
 */
static int
map_end(struct spool *s, struct segment *seg)
{
	uint64_t	 at = seg->size & ~(uint64_t)(WINDOW - 1);

	if (s->window != NULL && s->window_at == at)
		return 0;
	unmap(s);
	if (seg->room < at + WINDOW) {
		if ((errno = posix_fallocate(seg->fd, (off_t)at, WINDOW)) != 0)
			return -1;
		seg->room = at + WINDOW;
	}
	s->window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, seg->fd, (off_t)at);
	if (s->window == MAP_FAILED) {
		s->window = NULL;
		return -1;
	}
	s->window_at = at;
	return 0;
}

int
spool_write(struct spool *s)
{
	struct segment	*seg = current(s);
	size_t		 done = 0, n;

	while (done < s->queue.len) {
		if (map_end(s, seg) == -1) {
			if (!s->failing)
				log_error("the spool cannot be written: free space on the disk of "
				    "state_dir", LOG_S("error", strerror(errno)),
				    LOG_I("waiting", s->queue.len));
			s->failing = true;
			str_cut(&s->queue, done);
			return -1;
		}
		n = (size_t)(s->window_at + WINDOW - seg->size);
		if (n > s->queue.len - done)
			n = s->queue.len - done;
		memcpy(s->window + (seg->size - s->window_at), s->queue.p + done, n);
		seg->size += n;
		done += n;
	}
	if (done > 0)
		str_reset(&s->queue);
	s->failing = false;
	return 0;
}

static struct segment *
find_segment(struct spool *s, uint32_t number)
{
	for (size_t i = s->nsegs; i-- > 0;)
		if (s->segs[i].number == number)
			return &s->segs[i];
	return NULL;
}

void
spool_turn_done(struct spool *s, uint64_t first)
{
	struct segment		*seg = find_segment(s, POS_SEG(first));

	if (seg == NULL || seg->turns == 0)
		return;
	seg->turns--;
	seg->done_ms = s->now_ms;
}

void
spool_sweep(struct spool *s, int64_t now_ms)
{
	struct segment	*seg;

	s->now_ms = now_ms;
	/*
	 * Oldest first, and none before its predecessor: a turn's later records lie in later
	 * segments, and they are as old as the segment it began in.
	 */
	while (s->nsegs > 0) {
		seg = &s->segs[0];
		if (seg->turns > 0 || now_ms - seg->done_ms < s->keep_ms)
			return;
		if (s->nsegs == 1 && (!seg->used || s->queue.len > 0 || add_segment(s) == -1))
			return;
		drop_segment(s, 0);
	}
}

int
spool_sync(struct spool *s)
{
	int	 fd, rv = 0;

	pthread_mutex_lock(&s->sync_lock);
	fd = s->sync_fd != -1 ? dup(s->sync_fd) : -1;
	pthread_mutex_unlock(&s->sync_lock);
	if (fd != -1) {
		rv = fdatasync(fd);
		close(fd);
	}
	return rv;
}

int
spool_read(struct spool *s, uint64_t pos, struct arena *a, struct spool_record *r)
{
	struct segment	*seg = find_segment(s, POS_SEG(pos));

	if (seg == NULL)
		return -1;
	return spool_pread(seg->fd, POS_OFF(pos), a, r);
}

uint64_t
spool_bytes(const struct spool *s)
{
	uint64_t	 total = 0;

	for (size_t i = 0; i < s->nsegs; i++)
		total += s->segs[i].size;
	return total;
}
