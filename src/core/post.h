/*
 * post: datagrams between the workers of a host. Each worker has a socket in its spool's directory;
 * a letter that does not arrive (its reader is dead, or its box full) is lost: who needs the news
 * looks into the registry once a second besides.
 */
#ifndef PARLEY_POST_H
#define PARLEY_POST_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"

enum post_kind {
	POST_FOLLOW = 1,	/* tell me of news of these turns, which are yours */
	POST_LEAVE,		/* not any more */
	POST_NEWS,		/* there are new records of these turns, or they are over */
	POST_STOP,		/* stop these turns, which are yours */
};

#define POST_TURNS	500	/* most turns of one letter */

struct post_letter {
	int32_t	kind, n;
	int64_t	from;		/* the worker; 0: a command */
	int64_t	turns[POST_TURNS];
};

struct post;

/* Opens the box of worker `id` in spool_dir/<id>; fn gets what comes, on the loop. NULL: errno. */
struct post	*post_open(struct loop *, const char *spool_dir, int64_t id,
		    void (*fn)(void *arg, const struct post_letter *), void *arg);
void		 post_close(struct post *);	/* NULL is fine */
/*
 * To worker `to`; longer lists go in several letters. From any thread; never blocks. -1: errno,
 * ENOENT or ECONNREFUSED where nobody has that box.
 */
int		 post_send(struct post *, int64_t to, enum post_kind, const int64_t *turns,
		    size_t n);
/* The same from a process without a box. */
int		 post_once(const char *spool_dir, int64_t to, enum post_kind, const int64_t *turns,
		    size_t n);

#endif
