/*
 * spool_file: how records lie in a segment, and the directories that segments lie in. Private to
 * spool, spool_reader, and who carries records to other hosts.
 */
#ifndef PARLEY_SPOOL_FILE_H
#define PARLEY_SPOOL_FILE_H

#include <sys/types.h>

#include <limits.h>

#include "base/str.h"
#include "core/spool.h"

#define SPOOL_MAGIC	"PARLEY spool 2\n"	/* with its NUL: 16 bytes */
#define SPOOL_MAGIC_LEN	16
/* A segment past this size is followed by a new one */
#define SPOOL_SEGMENT	((uint64_t)64 << 20)
/* Disk that is allocated ahead of what is written */
#define SPOOL_AHEAD	((uint64_t)8 << 20)

/*
 * A position is the segment's number in the upper 32 bits and the offset of the record's head in
 * the lower: never 0, as a segment begins with its own head.
 */
#define SPOOL_POS(seg, off)	((uint64_t)(seg) << 32 | (uint32_t)(off))
#define SPOOL_POS_SEG(pos)	((uint32_t)((pos) >> 32))
#define SPOOL_POS_OFF(pos)	((uint32_t)(pos))

/* spool_file.c: a segment. Its file never shrinks: who has it mapped may read what he mapped. */

/* Appends the record, with r->prev and r->event as they are; its length is a multiple of 8. */
void	 spool_encode(struct str *, const struct spool_record *);
/*
 * The record at an offset of a segment of `size` bytes; its data lies in the segment. Its length
 * there, 0 where nothing was written yet, -1 where there is none or it is damaged.
 */
ssize_t	 spool_decode(const char *seg, size_t size, uint64_t off, struct spool_record *);
/*
 * Every sound record of a segment; *end, unless NULL, is the offset behind the last. 1: all were
 * sound; 0: one was not; -1: errno, or fn returned -1.
 */
int	 spool_scan_segment(const char *path, uint32_t number, int (*fn)(void *arg, uint64_t pos,
	    const struct spool_record *), void *arg, uint64_t *end);
/*
 * Whatever was said in records of these turns, which rise and are over, becomes zeros; the records
 * stay, so that the chains of others hold. Its worker may write meanwhile. -1: errno.
 */
int	 spool_blank_segment(const char *path, const int64_t *turns, size_t n);
/* Whatever stands in the segment from an offset on becomes zeros. -1: errno. */
int	 spool_wipe(int fd, uint64_t from);

/* spool_dir.c: a worker's directory. */

#define SPOOL_DIR	"%s/%014llx"		/* of the spool's directory and the worker's id */
#define SPOOL_SEG	"%s/%08x.seg"		/* of that and the segment's number */

/* The numbers of its segments, rising, to be freed. How many; -1: errno. */
int	 spool_list(const char *path, uint32_t **numbers);
/* Takes the directory's lock: its descriptor, or -1 when somebody has it or it is gone. */
int	 spool_lock(const char *path);
/* From now on it counts as recovered. -1: errno. */
int	 spool_mark_recovered(const char *path);
/* fn for each worker's directory, dead or alive, until it returns -1, which is returned then. */
int	 spool_each(const char *dir, int (*fn)(void *arg, const char *path, int64_t id), void *arg);
/* spool_blank_segment for each of the directory's segments. -1: errno. */
int	 spool_blank(const char *path, const int64_t *turns, size_t n);
/* Removes the directory with what is in it. */
void	 spool_remove(const char *path);

#endif
