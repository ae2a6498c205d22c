#include "core/spool_reader.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/spool_file.h"
#include "upstream/delta.h"

/*
 * A segment as long as it was when it was mapped. One that has grown is mapped once more; the
 * shorter mapping stays as long as records that lie in it may be in use.
 */
struct mapping {
	int64_t		 worker;
	uint32_t	 number;
	char		*seg;
	size_t		 size;
	bool		 used;		/* since the last rest */
};

struct spool_reader {
	char		*dir;
	struct mapping	*maps;		/* the newest last */
	size_t		 n;
};

/* One of a turn's records, on the way back along its chain. */
struct step {
	int64_t			 worker;
	uint64_t		 pos;
	struct spool_record	 r;
};

struct spool_reader *
spool_reader_new(const char *dir)
{
	struct spool_reader	*sr = xcalloc(1, sizeof(*sr));

	sr->dir = xprintf("%s", dir);
	return sr;
}

void
spool_reader_free(struct spool_reader *sr)
{
	if (sr == NULL)
		return;
	for (size_t i = 0; i < sr->n; i++)
		munmap(sr->maps[i].seg, sr->maps[i].size);
	free(sr->maps);
	free(sr->dir);
	free(sr);
}

void
spool_reader_rest(struct spool_reader *sr)
{
	size_t	n = 0;

	for (size_t i = 0; i < sr->n; i++) {
		if (!sr->maps[i].used) {
			munmap(sr->maps[i].seg, sr->maps[i].size);
			continue;
		}
		sr->maps[n] = sr->maps[i];
		sr->maps[n++].used = false;
	}
	sr->n = n;
}

static struct mapping *
find(struct spool_reader *sr, int64_t worker, uint32_t number)
{
	for (size_t i = sr->n; i-- > 0;)
		if (sr->maps[i].worker == worker && sr->maps[i].number == number)
			return &sr->maps[i];
	return NULL;
}

/* Maps all that there is of the segment by now, if that is more than `least`; or NULL. */
static struct mapping *
map(struct spool_reader *sr, int64_t worker, uint32_t number, size_t least)
{
	struct mapping	 m = { .worker = worker, .number = number, .seg = MAP_FAILED };
	struct stat	 st;
	char		 dir[PATH_MAX], path[PATH_MAX];
	int		 fd;

	if (snprintf(dir, sizeof(dir), SPOOL_DIR, sr->dir, (unsigned long long)worker) >=
	    (int)sizeof(dir) ||
	    snprintf(path, sizeof(path), SPOOL_SEG, dir, number) >= (int)sizeof(path) ||
	    (fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size >= SPOOL_MAGIC_LEN && (size_t)st.st_size > least) {
		m.size = (size_t)st.st_size;
		m.seg = mmap(NULL, m.size, PROT_READ, MAP_SHARED, fd, 0);
	}
	close(fd);
	if (m.seg == MAP_FAILED)
		return NULL;
	if (memcmp(m.seg, SPOOL_MAGIC, SPOOL_MAGIC_LEN) != 0) {
		munmap(m.seg, m.size);
		return NULL;
	}
	sr->maps = xrealloc(sr->maps, (sr->n + 1) * sizeof(*sr->maps));
	sr->maps[sr->n] = m;
	return &sr->maps[sr->n++];
}

static bool
read_at(struct mapping *m, uint64_t pos, struct spool_record *r)
{
	m->used = true;
	return spool_decode(m->seg, m->size, SPOOL_POS_OFF(pos), r) > 0;
}

int
spool_reader_get(struct spool_reader *sr, int64_t worker, uint64_t pos, struct spool_record *r)
{
	uint32_t	 number = SPOOL_POS_SEG(pos);
	struct mapping	*m = find(sr, worker, number);
	size_t		 size = 0;

	if (m != NULL) {
		if (read_at(m, pos, r))
			return 0;
		size = m->size;
	}
	if ((m = map(sr, worker, number, size)) == NULL)
		return -1;
	return read_at(m, pos, r) ? 0 : -1;
}

/* ---- along a chain ---- */

/* Positions fall and numbers of events do not rise on the way back, whatever is on the disk. */
static int
step_to(struct spool_reader *sr, struct step *s, uint64_t pos)
{
	struct spool_record	was = s->r;

	if (pos >= s->pos || spool_reader_get(sr, s->worker, pos, &s->r) == -1 ||
	    s->r.turn != was.turn || s->r.event > was.event)
		return -1;
	s->pos = pos;
	return 0;
}

static int
step_first(struct spool_reader *sr, struct step *s, int64_t worker, uint64_t last)
{
	s->worker = worker;
	s->pos = last;
	return spool_reader_get(sr, worker, last, &s->r);
}

static int
step_back(struct spool_reader *sr, struct step *s)
{
	return step_to(sr, s, s->r.prev);
}

/* The position of the mark before, 0 where this is the turn's first mark or none at all. */
static uint64_t
mark_before(const struct spool_record *r)
{
	uint64_t	pos = 0;

	if (r->kind == SPOOL_MARK && r->len == sizeof(pos))
		memcpy(&pos, r->data, sizeof(pos));
	return pos;
}

static bool
is_event(const struct spool_record *r)
{
	return r->kind == SPOOL_DELTA || r->kind == SPOOL_MESSAGE;
}

int
spool_reader_first(struct spool_reader *sr, int64_t worker, uint64_t last, struct spool_record *r)
{
	struct step	s;
	uint64_t	mark;

	if (step_first(sr, &s, worker, last) == -1)
		return -1;
	while (s.r.prev != 0) {
		mark = mark_before(&s.r);
		if (step_to(sr, &s, mark != 0 ? mark : s.r.prev) == -1)
			return -1;
	}
	*r = s.r;
	return 0;
}

/* Back to a record at or past event number `to`, near it where marks are. */
static int
leap(struct spool_reader *sr, struct step *s, uint32_t to)
{
	uint64_t	mark;

	while (s->r.event > to) {
		mark = s->r.event - to >= SPOOL_MARK_EVERY ? mark_before(&s->r) : 0;
		if ((mark != 0 ? step_to(sr, s, mark) : step_back(sr, s)) == -1)
			return -1;
	}
	return s->r.event == to ? 0 : -1;
}

ssize_t
spool_reader_events(struct spool_reader *sr, int64_t worker, uint64_t last, uint32_t after,
    uint64_t *pos, size_t n)
{
	struct step	s;
	uint32_t	to, whole;

	if (step_first(sr, &s, worker, last) == -1)
		return -1;
	if (n == 0 || s.r.event <= after)
		return 0;
	to = s.r.event;
	if (to - after > n) {
		/* Up to a mark, where that is possible: then nothing is read in vain. */
		to = after + (uint32_t)n;
		whole = to / SPOOL_MARK_EVERY * SPOOL_MARK_EVERY;
		if (whole > after)
			to = whole;
	}
	if (leap(sr, &s, to) == -1)
		return -1;
	for (n = to - after; n > 0; n--) {
		while (!is_event(&s.r))
			if (step_back(sr, &s) == -1)
				return -1;
		if (s.r.event != after + n)
			return -1;
		pos[n - 1] = s.pos;
		if (n > 1 && step_back(sr, &s) == -1)
			return -1;
	}
	return (ssize_t)(to - after);
}

/* Reading goes backwards, so the positions are collected first. */
int
spool_reader_said(struct spool_reader *sr, int64_t worker, uint64_t last, int lane,
    struct str *text, struct str *reasoning)
{
	struct spool_record	 r;
	struct step		 s;
	struct str		*to, found = STR_INIT(0);
	uint64_t		 pos;
	int			 rv = step_first(sr, &s, worker, last);

	while (rv == 0) {
		if (s.r.kind == SPOOL_DELTA && s.r.lane == lane && !(s.r.flags & DELTA_TOOLS))
			rv = str_put(&found, &s.pos, sizeof(s.pos));
		if (s.r.prev == 0)
			break;
		if (rv == 0)
			rv = step_back(sr, &s);
	}
	for (size_t i = found.len; rv == 0 && i > 0; i -= sizeof(pos)) {
		memcpy(&pos, found.p + i - sizeof(pos), sizeof(pos));
		rv = spool_reader_get(sr, worker, pos, &r);
		to = rv == 0 && (r.flags & DELTA_REASONING) ? reasoning : text;
		if (rv == 0 && to != NULL)
			str_put(to, r.data, r.len);
	}
	str_free(&found);
	return rv;
}

/* ---- forward ---- */

/* The record at an offset: its length, or 0: none that is whole by now. */
static size_t
read_whole(struct spool_reader *sr, int64_t worker, uint32_t number, uint32_t off,
    struct spool_record *r)
{
	struct mapping	*m = find(sr, worker, number);
	ssize_t		 n = -1;
	size_t		 size = 0;

	if (m != NULL) {
		m->used = true;
		size = m->size;
		n = spool_decode(m->seg, size, off, r);
	}
	if (n == -1 && (m = map(sr, worker, number, size)) != NULL) {
		m->used = true;
		n = spool_decode(m->seg, m->size, off, r);
	}
	return n > 0 ? (size_t)n : 0;
}

/* The number of the worker's segment after this one. False: there is none. */
static bool
segment_after(struct spool_reader *sr, int64_t worker, uint32_t number, uint32_t *after)
{
	char		 dir[PATH_MAX];
	uint32_t	*all;
	bool		 found = false;
	int		 n;

	if (snprintf(dir, sizeof(dir), SPOOL_DIR, sr->dir, (unsigned long long)worker) >=
	    (int)sizeof(dir) || (n = spool_list(dir, &all)) == -1)
		return false;
	for (int i = 0; i < n && !found; i++)
		if ((found = all[i] > number))
			*after = all[i];
	free(all);
	return found;
}

int
spool_reader_next(struct spool_reader *sr, int64_t worker, uint64_t *pos, struct spool_record *r)
{
	uint32_t	number = SPOOL_POS_SEG(*pos), off = SPOOL_POS_OFF(*pos), after;
	size_t		n;

	if ((n = *pos != 0 ? read_whole(sr, worker, number, off, r) : 0) == 0) {
		if (!segment_after(sr, worker, number, &after))
			return 0;
		/* Since we looked, its last records may have been written. */
		n = *pos != 0 ? read_whole(sr, worker, number, off, r) : 0;
	}
	while (n == 0) {
		number = after;
		off = SPOOL_MAGIC_LEN;
		if ((n = read_whole(sr, worker, number, off, r)) == 0 &&
		    !segment_after(sr, worker, number, &after))
			return 0;
	}
	*pos = SPOOL_POS(number, off + n);
	return 1;
}
