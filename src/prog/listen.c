#include "config.h"

#include "listen.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/arena.h"

#define BACKLOG	4096		/* the kernel cuts it to net.core.somaxconn */

static const struct {
	const char	*name;		/* systemd's */
	const char	*setting;
} kinds[] = {
	[LISTEN_FCGI] = { "fcgi", "listen" },
	[LISTEN_WS] = { "ws", "ws_listen" },
};

/* Systemd's sockets, by name; fcgi is else the first that is not the WebSockets'. -1: none. */
static int
from_systemd(enum listen_for what)
{
#ifdef HAVE_SYSTEMD
	char	**names = NULL;
	int	  i, n, fd = -1;

	n = sd_listen_fds_with_names(what == LISTEN_WS, &names);
	for (i = 0; i < n; i++)
		if (strcmp(names[i], kinds[what].name) == 0 || (what == LISTEN_FCGI && fd == -1 &&
		    strcmp(names[i], kinds[LISTEN_WS].name) != 0))
			fd = SD_LISTEN_FDS_START + i;
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return fd;
#else
	(void)what;
	return -1;
#endif
}

/* Descriptor 0, moved out of the way of what reads standard input. -1: it does not listen. */
static int
from_stdin(void)
{
	int		 listens = 0, fd, null;
	socklen_t	 len = sizeof(listens);

	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == -1 || !listens)
		return -1;
	if ((fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) == -1)
		return -1;
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) != -1) {
		dup2(null, STDIN_FILENO);
		close(null);
	}
	return fd;
}

/*
 * Removes a socket that nobody listens on any more. -1 with errno: somebody does (EADDRINUSE), or
 * it cannot be.
 */
static int
remove_stale(const struct sockaddr_un *sa)
{
	struct stat	 st;
	int		 fd, rc;

	if (lstat(sa->sun_path, &st) == -1)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return -1;
	rc = connect(fd, (const struct sockaddr *)sa, sizeof(*sa));
	if (rc == 0 || errno == EAGAIN) {	/* EAGAIN: its queue is full */
		rc = -1;
		errno = EADDRINUSE;
	} else if (errno == ECONNREFUSED)
		rc = unlink(sa->sun_path);
	close(fd);
	return rc;
}

static int
give_to_group(const char *path, const char *group)
{
	struct group	*g;

	if (*group == '\0')
		return 0;
	if ((g = getgrnam(group)) == NULL) {
		warnx("socket_group: there is no group %s", group);
		return EX_CONFIG;
	}
	if (chown(path, (uid_t)-1, g->gr_gid) == -1) {
		warn("%s cannot be given to the group %s", path, group);
		return EX_NOPERM;
	}
	return 0;
}

static int
open_path(struct listener *l, const char *setting, const char *path, const char *group)
{
	struct sockaddr_un	 sa = { .sun_family = AF_UNIX };
	struct stat		 st;
	mode_t			 mask;
	int			 rc;

	if (strlen(path) >= sizeof(sa.sun_path)) {
		warnx("%s: %s is longer than the %zu bytes a socket's path may have", setting, path,
		    sizeof(sa.sun_path) - 1);
		return EX_CONFIG;
	}
	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (remove_stale(&sa) == -1) {
		if (errno == EADDRINUSE)
			warnx("%s: another process serves there", path);
		else
			warn("%s", path);
		return EX_CANTCREAT;
	}
	if ((l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1) {
		warn("socket");
		return EX_OSERR;
	}
	mask = umask(0117);		/* 0660: the web server's group connects */
	rc = bind(l->fd, (const struct sockaddr *)&sa, sizeof(sa));
	umask(mask);
	if (rc == -1) {
		warn("%s", path);
		return EX_CANTCREAT;
	}
	l->path = xstrdup(path);
	if (stat(path, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	if ((rc = give_to_group(path, group)) != 0)
		return rc;
	if (listen(l->fd, BACKLOG) == -1) {
		warn("listen on %s", path);
		return EX_OSERR;
	}
	return 0;
}

int
listen_get(struct listener *l, enum listen_for what, const char *path, const char *group)
{
	int	flags, rc;

	*l = (struct listener){ .fd = from_systemd(what) };
	if (l->fd == -1 && what == LISTEN_FCGI)
		l->fd = from_stdin();
	if (l->fd == -1) {
		if (what == LISTEN_WS && *path == '\0')
			return 0;
		if ((rc = open_path(l, kinds[what].setting, path, group)) != 0)
			listen_close(l);
		return rc;
	}
	/* The threads that accept shall wait in accept(2). */
	if ((flags = fcntl(l->fd, F_GETFL)) != -1 && (flags & O_NONBLOCK))
		fcntl(l->fd, F_SETFL, flags & ~O_NONBLOCK);
	return 0;
}

void
listen_close(struct listener *l)
{
	struct stat	 st;

	if (l->fd != -1)
		close(l->fd);
	if (l->path != NULL && lstat(l->path, &st) == 0 && st.st_dev == l->dev &&
	    st.st_ino == l->ino)
		unlink(l->path);
	free(l->path);
	*l = (struct listener){ .fd = -1 };
}
