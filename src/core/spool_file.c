#include "core/spool_file.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A record on disk, in the host's byte order (those of a cluster are of one kind); the
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
	uint32_t	 event;
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
	return fnv(fnv(2166136261u, &h->len, sizeof(*h) - sizeof(h->check)), data, h->len);
}

void
spool_encode(struct str *out, const struct spool_record *r)
{
	static const char	 zeros[8];
	struct head		 h = {
		.len = (uint32_t)r->len, .turn = r->turn, .prev = r->prev, .at_ms = r->at_ms,
		.lane = (uint16_t)r->lane, .kind = (uint8_t)r->kind, .flags = (uint8_t)r->flags,
		.event = r->event,
	};

	h.check = check_of(&h, r->data);
	str_put(out, &h, sizeof(h));
	str_put(out, r->data, r->len);
	str_put(out, zeros, PADDED(r->len) - r->len);
}

ssize_t
spool_decode(const char *seg, size_t size, uint64_t off, struct spool_record *r)
{
	struct head	 h;
	const char	*data;

	if (off < SPOOL_MAGIC_LEN || off % 8 != 0 || off > size || size - off < sizeof(h))
		return -1;
	memcpy(&h, seg + off, sizeof(h));
	if (h.kind == 0)		/* allocated, not written */
		return 0;
	data = seg + off + sizeof(h);
	if (h.len > size - off - sizeof(h) || h.check != check_of(&h, data))
		return -1;
	*r = (struct spool_record){
		.turn = h.turn, .prev = h.prev, .at_ms = h.at_ms, .event = h.event, .lane = h.lane,
		.kind = h.kind, .flags = h.flags, .data = data, .len = h.len,
	};
	return (ssize_t)(sizeof(h) + PADDED(h.len));
}

/* What spool_scan_segment says, of a segment in memory. */
static int
scan(const char *seg, size_t size, uint32_t number, int (*fn)(void *, uint64_t,
    const struct spool_record *), void *arg, uint64_t *end)
{
	struct spool_record	 r;
	ssize_t			 n;

	if (memcmp(seg, SPOOL_MAGIC, SPOOL_MAGIC_LEN) != 0)
		return 0;
	for (*end = SPOOL_MAGIC_LEN; *end < size; *end += (uint64_t)n) {
		if ((n = spool_decode(seg, size, *end, &r)) <= 0)
			return n == 0;
		if (fn != NULL && fn(arg, SPOOL_POS(number, *end), &r) == -1)
			return -1;
	}
	return 1;
}

int
spool_scan_segment(const char *path, uint32_t number, int (*fn)(void *, uint64_t,
    const struct spool_record *), void *arg, uint64_t *end)
{
	struct stat	 st;
	uint64_t	 upto = 0;
	char		*seg;
	int		 fd, rv;

	if (end != NULL)
		*end = 0;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	if (fstat(fd, &st) == -1 || st.st_size < SPOOL_MAGIC_LEN) {
		close(fd);
		return 0;
	}
	seg = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (seg == MAP_FAILED)
		return -1;
	rv = scan(seg, (size_t)st.st_size, number, fn, arg, &upto);
	munmap(seg, (size_t)st.st_size);
	if (end != NULL)
		*end = upto;
	return rv;
}

/* Does the record hold what somebody said, or of whom it tells? */
static bool
has_words(int kind)
{
	switch (kind) {
	case SPOOL_BEGIN:
	case SPOOL_DELTA:
	case SPOOL_MESSAGE:
	case SPOOL_CITE:
	case SPOOL_TOOL:
	case SPOOL_QUESTIONS:
		return true;
	default:
		return false;
	}
}

static bool
is_blank(const char *p, size_t n)
{
	while (n > 0 && *p == '\0') {
		p++;
		n--;
	}
	return n == 0;
}

static int
by_id(const void *a, const void *b)
{
	const int64_t	x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
blank(char *seg, size_t size, const int64_t *turns, size_t nturns)
{
	struct spool_record	 r;
	struct head		 h;
	uint64_t		 off = SPOOL_MAGIC_LEN;
	ssize_t			 n;

	for (; (n = spool_decode(seg, size, off, &r)) > 0; off += (uint64_t)n) {
		char	*data = seg + off + sizeof(h);

		if (!has_words(r.kind) || is_blank(data, r.len) ||
		    bsearch(&r.turn, turns, nturns, sizeof(*turns), by_id) == NULL)
			continue;
		memset(data, 0, r.len);
		memcpy(&h, seg + off, sizeof(h));
		h.check = check_of(&h, data);
		memcpy(seg + off, &h, sizeof(h));
	}
}

int
spool_blank_segment(const char *path, const int64_t *turns, size_t n)
{
	struct stat	 st;
	char		*seg;
	int		 fd, rv = 0;

	if ((fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return errno == ENOENT ? 0 : -1;	/* its time had come */
	if (fstat(fd, &st) == -1)
		rv = -1;
	else if (st.st_size > SPOOL_MAGIC_LEN) {
		seg = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (seg == MAP_FAILED)
			rv = -1;
		else {
			if (memcmp(seg, SPOOL_MAGIC, SPOOL_MAGIC_LEN) == 0)
				blank(seg, (size_t)st.st_size, turns, n);
			munmap(seg, (size_t)st.st_size);
		}
	}
	close(fd);
	return rv;
}

/*
 * Not by cutting the file: who has it mapped would fall off its end. Only what is not zero is
 * written, so that nothing needs disk that has none.
 */
int
spool_wipe(int fd, uint64_t from)
{
	struct stat	 st;
	char		*seg;

	if (fstat(fd, &st) == -1)
		return -1;
	if ((uint64_t)st.st_size <= from)
		return 0;
	seg = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (seg == MAP_FAILED)
		return -1;
	for (uint64_t i = from; i < (uint64_t)st.st_size; i++)
		if (seg[i] != 0)
			seg[i] = 0;
	munmap(seg, (size_t)st.st_size);
	return 0;
}
