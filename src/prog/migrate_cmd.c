/* parley migrate */
#include "cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "store/db.h"
#include "store/migrate.h"
#include "table.h"

#define PATIENCE	3600	/* seconds that one statement may take on a large table */

struct migrate_opts {
	bool	status;
};

static const struct opt migrate_options[] = {
	OPT(migrate_opts, OPT_FLAG, MAY_COME, status, "status", NULL, 0, 0,
	    "show what is applied and what is not; exit code 1 when something is not"),
	OPT_END
};

static const char *
applied(struct run *r, const struct migration *m)
{
	return m->applied_ms != 0 ? cmd_time(r, m->applied_ms) : "not applied";
}

static int
status_json(struct run *r, const struct migration *m, size_t n)
{
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	jw_open(&w, &out);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_i64(&w, "version", m[i].version);
		jw_str(&w, "name", m[i].name);
		jw_time(&w, "applied", m[i].applied_ms);
		jw_end(&w);
	}
	return cmd_print_json(r, &w);
}

static int
status(struct run *r)
{
	struct migration	*m;
	struct str		 out = STR_INIT(0);
	struct table		 t;
	size_t			 n, missing = 0;
	int			 rc;

	if (migrate_status(&r->cx, migrate_dir(), &m, &n) == -1)
		return cmd_failed(r);
	table_begin(&t, r->cx.a, "MIGRATION|APPLIED");
	for (size_t i = 0; i < n; i++) {
		missing += m[i].applied_ms == 0;
		table_row(&t, (const char *[]){ m[i].name, applied(r, &m[i]) });
	}
	if (r->json)
		rc = status_json(r, m, n);
	else {
		table_end(&t, &out);
		rc = cmd_print(r, &out);
	}
	return rc != EX_OK ? rc : missing > 0;
}

static void
say(void *arg, const struct migration *m)
{
	int	*count = arg;

	(*count)++;
	printf("applied %s\n", m->name);
	fflush(stdout);
}

static int
migrate_run(struct run *r, const void *opts)
{
	const struct migrate_opts	*o = opts;
	int				 count = 0;

	if (access(migrate_dir(), R_OK | X_OK) == -1)
		return cmd_error(r, EX_NOINPUT, "%s: %s: PARLEY_SCHEMA_DIR names the directory of "
		    "the schema files", migrate_dir(), strerror(errno));
	if (o->status)
		return status(r);
	db_patience(r->cx.db, PATIENCE);
	if (migrate(&r->cx, migrate_dir(), say, &count) == -1)
		return cmd_failed(r);
	if (count == 0)
		puts("the schema is up to date");
	return EX_OK;
}

const struct cmd cmd_migrate = {
	.name = "migrate",
	.operands = "",
	.help = "brings the schema of the database forward",
	.more =
	    "The files are those of $PARLEY_SCHEMA_DIR or of the installation. Running it\n"
	    "again does only what is left, several at once wait for each other. Migrate\n"
	    "first, then start the new program.\n",
	.flags = CMD_DB | CMD_JSON,
	.opts = migrate_options,
	.size = sizeof(struct migrate_opts),
	.fn = migrate_run,
};
