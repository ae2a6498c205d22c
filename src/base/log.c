#include "log.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "utf8.h"

#define LINE	PIPE_BUF	/* a pipe takes this much whole, however many write */
#define TAIL	8		/* kept free for what closes a line: `…"}\n` */

static const struct {
	const char	*name;
	int		 priority;	/* of syslog, which the journal reads as <N> */
} levels[] = {
	[LOG_DEBUG_] = { "debug", 7 },
	[LOG_INFO_] = { "info", 6 },
	[LOG_WARN_] = { "warn", 4 },
	[LOG_ERROR_] = { "error", 3 },
};

/* The log is the process's, so its state is too. */
static atomic_int		 log_fd = STDERR_FILENO;
static char			 log_file[PATH_MAX];	/* "" = standard error */
static enum log_level		 log_least = LOG_INFO_;
static bool			 log_journal;		/* standard error is the journal's socket */
static char			 log_role[32];
static atomic_bool		 log_stale;		/* open the file anew, at the next line */
static pthread_mutex_t		 log_lock = PTHREAD_MUTEX_INITIALIZER;

struct line {
	char	p[LINE];
	size_t	len;
};

static size_t
line_room(const struct line *l)
{
	return l->len < LINE - TAIL ? LINE - TAIL - l->len : 0;
}

static void
line_put(struct line *l, const char *s, size_t n)
{
	if (n > line_room(l))
		n = line_room(l);
	memcpy(l->p + l->len, s, n);
	l->len += n;
}

/*
 * A JSON string. What no longer fits is replaced by an ellipsis, so that the line stays an object.
 */
static void
line_quote(struct line *l, const char *s)
{
	size_t		 n = strlen(s), used, len;
	uint32_t	 cp;
	char		 escape[8];
	const char	*out;

	line_put(l, "\"", 1);
	for (; n > 0; s += used, n -= used) {
		used = len = utf8_next(s, n, &cp);
		out = s;
		if (used == 0) {
			used = 1;
			out = "\\ufffd";
			len = 6;
		} else if (cp == '"' || cp == '\\') {
			snprintf(escape, sizeof(escape), "\\%c", (int)cp);
			out = escape;
			len = 2;
		} else if (cp < 0x20 || cp == 0x7f || cp == 0x2028 || cp == 0x2029) {
			snprintf(escape, sizeof(escape), "\\u%04x", cp & 0xffff);
			out = escape;
			len = 6;
		}
		if (len + 1 > line_room(l)) {		/* 1: the closing quote */
			memcpy(l->p + l->len, "\xe2\x80\xa6", 3);
			l->len += 3;
			break;
		}
		line_put(l, out, len);
	}
	l->p[l->len++] = '"';
}

/* False when the line has no room for another pair: it is left out with those after it. */
static bool
line_key(struct line *l, const char *key)
{
	size_t	n = strlen(key);

	if (n + 32 > line_room(l))	/* a number is shorter than that */
		return false;
	line_put(l, ",\"", 2);
	line_put(l, key, n);
	line_put(l, "\":", 2);
	return true;
}

static void
line_int(struct line *l, int64_t v)
{
	char	number[24];

	line_put(l, number, (size_t)snprintf(number, sizeof(number), "%" PRId64, v));
}

/*
 * $JOURNAL_STREAM is device:inode of the journal's socket; who inherits it may have another stderr.
 */
static bool
is_journal(void)
{
	const char	*s = getenv("JOURNAL_STREAM");
	char		 mine[64];
	struct stat	 st;

	if (s == NULL || fstat(STDERR_FILENO, &st) == -1)
		return false;
	snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(s, mine) == 0;
}

/* Opens the file anew behind the number of the old one, which another thread may be writing to. */
static int
file_open(void)
{
	int	fd = open(log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);

	if (fd == -1)
		return -1;
	if (log_fd == STDERR_FILENO) {
		log_fd = fd;
		return 0;
	}
	dup3(fd, log_fd, O_CLOEXEC);
	close(fd);
	return 0;
}

static void
log_complain(const char *file, int error)
{
	log_error("log file cannot be opened", LOG_S("file", file),
	    LOG_S("error", strerror(error)));
}

void
log_open(const char *file, enum log_level least)
{
	log_least = least;
	log_journal = is_journal();
	log_stale = false;
	if (log_fd != STDERR_FILENO) {
		close(log_fd);
		log_fd = STDERR_FILENO;
	}
	log_file[0] = '\0';
	if (file == NULL || *file == '\0')
		return;
	if (strlen(file) >= sizeof(log_file)) {
		log_complain(file, ENAMETOOLONG);
		return;
	}
	memcpy(log_file, file, strlen(file) + 1);
	if (file_open() == -1)
		log_complain(file, errno);
}

void
log_reopen(void)
{
	log_stale = true;	/* lock-free, so a signal handler may */
}

void
log_as(const char *role)
{
	snprintf(log_role, sizeof(log_role), "%s", role);
}

static void
log_renew(void)
{
	int	error = 0;

	pthread_mutex_lock(&log_lock);
	if (log_stale) {
		log_stale = false;
		if (log_file[0] != '\0' && file_open() == -1)
			error = errno;
	}
	pthread_mutex_unlock(&log_lock);
	if (error != 0)		/* into the old file */
		log_complain(log_file, error);
}

void
log_line(enum log_level level, const char *msg, ...)
{
	struct line	 l;
	char		 time[32];
	const char	*key, *value;
	int		 saved = errno;
	va_list		 ap;

	if (level < log_least)
		return;
	if (log_stale)
		log_renew();
	l.len = 0;
	if (log_journal && log_fd == STDERR_FILENO)
		l.len = (size_t)snprintf(l.p, sizeof(l.p), "<%d>", levels[level].priority);
	clock_rfc3339(time, sizeof(time), clock_ms());
	line_put(&l, "{\"time\":", 8);
	line_quote(&l, time);
	line_key(&l, "level");
	line_quote(&l, levels[level].name);
	line_key(&l, "msg");
	line_quote(&l, msg);
	if (line_key(&l, "pid"))
		line_int(&l, getpid());
	if (log_role[0] != '\0' && line_key(&l, "role"))
		line_quote(&l, log_role);

	va_start(ap, msg);
	while ((key = va_arg(ap, const char *)) != NULL && line_key(&l, key + 1)) {
		if (*key == 'i')
			line_int(&l, va_arg(ap, int64_t));
		else if ((value = va_arg(ap, const char *)) != NULL)
			line_quote(&l, value);
		else
			line_put(&l, "null", 4);
	}
	va_end(ap);

	l.p[l.len++] = '}';
	l.p[l.len++] = '\n';
	while (write(log_fd, l.p, l.len) == -1 && errno == EINTR)
		;
	errno = saved;
}
