#include "spooled.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

char	spooled_dir[] = "/tmp/parley-spool-XXXXXX";

int
spooled_begin(void **state)
{
	(void)state;
	return mkdtemp(spooled_dir) == NULL ? -1 : 0;
}

int
spooled_end(void **state)
{
	(void)state;
	return rmdir(spooled_dir);
}

const char *
spooled_path(int64_t id, const char *name)
{
	static char	path[160];

	snprintf(path, sizeof(path), "%s/%014llx%s%s", spooled_dir, (unsigned long long)id,
	    name[0] != '\0' ? "/" : "", name);
	return path;
}

bool
spooled_exists(int64_t id, const char *name)
{
	return access(spooled_path(id, name), F_OK) == 0;
}

void
spooled_add(struct spool *s, int64_t turn, int lane, enum spool_kind kind, int flags, const char *text, size_t len,
    struct spool_chain *c)
{
	spool_add(s, &(struct spool_record){ .turn = turn, .lane = lane, .kind = kind, .flags = flags,
	    .at_ms = 77, .data = text, .len = len }, c);
}

void
spooled_say(struct spool *s, int64_t turn, enum spool_kind kind, const char *text, struct spool_chain *c)
{
	spooled_add(s, turn, 3, kind, 5, text, strlen(text), c);
}

void
spooled_count(struct spool *s, int64_t turn, uint32_t from, uint32_t to, struct spool_chain *c)
{
	char	text[16];

	for (; from <= to; from++) {
		snprintf(text, sizeof(text), "%u", from);
		spooled_say(s, turn, SPOOL_DELTA, text, c);
		assert_int_equal(c->events, from);
	}
}

void
spooled_flip(int64_t id, const char *name, uint64_t off)
{
	int	fd = open(spooled_path(id, name), O_RDWR);
	char	c;

	assert_int_equal(pread(fd, &c, 1, (off_t)off), 1);
	c ^= 1;
	assert_int_equal(pwrite(fd, &c, 1, (off_t)off), 1);
	close(fd);
}
