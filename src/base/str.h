/*
 * str: a growing byte string with a cap, so that no peer can make us grow without end. What does
 * not fit sets `full` and is dropped; what is already there stays. Always NUL-terminated once
 * written.
 */
#ifndef PARLEY_STR_H
#define PARLEY_STR_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct str {
	char	*p;		/* NULL until something is written */
	size_t	 len;
	size_t	 size;		/* allocated */
	size_t	 cap;		/* most bytes it may hold; 0 = 1 GiB */
	bool	 full;		/* something was refused */
};

#define STR_INIT(cap_)	{ .cap = (cap_) }

int	 str_put(struct str *, const void *, size_t);	/* -1: over the cap, nothing added */
int	 str_puts(struct str *, const char *);
int	 str_putc(struct str *, char);
int	 str_printf(struct str *, const char *, ...) __attribute__((format(printf, 2, 3)));
/* Space for n more bytes, or NULL. Then add to len; where less than n was written, add a NUL. */
char	*str_room(struct str *, size_t n);
void	 str_cut(struct str *, size_t n);		/* drops the first n bytes */
void	 str_reset(struct str *);			/* empty, memory kept */
void	 str_free(struct str *);			/* empty, memory returned, cap kept */
/* What it holds, in the arena; the str is freed. */
char	*str_keep(struct str *, struct arena *);

#endif
