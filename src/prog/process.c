#include "process.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/slot.h"
#include "jobs_process.h"
#include "worker_process.h"

static const struct {
	const char	*name;		/* in sentences */
	const char	*role;		/* in lists of processes, and in the log */
	int		(*run)(const struct process *);
} kinds[] = {
	[CHILD_WORKER] = { "worker", "worker", worker_process_run },
	[CHILD_JOBS] = { "jobs process", "jobs", jobs_process_run },
};

static void
role_take(const char *role, int number)
{
	char	name[24];

	snprintf(name, sizeof(name), "parley %s", role);
	prctl(PR_SET_NAME, name);
	snprintf(name, sizeof(name), "%s %d", role, number);
	log_as(name);
}

int
process_run(enum child_kind kind, const struct process *p)
{
	role_take(kinds[kind].role, p->number);
	/* The kernel ends us when the master dies; it may have done so already. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != p->master)
		return EX_OK;
	if (slot_take() == -1) {
		log_error("no place among the processes of this state_dir",
		    LOG_S("error", strerror(errno)));
		return EX_OSERR;
	}
	return kinds[kind].run(p);
}

void
process_ready(const struct process *p)
{
	pid_t	pid = getpid();

	if (write(p->ready_fd, &pid, sizeof(pid)) != sizeof(pid))
		log_warn("the master does not hear", LOG_S("error", strerror(errno)));
	close(p->ready_fd);
}

void
process_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGQUIT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGUSR1);
}

int
process_wait(int ms)
{
	struct timespec	wait = { ms / 1000, ms % 1000 * 1000000L };
	sigset_t	set;
	int		sig;

	process_signals(&set);
	if ((sig = sigtimedwait(&set, NULL, ms == -1 ? NULL : &wait)) != SIGUSR1)
		return sig;
	log_reopen();
	return -1;
}

void
process_ended(const struct child *c, int status)
{
	const char	*name = kinds[c->kind].name;
	char		 what[64];

	if (WIFSIGNALED(status)) {
		snprintf(what, sizeof(what), "a %s died", name);
		log_error(what, LOG_I("number", c->number), LOG_I("child", c->pid),
		    LOG_S("signal", strsignal(WTERMSIG(status))));
	} else if (WEXITSTATUS(status) != 0 || c->wanted) {
		snprintf(what, sizeof(what), "a %s ended", name);
		log_error(what, LOG_I("number", c->number), LOG_I("child", c->pid),
		    LOG_I("status", WEXITSTATUS(status)));
	} else {
		snprintf(what, sizeof(what), "a %s left", name);
		log_info(what, LOG_I("number", c->number), LOG_I("child", c->pid));
	}
}
