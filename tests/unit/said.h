/* said: what a voice says of a turn of one lane, for the tests of voices. */
#ifndef PARLEY_TESTS_SAID_H
#define PARLEY_TESTS_SAID_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail		/* ctx.h has its own */

#include "core/turn.h"

extern struct turn	turn;
extern struct lane	lane;
extern struct out	out;		/* for the voice to speak to */
extern char		said[4096];	/* the last message there */
extern int		messages;	/* how many there were */

/* Of every test, at its beginning: nothing was said yet; `message` is out's. */
void	 listen_with(void (*message)(void *, const char *, size_t));
/* The message of an out: keeps and counts it. */
void	 hear(void *, const char *, size_t);
/* Of every test, at its end. */
int	 hush(void **);
/* The last message is this. */
void	 assert_said(const char *, ...) __attribute__((format(printf, 1, 2)));

#endif
