#include "core/post.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"

#define BOX		"post"
#define LETTERS		64		/* read in one go: the loop has others too */
#define LETTER_LEN(n)	(offsetof(struct post_letter, turns) + (size_t)(n) * sizeof(int64_t))

struct post {
	struct watch	 watch;
	struct loop	*loop;
	int64_t		 id;
	int		 spool_fd;	/* the directory of all workers, */
	int		 dir_fd;	/* and our own */
	void		(*fn)(void *, const struct post_letter *);
	void		*arg;
};

/* An address has 108 bytes, which a path may exceed: it begins at a directory's descriptor. */
#define AT_FD	"/proc/self/fd/%d/"

static struct sockaddr_un
box_of(int spool_fd, int64_t id)
{
	struct sockaddr_un	sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), AT_FD "%014llx/" BOX, spool_fd,
	    (unsigned long long)id);
	return sun;
}

static int
open_dir(int at, const char *name)
{
	return openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int
new_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static void
free_post(struct post *p)
{
	const int	fds[] = { p->watch.fd, p->dir_fd, p->spool_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] != -1)
			close(fds[i]);
	free(p);
}

static bool
is_sound(const struct post_letter *l, ssize_t n)
{
	return n > (ssize_t)LETTER_LEN(0) && l->n > 0 && l->n <= POST_TURNS &&
	    (size_t)n == LETTER_LEN(l->n) && l->kind >= POST_FOLLOW && l->kind <= POST_STOP;
}

static void
on_letter(struct watch *w, uint32_t events)
{
	struct post		*p = (struct post *)w;
	struct post_letter	 l;
	ssize_t			 n;

	(void)events;
	for (int i = 0; i < LETTERS; i++) {
		if ((n = recv(w->fd, &l, sizeof(l), MSG_TRUNC)) == -1)
			return;
		if (is_sound(&l, n))
			p->fn(p->arg, &l);
		else
			log_debug("a letter that makes no sense", LOG_I("bytes", n));
	}
}

struct post *
post_open(struct loop *loop, const char *spool_dir, int64_t id,
    void (*fn)(void *, const struct post_letter *), void *arg)
{
	struct post		*p = xcalloc(1, sizeof(*p));
	struct sockaddr_un	 sun;
	char			 name[32];
	int			 e;

	*p = (struct post){ .watch = { .fd = -1, .fn = on_letter }, .loop = loop, .id = id,
	    .spool_fd = -1, .dir_fd = -1, .fn = fn, .arg = arg };
	snprintf(name, sizeof(name), "%014llx", (unsigned long long)id);
	if ((p->spool_fd = open_dir(AT_FDCWD, spool_dir)) == -1 ||
	    (p->dir_fd = open_dir(p->spool_fd, name)) == -1 ||
	    (p->watch.fd = new_socket()) == -1)
		goto fail;
	sun = box_of(p->spool_fd, id);
	/* The file gets the mode that the socket has. */
	if (fchmod(p->watch.fd, 0600) == -1 ||
	    bind(p->watch.fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		goto fail;
	loop_add(loop, &p->watch, EPOLLIN);
	return p;
fail:
	e = errno;
	free_post(p);
	errno = e;
	return NULL;
}

void
post_close(struct post *p)
{
	if (p == NULL)
		return;
	loop_del(p->loop, &p->watch);
	unlinkat(p->dir_fd, BOX, 0);
	free_post(p);
}

static int
send_all(int fd, int spool_fd, int64_t from, int64_t to, enum post_kind kind,
    const int64_t *turns, size_t n)
{
	struct sockaddr_un	sun = box_of(spool_fd, to);
	struct post_letter	l = { .kind = (int32_t)kind, .from = from };
	int			rv = 0;

	for (size_t i = 0; i < n; i += POST_TURNS) {
		l.n = (int32_t)(n - i < POST_TURNS ? n - i : POST_TURNS);
		memcpy(l.turns, turns + i, (size_t)l.n * sizeof(*turns));
		if (sendto(fd, &l, LETTER_LEN(l.n), MSG_DONTWAIT | MSG_NOSIGNAL,
		    (struct sockaddr *)&sun, sizeof(sun)) == -1)
			rv = -1;
	}
	return rv;
}

int
post_send(struct post *p, int64_t to, enum post_kind kind, const int64_t *turns, size_t n)
{
	return send_all(p->watch.fd, p->spool_fd, p->id, to, kind, turns, n);
}

int
post_once(const char *spool_dir, int64_t to, enum post_kind kind, const int64_t *turns, size_t n)
{
	int	spool_fd, fd, rv = -1, e;

	if ((spool_fd = open_dir(AT_FDCWD, spool_dir)) == -1)
		return -1;
	if ((fd = new_socket()) != -1)
		rv = send_all(fd, spool_fd, 0, to, kind, turns, n);
	e = errno;
	if (fd != -1)
		close(fd);
	close(spool_fd);
	errno = e;
	return rv;
}
