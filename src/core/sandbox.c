#include "sandbox.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sanitizer.h"
#include "sandbox_rules.h"

#define MEMORY		(768L << 20)	/* bytes of address space */
#define FILES		64		/* descriptors */
#define LOOK		100		/* ms between two questions whether to go on */
#define PIECE		65536		/* bytes read at once */
#define FILTER		65536		/* bytes of a filter, at most */
#define NOT_STARTED	126		/* exit status: no program was reached */

/* All that the child needs, made before there is one: between fork and exec it only calls. */
struct cell {
	const struct sandbox	*s;
	pid_t			 parent;
	int			 in, out, null;
	int			 files;		/* -1: no Landlock */
	struct sock_filter	*code;
	struct sock_fprog	 filter;
};

static const struct {
	int	what;
	rlim_t	most;
} limits[] = {
#ifndef SANITIZED
	{ RLIMIT_AS, MEMORY },
#endif
	{ RLIMIT_FSIZE, 0 },
	{ RLIMIT_CORE, 0 },
	{ RLIMIT_NPROC, 0 },
	{ RLIMIT_NOFILE, FILES },
};

static const char *const environment[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL };

/* ---- the child ------------------------------------------------------------------------------- */

static int
set_limit(int what, rlim_t soft, rlim_t hard)
{
	const struct rlimit	l = { soft, hard };

	return setrlimit((__rlimit_resource_t)what, &l);
}

static int
set_limits(int seconds)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (set_limit(limits[i].what, limits[i].most, limits[i].most) == -1)
			return -1;
	/* The first signal says why, a second later the other cannot be caught. */
	return set_limit(RLIMIT_CPU, (rlim_t)seconds, (rlim_t)seconds + 1);
}

/* Nobody's group, no signal that waits or is ignored, only the three descriptors. */
static int
set_apart(const struct cell *c)
{
	sigset_t	none;

	if (setpgid(0, 0) == -1 || prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 ||
	    getppid() != c->parent)
		return -1;
	sigemptyset(&none);
	for (int sig = 1; sig < SIGRTMIN; sig++)
		signal(sig, SIG_DFL);
	if (sigprocmask(SIG_SETMASK, &none, NULL) == -1)
		return -1;
	if (dup2(c->in, 0) == -1 || dup2(c->out, 1) == -1 || dup2(c->null, 2) == -1)
		return -1;
	/* Where the kernel cannot, all of ours close at exec by themselves. */
	return syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == -1 && errno != ENOSYS &&
	    errno != EINVAL ? -1 : 0;
}

static int
shut_in(const struct cell *c)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	if (c->files != -1 && syscall(SYS_landlock_restrict_self, c->files, 0) == -1)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &c->filter) == -1 ? -1 : 0;
}

_Noreturn static void
child(const struct cell *c)
{
	if (set_apart(c) == 0 && set_limits(c->s->seconds) == 0 && shut_in(c) == 0)
		execve(c->s->path, (char *const *)c->s->argv, (char *const *)environment);
	_exit(NOT_STARTED);
}

/* ---- the parent ------------------------------------------------------------------------------ */

/* The same file again, for reading alone and from its beginning. */
static int
reopen(int fd)
{
	char	path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void
cell_close(struct cell *c)
{
	const int	fds[] = { c->in, c->out, c->null, c->files };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] != -1)
			close(fds[i]);
	free(c->code);
}

static int
cell_open(struct cell *c, const struct sandbox *s, int out)
{
	int	fd, rc;

	*c = (struct cell){ .s = s, .parent = getpid(), .null = -1, .files = -1, .out = out };
	c->code = xmalloc(FILTER);
	if ((c->in = reopen(s->in)) == -1 ||
	    (c->null = open("/dev/null", O_WRONLY | O_CLOEXEC)) == -1 ||
	    (fd = sandbox_filter_make()) == -1)
		return -1;
	rc = sandbox_filter_read(fd, c->code, FILTER, &c->filter);
	close(fd);
	if (rc == -1)
		return -1;
	if ((c->files = sandbox_files_make(s->path, s->reads)) == -1 && errno != ENOSYS &&
	    errno != EOPNOTSUPP)
		return -1;
	return 0;
}

/* What it says until it stops. SANDBOX_EXITED: it closed its standard output. */
static enum sandbox_end
listen_to(const struct sandbox *s, int fd, int64_t until, struct str *out)
{
	struct pollfd	 p = { .fd = fd, .events = POLLIN };
	char		 piece[PIECE];
	ssize_t		 n;

	for (;;) {
		if (s->go_on != NULL && !s->go_on(s->arg))
			return SANDBOX_STOPPED;
		if (clock_mono_ms() >= until)
			return SANDBOX_SLOW;
		if (poll(&p, 1, LOOK) < 1)
			continue;
		if ((n = read(fd, piece, sizeof(piece))) == 0)
			return SANDBOX_EXITED;
		if (n == -1 && errno != EINTR)
			return SANDBOX_DIED;
		if (n > 0 && str_put(out, piece, (size_t)n) == -1)
			return SANDBOX_LOUD;
	}
}

/* Its end, which is near; what is not over by then is ended with its whole group. */
static enum sandbox_end
reap(pid_t pid, int64_t until, enum sandbox_end end, int *status)
{
	const struct timespec	moment = { .tv_nsec = 2000000 };
	siginfo_t		info = { 0 };
	int			st;

	while (end == SANDBOX_EXITED && info.si_pid == 0) {
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == -1)
			break;
		if (info.si_pid == 0 && clock_mono_ms() >= until)
			end = SANDBOX_SLOW;
		else if (info.si_pid == 0)
			nanosleep(&moment, NULL);
	}
	kill(-pid, SIGKILL);		/* before its number can be another's */
	kill(pid, SIGKILL);
	while (waitpid(pid, &st, 0) == -1 && errno == EINTR)
		;
	if (end != SANDBOX_EXITED)
		return end;
	if (WIFSIGNALED(st))
		return WTERMSIG(st) == SIGXCPU ? SANDBOX_SLOW : SANDBOX_DIED;
	*status = WEXITSTATUS(st);
	return *status == NOT_STARTED ? SANDBOX_NONE : SANDBOX_EXITED;
}

static enum sandbox_end
not_started(const struct sandbox *s, const char *why)
{
	log_error("a reader of documents does not start", LOG_S("program", s->path),
	    LOG_S("error", why));
	return SANDBOX_NONE;
}

enum sandbox_end
sandbox_run(const struct sandbox *s, struct str *out, int *status)
{
	const int64_t		 until = clock_mono_ms() + (int64_t)s->seconds * 1000;
	enum sandbox_end	 end;
	struct cell		 c;
	int			 fd[2];
	pid_t			 pid = -1;

	if (pipe2(fd, O_CLOEXEC) == -1)
		return not_started(s, strerror(errno));
	if (cell_open(&c, s, fd[1]) == 0 && (pid = fork()) == 0)
		child(&c);
	end = pid == -1 ? not_started(s, strerror(errno)) : SANDBOX_EXITED;
	cell_close(&c);			/* our end of the pipe among them */
	if (pid != -1) {
		end = reap(pid, until, listen_to(s, fd[0], until, out), status);
		if (end == SANDBOX_NONE)
			not_started(s, "limits, Landlock, seccomp or exec refused");
	}
	close(fd[0]);
	return end;
}
