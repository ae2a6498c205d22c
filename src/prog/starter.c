#include "config.h"

#include "starter.h"

#include <err.h>
#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/clock.h"
#include "base/log.h"

int
starter_leave(int *tell)
{
	int	 fd[2], status;
	pid_t	 pid;

	if (pipe2(fd, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		warn("fork");
		return -1;
	}
	if (pid > 0) {
		close(fd[1]);
		if (read(fd[0], &status, sizeof(status)) != sizeof(status)) {
			warnx("serve ended before its workers were up: see the log");
			status = EX_SOFTWARE;
		}
		_exit(status);
	}
	close(fd[0]);
	*tell = fd[1];
	setsid();
	return 0;
}

void
starter_tell(int *tell, int status)
{
	if (*tell == -1)
		return;
	if (write(*tell, &status, sizeof(status)) != sizeof(status))
		log_warn("the parent has gone");
	close(*tell);
	*tell = -1;
}

void
starter_notify(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notifyf(0, "%s\nMONOTONIC_USEC=%lld", state, (long long)clock_mono_us());
#else
	(void)state;
#endif
}
