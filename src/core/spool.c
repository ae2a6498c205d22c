#include "core/spool.h"

#include <sys/stat.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "core/spool_file.h"
#include "core/spool_seg.h"

#define QUEUE_KEEP	65536	/* bytes of an empty queue; what a burst took goes back */

struct spool {
	char		*path;
	int		 lock_fd;	/* -1: adopted */
	int64_t		 keep_ms;
	struct segment	*segs;		/* oldest first, the last is written to */
	size_t		 nsegs;
	struct str	 queue;		/* records not written yet, all for the last segment */
	int64_t		 now_ms;	/* of the last sweep */
	atomic_bool	 full;		/* disk could not be reserved */
	atomic_bool	 gone;		/* somebody has removed our directory */
	bool		 failing;	/* the last write failed; said once */
	/* Keeps these, of the last segment and the one before, open while another thread syncs */
	pthread_mutex_t	 sync_lock;
	int		 sync_fd[2];
};

static struct segment *
current(struct spool *s)
{
	return &s->segs[s->nsegs - 1];
}

static void
set_full(struct spool *s, bool full)
{
	if (atomic_exchange(&s->full, full) == full)
		return;
	if (full)
		log_error("the disk of state_dir is full: no more turns begin",
		    LOG_S("error", strerror(errno)));
	else
		log_info("the disk of state_dir has room again");
}

bool
spool_full(const struct spool *s)
{
	return atomic_load(&s->full) || atomic_load(&s->gone);
}

/* From now on records go there. */
static void
push_segment(struct spool *s, const struct segment *seg)
{
	s->segs = xrealloc(s->segs, (s->nsegs + 1) * sizeof(*s->segs));
	s->segs[s->nsegs++] = *seg;
	pthread_mutex_lock(&s->sync_lock);
	s->sync_fd[1] = s->sync_fd[0];
	s->sync_fd[0] = seg->fd;
	pthread_mutex_unlock(&s->sync_lock);
}

/* Goes on in a new segment, unless there is no disk for it: what is left of this one is enough. */
static void
rotate(struct spool *s)
{
	struct segment	seg, *old = current(s);

	if (seg_new(s->path, old->number + 1, &seg) == -1) {
		set_full(s, true);
		return;
	}
	if (seg_extend(&seg) == -1) {
		set_full(s, true);
		seg_unlink(s->path, &seg);
		seg_close(&seg);
		return;
	}
	seg_give_back(old);
	push_segment(s, &seg);
}

static void
drop_segment(struct spool *s, size_t i)
{
	seg_unlink(s->path, &s->segs[i]);
	pthread_mutex_lock(&s->sync_lock);
	for (int k = 0; k < 2; k++)
		if (s->sync_fd[k] == s->segs[i].fd)
			s->sync_fd[k] = -1;
	seg_close(&s->segs[i]);
	pthread_mutex_unlock(&s->sync_lock);
	memmove(&s->segs[i], &s->segs[i + 1], (s->nsegs - i - 1) * sizeof(*s->segs));
	s->nsegs--;
}

static struct segment *
find_segment(struct spool *s, uint64_t pos)
{
	for (size_t i = s->nsegs; i-- > 0;)
		if (s->segs[i].number == SPOOL_POS_SEG(pos))
			return &s->segs[i];
	return NULL;
}

static struct spool *
new_spool(char *path, int64_t keep_ms)
{
	struct spool	*s = xcalloc(1, sizeof(*s));

	s->path = path;
	s->keep_ms = keep_ms;
	s->lock_fd = s->sync_fd[0] = s->sync_fd[1] = -1;
	pthread_mutex_init(&s->sync_lock, NULL);
	return s;
}

static void
free_spool(struct spool *s)
{
	for (size_t i = 0; i < s->nsegs; i++)
		seg_close(&s->segs[i]);
	if (s->lock_fd != -1)
		close(s->lock_fd);
	pthread_mutex_destroy(&s->sync_lock);
	str_free(&s->queue);
	free(s->segs);
	free(s->path);
	free(s);
}

struct spool *
spool_open(const char *dir, int64_t id, int64_t keep_ms)
{
	struct spool	*s = new_spool(xprintf(SPOOL_DIR, dir, (unsigned long long)id), keep_ms);
	char		*making = xprintf("%s/.%014llx", dir, (unsigned long long)id);
	struct segment	 seg = { .fd = -1 };
	int		 e;

	/*
	 * It appears under its name only when it is locked: whoever recovers
	 * spools takes unlocked ones for dead.
	 */
	if ((mkdir(dir, 0700) == -1 && errno != EEXIST) || mkdir(making, 0700) == -1 ||
	    (s->lock_fd = spool_lock(making)) == -1 || seg_new(making, 1, &seg) == -1 ||
	    rename(making, s->path) == -1)
		goto fail;
	free(making);
	push_segment(s, &seg);
	if (seg_extend(current(s)) == -1)
		set_full(s, true);
	return s;
fail:
	e = errno;
	if (seg.fd != -1)
		seg_close(&seg);
	spool_remove(making);
	free(making);
	free_spool(s);
	errno = e;
	return NULL;
}

struct spool *
spool_adopt(const char *path)
{
	struct spool	*s = new_spool(xprintf("%s", path), 0);
	struct segment	 seg;
	uint32_t	*numbers = NULL, last = 0;
	int		 n, e;

	if ((n = spool_list(path, &numbers)) > 0)
		last = numbers[n - 1];
	free(numbers);
	if (n == -1 || ((n == 0 || seg_old(s->path, last, &seg) == -1) &&
	    seg_new(s->path, last + 1, &seg) == -1)) {
		e = errno;
		free_spool(s);
		errno = e;
		return NULL;
	}
	push_segment(s, &seg);
	return s;
}

/* Is it still of use to somebody who comes back? */
static bool
kept(const struct spool *s)
{
	for (size_t i = 0; i < s->nsegs; i++)
		if (s->segs[i].used && s->now_ms - s->segs[i].done_ms < s->keep_ms)
			return true;
	return false;
}

void
spool_close(struct spool *s)
{
	bool	needed;

	if (s == NULL)
		return;
	needed = spool_write(s) == -1 || s->lock_fd == -1;
	seg_give_back(current(s));
	for (size_t i = 0; i < s->nsegs; i++)
		needed |= s->segs[i].turns > 0;
	if (!needed && (!kept(s) || spool_mark_recovered(s->path) == -1))
		spool_remove(s->path);
	free_spool(s);
}

static void
queue(struct spool *s, struct spool_record *r, struct spool_chain *c)
{
	struct segment	*seg = current(s);

	r->prev = c->last;
	r->event = c->events;
	c->last = SPOOL_POS(seg->number, seg->size + s->queue.len);
	if (c->first == 0)
		c->first = c->last;
	spool_encode(&s->queue, r);
}

void
spool_add(struct spool *s, const struct spool_record *r, struct spool_chain *c)
{
	struct spool_record	rec = *r, mark;
	bool			event = r->kind == SPOOL_DELTA || r->kind == SPOOL_MESSAGE;

	if (current(s)->size + s->queue.len > SPOOL_SEGMENT && !s->full && spool_write(s) == 0)
		rotate(s);
	if (r->kind == SPOOL_BEGIN) {
		current(s)->turns++;
		current(s)->used = true;
	}
	c->events += event;
	queue(s, &rec, c);
	if (!event || c->events % SPOOL_MARK_EVERY != 0)
		return;
	mark = (struct spool_record){ .turn = r->turn, .at_ms = r->at_ms, .kind = SPOOL_MARK,
	    .data = (const char *)&c->mark, .len = sizeof(c->mark) };
	queue(s, &mark, c);
	c->mark = c->last;
}

int
spool_write(struct spool *s)
{
	struct segment	*seg = current(s);
	size_t		 done = 0;
	ssize_t		 n;

	for (; done < s->queue.len; done += (size_t)n) {
		if (!s->full && seg_extend(seg) == -1)
			set_full(s, true);
		if ((n = seg_write(seg, s->queue.p + done, s->queue.len - done)) == -1) {
			if (!s->failing)
				log_error("the spool cannot be written: free space on the disk of "
				    "state_dir", LOG_S("error", strerror(errno)),
				    LOG_I("waiting", s->queue.len));
			s->failing = true;
			str_cut(&s->queue, done);
			return -1;
		}
	}
	if (s->queue.size > QUEUE_KEEP)
		str_free(&s->queue);
	else if (done > 0)
		str_reset(&s->queue);
	s->failing = false;
	return 0;
}

int
spool_sync(struct spool *s)
{
	int	fd[2], rv = 0;

	pthread_mutex_lock(&s->sync_lock);
	for (int i = 0; i < 2; i++)
		fd[i] = s->sync_fd[i] != -1 ? dup(s->sync_fd[i]) : -1;
	pthread_mutex_unlock(&s->sync_lock);
	for (int i = 0; i < 2; i++)
		if (fd[i] != -1) {
			rv |= fdatasync(fd[i]);
			close(fd[i]);
		}
	return rv;
}

uint64_t
spool_bytes(const struct spool *s)
{
	uint64_t	total = 0;

	for (size_t i = 0; i < s->nsegs; i++)
		total += s->segs[i].size;
	return total;
}

void
spool_hold(struct spool *s, uint64_t first)
{
	struct segment	*seg = find_segment(s, first);

	if (seg != NULL)
		seg->turns++;
}

void
spool_turn_done(struct spool *s, uint64_t first)
{
	struct segment	*seg = find_segment(s, first);

	if (seg == NULL || seg->turns == 0)
		return;
	seg->turns--;
	seg->done_ms = s->now_ms;
}

/*
 * Oldest first, and none before its predecessor: a turn's later records lie in later
 * segments, and they are as old as the segment it began in.
 */
static void
drop_old(struct spool *s)
{
	struct segment	*seg, next;

	while (s->nsegs > 0) {
		seg = &s->segs[0];
		if (seg->turns > 0 || s->now_ms - seg->done_ms < s->keep_ms)
			return;
		if (s->nsegs == 1) {
			if (!seg->used || s->queue.len > 0 ||
			    seg_new(s->path, seg->number + 1, &next) == -1)
				return;
			push_segment(s, &next);
		}
		drop_segment(s, 0);
	}
}

/* What is written into a directory that was removed, nobody can read back. */
static void
look_after(struct spool *s)
{
	struct stat	ours, there;
	char		path[PATH_MAX];

	snprintf(path, sizeof path, "%s/lock", s->path);
	if (fstat(s->lock_fd, &ours) == -1 ||
	    (stat(path, &there) == 0 && there.st_ino == ours.st_ino) ||
	    atomic_exchange(&s->gone, true))
		return;
	log_error("the spool was removed from state_dir: no more turns begin until a restart",
	    LOG_S("spool", s->path));
}

void
spool_sweep(struct spool *s, int64_t now_ms)
{
	/* What was done before the first sweep was done now. */
	for (size_t i = 0; s->now_ms == 0 && i < s->nsegs; i++)
		s->segs[i].done_ms = now_ms;
	s->now_ms = now_ms;
	look_after(s);
	drop_old(s);
	set_full(s, seg_extend(current(s)) == -1);
}
