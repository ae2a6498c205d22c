/*
 * The sandbox: this program again, as a prisoner that tries what a captured reader of documents
 * would try. It says "in" when it was refused, "out" when it was not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sanitizer.h"
#include "core/sandbox.h"

#define PRISONER	"prisoner"

static char	dir[] = "/tmp/test-sandbox-XXXXXX";
static char	canary[64];

/* ---- the prisoner ---------------------------------------------------------------------------- */

static bool
opens(const char *path, int flags)
{
	const int	fd = open(path, flags, 0600);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

static bool
reads_passwd(const char *arg)
{
	(void)arg;
	return opens("/etc/passwd", O_RDONLY);
}

static bool
reads_state(const char *arg)
{
	return opens(arg, O_RDONLY);
}

static bool
reads_others(const char *arg)
{
	char	path[64];

	(void)arg;
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)getppid());
	return opens(path, O_RDONLY);
}

static bool
lists(const char *arg)
{
	DIR	*d = opendir("/tmp");

	(void)arg;
	if (d != NULL)
		closedir(d);
	return d != NULL;
}

static bool
makes(const char *arg)
{
	char	path[128];

	snprintf(path, sizeof(path), "%s.new", arg);
	return opens(path, O_WRONLY | O_CREAT) || mkdir(path, 0700) == 0 ||
	    symlink("/etc", path) == 0;
}

static bool
changes(const char *arg)
{
	return opens(arg, O_RDWR) || opens(arg, O_RDONLY | O_TRUNC) || unlink(arg) == 0 ||
	    rename(arg, "/tmp/elsewhere") == 0 || chmod(arg, 0777) == 0 || truncate(arg, 0) == 0;
}

/* Its standard input is the file of another. */
static bool
changes_input(const char *arg)
{
	(void)arg;
	return write(0, "x", 1) == 1 || ftruncate(0, 0) == 0 ||
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0, 0) != MAP_FAILED;
}

static bool
connects(const char *arg)
{
	static const int	families[] = { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK };

	(void)arg;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (socket(families[i], SOCK_DGRAM, 0) != -1)
			return true;
	return false;
}

static bool
forks(const char *arg)
{
	int	pid, fd[2];

	(void)arg;
	for (int i = 0; i < 100; i++)
		if ((pid = fork()) != -1) {
			if (pid == 0)
				_exit(0);
			return true;
		}
	return vfork() != -1 || pipe(fd) == 0;
}

static bool
runs(const char *arg)
{
	char *const	argv[] = { (char *)"sh", (char *)"-c", (char *)"echo out", NULL };

	(void)arg;
	execv("/bin/sh", argv);
	return false;
}

/* It may start its own program until it gives that up. */
static bool
runs_itself(const char *arg)
{
	char *const	argv[] = { (char *)PRISONER, (char *)"reads_passwd", (char *)arg, NULL };

	if (sandbox_settle() == -1)
		return true;
	execv("/proc/self/exe", argv);
	return errno != EPERM;
}

static bool
signals(const char *arg)
{
	(void)arg;
	return kill(getppid(), 0) == 0;
}

static bool
holds_descriptors(const char *arg)
{
	(void)arg;
	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			return true;
	return false;
}

static bool
knows_environment(const char *arg)
{
	(void)arg;
	return getenv("SECRET_OF_THE_TEST") != NULL;
}

static bool
grows(const char *arg)
{
	const size_t	 piece = 64 << 20;
	char		*p;

	(void)arg;
	for (size_t had = 0; had < (size_t)4 << 30; had += piece) {
		if ((p = malloc(piece)) == NULL)
			return false;
		memset(p, 1, piece);
	}
	return true;
}

static bool
loops(const char *arg)
{
	(void)arg;
	for (volatile unsigned i = 1; i != 0; i += 2)
		;
	return true;
}

static bool
sleeps(const char *arg)
{
	(void)arg;
	while (poll(NULL, 0, 1000) == 0)
		;
	return true;
}

static bool
shouts(const char *arg)
{
	char	line[4096];

	(void)arg;
	memset(line, 'a', sizeof(line));
	while (write(1, line, sizeof(line)) > 0)
		;
	return false;
}

static bool
crashes(const char *arg)
{
	(void)arg;
	raise(SIGSEGV);
	abort();
}

static bool
copies(const char *arg)
{
	char	line[64];
	ssize_t	n;

	(void)arg;
	while ((n = read(0, line, sizeof(line))) > 0)
		if (write(1, line, (size_t)n) != n)
			return true;
	return false;
}

#define TRY(name)	{ #name, name }
static const struct {
	const char	*name;
	bool		(*fn)(const char *);
} tries[] = {
	TRY(reads_passwd), TRY(reads_state), TRY(reads_others), TRY(lists), TRY(makes),
	TRY(changes), TRY(changes_input), TRY(connects), TRY(forks), TRY(runs), TRY(runs_itself),
	TRY(signals), TRY(holds_descriptors), TRY(knows_environment), TRY(grows), TRY(loops),
	TRY(sleeps), TRY(shouts), TRY(crashes), TRY(copies),
};

static int
prisoner(const char *what, const char *arg)
{
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		if (strcmp(tries[i].name, what) == 0) {
			const char	*said = tries[i].fn(arg) ? "out" : "in";

			return write(1, said, strlen(said)) > 0 ? 42 : 43;
		}
	return 44;
}

/* ---- the guards ------------------------------------------------------------------------------ */

struct told {
	enum sandbox_end	end;
	int			status;
	struct str		out;
	int64_t			ms;
};

static int	asked;

static bool
three_times(void *arg)
{
	(void)arg;
	return ++asked <= 3;
}

static void
lock_up(struct told *t, const char *what, int seconds, size_t most, bool (*go_on)(void *))
{
	const char *const	argv[] = { PRISONER, what, canary, NULL };
	struct sandbox		s = { .path = "/proc/self/exe", .argv = argv,
		.seconds = seconds, .go_on = go_on };
	const int64_t		from = clock_mono_ms();

	*t = (struct told){ .out = STR_INIT(most) };
	s.in = open(canary, O_RDWR | O_CLOEXEC);
	assert_int_not_equal(s.in, -1);
	lseek(s.in, 0, SEEK_END);
	t->end = sandbox_run(&s, &t->out, &t->status);
	t->ms = clock_mono_ms() - from;
	close(s.in);
}

static void
refused(void **state)
{
	static const char *const	what[] = {
		"reads_passwd", "reads_state", "lists", "makes", "changes", "changes_input",
		"connects", "forks", "runs", "runs_itself", "signals", "holds_descriptors",
		"knows_environment",
#ifndef SANITIZED		/* it must see /proc, and have room */
		"reads_others", "grows",
#endif
	};
	struct told	 t;

	(void)state;
	for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
		/* What Landlock alone refuses cannot be refused without it. */
		if (sandbox_landlock() == 0 && (i < 3 || strcmp(what[i], "reads_others") == 0))
			continue;
		lock_up(&t, what[i], 30, 1000, NULL);
		if (t.end != SANDBOX_EXITED || t.status != 42 || strcmp(t.out.p, "in") != 0)
			print_message("# %s: end %d, status %d, %s\n", what[i], t.end, t.status,
			    t.out.p != NULL ? t.out.p : "silent");
		assert_int_equal(t.end, SANDBOX_EXITED);
		assert_int_equal(t.status, 42);
		assert_string_equal(t.out.p, "in");
		str_free(&t.out);
	}
}

static void
reads_its_input(void **state)
{
	struct told	 t;

	(void)state;
	lock_up(&t, "copies", 30, 1000, NULL);
	assert_int_equal(t.end, SANDBOX_EXITED);
	assert_string_equal(t.out.p, "canaryin");	/* from its beginning */
	str_free(&t.out);
}

static void
ended(void **state)
{
	struct told	 t;

	(void)state;
	lock_up(&t, "loops", 1, 1000, NULL);
	assert_int_equal(t.end, SANDBOX_SLOW);
	str_free(&t.out);
	lock_up(&t, "sleeps", 1, 1000, NULL);
	assert_int_equal(t.end, SANDBOX_SLOW);
	assert_true(t.ms >= 1000 && t.ms < 20000);
	str_free(&t.out);
	lock_up(&t, "shouts", 60, 100000, NULL);
	assert_int_equal(t.end, SANDBOX_LOUD);
	assert_true(t.out.len <= 100000);
	str_free(&t.out);
	asked = 0;
	lock_up(&t, "sleeps", 60, 1000, three_times);
	assert_int_equal(t.end, SANDBOX_STOPPED);
	assert_true(t.ms < 20000);
	str_free(&t.out);
#ifndef SANITIZED
	lock_up(&t, "crashes", 60, 1000, NULL);
	assert_int_equal(t.end, SANDBOX_DIED);
	str_free(&t.out);
#endif
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);	/* nobody is left */
}

static void
not_there(void **state)
{
	const char *const	argv[] = { "nobody", NULL };
	struct sandbox		s = { .path = "/nowhere/nobody", .argv = argv, .seconds = 5 };
	struct str		out = STR_INIT(100);
	int			status = 0, logs = dup(2), null = open("/dev/null", O_WRONLY);

	(void)state;
	s.in = open(canary, O_RDONLY);
	dup2(null, 2);			/* it is logged */
	assert_int_equal(sandbox_run(&s, &out, &status), SANDBOX_NONE);
	dup2(logs, 2);
	close(logs);
	close(null);
	close(s.in);
	str_free(&out);
}

static void
nothing_happened(void **state)
{
	char	line[16] = "";
	int	fd = open(canary, O_RDONLY);

	(void)state;
	assert_int_equal(read(fd, line, sizeof(line)), 6);
	assert_string_equal(line, "canary");
	close(fd);
	assert_int_equal(unlink(canary), 0);
	assert_int_equal(rmdir(dir), 0);	/* there was nothing else in it */
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(refused), cmocka_unit_test(reads_its_input),
		cmocka_unit_test(ended), cmocka_unit_test(not_there),
		cmocka_unit_test(nothing_happened),
	};
	int			fd;

	if (argc == 3 && strcmp(argv[0], PRISONER) == 0)
		_exit(prisoner(argv[1], argv[2]));	/* no look for leaks in there */
	setenv("SECRET_OF_THE_TEST", "1", 1);
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(canary, sizeof(canary), "%s/canary", dir);
	if ((fd = open(canary, O_WRONLY | O_CREAT, 0600)) == -1 || write(fd, "canary", 6) != 6)
		return 1;
	close(fd);
	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
