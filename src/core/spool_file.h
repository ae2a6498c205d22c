/*
 * spool_file: how records lie in a segment, and reading the directories of workers
 * that are gone. Private to spool.
 */
#ifndef PARLEY_SPOOL_FILE_H
#define PARLEY_SPOOL_FILE_H

#include "base/str.h"
#include "core/spool.h"

#define SPOOL_MAGIC	"PARLEY spool 1\n"	/* with its NUL: 16 bytes */
#define SPOOL_MAGIC_LEN	16
/* A segment past this size is followed by a new one */
#define SPOOL_SEGMENT	((uint64_t)64 << 20)

void	 spool_encode(struct str *, const struct spool_record *, uint64_t prev);
int	 spool_pread(int fd, uint64_t off, struct arena *, struct spool_record *);
/* Takes the directory's lock: its descriptor, or -1 when somebody has it. */
int	 spool_lock(const char *path);
/* Removes the directory with what is in it. */
void	 spool_remove(const char *path);

#endif
