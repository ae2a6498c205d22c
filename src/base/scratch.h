/* scratch: files without a name, for what is too large for memory: gone with their descriptor. */
#ifndef PARLEY_SCRATCH_H
#define PARLEY_SCRATCH_H

#include <stddef.h>

/* A new one, empty, on the disk of that directory; closed on exec. -1: errno. */
int	 scratch_open(const char *dir);
/* Writes all of it at the file's position. -1: errno. */
int	 scratch_put(int fd, const void *, size_t);
/* Reads n bytes at `at`, fewer at the end. -1: errno. */
long	 scratch_get(int fd, void *, size_t n, long long at);

#endif
