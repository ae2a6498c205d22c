#include "jobs_process.h"

#include <sys/prctl.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/slot.h"
#include "core/jobs.h"

#define LOOK		1000	/* ms between two looks after the claim */
#define LOOK_LEAVING	20	/* and whether all is done */

struct life {
	struct jobs	*jobs;
	bool		 leaving;
};

static void
life_signal(struct life *l, int sig)
{
	if (sig == SIGUSR1) {
		log_reopen();
		return;
	}
	if (!l->leaving)
		log_info("leaving");
	l->leaving = true;
	jobs_leave(l->jobs, sig != SIGHUP);
}

static void
life_run(struct life *l)
{
	struct timespec	 look;
	sigset_t	 set;
	int		 sig, ms;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	while (!jobs_over(l->jobs)) {
		ms = l->leaving ? LOOK_LEAVING : LOOK;
		look = (struct timespec){ ms / 1000, ms % 1000 * 1000000L };
		if ((sig = sigtimedwait(&set, NULL, &look)) > 0)
			life_signal(l, sig);
		jobs_keep(l->jobs);
	}
}

int
jobs_process_run(const struct conf *conf, int number, pid_t master, int ready_fd)
{
	struct life	 l = { 0 };
	pid_t		 pid = getpid();
	char		 role[24];

	prctl(PR_SET_NAME, "parley jobs");
	/* The kernel ends us when the master dies; it may have done so already. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != master)
		return EX_OK;
	snprintf(role, sizeof(role), "jobs %d", number);
	log_as(role);
	if (slot_take() == -1) {
		log_error("no place among the processes of this state_dir",
		    LOG_S("error", strerror(errno)));
		return EX_OSERR;
	}
	signal(SIGPIPE, SIG_IGN);
	l.jobs = jobs_start(conf, number == 1);
	if (write(ready_fd, &pid, sizeof(pid)) != sizeof(pid))
		log_warn("the master does not hear", LOG_S("error", strerror(errno)));
	close(ready_fd);
	log_info("ready");
	life_run(&l);
	jobs_free(l.jobs);
	return EX_OK;
}
