/* parley check: will the service run with these settings? */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/ident.h"
#include "cmd.h"
#include "core/key.h"
#include "core/sandbox.h"
#include "core/text.h"
#include "findings.h"
#include "store/db.h"
#include "store/migrate.h"
#include "store/model.h"
#include "store/report.h"

#define OWN_FDS		64	/* descriptors that a worker needs for itself, and one per thread */
#define SECRET_LEAST	32	/* bytes that HS256 asks of a secret */

/* What is wrong with a file that holds a secret; NULL: nothing. *size gets its bytes. */
static const char *
secret_wrong(struct arena *a, const char *file, off_t *size)
{
	struct stat	st;
	int		fd;

	*size = 0;
	if ((fd = open(file, O_RDONLY | O_CLOEXEC)) == -1)
		return arena_printf(a, "%s: %s", file, strerror(errno));
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		return arena_printf(a, "%s is no regular file", file);
	}
	close(fd);
	*size = st.st_size;
	if (st.st_size == 0)
		return arena_printf(a, "%s is empty", file);
	if (st.st_mode & S_IROTH)
		return arena_printf(a, "%s can be read by everybody (mode %04o): chmod o-r %s",
		    file, (unsigned)st.st_mode & 07777, file);
	return NULL;
}

static void
check_settings(struct findings *f, const struct conf *c)
{
	found_good(f, "settings", "%s", c->file != NULL ? c->file : "no file: the defaults");
}

static void
check_state(struct findings *f, const struct conf *c)
{
	int	status;

	if (ident_open(c->state_dir, c->node) == 0 && access(c->state_dir, W_OK) == 0) {
		found_good(f, "state directory", "%s", c->state_dir);
		return;
	}
	status = errno == EACCES || errno == EPERM ? EX_NOPERM : EX_CANTCREAT;
	found_bad(f, status, "state directory", "%s: %s", c->state_dir, strerror(errno));
}

/* Can the sockets be where they shall be? Systemd may open them, as another user. */
static void
check_socket(struct findings *f, const char *setting, const char *path)
{
	struct arena	*a = f->run->cx.a;
	const char	*slash = strrchr(path, '/');
	struct stat	 st;

	if (*path == '\0')
		found_note(f, setting, "none: WebSockets are not served");
	else if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		found_bad(f, EX_CONFIG, setting, "%s is too long for a socket", path);
	else if (slash == NULL || (slash != path && (stat(arena_strndup(a, path,
	    (size_t)(slash - path)), &st) == -1 || !S_ISDIR(st.st_mode))))
		found_note(f, setting, "%s: its directory is not there yet", path);
	else
		found_good(f, setting, "%s", path);
}

static void
check_sockets(struct findings *f, const struct conf *c)
{
	check_socket(f, "listen", c->listen);
	check_socket(f, "ws_listen", c->ws_listen);
	if (strcmp(c->listen, c->ws_listen) == 0)
		found_bad(f, EX_CONFIG, "ws_listen", "is the same as listen");
}

static void
check_secrets(struct findings *f, const struct conf *c)
{
	struct arena	*a = f->run->cx.a;
	const char	*wrong;
	off_t		 size;

	if (*c->db_password_file != '\0' &&
	    (wrong = secret_wrong(a, c->db_password_file, &size)) != NULL)
		found_bad(f, EX_CONFIG, "db_password_file", "%s", wrong);
	if (*c->jwt_secret_file == '\0')
		found_note(f, "tokens", "refused: jwt_secret_file is not set");
	else if ((wrong = secret_wrong(a, c->jwt_secret_file, &size)) != NULL)
		found_bad(f, EX_CONFIG, "tokens", "jwt_secret_file: %s", wrong);
	else if (size < SECRET_LEAST)
		found_note(f, "tokens", "the secret in %s is short: HS256 asks for %d bytes",
		    c->jwt_secret_file, SECRET_LEAST);
	else
		found_good(f, "tokens", "the secret is in %s", c->jwt_secret_file);
}

/*
 * Each thread has a connection, the closer and the housekeeper too, and a jobs process has two; a
 * reload needs them twice.
 */
static void
check_connections(struct findings *f, const struct conf *c)
{
	const int	needed = 2 * (c->workers * (c->threads + 2) + 2 * c->jobs);
	const int64_t	most = report_connections(&f->run->cx);

	if (most == -1)
		found_bad(f, EX_UNAVAILABLE, "connections", "%s", cmd_why(f->run));
	else if (most >= needed)
		found_good(f, "connections", "the database takes %lld, %d are needed at most",
		    (long long)most, needed);
	else {
		found_note(f, "connections", "the database takes %lld, up to %d may be needed",
		    (long long)most, needed);
		advise(f, "/etc/mysql/mariadb.conf.d/50-server.cnf, under [mariadbd]: "
		    "max_connections = %d", needed + 20);
	}
}

/* Is there a database to go on with? */
static bool
check_database(struct findings *f, const struct conf *c)
{
	struct ctx	*cx = &f->run->cx;
	const char	*at = *c->db_hosts != '\0' ? c->db_hosts : c->db_socket;
	int		 bad;

	if (db_ping(cx) == -1) {
		found_bad(f, cmd_status(cx->fail.kind), "database", "%s", cmd_why(f->run));
		advise(f, "settings db_socket or db_hosts, db_name, db_user, db_password_file");
		return false;
	}
	found_good(f, "database", "%s at %s as %s", c->db_name, at, c->db_user);
	if (migrate_check(cx) == -1) {
		found_bad(f, cmd_status(cx->fail.kind), "schema", "%s", cmd_why(f->run));
		return false;
	}
	found_good(f, "schema", "version %d", SCHEMA_VERSION);
	if ((bad = db_prepare_all(cx)) == -1) {
		found_bad(f, cmd_status(cx->fail.kind), "statements", "%s", cmd_why(f->run));
		return false;
	}
	if (bad > 0) {
		found_bad(f, EX_SOFTWARE, "statements", "%d of %d are refused, the last: %s", bad,
		    SQL_COUNT, cmd_logged(f->run));
		return false;
	}
	found_good(f, "statements", "all %d are understood", SQL_COUNT);
	check_connections(f, c);
	return true;
}

static void
check_model(struct findings *f, const struct model *m)
{
	struct arena	*a = f->run->cx.a;
	const char	*what = arena_printf(a, "model %s", m->code), *key, *wrong = NULL;
	off_t		 size;

	if (key_of(a, m, &key, &wrong) == 0 && m->key_file != NULL)
		wrong = secret_wrong(a, m->key_file, &size);
	if (!m->enabled)
		found_note(f, what, "disabled");
	else if (wrong != NULL)
		found_bad(f, EX_CONFIG, what, "%s", wrong);
	else if (m->key_env != NULL)
		found_good(f, what, "%s, key in $%s", m->url, m->key_env);
	else if (m->key_file != NULL)
		found_good(f, what, "%s, key in %s", m->url, m->key_file);
	else
		found_good(f, what, "%s, without a key", m->url);
}

static void
check_models(struct findings *f, const struct conf *c)
{
	struct model	*m;
	size_t		 n;
	int		 arena = 0;

	if (model_list(&f->run->cx, false, &m, &n) == -1) {
		found_bad(f, cmd_status(f->run->cx.fail.kind), "models", "%s", cmd_why(f->run));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		check_model(f, &m[i]);
		arena += m[i].arena && m[i].enabled;
	}
	if (n == 0)
		found_note(f, "models", "none yet: see parley model add --help");
	else if (arena == 0)
		found_note(f, "arena", "no model takes part: see parley model add --arena");
	else
		found_good(f, "arena", "%d models for %d lanes", arena, c->arena_lanes);
}

/* Can documents be read? */
static void
check_documents(struct findings *f, const struct conf *c)
{
	const char	*lacks = text_lacks();
	const int	 landlock = sandbox_landlock();

	if (c->jobs == 0)
		found_note(f, "documents", "this host reads none: jobs is 0");
	else if (lacks != NULL)
		found_note(f, "documents", "%s", lacks);
	else if (landlock == 0)
		found_note(f, "documents", "read without Landlock, which this kernel does not have"
		    " or not allow: seccomp alone shuts their readers in");
	else
		found_good(f, "documents", "read within seccomp and Landlock %d", landlock);
}

/* What `serve` may open: it raises the soft limit to the hard one. */
static void
check_numbers(struct findings *f, const struct conf *c)
{
	struct rlimit	 l;
	long		 fds, own = OWN_FDS + c->threads;

	if (getrlimit(RLIMIT_NOFILE, &l) == -1)
		return;
	fds = l.rlim_max > 1L << 30 ? 1L << 30 : (long)l.rlim_max;
	found_good(f, "processes", "%d workers with %d request threads each", c->workers,
	    c->threads);
	if (fds <= own) {
		found_bad(f, EX_OSERR, "descriptors", "%ld per process are too few", fds);
		advise(f, "LimitNOFILE in parley.service, or ulimit -Hn");
		return;
	}
	found_good(f, "descriptors", "%ld per worker: %ld streams of one model, or %ld of %d",
	    fds, (fds - own) / 2, (fds - own) / (1 + c->arena_lanes), c->arena_lanes);
}

static int
check(struct run *r, const void *opts)
{
	const struct conf	*c = r->cx.conf;
	struct findings		 f;

	(void)opts;
	findings_begin(&f, r);
	check_settings(&f, c);
	check_state(&f, c);
	check_sockets(&f, c);
	check_secrets(&f, c);
	if (check_database(&f, c))
		check_models(&f, c);
	check_documents(&f, c);
	check_numbers(&f, c);
	return findings_end(&f);
}

const struct cmd cmd_check = {
	.name = "check",
	.operands = "",
	.help = "checks the settings, the database and its schema, each model's key",
	.more =
	    "The exit code is that of what was found wrong first: 78 for settings (with\n"
	    "file and line) and keys, 69 for a database that is away or has another schema.\n"
	    "Run it as the user of the service and in its environment.\n",
	.flags = CMD_DB | CMD_JSON,
	.fn = check,
};
