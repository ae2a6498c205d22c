/* listen: the sockets that the workers accept connections from. */
#ifndef PARLEY_LISTEN_H
#define PARLEY_LISTEN_H

#include <sys/types.h>

enum listen_for { LISTEN_FCGI, LISTEN_WS };

struct listener {
	int	 fd;		/* -1: there is none */
	char	*path;		/* of a socket that we have opened; NULL: it was inherited */
	dev_t	 dev;		/* and what the path meant then */
	ino_t	 ino;
};

/*
 * The one that systemd gives (named fcgi or ws), else for FastCGI descriptor 0 where it listens
 * (spawn-fcgi), else opens `path`, for `group` ("": ours) to connect to; of WebSockets "" is none.
 * 0, or an exit status after one line on standard error. To be called before going to the
 * background, for FastCGI first: systemd's are for one process id, and are forgotten with the last.
 */
int	 listen_get(struct listener *, enum listen_for, const char *path, const char *group);
/* Closes it; a path of our own is removed where it is still ours. */
void	 listen_close(struct listener *);

#endif
