#include "private-db.h"

#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ident.h"
#include "base/log.h"
#include "store/db.h"

/*
 * Runs a program; its standard input comes from `input` (a file) and its output goes to `output`,
 * where not NULL.
 */
static int
spawn(const char *input, const char *output, const char *const *argv)
{
	int	 status, in, out;
	pid_t	 pid;

	switch (pid = fork()) {
	case -1:
		err(1, "fork");
	case 0:
		in = open(input != NULL ? input : "/dev/null", O_RDONLY);
		out = output == NULL ? STDOUT_FILENO :
		    open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		if (dup2(in, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1)
			_exit(126);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) == -1)
		err(1, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

bool
private_db_possible(void)
{
	return spawn(NULL, "/dev/null", (const char *[]){ "sh", "-c",
	    "command -v mariadbd && command -v mariadb-install-db", NULL }) == 0;
}

/* What must not be left behind, however this process ends; it is not its children's to stop. */
static struct private_db	*started;
static pid_t			 starter;

static void
stop_started(void)
{
	if (started != NULL && getpid() == starter)
		private_db_stop(started);
}

void
private_db_start(struct private_db *p)
{
	const char	*top = getenv("top_srcdir");

	memset(p, 0, sizeof(*p));
	p->top = top != NULL ? top : ".";
	snprintf(p->schema, sizeof(p->schema), "%s/schema", p->top);
	snprintf(p->dir, sizeof(p->dir), "/tmp/parley-test.XXXXXX");
	if (mkdtemp(p->dir) == NULL)
		err(1, "mkdtemp");
	snprintf(p->socket, sizeof(p->socket), "%s/run/db.sock", p->dir);
	snprintf(p->log, sizeof(p->log), "%s/test.log", p->dir);
	log_open(p->log, LOG_DEBUG_);
	if (ident_open(p->dir, 0) == -1)
		err(1, "ident_open");
	p->conf.db_socket = p->socket;
	p->conf.db_name = "parley";
	p->conf.db_user = getpwuid(geteuid())->pw_name;
	started = p;
	starter = getpid();
	atexit(stop_started);
	private_db_do(p, "up");
}

void
private_db_stop(struct private_db *p)
{
	started = NULL;
	private_db_do(p, "down");
	log_open(NULL, LOG_INFO_);
	spawn(NULL, NULL, (const char *[]){ "rm", "-rf", p->dir, NULL });
}

void
private_db_do(struct private_db *p, const char *verb)
{
	char	 script[4096];

	snprintf(script, sizeof(script), "%s/tests/lib/private-db.sh", p->top);
	if (spawn(NULL, NULL, (const char *[]){ script, p->dir, verb, NULL }) != 0)
		errx(1, "%s %s: failed", script, verb);
}

static int
client(struct private_db *p, const char *input, const char *output, const char *sql)
{
	char	 socket[128];

	snprintf(socket, sizeof(socket), "--socket=%s", p->socket);
	return spawn(input, output, (const char *[]){ "mariadb", "--no-defaults",
	    "--default-character-set=utf8mb4", socket,
	    "-u", p->conf.db_user, "-N", "-B", p->conf.db_name, sql != NULL ? "-e" : NULL, sql,
	    NULL });
}

char *
private_db_ask(struct private_db *p, const char *sql)
{
	static char	 rows[65536];
	char		 path[96];
	size_t		 n;
	FILE		*f;

	snprintf(path, sizeof(path), "%s/asked", p->dir);
	if (client(p, NULL, path, sql) != 0)
		errx(1, "%s: failed", sql);
	if ((f = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	n = fread(rows, 1, sizeof(rows) - 1, f);
	rows[n > 0 ? n - 1 : 0] = '\0';
	fclose(f);
	return rows;
}

void
private_db_feed(struct private_db *p, const char *sql)
{
	char	 path[96];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/feed.sql", p->dir);
	if ((f = fopen(path, "w")) == NULL || fputs(sql, f) == EOF || fclose(f) == EOF)
		err(1, "%s", path);
	if (client(p, path, "/dev/null", NULL) != 0)
		errx(1, "%.60s: failed", sql);
}

int
private_db_logged(struct private_db *p, const char *text)
{
	char	 line[8192];
	int	 n = 0;
	FILE	*f;

	if ((f = fopen(p->log, "r")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, text) != NULL;
	fclose(f);
	return n;
}

void
private_ctx_open(struct private_db *p, struct ctx *cx)
{
	memset(cx, 0, sizeof(*cx));
	cx->a = arena_new(0);
	cx->conf = &p->conf;
	cx->db = db_new(&p->conf);
	cx->lang = LANG_EN;
}

void
private_ctx_close(struct ctx *cx)
{
	db_free(cx->db);
	arena_free(cx->a);
}
