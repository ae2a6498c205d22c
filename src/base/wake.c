#include "wake.h"

#include <sys/syscall.h>

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "mapped.h"

static _Atomic uint32_t	 own;		/* until there is a file */
static _Atomic uint32_t	*counter = &own;

int
wake_open(const char *state_dir)
{
	void	*p;

	if ((p = mapped_open(state_dir, "wake", "parley wake 1", sizeof(*counter))) == NULL)
		return -1;
	counter = p;
	return 0;
}

void
wake_send(void)
{
	atomic_fetch_add(counter, 1);
	syscall(SYS_futex, counter, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

uint32_t
wake_count(void)
{
	return atomic_load(counter);
}

void
wake_wait(uint32_t seen, int ms)
{
	struct timespec	 most = { ms / 1000, ms % 1000 * 1000000L };

	/* Returns at once where the counter has changed. */
	syscall(SYS_futex, counter, FUTEX_WAIT, seen, &most, NULL, 0);
}
