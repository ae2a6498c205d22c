/*
 * A dead worker's segment, read in every way there is. The first byte says what follows: 'r', the
 * segment as it is; else records of 16 bytes each, to which the target adds sound checks:
 * kind, turn, lane, flags, event (2), prev / 8 (2), length, payload (7).
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/spool.h"
#include "core/spool_file.h"
#include "core/spool_reader.h"
#include "fuzz.h"

#define MOST	8192
#define ASKED	64			/* events, at once */

static char	 dir[] = "/tmp/parley-fuzz-spool-XXXXXX";
static char	 worker[64], segment[80];

static void
clean(void)
{
	unlink(segment);
	rmdir(worker);
	rmdir(dir);
}

static void
begin(void)
{
	if (worker[0] != '\0')
		return;
	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(worker, sizeof(worker), SPOOL_DIR, dir, 1ULL);
	snprintf(segment, sizeof(segment), SPOOL_SEG, worker, 1U);
	if (mkdir(worker, 0700) == -1)
		abort();
	atexit(clean);
}

static void
forge(struct str *seg, const uint8_t *p, size_t n)
{
	struct spool_record	r;

	str_put(seg, SPOOL_MAGIC, SPOOL_MAGIC_LEN);
	for (; n >= 16; p += 16, n -= 16) {
		r = (struct spool_record){ .kind = p[0] % (SPOOL_MARK + 2), .turn = p[1] % 4, .lane = p[2] % 4,
		    .flags = p[3], .event = (uint32_t)(p[4] | p[5] << 8),
		    .prev = SPOOL_POS(1, (p[6] | p[7] << 8) * 8), .data = (const char *)p + 9, .len = p[8] % 8 };
		/* What marks point to: a position, of which the payload has the offset. */
		uint64_t	mark = SPOOL_POS(1, (p[9] | p[10] << 8) * 8);

		if (p[6] == 0 && p[7] == 0)
			r.prev = 0;
		if (r.kind == SPOOL_MARK) {
			r.data = (const char *)&mark;
			r.len = sizeof(mark);
		}
		spool_encode(seg, &r);
	}
}

static void
put(const struct str *seg)
{
	int	fd = open(segment, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, seg->p, seg->len) != (ssize_t)seg->len)
		abort();
	close(fd);
}

struct seen {
	int		n;
	uint64_t	last;
};

static int
see(void *arg, uint64_t pos, const struct spool_record *r)
{
	struct seen	*s = arg;
	unsigned	 sum = 0;

	for (size_t i = 0; i < r->len; i++)
		sum += (unsigned char)r->data[i];
	if (pos <= s->last || sum > 255 * r->len)
		abort();
	s->last = pos;
	s->n++;
	return 0;
}

static struct seen
scan(void)
{
	struct seen	s = { 0 };

	if (spool_scan(worker, see, &s) == -1)
		abort();
	return s;
}

/* What is given is what was asked for, whatever the segment holds. */
static void
read_from(struct spool_reader *sr, uint64_t last, uint32_t after)
{
	struct spool_record	r, other;
	uint64_t		pos[ASKED];
	struct str		text = STR_INIT(0), reasoning = STR_INIT(0);
	ssize_t			n;

	if (spool_reader_get(sr, 1, last, &r) == -1) {
		if (spool_reader_events(sr, 1, last, after, pos, ASKED) != -1 ||
		    spool_reader_first(sr, 1, last, &other) != -1)
			abort();
		return;
	}
	n = spool_reader_events(sr, 1, last, after, pos, ASKED);
	if (n > ASKED || (n == 0 && r.event > after) || (n > 0 && r.event < after + n))
		abort();
	for (ssize_t i = 0; i < n; i++)
		if (spool_reader_get(sr, 1, pos[i], &other) == -1 || other.event != after + 1 + (uint32_t)i ||
		    other.turn != r.turn || pos[i] > last)
			abort();
	if (spool_reader_first(sr, 1, last, &other) == 0 && (other.prev != 0 || other.turn != r.turn))
		abort();
	spool_reader_said(sr, 1, last, 0, &text, &reasoning);
	str_free(&text);
	str_free(&reasoning);
}

/* A record behind what is sound is the last that is. */
static void
adopt(struct seen before)
{
	struct spool		*s = spool_adopt(worker);
	struct spool_chain	 c = { 0 };
	struct seen		 after;
	char			 next[80];

	if (s == NULL)
		abort();
	spool_add(s, &(struct spool_record){ .turn = 1, .kind = SPOOL_MESSAGE, .data = "m", .len = 1 }, &c);
	if (spool_write(s) == -1)
		abort();
	spool_close(s);
	after = scan();
	if (SPOOL_POS_SEG(c.last) == 1 && (after.n != before.n + 1 || after.last != c.last))
		abort();
	snprintf(next, sizeof(next), SPOOL_SEG, worker, 2U);
	unlink(next);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str		 seg = STR_INIT(0);
	struct spool_reader	*sr;
	struct seen		 s;

	if (n < 1 || n > MOST)
		return 0;
	begin();
	if (data[0] == 'r')
		str_put(&seg, data + 1, n - 1);
	else
		forge(&seg, data + 1, n - 1);
	put(&seg);
	sr = spool_reader_new(dir);
	for (uint64_t off = 0; off <= seg.len + 16; off += 8)
		read_from(sr, SPOOL_POS(1, off), data[off % n]);
	read_from(sr, SPOOL_POS(1, 17), 0);
	read_from(sr, SPOOL_POS(1, UINT32_MAX & ~7), 0);
	spool_reader_free(sr);
	s = scan();
	if (data[n - 1] % 8 == 0)		/* it needs much disk */
		adopt(s);
	unlink(segment);
	str_free(&seg);
	return 0;
}
