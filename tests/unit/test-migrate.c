/* Migrations: once each, in order, checked, under a lock that the dead do not keep. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#undef fail		/* ctx.h has its own */

#include "base/arena.h"
#include "base/clock.h"
#include "private-db.h"
#include "store/db.h"
#include "store/migrate.h"
#include "store/split.h"

static struct private_db	server;
static struct ctx		cx;
static char			dir[96];	/* a schema directory of the test's own */
static int			told;

static int
fresh(void **state)
{
	(void)state;
	private_ctx_open(&server, &cx);
	private_db_feed(&server, "DROP DATABASE parley; CREATE DATABASE parley");
	told = 0;
	return 0;
}

static int
gone(void **state)
{
	(void)state;
	private_ctx_close(&cx);
	return 0;
}

static void
tell(void *arg, const struct migration *m)
{
	assert_ptr_equal(arg, &told);
	assert_int_equal(m->version, ++told);
}

static void
put(const char *name, const char *sql)
{
	char	 path[160];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_non_null(f = fopen(path, "w"));
	fputs(sql, f);
	fclose(f);
}

static void
own_dir(void)
{
	char	 command[256];

	snprintf(dir, sizeof(dir), "%s/schema", server.dir);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	put("README", "no migration");
	put("0001-one.sql",
	    "-- the first; of all\nCREATE TABLE IF NOT EXISTS a (i INT PRIMARY KEY);\n");
	put("0002-two.sql", "CREATE TABLE IF NOT EXISTS b (i INT PRIMARY KEY, t TEXT);\n"
	    "REPLACE INTO b VALUES (1, 'a;b');\n");
}

/* What was read before single characters were indexed: the text, no image, nothing that failed. */
static void
index_once_more(void)
{
	private_db_feed(&server, "INSERT INTO user (id, tenant, subject, created_ms)"
	    " VALUES (7, 1, 'ann', 0); INSERT INTO document (id, tenant, owner, file_name, type,"
	    " media_type, size, status, created_ms) VALUES (1, 1, 7, 'a', 'txt', 't', 1, 'ready', 0),"
	    " (2, 1, 7, 'b', 'pdf', 't', 1, 'ready', 0), (3, 1, 7, 'c', 'image', 't', 1, 'ready', 0),"
	    " (4, 1, 7, 'd', 'txt', 't', 1, 'failed', 0), (5, 1, 7, 'e', 'txt', 't', 1, 'pending', 0)");
	for (int i = 0; i < 2; i++) {
		private_db_feed(&server, "DELETE FROM schema_migration WHERE version >= 9");
		assert_int_equal(migrate(&cx, server.schema, NULL, NULL), 0);
		assert_string_equal(private_db_ask(&server, "SELECT GROUP_CONCAT(kind, ref"
		    " ORDER BY until_ms) FROM job"), "index2,index1");
	}
}

/* What is there already is found by the document that it shows. */
static void
find_cited(void)
{
	private_db_feed(&server, "ALTER TABLE citation DROP INDEX citation_document,"
	    " DROP COLUMN document; SET FOREIGN_KEY_CHECKS = 0; INSERT INTO citation VALUES"
	    " (1, 0, '{\"documentId\":72057594037927937,\"text\":\"a\"}'), (1, 1, '{\"id\":\"b\"}'),"
	    " (1, 2, '{\"documentId\":\"c\"}'), (1, 3, '{\"documentId\":12345678901234567890123}'),"
	    " (1, 4, 'no JSON')");
	for (int i = 0; i < 2; i++) {
		private_db_feed(&server, "DELETE FROM schema_migration WHERE version >= 12");
		assert_int_equal(migrate(&cx, server.schema, NULL, NULL), 0);
		assert_string_equal(private_db_ask(&server, "SELECT GROUP_CONCAT(position, ':',"
		    " document) FROM citation"), "0:72057594037927937");
	}
}

static void
whole_schema(void **state)
{
	struct migration	*list;
	size_t			 n;

	(void)state;
	assert_int_equal(migrate_check(&cx), -1);
	assert_int_equal(cx.fail.kind, F_UNAVAILABLE);
	assert_non_null(strstr(cx.fail.what, "parley migrate"));
	fail_clear(&cx);
	assert_int_equal(migrate_status(&cx, server.schema, &list, &n), 0);
	assert_int_equal(n, SCHEMA_VERSION);
	assert_int_equal(list[0].applied_ms, 0);

	assert_int_equal(migrate(&cx, server.schema, tell, &told), 0);
	assert_int_equal(told, SCHEMA_VERSION);
	assert_int_equal(migrate_check(&cx), 0);
	assert_int_equal(migrate(&cx, server.schema, tell, &told), 0);
	assert_int_equal(told, SCHEMA_VERSION);		/* nothing was left to do */
	assert_int_equal(migrate_status(&cx, server.schema, &list, &n), 0);
	assert_int_equal(n, SCHEMA_VERSION);
	assert_true(list[0].applied_ms > 0 && list[n - 1].applied_ms >= list[0].applied_ms);
	assert_string_equal(list[0].name, "0001-core.sql");

	/* Its statements can be repeated. */
	private_db_feed(&server, "DELETE FROM schema_migration");
	assert_int_equal(migrate(&cx, server.schema, NULL, NULL), 0);
	assert_int_equal(migrate_check(&cx), 0);

	index_once_more();
	find_cited();

	private_db_feed(&server, "INSERT INTO schema_migration"
	    " SELECT MAX(version) + 1, 'next.sql', '', 1 FROM schema_migration");
	assert_int_equal(migrate_check(&cx), -1);
	assert_non_null(strstr(cx.fail.what, "newer"));
	fail_clear(&cx);
	assert_int_equal(migrate(&cx, server.schema, NULL, NULL), -1);
	assert_int_equal(cx.fail.kind, F_CONFLICT);
	fail_clear(&cx);
	assert_int_equal(migrate_status(&cx, server.schema, &list, &n), 0);
	assert_int_equal(n, SCHEMA_VERSION + 1);
	assert_string_equal(list[n - 1].name, "next.sql");
	assert_int_equal(cx.fail.kind, F_NONE);
}

static void
changed(void **state)
{
	(void)state;
	own_dir();
	assert_int_equal(migrate(&cx, dir, tell, &told), 0);
	assert_int_equal(told, 2);
	assert_string_equal(private_db_ask(&server, "SELECT t FROM b"), "a;b");
	put("0001-one.sql", "CREATE TABLE IF NOT EXISTS a (i BIGINT PRIMARY KEY);\n");
	put("0003-three.sql", "CREATE TABLE c (i INT PRIMARY KEY);\n");
	assert_int_equal(migrate(&cx, dir, tell, &told), -1);
	assert_int_equal(cx.fail.kind, F_CONFLICT);
	assert_non_null(strstr(cx.fail.what, "0001-one.sql"));
	assert_int_equal(told, 2);
	assert_string_equal(private_db_ask(&server, "SHOW TABLES LIKE 'c'"), "");
	assert_string_equal(private_db_ask(&server,
	    "SELECT CONCAT(holder, until_ms) FROM schema_lock"), "0");
}

static void
halfway(void **state)
{
	(void)state;
	own_dir();
	put("0003-three.sql",
	    "CREATE TABLE IF NOT EXISTS c (i INT PRIMARY KEY);\nCREATE TABLE\n  d (nonsense);\n");
	assert_int_equal(migrate(&cx, dir, tell, &told), -1);
	assert_non_null(strstr(cx.fail.what,
	    "0003-three.sql, statement 2 (CREATE TABLE): You have an error"));
	assert_null(strchr(cx.fail.what, '\n'));
	assert_int_equal(told, 2);
	fail_clear(&cx);
	put("0003-three.sql",
	    "CREATE TABLE IF NOT EXISTS c (i INT PRIMARY KEY);\n"
	    "CREATE TABLE d (i INT PRIMARY KEY)");
	assert_int_equal(migrate(&cx, dir, tell, &told), 0);
	assert_int_equal(told, 3);
	assert_string_equal(private_db_ask(&server, "SHOW TABLES LIKE 'd'"), "d");
}

static void
bad_directory(void **state)
{
	(void)state;
	own_dir();
	put("0004-four.sql", "SELECT 1;");
	assert_int_equal(migrate(&cx, dir, NULL, NULL), -1);
	assert_non_null(strstr(cx.fail.what, "0004-four.sql"));
	fail_clear(&cx);
	assert_int_equal(migrate(&cx, "/nowhere", NULL, NULL), -1);
	assert_non_null(strstr(cx.fail.what, "/nowhere"));
	fail_clear(&cx);
	assert_int_equal(migrate(&cx, "/proc/self/fd", NULL, NULL), -1);
	assert_string_equal(private_db_ask(&server, "SHOW TABLES"), "");
}

/* One that died leaves its lock behind until the lease ends. */
static void
stale_lock(void **state)
{
	int64_t	 began;

	(void)state;
	own_dir();
	assert_int_equal(migrate(&cx, dir, NULL, NULL), 0);
	put("0003-three.sql", "CREATE TABLE c (i INT PRIMARY KEY);");
	private_db_feed(&server, "UPDATE schema_lock SET holder = 'dead',"
	    " until_ms = ROUND(UNIX_TIMESTAMP(NOW(3)) * 1000) + 900");
	began = clock_mono_ms();
	told = 2;
	assert_int_equal(migrate(&cx, dir, tell, &told), 0);
	assert_int_equal(told, 3);
	assert_true(clock_mono_ms() - began > 600);
	assert_true(clock_mono_ms() - began < 5000);
}

static void *
migrate_thread(void *arg)
{
	struct ctx	 c;
	int		*applied = arg;

	private_ctx_open(&server, &c);
	*applied = migrate(&c, dir, NULL, NULL);
	private_ctx_close(&c);
	return NULL;
}

/* Four at once: the statements, which cannot be repeated, run once. */
static void
together(void **state)
{
	pthread_t	 threads[4];
	int		 rc[4];

	(void)state;
	own_dir();
	put("0003-three.sql",
	    "CREATE TABLE c (i INT PRIMARY KEY);\nINSERT INTO c VALUES (SLEEP(0.3));\n");
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, migrate_thread, &rc[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(rc[i], 0);
	}
	assert_string_equal(private_db_ask(&server, "SELECT COUNT(*) FROM schema_migration"), "3");
}

static void
statements(void **state)
{
	static const char	 file[] =
	    "-- head; of the file\n\n"
	    "SELECT ';', \"a;\\\"b\", `c;d`, 'it''s;' /* in; between */ ;;\n"
	    "# hash; too\n"
	    "SELECT 1 -- tail; of a line\n  + 1;\n"
	    "SELECT 5--1;SELECT 2 ; \n"
	    "/* no ; statement */ -- at all";
	const char		*rest = file;

	(void)state;
	assert_string_equal(split_next(cx.a, &rest), "SELECT ';', \"a;\\\"b\", `c;d`, 'it''s;'");
	assert_string_equal(split_next(cx.a, &rest), "SELECT 1 -- tail; of a line\n  + 1");
	assert_string_equal(split_next(cx.a, &rest), "SELECT 5--1");
	assert_string_equal(split_next(cx.a, &rest), "SELECT 2");
	assert_null(split_next(cx.a, &rest));
	assert_null(split_next(cx.a, &rest));
	rest = "SELECT 'open";
	assert_string_equal(split_next(cx.a, &rest), "SELECT 'open");
	assert_null(split_next(cx.a, &rest));
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fresh, gone)
	const struct CMUnitTest	tests[] = {
		TEST(whole_schema),
		TEST(changed),
		TEST(halfway),
		TEST(bad_directory),
		TEST(stale_lock),
		TEST(together),
		TEST(statements),
	};
	int	failed;

	if (!private_db_possible()) {
		printf("1..0 # SKIP mariadbd is not installed\n");
		return 0;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	private_db_start(&server);
	failed = cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
	private_db_stop(&server);
	return failed;
}
