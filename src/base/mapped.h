/*
 * mapped: a file of fixed size in the state directory that processes of the host share as memory:
 * what one counts the others see, and it outlives them all.
 */
#ifndef PARLEY_MAPPED_H
#define PARLEY_MAPPED_H

#include <stddef.h>

/*
 * Maps dir/name, `size` bytes behind a head of its own. Where it is absent, or of another kind
 * (`magic`, at most 15 characters: it names the version too) or size, a new one of zeros takes its
 * place, mode 0600, of the directory's owner; who has the old one mapped keeps that. Its disk space
 * is reserved; memory is only what was touched. Never unmapped. NULL: errno.
 */
void	*mapped_open(const char *dir, const char *name, const char *magic, size_t size);
/* The same where it exists as it should, for reading; NULL: errno, ENOENT where it does not. */
const void *mapped_look(const char *dir, const char *name, const char *magic, size_t size);

#endif
