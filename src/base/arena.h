/*
 * arena: memory that lives as long as a request or a turn and is freed in one go.
 * Allocation failure ends the process (the master starts another worker).
 */
#ifndef PARLEY_ARENA_H
#define PARLEY_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/*
 * A new arena; `first` is the size in bytes of its first block (0: 1 KiB). Blocks grow as it does.
 */
struct arena	*arena_new(size_t first);
void		 arena_free(struct arena *);		/* NULL is fine */

/* Zeroed, aligned for any type. Never NULL; a size of 0 gives a valid pointer. */
void		*arena_get(struct arena *, size_t);
void		*arena_array(struct arena *, size_t n, size_t size);	/* overflow dies */
char		*arena_strdup(struct arena *, const char *);		/* NULL in, NULL out */
char		*arena_strndup(struct arena *, const char *, size_t);	/* adds the NUL */
char		*arena_printf(struct arena *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));
char		*arena_vprintf(struct arena *, const char *, va_list)
		    __attribute__((format(printf, 2, 0)));
size_t		 arena_held(const struct arena *);	/* bytes of all its blocks */

/* malloc and its kin that die instead of failing; what they give is freed by free(). */
void		*xmalloc(size_t);
void		*xcalloc(size_t n, size_t size);
void		*xrealloc(void *, size_t);
char		*xstrdup(const char *);
char		*xprintf(const char *, ...) __attribute__((format(printf, 1, 2)));
/* The same end for what a library could not allocate. */
_Noreturn void	 out_of_memory(void);

#endif
