#include "jobs_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
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
	if (!l->leaving)
		log_info("leaving");
	l->leaving = true;
	jobs_leave(l->jobs, sig != SIGHUP);
}

static void
life_run(struct life *l)
{
	int	sig;

	while (!jobs_over(l->jobs)) {
		if ((sig = process_wait(l->leaving ? LOOK_LEAVING : LOOK)) != -1)
			life_signal(l, sig);
		jobs_keep(l->jobs);
	}
}

/* Nobody shall seem to listen, or to take connections, once the workers have left. */
static void
sockets_close(const struct process *p)
{
	const int	null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* This may be descriptor 0, which stays taken. */
	if (null == -1 || dup2(null, p->listen_fd) == -1)
		close(p->listen_fd);
	close(null);
	if (p->ws_fd != -1)
		close(p->ws_fd);
	close(p->handoff[0]);
	close(p->handoff[1]);
}

int
jobs_process_run(const struct process *p)
{
	struct life	l = { 0 };

	sockets_close(p);
	signal(SIGPIPE, SIG_IGN);
	l.jobs = jobs_start(p->conf, p->number == 1);
	process_ready(p);
	log_info("ready");
	life_run(&l);
	jobs_free(l.jobs);
	return EX_OK;
}
