#include "sandbox_rules.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "base/sanitizer.h"
#include "sandbox.h"

/* ---- calls ----------------------------------------------------------------------------------- */

/* What a program needs that computes, loads its libraries and reads. All else is EPERM. */
static const char *const calls[] = {
	"read", "readv", "pread64", "write", "writev", "lseek", "_llseek", "close", "dup",
	"fcntl", "fcntl64", "fadvise64", "fadvise64_64", "poll", "ppoll", "ppoll_time64",
	"stat", "stat64", "lstat", "lstat64", "fstat", "fstat64", "newfstatat", "fstatat64",
	"statx", "statfs", "fstatfs", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
	"getcwd", "getdents", "getdents64",
	"brk", "mmap", "mmap2", "munmap", "mremap", "mprotect", "madvise",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "sigaltstack",
	"futex", "futex_time64", "set_robust_list", "set_tid_address", "rseq", "arch_prctl",
	"set_thread_area", "set_tls", "cacheflush", "riscv_flush_icache", "membarrier",
	"getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getuid32",
	"geteuid32", "getgid32", "getegid32", "getrlimit", "ugetrlimit", "getrusage",
	"clock_gettime", "clock_gettime64", "clock_getres", "gettimeofday", "time", "uname",
	"sysinfo", "sched_getaffinity", "sched_yield", "getrandom", "restart_syscall",
	"exit", "exit_group", "execve", "seccomp",
};

#define CHANGING	(O_ACCMODE | O_CREAT | O_TRUNC)

static int
allow(scmp_filter_ctx f, const char *name, unsigned n, const struct scmp_arg_cmp *args)
{
	const int	call = seccomp_syscall_resolve_name(name);

	/* Not every machine has every call. */
	return call == __NR_SCMP_ERROR ? 0 :
	    seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call, n, args);
}

/* Files are opened for reading alone; a limit is looked at, not changed; filters are only added. */
static int
allow_some(scmp_filter_ctx f)
{
	const struct {
		const char		*call;
		struct scmp_arg_cmp	 when;
	} some[] = {
		{ "open", SCMP_A1(SCMP_CMP_MASKED_EQ, CHANGING, O_RDONLY) },
		{ "openat", SCMP_A2(SCMP_CMP_MASKED_EQ, CHANGING, O_RDONLY) },
		{ "prlimit64", SCMP_A2(SCMP_CMP_EQ, 0, 0) },
#ifdef SANITIZED
		{ "prlimit64", SCMP_A1(SCMP_CMP_EQ, RLIMIT_CORE, 0) },
#endif
		{ "prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_NO_NEW_PRIVS, 0) },
		{ "prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP, 0) },
	};
	int	rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(some) / sizeof(some[0]); i++)
		rc = allow(f, some[i].call, 1, &some[i].when);
	return rc;
}

static int
allow_all(scmp_filter_ctx f)
{
	int	rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(calls) / sizeof(calls[0]); i++)
		rc = allow(f, calls[i], 0, NULL);
	return rc == 0 ? allow_some(f) : rc;
}

int
sandbox_filter_make(void)
{
	scmp_filter_ctx	f;
	int		rc = -ENOMEM, fd = -1;

	if ((f = seccomp_init(SCMP_ACT_ERRNO(EPERM))) != NULL && (rc = allow_all(f)) == 0) {
		if ((fd = memfd_create("seccomp", MFD_CLOEXEC)) == -1)
			rc = -errno;
		else
			rc = seccomp_export_bpf(f, fd);
	}
	seccomp_release(f);
	if (rc == 0)
		return fd;
	if (fd != -1)
		close(fd);
	errno = -rc;
	return -1;
}

int
sandbox_filter_read(int fd, struct sock_filter *code, size_t room, struct sock_fprog *prog)
{
	ssize_t	n;

	if ((n = pread(fd, code, room, 0)) <= 0 || (size_t)n == room) {
		errno = n < 0 ? errno : E2BIG;
		return -1;
	}
	*prog = (struct sock_fprog){ (unsigned short)((size_t)n / sizeof(*code)), code };
	return 0;
}

int
sandbox_settle(void)
{
	scmp_filter_ctx	f;
	int		rc = -ENOMEM;

	if ((f = seccomp_init(SCMP_ACT_ALLOW)) != NULL &&
	    (rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execve), 0)) == 0)
		rc = seccomp_load(f);
	seccomp_release(f);
	errno = -rc;
	return rc == 0 ? 0 : -1;
}

/* ---- files ----------------------------------------------------------------------------------- */

#define READING	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RUNNING	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE)
/* All that the first version knows; later ones know these too. */
#define HANDLED	((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

/* What a program is loaded from. */
static const char *const libraries[] = {
	"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache",
#ifdef SANITIZED
	"/proc",
#endif
	NULL
};

int
sandbox_landlock(void)
{
	const long	version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return version > 0 ? (int)version : 0;
}

/* What is not there needs no leave. */
static int
add(int rules, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr	beneath = { .allowed_access = access };
	struct stat				st;
	int					rc;

	if ((beneath.parent_fd = open(path, O_PATH | O_CLOEXEC)) == -1)
		return 0;
	if (fstat(beneath.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		beneath.allowed_access &= ~(uint64_t)LANDLOCK_ACCESS_FS_READ_DIR;
	rc = (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	close(beneath.parent_fd);
	return rc;
}

static int
add_all(int rules, const char *const *paths, uint64_t access)
{
	for (; paths != NULL && *paths != NULL; paths++)
		if (add(rules, *paths, access) == -1)
			return -1;
	return 0;
}

/* The loader of our own program, which is that of the others too. */
static int
find_loader(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			*(const char **)arg =
			    (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	return 1;		/* the first is the program */
}

int
sandbox_files_make(const char *program, const char *const *reads)
{
	const struct landlock_ruleset_attr	 attr = { .handled_access_fs = HANDLED };
	const char				*loader = NULL;
	int					 rules, saved;

	if ((rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0)) == -1)
		return -1;
	dl_iterate_phdr(find_loader, &loader);
	if (add_all(rules, libraries, READING) == 0 && add_all(rules, reads, READING) == 0 &&
	    add(rules, program, RUNNING) == 0 &&
	    (loader == NULL || add(rules, loader, RUNNING) == 0))
		return rules;
	saved = errno;
	close(rules);
	errno = saved;
	return -1;
}
