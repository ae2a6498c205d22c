#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/conf.h"

static char		dir[] = "/tmp/test-conf.XXXXXX";
static struct str	err;

static const char *
path(const char *name)
{
	static char	p[2][128];
	static int	turn;

	turn = !turn;
	snprintf(p[turn], sizeof(p[turn]), "%s/%s", dir, name);
	return p[turn];
}

static void
put(const char *name, const char *text)
{
	FILE	*f = fopen(path(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct conf *
load(const char *text)
{
	struct conf	*c;

	put("c", text);
	if ((c = conf_load(path("c"), &err)) == NULL)
		fail_msg("%s", err.p);
	assert_int_equal(err.len, 0);
	return c;
}

/* The file is refused with the line that says so, which begins with the file's directory. */
static void
refuse(const char *text, const char *expected)
{
	struct conf	*c;
	size_t		 n = strlen(dir) + 1;

	put("c", text);
	if ((c = conf_load(path("c"), &err)) != NULL)
		fail_msg("taken, where %s was expected", expected);
	assert_non_null(err.p);
	if (strncmp(err.p, dir, n - 1) != 0 || strncmp(err.p + n, expected, strlen(expected)) != 0)
		fail_msg("%s instead of %s", err.p, expected);
	assert_null(strchr(err.p, '\n'));
}

static int
setup(void **state)
{
	(void)state;
	unsetenv("PARLEY_CONF");
	return 0;
}

static void
defaults(void **state)
{
	struct conf	*c = load("");

	(void)state;
	assert_string_equal(c->listen, RUNSTATEDIR "/parley/fcgi.sock");
	assert_string_equal(c->state_dir, LOCALSTATEDIR "/lib/parley");
	assert_int_equal(c->threads, 4);
	assert_in_range(c->workers, 1, 64);
	assert_false(c->cluster);
	assert_int_equal(c->ping, 15);
	assert_int_equal(c->body_limit, 1 << 20);
	assert_int_equal(c->upload_limit, 32 << 20);
	assert_string_equal(c->trusted_proxies, "127.0.0.0/8,::1");
	assert_string_equal(c->timezone, "Asia/Shanghai");
	assert_string_equal(c->cors_origins, "");
	assert_string_equal(c->file, path("c"));
	conf_free(c);
	conf_free(NULL);
}

static void
values(void **state)
{
	struct conf	*c = load(
	    "# a comment\n"
	    "workers = 3   # another\n"
	    "threads=\"8\"\n"
	    "cluster = on\n"
	    "ping = 2m\n"
	    "drain = 0\n"
	    "body_limit = 2M\n"
	    "upload_limit = 65536\n"
	    "listen = '@run@/other.sock'\n"
	    "state_dir = \"/srv/parley # no comment\"\n"
	    "/* and one\n of several lines */\n"
	    "// don't\n"
	    "trusted_proxies = {\"10.0.0.0/8\", '::1',\n 127.0.0.1}\n"
	    "jwt_subject = \"userId, sub\"\n"
	    "cors_origins = {\"https://a.example\"}\n"
	    "cors_origins += {\"https://b.example\", https://c.example}\n"
	    "language = zh\n"
	    "language = en\n");

	(void)state;
	assert_int_equal(c->workers, 3);
	assert_int_equal(c->threads, 8);
	assert_true(c->cluster);
	assert_int_equal(c->ping, 120);
	assert_int_equal(c->drain, 0);
	assert_int_equal(c->body_limit, 2 << 20);
	assert_int_equal(c->upload_limit, 65536);
	assert_string_equal(c->listen, RUNSTATEDIR "/parley/other.sock");
	assert_string_equal(c->state_dir, "/srv/parley # no comment");
	assert_string_equal(c->trusted_proxies, "10.0.0.0/8,::1,127.0.0.1");
	assert_string_equal(c->jwt_subject, "userId, sub");
	assert_string_equal(c->cors_origins,
	    "https://a.example,https://b.example,https://c.example");
	assert_string_equal(c->language, "en");
	conf_free(c);

	c = load("trusted_proxies = {}\n");
	assert_string_equal(c->trusted_proxies, "");
	conf_free(c);
}

static void
refusals(void **state)
{
	static const struct {
		const char	*text, *err;
	} cases[] = {
		{ "\n\nworker = 3\n", "c:3: unknown setting `worker`" },
		{ "# x\n/* y\n */\nworkers = many\n",
		    "c:4: workers takes a number from 0 to 64, not `many`" },
		{ "workers = 65\n", "c:1: workers takes a number from 0 to 64, not `65`" },
		{ "workers = -1\n", "c:1: workers takes a number from 0 to 64, not `-1`" },
		{ "workers = 3x\n", "c:1: workers takes a number" },
		{ "workers = 99999999999999999999\n", "c:1: workers takes a number" },
		{ "workers = 4294967297\n", "c:1: workers takes a number" },
		{ "workers = \"\"\n", "c:1: workers takes a number" },
		{ "workers = {1}\n", "c:1: unexpected token '{'" },
		{ "workers 3\n", "c:1: missing equal sign" },
		{ "workers =\nthreads = 3\n",
		    "c:2: workers takes a number from 0 to 64, not `threads`" },
		{ "cluster = maybe\n", "c:1: cluster takes on or off, not `maybe`" },
		{ "ping = 0\n", "c:1: ping takes seconds (15, 15s, 5m) from 1 to 3600, not `0`" },
		{ "ping = 2h\n", "c:1: ping takes seconds" },
		{ "ping = 1.5\n", "c:1: ping takes seconds" },
		{ "body_limit = 1000\n",
		    "c:1: body_limit takes bytes (65536, 64K, 1M) from 1024 to 268435456, not" },
		{ "body_limit = 1T\n", "c:1: body_limit takes bytes" },
		{ "body_limit = 9000000000000G\n", "c:1: body_limit takes bytes" },
		{ "threads = 4\nlog_level = loud\n",
		    "c:2: log_level takes one of: debug info warn error; not `loud`" },
		{ "log_level = \"info warn\"\n", "c:1: log_level takes one of" },
		{ "log_level = inf\n", "c:1: log_level takes one of" },
		{ "identity = none\n", "c:1: identity takes one of: header jwt; not `none`" },
		{ "language = fr\n", "c:1: language takes one of" },
		{ "on_disconnect = wait\n", "c:1: on_disconnect takes one of" },
		{ "timezone = Mars/Olympus\n", "c:1: timezone takes a time zone" },
		{ "trusted_proxies = {\"::1\",\n \"10.0.0/8\"}\n",
		    "c:2: trusted_proxies takes addresses and networks (10.0.0.0/8), not `10.0.0" },
		{ "trusted_proxies = \"::1,localhost\"\n", "c:1: trusted_proxies takes addresses" },
		{ "listen = \"\"\n", "c:1: listen needs the path of a socket" },
		{ "listen = /0123456789012345678901234567890123456789012345678901234567890123456789"
		    "0123456789012345678901234567890123456789\n",
		    "c:1: listen takes a path of at most 107 bytes" },
		{ "trusted_proxies = {\"::1\",\n", "c:2: premature end of file" },
		{ "upstream \"x\" {\n", "c:1: unknown setting `upstream`" },
		{ "}\n", "c:1: unexpected closing brace" },
		{ "workers = 2\nstate_dir = \"/srv\nthreads = 3\n", "c:2: a string is left open" },
		{ "workers = 2\nstate_dir = '/srv\n", "c:2: a string is left open" },
		{ "state_dir = \"a\\", "c:1: a string is left open" },
		{ "state_dir = \"a\\\"\n\"\n\nx = 1\n", "c:4: unknown setting `x`" },
		{ "workers = 2\n/* open\nthreads = 3\n", "c:2: a comment is left open" },
		{ "# '\n// \"\n/* '\n\" */\nx = 1\n", "c:5: unknown setting `x`" },
		{ "workers =", "c:1: premature end of file" },
		{ "include(\"nothing\")\n", "c:1: " },
		{ "\ninclude(\"c\")\n", "c:2: files include each other too deeply" },
		{ "include(\"\")\n", "c:1: include takes one file" },
		{ "include(\"a\", \"b\")\n", "c:1: include takes one file" },
	};
	struct conf	*c;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		refuse(cases[i].text, cases[i].err);
		c = load("threads = 5\n");		/* and nothing of it stays */
		assert_int_equal(c->threads, 5);
		conf_free(c);
	}
	assert_null(conf_load(path("missing"), &err));
	assert_non_null(strstr(err.p, "missing: No such file or directory"));
	assert_null(conf_load(dir, &err));
	assert_non_null(strstr(err.p, dir));
}

static void
strange_files(void **state)
{
	static char	 big[2 << 20];
	struct conf	*c;
	FILE		*f;

	(void)state;
	assert_non_null(f = fopen(path("c"), "w"));
	fwrite("workers = 2\n\0threads = 3\n", 1, 25, f);
	fclose(f);
	assert_null(conf_load(path("c"), &err));
	assert_non_null(strstr(err.p, "c: not a text"));

	memset(big, ' ', sizeof(big) - 1);
	put("c", big);
	assert_null(conf_load(path("c"), &err));
	assert_non_null(strstr(err.p, "c: File too large"));
	big[900000] = '\0';
	c = load(big);
	conf_free(c);
	c = load("threads = 3");		/* no newline at the end */
	assert_int_equal(c->threads, 3);
	conf_free(c);
}

static void
include(void **state)
{
	struct conf	*c;
	char		 text[256];
	int		 i;

	(void)state;
	assert_int_equal(chdir("/"), 0);	/* an include is relative to the file, not to us */
	put("inner", "threads = 7\ninclude(\"innermost\")\nping = 20\n");
	put("innermost", "node = 9\n");
	c = load("workers = 2\ninclude(\"inner\")\ndrain = 5\n");
	assert_int_equal(c->workers, 2);
	assert_int_equal(c->threads, 7);
	assert_int_equal(c->node, 9);
	assert_int_equal(c->ping, 20);
	assert_int_equal(c->drain, 5);
	conf_free(c);

	snprintf(text, sizeof(text), "include(\"%s\")\n", path("inner"));
	c = load(text);
	assert_int_equal(c->threads, 7);
	conf_free(c);

	for (i = 0; i < 15; i++) {		/* as often as anybody likes to try */
		put("innermost", "node = 9\nnode = 99\n");
		refuse("workers = 2\ninclude(\"inner\")\n",
		    "innermost:2: node takes a number from 0 to 31, not `99`");
		put("innermost", "state_dir = \"/srv\n");
		refuse("workers = 2\ninclude(\"inner\")\n", "innermost:1: a string is left open");
	}
	put("innermost", "/* open");
	refuse("workers = 2\ninclude(\"inner\")\n", "innermost:1: a comment is left open");
}

static void
environment(void **state)
{
	struct conf	*c;

	(void)state;
	setenv("PARLEY_WORKERS", "5", 1);
	setenv("PARLEY_CLUSTER", "1", 1);
	setenv("PARLEY_TRUSTED_PROXIES", "10.0.0.1,::1", 1);
	setenv("PARLEY_LOG", "", 1);
	setenv("PARLEY_URL", "http://127.0.0.1:8901", 1);	/* no setting */
	c = load("workers = 3\ntrusted_proxies = {\"127.0.0.1\"}\nlog = /tmp/x\nthreads = 2\n");
	assert_int_equal(c->workers, 5);
	assert_int_equal(c->threads, 2);
	assert_true(c->cluster);
	assert_string_equal(c->trusted_proxies, "10.0.0.1,::1");
	assert_string_equal(c->log, "");
	conf_free(c);

	setenv("PARLEY_WORKERS", "lots", 1);
	put("c", "");
	assert_null(conf_load(path("c"), &err));
	assert_string_equal(err.p,
	    "PARLEY_WORKERS: workers takes a number from 0 to 64, not `lots`");
	unsetenv("PARLEY_WORKERS");
	unsetenv("PARLEY_CLUSTER");
	unsetenv("PARLEY_TRUSTED_PROXIES");
	unsetenv("PARLEY_LOG");
	unsetenv("PARLEY_URL");

	put("other", "threads = 11\n");
	setenv("PARLEY_CONF", path("other"), 1);
	assert_non_null(c = conf_load(NULL, &err));
	assert_int_equal(c->threads, 11);
	assert_string_equal(c->file, path("other"));
	conf_free(c);
	c = load("threads = 12\n");			/* the one named goes before */
	assert_int_equal(c->threads, 12);
	conf_free(c);
	setenv("PARLEY_CONF", path("missing"), 1);
	assert_null(conf_load(NULL, &err));
	unsetenv("PARLEY_CONF");
}

/* What is shown is a file that makes the same settings. */
static void
show(void **state)
{
	struct str	 first = STR_INIT(0), second = STR_INIT(0), json = STR_INIT(0);
	struct conf	*c = load("workers = 3\nstate_dir = \"/srv/a\\\"b\\\\c\\${HOME}\"\n"
	    "cluster = yes\nbody_limit = 2M\ncors_origins = {\"https://a\", \"https://b\"}\n");

	(void)state;
	assert_string_equal(c->state_dir, "/srv/a\"b\\c${HOME}");
	conf_show(c, &first, false);
	assert_non_null(strstr(first.p, "\nworkers = 3  # worker processes; 0 = one per core\n"));
	assert_non_null(strstr(first.p, "\nbody_limit = 2097152  # of a request body\n"));
	assert_non_null(strstr(first.p, "\ncluster = true  # "));
	conf_show(c, &json, true);
	assert_memory_equal(json.p, "[{\"name\":\"listen\",\"value\":\"", 27);
	assert_non_null(strstr(json.p, "{\"name\":\"workers\",\"value\":3,\"default\":0,"
	    "\"help\":\"worker processes; 0 = one per core\"}"));
	assert_non_null(strstr(json.p, "{\"name\":\"cluster\",\"value\":true,\"default\":false,"));
	assert_non_null(strstr(json.p,
	    "{\"name\":\"body_limit\",\"value\":2097152,\"default\":1048576,"));
	assert_non_null(strstr(json.p, "\"value\":\"https://a,https://b\",\"default\":\"\""));
	assert_string_equal(json.p + json.len - 2, "}]");
	conf_free(c);

	c = load(first.p);
	assert_string_equal(c->state_dir, "/srv/a\"b\\c${HOME}");
	conf_show(c, &second, false);
	assert_string_equal(first.p, second.p);
	conf_free(c);
	str_free(&first);
	str_free(&second);
	str_free(&json);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup(defaults, setup),
		cmocka_unit_test_setup(values, setup),
		cmocka_unit_test_setup(refusals, setup),
		cmocka_unit_test_setup(strange_files, setup),
		cmocka_unit_test_setup(include, setup),
		cmocka_unit_test_setup(environment, setup),
		cmocka_unit_test_setup(show, setup),
	};
	static const char *const	names[] = { "c", "inner", "innermost", "other" };
	size_t				i;
	int				failed;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (mkdtemp(dir) == NULL)
		return 1;
	failed = cmocka_run_group_tests_name("conf", tests, NULL, NULL);
	str_free(&err);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path(names[i]));
	rmdir(dir);
	return failed;
}
