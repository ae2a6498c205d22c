#include "store/migrate.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ident.h"
#include "store/db.h"
#include "store/rows.h"
#include "store/split.h"

#define LEASE_MS	60000	/* of the lock; renewed before every statement */
#define WAIT_MS		90000	/* for another migrator: longer than the lease of one that died */
#define STATEMENT_S	3600	/* a statement that rebuilds a large table may take this long */
#define FILE_MOST	(4 << 20)	/* bytes */

struct file {
	int	 version;
	char	*name;
	char	*sql;
	char	 checksum[65];
};

struct run {
	const char	*holder;
	void		(*say)(void *, const struct migration *);
	void		*arg;
};

static int	files_read(struct ctx *, const char *, struct file **, size_t *);
static int	file_read(struct ctx *, const char *, const char *, struct file *);
static int	lock_take(struct ctx *, const char *);
static int	lock_try(struct ctx *, void *);
static int	apply_missing(struct ctx *, const struct run *, const struct file *, size_t);
static int	check_applied(struct ctx *, const struct file *, size_t, const struct applied *,
    size_t);
static int	apply(struct ctx *, const struct run *, const struct file *);

const char *
migrate_dir(void)
{
	const char	*dir = getenv("PARLEY_SCHEMA_DIR");

	return dir != NULL && *dir != '\0' ? dir : PKGDATADIR "/schema";
}

int
migrate(struct ctx *cx, const char *dir, void (*say)(void *, const struct migration *), void *arg)
{
	char		 holder[33];
	struct run	 run = { holder, say, arg };
	struct file	*files;
	size_t		 n;
	int		 rc = -1;

	if (files_read(cx, dir, &files, &n) == -1)
		return -1;
	ident_random_hex(holder, 16);
	db_patience(cx->db, STATEMENT_S);
	if (db_exec(cx, SQL_MIGRATION_TABLE) != -1 && db_exec(cx, SQL_MIGRATION_LOCK_TABLE) != -1 &&
	    db_exec(cx, SQL_MIGRATION_LOCK_ROW) != -1 && lock_take(cx, holder) == 0) {
		rc = apply_missing(cx, &run, files, n);
		db_exec(cx, SQL_MIGRATION_UNLOCK, V(holder));	/* or the lease ends by itself */
	}
	db_patience(cx->db, 0);
	return rc;
}

/* The files. */

static int
is_migration(const struct dirent *d)
{
	const char	*s = d->d_name;
	const size_t	 len = strlen(s);

	return strspn(s, "0123456789") == 4 && s[4] == '-' && len > 9 &&
	    strcmp(s + len - 4, ".sql") == 0;
}

/* By number, which must be 1, 2, 3... */
static int
files_read(struct ctx *cx, const char *dir, struct file **files, size_t *n)
{
	struct dirent	**list;
	int		  count, rc = 0;

	if ((count = scandir(dir, &list, is_migration, alphasort)) == -1)
		return fail(cx, F_INTERNAL, "%s: %s", dir, strerror(errno));
	*n = (size_t)count;
	*files = arena_array(cx->a, *n, sizeof(**files));
	for (int i = 0; i < count; i++) {
		if (rc == 0)
			rc = file_read(cx, dir, list[i]->d_name, &(*files)[i]);
		if (rc == 0 && (*files)[i].version != i + 1)
			rc = fail(cx, F_INTERNAL, "%s/%s: number %d was expected", dir,
			    list[i]->d_name, i + 1);
		free(list[i]);
	}
	free(list);
	if (count == 0)
		return fail(cx, F_INTERNAL, "%s: no schema files", dir);
	return rc;
}

static int
file_read(struct ctx *cx, const char *dir, const char *name, struct file *f)
{
	const char	*path = arena_printf(cx->a, "%s/%s", dir, name);
	uint8_t		 hash[32];
	struct stat	 st;
	ssize_t		 got = -1;
	int		 fd;

	errno = 0;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1 || fstat(fd, &st) == -1 ||
	    st.st_size > FILE_MOST)
		goto out;
	f->version = (int)strtol(name, NULL, 10);	/* four digits */
	f->name = arena_strdup(cx->a, name);
	f->sql = arena_get(cx->a, (size_t)st.st_size + 1);
	if ((got = read(fd, f->sql, (size_t)st.st_size)) != st.st_size)
		goto out;
	ident_sha256(hash, f->sql, (size_t)got);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(f->checksum + 2 * i, 3, "%02x", hash[i]);
out:
	if (fd != -1)
		close(fd);
	if (f->checksum[0] == '\0')
		return fail(cx, F_INTERNAL, "%s: %s", path,
		    errno != 0 ? strerror(errno) : "cannot be read whole");
	return 0;
}

/* The lock. */

struct claim {
	const char	*holder;
	int64_t		 got;
};

static int
lock_take(struct ctx *cx, const char *holder)
{
	const int64_t		 began = clock_mono_ms();
	const struct timespec	 pause = { .tv_nsec = 200 * 1000000L };
	struct claim		 c = { holder, 0 };

	for (;;) {
		if (db_txn(cx, lock_try, &c) == -1)
			return -1;
		if (c.got == 1)
			return 0;
		if (clock_mono_ms() - began > WAIT_MS)
			return fail(cx, F_CONFLICT,
			    "the schema is being migrated by somebody else");
		nanosleep(&pause, NULL);
	}
}

/*
 * In a transaction, so that the loser of a race between two hosts of a cluster tries again instead
 * of failing.
 */
static int
lock_try(struct ctx *cx, void *arg)
{
	struct claim	*c = arg;

	c->got = db_exec(cx, SQL_MIGRATION_LOCK, V(c->holder), V(LEASE_MS));
	return c->got == -1 ? -1 : 0;
}

/* Applying. */

static int
apply_missing(struct ctx *cx, const struct run *run, const struct file *files, size_t n)
{
	struct applied	*seen;
	size_t		 nseen;

	if (db_many(cx, SQL_MIGRATION_LIST, &seen, &nseen) == -1)
		return -1;
	if (check_applied(cx, files, n, seen, nseen) == -1)
		return -1;
	for (size_t i = nseen; i < n; i++)
		if (apply(cx, run, &files[i]) == -1)
			return -1;
	return 0;
}

/* What was applied must be the beginning of what there is. */
static int
check_applied(struct ctx *cx, const struct file *files, size_t n, const struct applied *seen,
    size_t nseen)
{
	for (size_t i = 0; i < nseen; i++) {
		if (seen[i].version != (int)i + 1)
			return fail(cx, F_CONFLICT, "schema_migration has no row %zu", i + 1);
		if (i >= n)
			return fail(cx, F_CONFLICT,
			    "the database has seen %s, which is not here: its program is newer",
			    seen[i].name);
		if (strcmp(seen[i].checksum, files[i].checksum) != 0)
			return fail(cx, F_CONFLICT,
			    "%s has changed since it was applied: put it back, make another file",
			    files[i].name);
	}
	return 0;
}

static int
apply(struct ctx *cx, const struct run *run, const struct file *f)
{
	const char	*rest = f->sql, *sql, *err;
	struct migration m = { f->version, f->name, clock_ms() };

	for (int i = 1; (sql = split_next(cx->a, &rest)) != NULL; i++) {
		switch (db_exec(cx, SQL_MIGRATION_RENEW, V(LEASE_MS), V(run->holder))) {
		case -1:
			return -1;
		case 0:
			return fail(cx, F_CONFLICT, "the lock was lost to another migrator");
		}
		if (db_run(cx, sql, &err) == -1) {
			const enum fail_kind	 kind = cx->fail.kind;

			fail_clear(cx);
			return fail(cx, kind, "%s, statement %d (%.*s): %s", f->name, i,
			    (int)strcspn(sql, "(\n"), sql, err);
		}
	}
	if (db_exec(cx, SQL_MIGRATION_ADD, V(m.version), V(m.name), V(f->checksum),
	    V(m.applied_ms)) == -1)
		return -1;
	if (run->say != NULL)
		run->say(run->arg, &m);
	return 0;
}

/* Looking. */

static int
seen_list(struct ctx *cx, struct applied **seen, size_t *n)
{
	*n = 0;
	switch (db_number(cx, SQL_MIGRATION_SEEN)) {
	case -1:
		return -1;
	case 0:
		return 0;
	default:
		return db_many(cx, SQL_MIGRATION_LIST, seen, n);
	}
}

int
migrate_status(struct ctx *cx, const char *dir, struct migration **list, size_t *n)
{
	struct applied	*seen;
	struct file	*files;
	size_t		 nfiles, nseen, f = 0, s = 0;

	if (files_read(cx, dir, &files, &nfiles) == -1 || seen_list(cx, &seen, &nseen) == -1)
		return -1;
	*list = arena_array(cx->a, nfiles + nseen, sizeof(**list));
	for (*n = 0; f < nfiles || s < nseen; (*n)++) {
		struct migration	*m = &(*list)[*n];

		if (f < nfiles && (s == nseen || files[f].version <= seen[s].version)) {
			m->version = files[f].version;
			m->name = files[f++].name;
		} else {
			m->version = seen[s].version;
			m->name = seen[s].name;
		}
		if (s < nseen && seen[s].version == m->version)
			m->applied_ms = seen[s++].applied_ms;
	}
	return 0;
}

int
migrate_check(struct ctx *cx)
{
	int64_t	 version = 0;

	switch (db_number(cx, SQL_MIGRATION_SEEN)) {
	case -1:
		return -1;
	case 1:
		if ((version = db_number(cx, SQL_MIGRATION_VERSION)) == -1)
			return -1;
	}
	if (version == SCHEMA_VERSION)
		return 0;
	return fail(cx, F_UNAVAILABLE, "schema %d of the database (it has %d: %s)", SCHEMA_VERSION,
	    (int)version,
	    version < SCHEMA_VERSION ? "run `parley migrate`" : "a newer program is to be run");
}
