#include "core/spool_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/*
 * A record on disk, in the host's byte order (a spool never leaves its host); the
 * payload follows, padded to 8 bytes.
 */
struct head {
	uint32_t	 check;		/* FNV-1a over the rest of the head and the payload */
	uint32_t	 len;		/* of the payload */
	int64_t		 turn;
	uint64_t	 prev;
	int64_t		 at_ms;
	uint16_t	 lane;
	uint8_t		 kind, flags;
	uint32_t	 zero;
};

#define PADDED(n)	(((n) + 7) & ~(size_t)7)

/*
 * http://www.isthe.com/chongo/tech/comp/fnv/ , 32 bits: a torn record must show, nobody
 * forges one.
 */
static uint32_t
fnv(uint32_t h, const void *p, size_t n)
{
	const uint8_t	*b = p;

	while (n-- > 0)
		h = (h ^ *b++) * 16777619u;
	return h;
}

static uint32_t
check_of(const struct head *h, const void *data)
{
	return fnv(fnv(2166136261u, &h->len, sizeof *h - sizeof h->check), data, h->len);
}

void
spool_encode(struct str *out, const struct spool_record *r, uint64_t prev)
{
	static const char	 zeros[8];
	struct head		 h = {
		.len = (uint32_t)r->len, .turn = r->turn, .prev = prev, .at_ms = r->at_ms,
		.lane = (uint16_t)r->lane, .kind = (uint8_t)r->kind, .flags = (uint8_t)r->flags,
	};

	h.check = check_of(&h, r->data);
	str_put(out, &h, sizeof h);
	str_put(out, r->data, r->len);
	str_put(out, zeros, PADDED(r->len) - r->len);
}

static void
decode(const struct head *h, const char *data, struct spool_record *r)
{
	*r = (struct spool_record){
		.turn = h->turn, .prev = h->prev, .at_ms = h->at_ms, .lane = h->lane,
		.kind = h->kind, .flags = h->flags, .data = data, .len = h->len,
	};
}

int
spool_pread(int fd, uint64_t off, struct arena *a, struct spool_record *r)
{
	struct head	 h;
	struct stat	 st;
	char		*data;

	if (pread(fd, &h, sizeof h, (off_t)off) != sizeof h || fstat(fd, &st) == -1 ||
	    off + sizeof h + h.len > (uint64_t)st.st_size)
		return -1;
	data = arena_get(a, (size_t)h.len + 1);
	if (pread(fd, data, h.len, (off_t)(off + sizeof h)) != (ssize_t)h.len ||
	    h.check != check_of(&h, data))
		return -1;
	decode(&h, data, r);
	return 0;
}

/* 1 when every record of the segment was sound, 0 when fn stopped or one was not, -1: errno. */
static int
scan_segment(const char *path, int (*fn)(void *, const struct spool_record *), void *arg)
{
	struct spool_record	 r;
	struct stat		 st;
	struct head		 h;
	size_t			 off = SPOOL_MAGIC_LEN, size;
	char			*map;
	int			 fd, sound = 1;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	if (fstat(fd, &st) == -1 || st.st_size < SPOOL_MAGIC_LEN) {
		close(fd);
		return 0;
	}
	size = (size_t)st.st_size;
	map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return -1;
	if (memcmp(map, SPOOL_MAGIC, SPOOL_MAGIC_LEN) != 0)
		sound = 0;
	while (sound && off < size) {
		sound = 0;
		if (size - off < sizeof h)
			break;
		memcpy(&h, map + off, sizeof h);
		if (h.kind == 0) {		/* allocated, not written: the end */
			sound = 1;
			break;
		}
		off += sizeof h;
		if (h.len > size - off || h.check != check_of(&h, map + off))
			break;
		decode(&h, map + off, &r);
		if (fn(arg, &r) == -1)
			break;
		off += PADDED(h.len);
		sound = 1;
	}
	munmap(map, size);
	return sound;
}

static int
is_segment(const struct dirent *e)
{
	size_t	 n = strlen(e->d_name);

	return n == 12 && strcmp(e->d_name + 8, ".seg") == 0;
}

int
spool_scan(const char *path, int (*fn)(void *, const struct spool_record *), void *arg)
{
	struct dirent	**names;
	char		 file[PATH_MAX];
	int		 n, rv = 1;

	if ((n = scandir(path, &names, is_segment, alphasort)) == -1)
		return -1;
	for (int i = 0; i < n; i++) {
		if (rv == 1) {
			snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
			rv = scan_segment(file, fn, arg);
		}
		free(names[i]);
	}
	free(names);
	return rv == -1 ? -1 : 0;
}

int
spool_lock(const char *path)
{
	char	 file[PATH_MAX];
	int	 fd;

	snprintf(file, sizeof file, "%s/lock", path);
	if ((fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

void
spool_remove(const char *path)
{
	struct dirent	**names;
	char		 file[PATH_MAX];
	int		 n;

	if ((n = scandir(path, &names, is_segment, alphasort)) == -1)
		return;
	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
		unlink(file);
		free(names[i]);
	}
	free(names);
	snprintf(file, sizeof file, "%s/lock", path);
	unlink(file);
	rmdir(path);
}

int
spool_orphans(const char *dir, int (*fn)(void *, const char *, int64_t), void *arg)
{
	struct dirent		*e;
	char			 path[PATH_MAX], *end;
	unsigned long long	 id;
	DIR			*d;
	int			 fd, n = 0;

	if ((d = opendir(dir)) == NULL)
		return 0;		/* nothing has ever been spooled here */
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		id = strtoull(e->d_name, &end, 16);
		if (*end != '\0' || id == 0 || id > INT64_MAX)
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if ((fd = spool_lock(path)) == -1)
			continue;	/* its worker lives, or another process recovers it */
		n++;
		if (fn(arg, path, (int64_t)id) == 0)
			spool_remove(path);
		close(fd);
	}
	closedir(d);
	return n;
}
