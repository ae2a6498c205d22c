/*
 * The connection, its statements and transactions, against a real server that is killed, stopped
 * and started.
 */
#include <sys/socket.h>
#include <sys/types.h>

#include <netinet/in.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail			/* ctx.h has its own */

#include "base/arena.h"
#include "base/clock.h"
#include "base/ident.h"
#include "private-db.h"
#include "store/db.h"
#include "store/migrate.h"
#include "store/user.h"

static struct private_db	server;
static struct ctx		cx;

static int
fresh(void **state)
{
	(void)state;
	private_ctx_open(&server, &cx);
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
pause_ms(long ms)
{
	const struct timespec	 t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

static struct user *
user(const char *subject)
{
	struct user	*u = user_ensure(&cx, TENANT_DEFAULT, subject, "a name", NULL);

	assert_non_null(u);
	return u;
}

/* Statements. */

static void
values(void **state)
{
	const size_t	 big = 4 << 20;
	char		*text = malloc(big + 1);
	struct user	*u;

	(void)state;
	for (size_t i = 0; i < big; i += 4)
		memcpy(text + i, "\xf0\x9f\x8e\x88", 4);	/* a balloon each */
	text[big] = '\0';
	private_db_feed(&server, "ALTER TABLE user MODIFY name MEDIUMTEXT NULL");
	u = user_ensure(&cx, TENANT_DEFAULT, "o'neill \\ \"x\" 🎈", text, NULL);
	assert_non_null(u);
	assert_string_equal(u->name, text);
	assert_null(u->avatar);
	free(text);

	u = user_ensure(&cx, TENANT_DEFAULT, "o'neill \\ \"x\" 🎈", "", "a");
	assert_non_null(u);
	assert_string_equal(u->name, "");
	assert_string_equal(u->avatar, "a");
	private_db_feed(&server, "ALTER TABLE user MODIFY name TEXT NULL");

	assert_int_equal(db_exec(&cx, SQL_USER_ADD, V(INT64_MIN), V(1), V("least"), V_NULL,
	    V((char *)NULL), V(INT64_MAX)), 1);
	u = db_one(&cx, SQL_USER_GET, V(1), V("least"));
	assert_non_null(u);
	assert_true(u->id == INT64_MIN);
	assert_null(u->name);
	assert_string_equal(private_db_ask(&server,
	    "SELECT created_ms FROM user WHERE subject = 'least'"),
	    "9223372036854775807");
	assert_string_equal(private_db_ask(&server,
	    "SELECT COUNT(*) FROM user WHERE subject = 'o\\'neill \\\\ \"x\" 🎈'"),
	    "1");
	assert_int_equal(cx.fail.kind, F_NONE);
}

static void
verbs(void **state)
{
	struct user	**none = NULL;
	size_t		  n = 1;

	(void)state;
	assert_null(db_maybe(&cx, SQL_USER_GET, V(1), V("nobody")));
	assert_int_equal(cx.fail.kind, F_NONE);
	assert_int_equal(db_number(&cx, SQL_TENANT_BY_NAME, V("nobody's")), 0);
	assert_int_equal(db_number(&cx, SQL_TENANT_BY_NAME, V("default")), 1);
	assert_int_equal(db_many(&cx, SQL_USER_GET, &none, &n, V(1), V("nobody")), 0);
	assert_int_equal(n, 0);
	assert_non_null(none);
	assert_int_equal(db_exec(&cx, SQL_USER_REFRESH, V("x"), V("y"), V(-1)), 0);
	assert_null(db_one(&cx, SQL_USER_GET, V(1), V("nobody")));
	assert_int_equal(cx.fail.kind, F_NOT_FOUND);
	assert_string_equal(cx.fail.what, "user");
}

struct crowd {
	struct val	 v[200][6];
	size_t		 n;
};

static int
add_crowd(struct ctx *c, void *arg)
{
	const struct crowd	*w = arg;

	return db_bulk(c, SQL_USER_ADD, w->v[0], 6, w->n);
}

static const char *
crowd_size(void)
{
	return private_db_ask(&server, "SELECT COUNT(*), COUNT(DISTINCT id, subject, created_ms),"
	    " SUM(LENGTH(name)) FROM user WHERE subject LIKE 'bulk%'");
}

/* One statement for many rows: all of them or none, and the statement is as good as before. */
static void
bulk(void **state)
{
	struct crowd	 w = { .n = 200 };

	(void)state;
	for (int i = 0; i < 200; i++) {
		const char	*subject = arena_printf(cx.a, "bulk %d", i);
		const struct val row[] = { V(ident_new()), V(1), V(subject),
			val_strn("x\0yz", (size_t)i % 4), V(""), V(i) };

		memcpy(w.v[i], row, sizeof(row));
	}
	assert_int_equal(db_txn(&cx, add_crowd, &w), 0);
	assert_string_equal(crowd_size(), "200\t200\t300");
	assert_string_equal(user_ensure(&cx, 1, "bulk 7", NULL, NULL)->name, "x");

	w.v[150][0] = w.v[151][0] = V(ident_new());	/* twice the same id */
	for (size_t i = 0; i < 150; i++) {
		w.v[i][0] = V(ident_new());
		w.v[i][2] = val_str(arena_printf(cx.a, "bulk again %zu", i));
	}
	assert_int_equal(db_txn(&cx, add_crowd, &w), -1);
	assert_int_equal(cx.fail.kind, F_CONFLICT);
	fail_clear(&cx);
	assert_string_equal(crowd_size(), "200\t200\t300");

	w.n = 0;
	assert_int_equal(db_txn(&cx, add_crowd, &w), 0);
	assert_non_null(user("bulk alone"));
	assert_int_equal(db_bulk(&cx, SQL_USER_ADD, w.v[0], 5, 2), -1);
	assert_int_equal(cx.fail.kind, F_INTERNAL);
	fail_clear(&cx);
}

static void
found_not_changed(void **state)
{
	struct user	*u = user("found");

	(void)state;
	assert_int_equal(db_exec(&cx, SQL_USER_REFRESH, V("same"), V_NULL, V(u->id)), 1);
	assert_int_equal(db_exec(&cx, SQL_USER_REFRESH, V("same"), V_NULL, V(u->id)), 1);
}

static void
failures(void **state)
{
	char	 text[300];
	int	 logged;

	(void)state;
	user("twice");
	logged = private_db_logged(&server, "statement failed");
	assert_int_equal(db_exec(&cx, SQL_USER_ADD, V(77), V(1), V("twice"), V_NULL, V_NULL, V(0)),
	    -1);
	assert_int_equal(cx.fail.kind, F_CONFLICT);
	fail_clear(&cx);
	assert_int_equal(db_exec(&cx, SQL_USER_ADD, V(77), V(4711), V("homeless"), V_NULL, V_NULL,
	    V(0)), -1);
	assert_int_equal(cx.fail.kind, F_NOT_FOUND);
	fail_clear(&cx);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(db_exec(&cx, SQL_USER_ADD, V(77), V(1), V(text), V_NULL, V_NULL, V(0)),
	    -1);
	assert_int_equal(cx.fail.kind, F_RANGE);
	assert_string_equal(cx.fail.what, "subject");
	fail_clear(&cx);
	assert_int_equal(private_db_logged(&server, "statement failed"), logged);

	/* What is our own mistake is logged, with the statement's name and without values. */
	assert_int_equal(db_exec(&cx, SQL_USER_ADD, V_NULL, V(1), V("secret"), V_NULL, V_NULL,
	    V(0)), -1);
	assert_int_equal(cx.fail.kind, F_INTERNAL);
	fail_clear(&cx);
	assert_int_equal(db_exec(&cx, SQL_USER_ADD, V(1)), -1);
	assert_int_equal(cx.fail.kind, F_INTERNAL);
	fail_clear(&cx);
	assert_int_equal(private_db_logged(&server, "statement failed"), logged + 2);
	assert_int_equal(private_db_logged(&server, "\"USER_ADD\""), 2);
	assert_int_equal(private_db_logged(&server, "secret"), 0);

	/* A full disk is nobody's mistake: it passes. */
	private_db_feed(&server, "CREATE TRIGGER full BEFORE INSERT ON user FOR EACH ROW"
	    " SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'The table is full'");
	assert_int_equal(db_exec(&cx, SQL_USER_ADD, V(77), V(1), V("late"), V_NULL, V_NULL, V(0)),
	    -1);
	assert_int_equal(cx.fail.kind, F_UNAVAILABLE);
	assert_true(cx.fail.retry_after > 0);
	fail_clear(&cx);
	assert_int_equal(private_db_logged(&server, "The table is full"), 2);
	private_db_feed(&server, "DROP TRIGGER full");

	/* The connection is as good as before. */
	assert_int_equal(db_number(&cx, SQL_TENANT_BY_NAME, V("default")), 1);
}

static void
prepare_all(void **state)
{
	int	 bad;

	(void)state;
	assert_int_equal(db_prepare_all(&cx), 0);

	/* A column that is not there, one under another name, one of another kind. */
	private_db_feed(&server, "ALTER TABLE tool_run RENAME COLUMN body TO corpus;"
	    "ALTER TABLE model MODIFY context_tokens BIGINT NOT NULL");
	bad = db_prepare_all(&cx);
	assert_true(bad >= 8);
	assert_int_equal(private_db_logged(&server, "statement cannot be prepared"), bad);
	assert_int_equal(private_db_logged(&server, "\"TOOL_RUN_ADD\""), 1);
	assert_int_equal(private_db_logged(&server, "\"MODEL_GET\""), 1);
	private_db_feed(&server, "ALTER TABLE tool_run RENAME COLUMN corpus TO body;"
	    "ALTER TABLE model MODIFY context_tokens INT NOT NULL");
	assert_int_equal(db_prepare_all(&cx), 0);
}

/* Transactions. */

struct rename {
	int64_t		 first, second;
	const char	*name;
	pthread_barrier_t *meet;	/* once both hold their first lock */
	int		 runs, rc;
};

static int
rename_both(struct ctx *c, void *arg)
{
	struct rename	*r = arg;

	if (db_exec(c, SQL_USER_REFRESH, V(r->name), V_NULL, V(r->first)) == -1)
		return -1;
	if (r->runs++ == 0)
		pthread_barrier_wait(r->meet);
	return db_exec(c, SQL_USER_REFRESH, V(r->name), V_NULL, V(r->second)) == -1 ? -1 : 0;
}

static void *
rename_thread(void *arg)
{
	struct rename	*r = arg;
	struct ctx	 c;

	private_ctx_open(&server, &c);
	r->rc = db_txn(&c, rename_both, r);
	private_ctx_close(&c);
	return NULL;
}

static void
deadlock(void **state)
{
	const int64_t		 a = user("dead a")->id, b = user("dead b")->id;
	pthread_barrier_t	 meet;
	struct rename		 one = { a, b, "one", &meet, 0, -1 };
	struct rename		 two = { b, a, "two", &meet, 0, -1 };
	pthread_t		 thread;

	(void)state;
	pthread_barrier_init(&meet, NULL, 2);
	pthread_create(&thread, NULL, rename_thread, &two);
	one.rc = db_txn(&cx, rename_both, &one);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&meet);

	assert_int_equal(one.rc, 0);
	assert_int_equal(two.rc, 0);
	assert_int_equal(one.runs + two.runs, 3);	/* one of them was the victim, once */
	assert_int_equal(cx.fail.kind, F_NONE);
	assert_string_equal(user_ensure(&cx, 1, "dead a", NULL, NULL)->name,
	    user_ensure(&cx, 1, "dead b", NULL, NULL)->name);
}

struct holder {
	int64_t	 id;
	long	 ms;
	pthread_barrier_t *held;
};

static int
hold_row(struct ctx *c, void *arg)
{
	const struct holder	*h = arg;

	if (db_exec(c, SQL_USER_REFRESH, V("held"), V_NULL, V(h->id)) == -1)
		return -1;
	pthread_barrier_wait(h->held);
	pause_ms(h->ms);
	return 0;
}

static void *
hold_thread(void *arg)
{
	struct ctx	 c;

	private_ctx_open(&server, &c);
	db_txn(&c, hold_row, arg);
	private_ctx_close(&c);
	return NULL;
}

static int
rename_one(struct ctx *c, void *arg)
{
	struct rename	*r = arg;

	r->runs++;
	return db_exec(c, SQL_USER_REFRESH, V(r->name), V_NULL, V(r->first)) == -1 ? -1 : 0;
}

/* A lock that comes free after the first waiting has given up; and one that does not. */
static void
lock_timeout(void **state)
{
	pthread_barrier_t	 held;
	struct holder		 h = { user("locked")->id, 2600, &held };
	struct rename		 r = { h.id, 0, "patient", NULL, 0, -1 };
	pthread_t		 thread;

	(void)state;
	pthread_barrier_init(&held, NULL, 2);
	pthread_create(&thread, NULL, hold_thread, &h);
	pthread_barrier_wait(&held);
	assert_int_equal(db_txn(&cx, rename_one, &r), 0);
	assert_int_equal(r.runs, 2);
	pthread_join(thread, NULL);

	h.ms = 5000;
	pthread_create(&thread, NULL, hold_thread, &h);
	pthread_barrier_wait(&held);
	assert_int_equal(db_txn(&cx, rename_one, &r), -1);
	assert_int_equal(cx.fail.kind, F_UNAVAILABLE);
	assert_int_equal(private_db_logged(&server, "\"USER_REFRESH\""), 1);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&held);
}

static int
rename_then_fail(struct ctx *c, void *arg)
{
	if (rename_one(c, arg) == -1)
		return -1;
	return fail(c, F_CONFLICT, "no");
}

static void
rollback(void **state)
{
	struct rename	 r = { user("kept")->id, 0, "changed", NULL, 0, -1 };

	(void)state;
	assert_int_equal(db_txn(&cx, rename_then_fail, &r), -1);
	assert_int_equal(r.runs, 1);
	assert_int_equal(cx.fail.kind, F_CONFLICT);
	fail_clear(&cx);
	assert_string_equal(user_ensure(&cx, 1, "kept", NULL, NULL)->name, "a name");
}

/*
 * The connection is cut in the middle; what follows in that run must not happen outside of the
 * transaction.
 */
static int
rename_cut(struct ctx *c, void *arg)
{
	struct rename	*r = arg;

	if (r->runs++ == 0) {
		private_db_feed(&server,
		    "SELECT CONCAT('KILL ', id) INTO @kill FROM information_schema.PROCESSLIST"
		    " WHERE COMMAND = 'Sleep'; EXECUTE IMMEDIATE @kill");
		assert_int_equal(db_exec(c, SQL_USER_REFRESH, V("lost"), V_NULL, V(r->first)), -1);
		fail_clear(c);
		assert_int_equal(db_exec(c, SQL_USER_REFRESH, V("stray"), V_NULL, V(r->second)),
		    -1);
		return 0;
	}
	return db_exec(c, SQL_USER_REFRESH, V(r->name), V_NULL, V(r->first)) == -1 ? -1 : 0;
}

static void
cut_in_transaction(void **state)
{
	struct rename	 r = { user("cut a")->id, user("cut b")->id, "whole", NULL, 0, -1 };

	(void)state;
	assert_int_equal(db_txn(&cx, rename_cut, &r), 0);
	assert_int_equal(r.runs, 2);
	assert_int_equal(cx.fail.kind, F_NONE);
	assert_string_equal(user_ensure(&cx, 1, "cut a", NULL, NULL)->name, "whole");
	assert_string_equal(user_ensure(&cx, 1, "cut b", NULL, NULL)->name, "a name");
	assert_false(db_commit_unknown(cx.db));
}

/* The server. */

static void
restarted(void **state)
{
	(void)state;
	user("before");
	private_db_do(&server, "kill");
	private_db_do(&server, "up");
	assert_string_equal(user("before")->name, "a name");	/* nobody notices */
	assert_int_equal(cx.fail.kind, F_NONE);
	private_db_do(&server, "down");
	private_db_do(&server, "up");
	assert_int_equal(db_ping(&cx), 0);
}

static void
server_away(void **state)
{
	const int	 warned = private_db_logged(&server, "database is away");
	int64_t		 t;

	(void)state;
	assert_int_equal(db_ping(&cx), 0);
	private_db_do(&server, "kill");
	t = clock_mono_ms();
	assert_null(user_ensure(&cx, 1, "x", NULL, NULL));
	assert_true(clock_mono_ms() - t < 1000);
	assert_int_equal(cx.fail.kind, F_UNAVAILABLE);
	assert_int_equal(cx.fail.retry_after, 2);
	fail_clear(&cx);
	for (int i = 0; i < 50; i++) {		/* in between nobody even tries */
		assert_int_equal(db_ping(&cx), -1);
		fail_clear(&cx);
	}
	assert_int_equal(db_txn(&cx, rename_one, NULL), -1);
	assert_int_equal(cx.fail.kind, F_UNAVAILABLE);
	fail_clear(&cx);
	assert_int_equal(db_prepare_all(&cx), -1);
	fail_clear(&cx);
	assert_true(clock_mono_ms() - t < 1000);
	assert_int_equal(private_db_logged(&server, "database is away"), warned + 1);

	private_db_do(&server, "up");
	pause_ms(500);
	assert_int_equal(db_ping(&cx), 0);
}

/*
 * A server that hangs while COMMIT is on its way: nobody knows what became of it, and the caller
 * still hears in time.
 */
static int
rename_then_hang(struct ctx *c, void *arg)
{
	if (rename_one(c, arg) == -1)
		return -1;
	private_db_do(&server, "hang");
	return 0;
}

static void
commit_unknown(void **state)
{
	struct rename	 r = { user("perhaps")->id, 0, "hung", NULL, 0, -1 };
	const int64_t	 began = clock_mono_ms();

	(void)state;
	assert_int_equal(db_txn(&cx, rename_then_hang, &r), -1);
	private_db_do(&server, "wake");
	assert_true(clock_mono_ms() - began < 10000);
	assert_int_equal(r.runs, 1);
	assert_int_equal(cx.fail.kind, F_UNAVAILABLE);
	assert_true(db_commit_unknown(cx.db));
	fail_clear(&cx);
	r.runs = 0;
	assert_int_equal(db_txn(&cx, rename_one, &r), 0);
	assert_false(db_commit_unknown(cx.db));
}

/* A port that nobody listens on at the moment. */
static int
free_port(void)
{
	struct sockaddr_in	 a = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		 len = sizeof(a);
	int			 fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

/* Over TCP, with a password from a file, the first host of the list being dead. */
static void
hosts(void **state)
{
	const int	 port = free_port();
	char		 both[64], one[32], file[96], text[8];
	struct conf	 conf = server.conf;
	FILE		*f;

	(void)state;
	snprintf(text, sizeof(text), "%d", port);
	setenv("PRIVATE_DB_PORT", text, 1);
	private_db_do(&server, "down");
	private_db_do(&server, "up");
	private_db_feed(&server, "CREATE USER tcp@127.0.0.1 IDENTIFIED BY 'pass word';"
	    "GRANT ALL ON parley.* TO tcp@127.0.0.1");
	snprintf(file, sizeof(file), "%s/password", server.dir);
	assert_non_null(f = fopen(file, "w"));
	fputs("pass word\n", f);
	fclose(f);
	snprintf(both, sizeof(both), "127.0.0.1:%d, 127.0.0.1:%d", free_port(), port);
	snprintf(one, sizeof(one), "127.0.0.1:%d", port);
	conf.db_hosts = both;
	conf.db_user = "tcp";
	conf.db_password_file = file;
	conf.db_socket = "/nowhere";

	db_free(cx.db);
	cx.db = db_new(&conf);
	assert_int_equal(db_number(&cx, SQL_TENANT_BY_NAME, V("default")), 1);
	conf.db_hosts = one;
	db_free(cx.db);
	cx.db = db_new(&conf);
	assert_int_equal(db_number(&cx, SQL_TENANT_BY_NAME, V("default")), 1);
	conf.db_password_file = "/nowhere";
	db_free(cx.db);
	cx.db = db_new(&conf);
	assert_int_equal(db_ping(&cx), -1);
	assert_int_equal(cx.fail.kind, F_UNAVAILABLE);
	unsetenv("PRIVATE_DB_PORT");
	private_db_do(&server, "down");
	private_db_do(&server, "up");
}

static int
migrated(void **state)
{
	int	 rc;

	fresh(state);
	rc = migrate(&cx, server.schema, NULL, NULL);
	gone(state);
	return rc;
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fresh, gone)
	const struct CMUnitTest	tests[] = {
		TEST(values),
		TEST(verbs),
		TEST(found_not_changed),
		TEST(failures),
		TEST(prepare_all),
		TEST(deadlock),
		TEST(lock_timeout),
		TEST(rollback),
		TEST(bulk),
		TEST(cut_in_transaction),
		TEST(restarted),
		TEST(server_away),
		TEST(commit_unknown),
		TEST(hosts),
	};
	int	failed;

	if (!private_db_possible()) {
		printf("1..0 # SKIP mariadbd is not installed\n");
		return 0;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	private_db_start(&server);
	failed = cmocka_run_group_tests_name("db", tests, migrated, NULL);
	private_db_stop(&server);
	return failed;
}
