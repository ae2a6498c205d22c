/* sandbox_rules: what seccomp and Landlock let a program do. Private to sandbox. */
#ifndef PARLEY_SANDBOX_RULES_H
#define PARLEY_SANDBOX_RULES_H

#include <linux/filter.h>
#include <stddef.h>

/* The filter of calls, in a file in memory: its descriptor. -1: errno. */
int	 sandbox_filter_make(void);
/* What that holds, in `room` bytes at `code`. -1: errno. */
int	 sandbox_filter_read(int fd, struct sock_filter *code, size_t room, struct sock_fprog *);
/* The rules for files: a descriptor; -1: errno, ENOSYS or EOPNOTSUPP without Landlock. */
int	 sandbox_files_make(const char *program, const char *const *reads);

#endif
