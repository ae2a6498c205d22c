#include "cmd.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ident.h"
#include "base/json.h"
#include "base/log.h"
#include "opts.h"
#include "store/db.h"
#include "store/migrate.h"

#define TIME_SIZE	20	/* what clock_format writes */
#define LOG_TAIL	4096	/* a line of the log is no longer */

/* ---- what is told ---------------------------------------------------------------------------- */

int
cmd_error(const struct run *r, int status, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	warnx("%s: %s", r->cmd->name, arena_vprintf(r->cx.a, fmt, ap));
	va_end(ap);
	return status;
}

int
cmd_status(enum fail_kind kind)
{
	switch (kind) {
	case F_NONE:
		return EX_OK;
	case F_NOT_FOUND:
		return EX_NOINPUT;
	case F_UPSTREAM:
	case F_UNAVAILABLE:
	case F_TIMEOUT:
		return EX_UNAVAILABLE;
	case F_UNAUTHORIZED:
	case F_FORBIDDEN:
		return EX_NOPERM;
	case F_INTERNAL:
		return EX_SOFTWARE;
	default:
		return EX_DATAERR;
	}
}

/*
 * Logs are written for machines. While a command runs they go to a file in memory, whose last line
 * is the reason that the sentence of a failure keeps from strangers: "Can't connect to local server
 * through socket …".
 */
static int
log_keep(void)
{
	char	path[32];
	int	fd;

	if ((fd = memfd_create("log", MFD_CLOEXEC)) == -1)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	log_open(path, LOG_WARN_);
	return fd;
}

/* The last line of the kept log, NUL-terminated; NULL: nothing was logged. */
static char *
log_last(const struct run *r, size_t *len)
{
	struct stat	 st;
	char		*p, *line;
	ssize_t		 n;
	off_t		 from;

	if (r->log_fd == -1 || fstat(r->log_fd, &st) == -1 || st.st_size == 0)
		return NULL;
	from = st.st_size > LOG_TAIL ? st.st_size - LOG_TAIL : 0;
	p = arena_get(r->cx.a, LOG_TAIL + 1);
	if ((n = pread(r->log_fd, p, LOG_TAIL, from)) <= 0)
		return NULL;
	while (n > 0 && p[n - 1] == '\n')
		n--;
	p[n] = '\0';
	line = strrchr(p, '\n');
	line = line != NULL ? line + 1 : p;
	*len = (size_t)(p + n - line);
	return line;
}

const char *
cmd_logged(const struct run *r)
{
	static const char *const names[] = { "error", "why", "msg" };
	struct json_parser	*parser;
	struct json		*line;
	const char		*text, *found = NULL;
	int64_t			 status;
	size_t			 n, len;
	char			*last;

	if ((last = log_last(r, &len)) == NULL)
		return NULL;
	parser = json_parser_new();
	if ((line = json_parser_parse(parser, last, len)) != NULL) {
		if (json_get_i64(json_at(line, "status"), &status) && status >= 300)
			found = arena_printf(r->cx.a, "HTTP status %d", (int)status);
		for (size_t i = 0; found == NULL && i < sizeof(names) / sizeof(names[0]); i++)
			if (json_get_str(json_at(line, names[i]), &text, &n))
				found = arena_strndup(r->cx.a, text, n);
		json_free(line);
	}
	json_parser_free(parser);
	return found;
}

const char *
cmd_why(const struct run *r)
{
	const char	*text = fail_text(r->cx.a, &r->cx.fail, r->cx.lang);
	const char	*logged = cmd_logged(r);

	return logged != NULL ? arena_printf(r->cx.a, "%s: %s", text, logged) : text;
}

int
cmd_failed(const struct run *r)
{
	return cmd_error(r, cmd_status(r->cx.fail.kind), "%s", cmd_why(r));
}

int
cmd_print(const struct run *r, struct str *s)
{
	int	status = EX_OK;

	if (s->len > 0 && (fwrite(s->p, 1, s->len, stdout) != s->len || fflush(stdout) == EOF))
		status = cmd_error(r, EX_IOERR, "standard output: %s", strerror(errno));
	str_free(s);
	return status;
}

int
cmd_print_json(const struct run *r, struct jw *w)
{
	jw_close(w);
	str_putc(w->out, '\n');
	return cmd_print(r, w->out);
}

char *
cmd_time(const struct run *r, int64_t ms)
{
	char	*s = arena_get(r->cx.a, TIME_SIZE);

	clock_format(s, TIME_SIZE, ms, r->cx.conf->timezone);
	return s;
}

const char *
yes_no(bool b)
{
	return b ? "yes" : "no";
}

/* ---- running one ----------------------------------------------------------------------------- */

/* Appends the text, folded between words so that no line is longer than 80. */
static void
fold(struct str *s, const char *text)
{
	const size_t	 indent = 6;
	size_t		 line = 0, n;

	for (; *text != '\0'; text += n, text += *text == ' ') {
		n = strcspn(text, " ");
		if (line > 0 && line + 1 + n > 80) {
			str_printf(s, "\n%*s", (int)indent, "");
			line = indent;
		} else if (line > 0) {
			str_putc(s, ' ');
			line++;
		}
		str_put(s, text, n);
		line += n;
	}
	str_putc(s, '\n');
}

void
cmd_help(struct str *s, const struct cmd *cmd)
{
	struct str	 usage = STR_INIT(0);

	str_printf(&usage, "usage: parley %s", cmd->name);
	if (*cmd->operands != '\0')
		str_printf(&usage, " %s", cmd->operands);
	opts_must(&usage, cmd);
	str_puts(&usage, " [option…]");
	fold(s, usage.p);
	str_free(&usage);
	str_printf(s, "\n%s\n\n", cmd->help);
	opts_help(s, cmd);
	if (cmd->more != NULL)
		str_printf(s, "\n%s", cmd->more);
}

static int
settings(struct run *r, const char *file)
{
	struct str	 err = STR_INIT(4096);
	const bool	 may_lack = r->cmd->flags & CMD_TRY && file == NULL;

	r->cx.conf = conf_load(file, &err);
	if (r->cx.conf == NULL && !may_lack)
		warnx("%s", err.p);
	str_free(&err);
	return r->cx.conf != NULL || may_lack ? EX_OK : EX_CONFIG;
}

static int
ids(struct run *r)
{
	const char	*dir = r->cx.conf->state_dir;

	if (ident_open(dir, r->cx.conf->node) == 0)
		return EX_OK;
	if (errno == EACCES || errno == EPERM)
		return cmd_error(r, EX_NOPERM, "state_dir %s: %s: run it as the service's user, or "
		    "as root", dir, strerror(errno));
	return cmd_error(r, EX_CANTCREAT, "state_dir %s: %s", dir, strerror(errno));
}

static bool
wants(const struct run *r, int flag)
{
	return (r->cmd->flags & flag) == flag;
}

/* What the command's flags ask for. EX_OK, or an exit status after one line on standard error. */
static int
prepare(struct run *r, const char *conf_file)
{
	int	status;

	if (!wants(r, CMD_LOGS))
		r->log_fd = log_keep();
	if (wants(r, CMD_CONF) && (status = settings(r, conf_file)) != EX_OK)
		return status;
	if (wants(r, CMD_DB) && r->cx.conf != NULL)
		r->cx.db = db_new(r->cx.conf);
	if (wants(r, CMD_SCHEMA) && migrate_check(&r->cx) == -1)
		return cmd_failed(r);
	if (wants(r, CMD_IDS))
		return ids(r);
	return EX_OK;
}

static int
help(struct run *r)
{
	struct str	 s = STR_INIT(0);

	cmd_help(&s, r->cmd);
	return cmd_print(r, &s);
}

int
cmd_run(const struct cmd *cmd, int argc, char **argv, const char *conf_file)
{
	struct run	 r = { .cmd = cmd, .log_fd = -1 };
	struct parsed	 p = { .conf_file = conf_file };
	void		*values;
	int		 status;

	r.cx.a = arena_new(0);
	r.cx.lang = LANG_EN;
	r.cx.now = clock_ms();
	snprintf(r.cx.rid, sizeof(r.cx.rid), "cli-%d", (int)getpid());
	values = arena_get(r.cx.a, cmd->size);
	if (opts_parse(cmd, r.cx.a, argc, argv, &p, values) == -1)
		status = EX_USAGE;
	else if (p.help)
		status = help(&r);
	else {
		r.operand = p.operand;
		r.n = p.n;
		r.json = p.json;
		if ((status = prepare(&r, p.conf_file)) == EX_OK)
			status = cmd->fn(&r, values);
	}
	db_free(r.cx.db);
	conf_free((struct conf *)r.cx.conf);
	if (r.log_fd != -1)
		close(r.log_fd);
	arena_free(r.cx.a);
	return status;
}
