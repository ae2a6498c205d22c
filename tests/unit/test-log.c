#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static char	dir[] = "/tmp/test-log.XXXXXX";
static char	file[64], old[64];
static char	text[1 << 20];

static const char *
slurp(const char *path)
{
	FILE	*f = fopen(path, "r");
	size_t	 n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

static int
setup(void **state)
{
	(void)state;
	unlink(file);
	unlink(old);
	log_open(file, LOG_INFO_);
	return 0;
}

/* The part of the only line behind its pid. */
static const char *
tail(void)
{
	char	pid[32], *p;

	slurp(file);
	snprintf(pid, sizeof(pid), "\"pid\":%d", (int)getpid());
	assert_non_null(p = strstr(text, pid));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	return p + strlen(pid);
}

static void
line(void **state)
{
	(void)state;
	log_warn("it is so", LOG_S("who", "me"), LOG_I("n", 9007199254740993), LOG_I("m", -1),
	    LOG_S("none", NULL));
	assert_string_equal(tail(),
	    ",\"who\":\"me\",\"n\":9007199254740993,\"m\":-1,\"none\":null}\n");
	assert_memory_equal(text, "{\"time\":\"20", 11);
	assert_memory_equal(text + 32, "Z\",\"level\":\"warn\",\"msg\":\"it is so\",", 35);
}

static void
escapes(void **state)
{
	(void)state;
	log_error("x", LOG_S("v", "a\"b\\c\nd\x01\x7f/ä模\xff\xe6\xa8 \xe2\x80\xa8"));
	assert_string_equal(tail(),
	    ",\"v\":\"a\\\"b\\\\c\\u000ad\\u0001\\u007f/ä模\\ufffd\\ufffd\\ufffd \\u2028\"}\n");
}

static void
levels(void **state)
{
	(void)state;
	log_debug("no");
	log_info("yes");
	assert_string_equal(tail(), "}\n");
	log_open(file, LOG_ERROR_);
	log_warn("no");
	assert_string_equal(tail(), "}\n");
	log_open(file, LOG_DEBUG_);
	log_debug("now");
	assert_non_null(strstr(slurp(file), "\"level\":\"debug\",\"msg\":\"now\""));
}

/* Whatever its length, a line is one whole object of at most 4 KiB. */
static void
long_values(void **state)
{
	static char	big[9000];
	size_t		n, len;
	const char	*end;

	(void)state;
	for (n = 3900; n < 4100; n++) {
		memset(big, n % 2 ? 'x' : '"', n);
		memcpy(big + n - 3, "模", 4);
		unlink(file);
		log_open(file, LOG_INFO_);
		log_info("long", LOG_S("v", big), LOG_I("after", INT64_MIN), LOG_S("more", big));
		slurp(file);
		len = strlen(text);
		assert_in_range(len, 3900, 4096);
		end = text + len - 2;
		assert_string_equal(end, "}\n");
		assert_ptr_equal(strchr(text, '\n'), end + 1);
		if (n % 2 == 0 || n > 4040)
			assert_memory_equal(end - 4, "\xe2\x80\xa6\"", 4);
		else if (n < 3910)
			assert_non_null(strstr(text,
			    "x模\",\"after\":-9223372036854775808,\"more\":\"x"));
	}
}

static void
role(void **state)
{
	(void)state;
	log_as("worker 2");
	log_info("hello");
	assert_string_equal(tail(), ",\"role\":\"worker 2\"}\n");
	log_as("");
}

static void
reopen(void **state)
{
	(void)state;
	log_info("one");
	assert_int_equal(rename(file, old), 0);
	log_info("two");
	log_reopen();
	assert_int_equal(access(file, F_OK), -1);
	log_info("three");
	assert_non_null(strstr(slurp(old), "\"one\""));
	assert_non_null(strstr(text, "\"two\""));
	assert_null(strstr(text, "\"three\""));
	assert_non_null(strstr(slurp(file), "\"three\""));
	assert_null(strstr(text, "\"two\""));
}

static void *
many(void *arg)
{
	int	i;

	for (i = 0; i < 200; i++) {
		if (i % 50 == 0)
			log_reopen();
		log_info("many", LOG_S("filler", "0123456789012345678901234567890123456789"),
		    LOG_I("n", (int64_t)(intptr_t)arg * 1000 + i));
	}
	return NULL;
}

/* Three processes of three threads each: every line arrives, and whole. */
static void
shared(void **state)
{
	pthread_t	thread[3];
	static char	seen[10000];
	const char	*p, *end;
	int		i, j, n = 0, status;

	(void)state;
	for (i = 0; i < 3; i++)
		if (fork() == 0) {
			for (j = 0; j < 3; j++)
				pthread_create(&thread[j], NULL, many,
				    (void *)(intptr_t)(i * 3 + j));
			for (j = 0; j < 3; j++)
				pthread_join(thread[j], NULL);
			_exit(0);
		}
	while (wait(&status) != -1)
		assert_int_equal(status, 0);
	for (p = slurp(file); *p != '\0'; p = end + 1, n++) {
		end = strchr(p, '\n');
		assert_non_null(end);
		assert_memory_equal(p, "{\"time\":", 8);
		assert_int_equal(end[-1], '}');
		i = atoi(strstr(p, "\"n\":") + 4);
		assert_in_range(i, 0, 8999);
		assert_int_equal(seen[i]++, 0);
	}
	assert_int_equal(n, 3 * 3 * 200);
}

/* Writes one line to a new standard error; what arrived there. */
static const char *
on_stderr(const char *journal, const char *log)
{
	int		fd[2], status;
	ssize_t		n;
	struct stat	st;
	char		stream[64];

	assert_int_equal(pipe(fd), 0);
	if (fork() == 0) {
		dup2(fd[1], STDERR_FILENO);
		fstat(STDERR_FILENO, &st);
		if (journal == NULL)
			snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
			    (uintmax_t)st.st_ino);
		setenv("JOURNAL_STREAM", journal == NULL ? stream : journal, 1);
		log_open(log, LOG_INFO_);
		log_error("oops");
		_exit(0);
	}
	close(fd[1]);
	wait(&status);
	n = read(fd[0], text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	close(fd[0]);
	return text;
}

static void
journal(void **state)
{
	(void)state;
	assert_memory_equal(on_stderr(NULL, NULL), "<3>{\"time\":", 11);
	assert_memory_equal(on_stderr("8:1", NULL), "{\"time\":", 8);
	assert_memory_equal(on_stderr("", ""), "{\"time\":", 8);
	assert_string_equal(on_stderr(NULL, file), "");
	assert_memory_equal(slurp(file), "{\"time\":", 8);
}

/* A file that cannot be opened is said on standard error, and so are the lines. */
static void
no_file(void **state)
{
	(void)state;
	on_stderr("8:1", "/nonexistent/log");
	assert_non_null(strstr(text, "\"msg\":\"log file cannot be opened\""));
	assert_non_null(strstr(text,
	    "\"file\":\"/nonexistent/log\",\"error\":\"No such file or directory\""));
	assert_non_null(strstr(text, "\"msg\":\"oops\""));
}

static void
keeps_errno(void **state)
{
	(void)state;
	errno = ENOTTY;
	log_reopen();
	log_info("x", LOG_S("y", "z"));
	assert_int_equal(errno, ENOTTY);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup(line, setup),
		cmocka_unit_test_setup(escapes, setup),
		cmocka_unit_test_setup(levels, setup),
		cmocka_unit_test_setup(long_values, setup),
		cmocka_unit_test_setup(role, setup),
		cmocka_unit_test_setup(reopen, setup),
		cmocka_unit_test_setup(shared, setup),
		cmocka_unit_test_setup(journal, setup),
		cmocka_unit_test_setup(no_file, setup),
		cmocka_unit_test_setup(keeps_errno, setup),
	};
	int	failed;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(file, sizeof(file), "%s/log", dir);
	snprintf(old, sizeof(old), "%s/log.1", dir);
	failed = cmocka_run_group_tests_name("log", tests, NULL, NULL);
	log_open(NULL, LOG_INFO_);
	unlink(file);
	unlink(old);
	rmdir(dir);
	return failed;
}
