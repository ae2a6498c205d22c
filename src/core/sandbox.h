/*
 * sandbox: runs a program that reads what strangers made, and lets it do nothing else: it reads its
 * standard input, writes its standard output, and may read the system's libraries. It gets no other
 * file, no socket and no process, makes and changes no file, and has little memory and time. The
 * kernel's means are limits, Landlock (where it has it) and seccomp; they hold before the program's
 * first instruction.
 */
#ifndef PARLEY_SANDBOX_H
#define PARLEY_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum sandbox_end {
	SANDBOX_EXITED,		/* by itself: with the status */
	SANDBOX_DIED,		/* of a signal, out of memory perhaps */
	SANDBOX_SLOW,		/* its time passed, of the wall or of the processor */
	SANDBOX_LOUD,		/* it wrote more than `out` may hold */
	SANDBOX_STOPPED,	/* go_on said no */
	SANDBOX_NONE,		/* it could not be started: logged */
};

struct sandbox {
	const char		*path;		/* of the program, absolute */
	const char *const	*argv;		/* ended by NULL */
	/* More directories that it may read, ended by NULL; or NULL */
	const char *const	*reads;
	int			 in;		/* a file, from its beginning */
	int			 seconds;
	/* Asked several times a second; NULL: nobody stops it. */
	bool			(*go_on)(void *);
	void			*arg;
};

/* Nothing that it started is left when this returns. *status is set where it exited. */
enum sandbox_end sandbox_run(const struct sandbox *, struct str *out, int *status);
/* Within one: gives up starting another program, which it could until now. -1: errno. */
int		 sandbox_settle(void);
/* Version of the kernel's Landlock; 0: it has none. */
int		 sandbox_landlock(void);

#endif
