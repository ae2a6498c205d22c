/*
 * ctx: what every function that works for somebody gets: memory, the failure, the connection, the
 * caller. A function that fails has already failed the ctx; its caller only passes -1 or NULL on.
 */
#ifndef PARLEY_CTX_H
#define PARLEY_CTX_H

#include <stdint.h>

#include "arena.h"
#include "fail.h"

struct conf;
struct db;
struct who;

struct ctx {
	struct arena		*a;
	const struct conf	*conf;
	struct db		*db;		/* this thread's connection */
	struct who		*who;		/* NULL: nobody yet */
	enum lang		 lang;
	int64_t			 now;		/* ms since 1970, UTC, when the work began */
	char			 rid[24];	/* request id, for logs and error replies */
	struct fail		 fail;
};

/*
 * Fails the ctx unless it has failed already; `what` is formatted into the arena. Always returns
 * -1.
 */
int	 fail(struct ctx *, enum fail_kind, const char *what, ...)
	     __attribute__((format(printf, 3, 4)));
/* The same for functions that return pointers: always NULL. */
/* The failure of a ctx whose arena is about to go becomes this one's, unless it has one. */
void	 fail_pass(struct ctx *, const struct ctx *from);
void	*fail_null(struct ctx *, enum fail_kind, const char *what, ...)
	     __attribute__((format(printf, 3, 4)));
void	 fail_clear(struct ctx *);

#endif
