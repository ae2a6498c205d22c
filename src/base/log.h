/*
 * log: one JSON object per line on standard error or in a file: {"time","level","msg","pid",…}.
 * Values are named pairs; secrets and bodies never go here. Lines are one write(2) each, so
 * processes may share the file. A line is at most 4 KiB (what a pipe takes whole): a value that is
 * too long ends in an ellipsis. Where standard error is the journal's socket, each line begins with
 * its priority, `<6>`.
 */
#ifndef PARLEY_LOG_H
#define PARLEY_LOG_H

#include <stdint.h>

enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };

/* NULL or "": standard error, which is also used (and told) when the file cannot be opened. */
void	log_open(const char *file, enum log_level least);
void	log_reopen(void);	/* after logrotate: sets a flag for the next line; for handlers */
void	log_as(const char *role);	/* "master", "worker 2": in every later line of ours */
/* key, value pairs: LOG_S for strings, LOG_I for int64_t; ended by NULL. */
void	log_line(enum log_level, const char *msg, ...) __attribute__((sentinel));
#define LOG_S(k, v)	"s" k, (const char *)(v)
#define LOG_I(k, v)	"i" k, (int64_t)(v)
#define log_debug(...)	log_line(LOG_DEBUG_, __VA_ARGS__, (char *)NULL)
#define log_info(...)	log_line(LOG_INFO_, __VA_ARGS__, (char *)NULL)
#define log_warn(...)	log_line(LOG_WARN_, __VA_ARGS__, (char *)NULL)
#define log_error(...)	log_line(LOG_ERROR_, __VA_ARGS__, (char *)NULL)

#endif
