/*
 * serve: the master process. It takes or opens the listening socket, preforks the workers, starts
 * another where one dies, swaps all of them on HUP and ends them on TERM and INT. It serves nothing
 * itself and has one thread.
 */
#ifndef PARLEY_SERVE_H
#define PARLEY_SERVE_H

#include <stdbool.h>

#include "base/conf.h"

/* What the command line says over the settings, now and after each reload. */
struct serve_opts {
	bool		 foreground;	/* else it goes to the background once the workers are up */
	int		 workers, threads;	/* 0: the setting */
	const char	*listen;	/* NULL: the setting */
};

/*
 * Runs until TERM or INT. The exit status (sysexits.h); why it could not start is one line on
 * standard error. The settings stay the caller's.
 */
int	 serve_main(const struct conf *, const struct serve_opts *);

#endif
