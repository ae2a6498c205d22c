#include <sys/stat.h>
#include <sys/wait.h>

#include <openssl/hmac.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/ident.h"

#define EPOCH	INT64_C(1767225600000)

static char	top[] = "/tmp/test-ident.XXXXXX";
static char	dir[64];

static const char *
path(const char *name)
{
	static char	p[128];

	snprintf(p, sizeof(p), "%s/%s", dir, name);
	return p;
}

/* Each test has a state directory of its own. */
static int
setup(void **state)
{
	static int	n;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/%d", top, n++);
	return ident_open(dir, 3);
}

static int
compare(const void *a, const void *b)
{
	int64_t	x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
ids(void **state)
{
	int64_t	before = clock_ms(), id, last = 0;
	int	i;

	(void)state;
	for (i = 0; i < 2000; i++) {
		id = ident_new();
		assert_true(id > last);
		assert_true(id < INT64_C(1) << 53);
		assert_int_equal(id >> 8 & 31, 3);
		assert_int_equal(ident_node(id), 3);
		last = id;
	}
	if (before > EPOCH)
		assert_in_range(ident_time(id), before, clock_ms() + 2000 / 256 + 1);
	assert_int_equal(ident_time(0), EPOCH);
}

/* Bounds for a search by time: an hour about, and never past what ids can be. */
static void
bounds(void **state)
{
	const int64_t	 id = INT64_C(123456789) << 13 | 77, ms = ident_time(id), hour = 3600000;

	(void)state;
	assert_true(ident_from(ms + hour) <= id && ident_from(ms + hour + 1) > id);
	assert_true(ident_until(ms - hour + 1) > id && ident_until(ms - hour) <= id);
	assert_int_equal(ident_from(EPOCH + hour), 0);
	assert_int_equal(ident_from(INT64_MIN), 0);
	assert_int_equal(ident_until(INT64_MIN), 0);
	assert_int_equal(ident_until(0), 0);
	assert_int_equal(ident_until(INT64_MAX), (INT64_C(1) << 53) - 1);
	assert_int_equal(ident_from(INT64_MAX), (INT64_C(1) << 53) - 1);
}

/* The clock is put back, or was ahead when the file was last used: ids rise on. */
static void
clock_back(void **state)
{
	uint64_t	ahead = ((uint64_t)(clock_ms() - EPOCH) + 3600000) << 8 | 254;
	int64_t		a, b, c;
	int		fd;

	(void)state;
	assert_true((fd = open(path("ids"), O_RDWR)) != -1);
	assert_int_equal(pwrite(fd, &ahead, sizeof(ahead), 24), sizeof(ahead));
	close(fd);
	a = ident_new();
	b = ident_new();
	c = ident_new();
	assert_int_equal(a & 255, 255);
	assert_int_equal(a >> 13, ahead >> 8);
	assert_int_equal(b & 255, 0);		/* into the next millisecond, not into the node */
	assert_int_equal(b >> 8 & 31, 3);
	assert_int_equal(b >> 13, (ahead >> 8) + 1);
	assert_int_equal(c, b + 1);
}

#define PROCESSES	4
#define THREADS		2
#define EACH		5000

static int64_t	made[THREADS][EACH];

static void *
make_ids(void *arg)
{
	int64_t	*id = arg;
	int	 i;

	for (i = 0; i < EACH; i++)
		id[i] = ident_new();
	return NULL;
}

/*
 * Processes, some by fork and some by opening anew, with threads, one of them killed: no id twice.
 */
static void
shared(void **state)
{
	static int64_t	all[PROCESSES * THREADS * EACH];
	pthread_t	thread[THREADS];
	int		fd[PROCESSES][2], i, j, status;
	size_t		n = 0, total = sizeof(made);
	ssize_t		r;
	pid_t		doomed;

	(void)state;
	if ((doomed = fork()) == 0)
		for (;;)
			ident_new();
	for (i = 0; i < PROCESSES; i++) {
		assert_int_equal(pipe(fd[i]), 0);
		if (fork() != 0) {
			close(fd[i][1]);
			continue;
		}
		if (i % 2 && ident_open(dir, 3) == -1)
			_exit(1);
		for (j = 0; j < THREADS; j++)
			pthread_create(&thread[j], NULL, make_ids, made[j]);
		for (j = 0; j < THREADS; j++)
			pthread_join(thread[j], NULL);
		for (n = 0; n < total; n += (size_t)r)
			if ((r = write(fd[i][1], (char *)made + n, total - n)) == -1)
				_exit(1);
		_exit(0);
	}
	usleep(2000);
	kill(doomed, SIGKILL);
	for (i = 0; i < PROCESSES; i++) {
		while ((r = read(fd[i][0], (char *)all + n, sizeof(all) - n)) > 0)
			n += (size_t)r;
		close(fd[i][0]);
	}
	assert_int_equal(n, sizeof(all));
	while (wait(&status) != -1)
		assert_true(status == 0 || WIFSIGNALED(status));
	qsort(all, sizeof(all) / sizeof(all[0]), sizeof(all[0]), compare);
	for (n = 1; n < sizeof(all) / sizeof(all[0]); n++)
		assert_true(all[n] > all[n - 1]);
	assert_true(ident_new() > all[n - 1]);
}

/*
 * Many processes that start at once on an empty directory agree on the secret and the directory's
 * id.
 */
static void
start_at_once(void **state)
{
	char	answer[64], first[64] = "";
	int	fd[2], go[2], i, n = 0, status;
	FILE	*f;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/at-once", top);
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(pipe(go), 0);
	for (i = 0; i < 12; i++)
		if (fork() == 0) {
			close(go[1]);
			if (read(go[0], answer, 1) != 0 || ident_open(dir, 0) == -1)
				_exit(1);
			ident_mac(answer, 24, "p", "t");
			dprintf(fd[1], "%s %lld\n", answer, (long long)ident_state_id());
			_exit(0);
		}
	close(go[0]);
	close(go[1]);
	while (wait(&status) != -1)
		assert_int_equal(status, 0);
	close(fd[1]);
	assert_non_null(f = fdopen(fd[0], "r"));
	for (; fgets(answer, sizeof(answer), f) != NULL; n++) {
		if (n == 0)
			memcpy(first, answer, sizeof(first));
		assert_string_equal(answer, first);
	}
	fclose(f);
	assert_int_equal(n, 12);
}

static void
files(void **state)
{
	struct stat	st;
	int64_t		id = ident_state_id();
	char		before[25], after[25], name[64];

	(void)state;
	assert_true(id > 0);
	assert_int_equal(stat(path("ids"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(path("secret"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 32);

	ident_mac(before, 24, "p", "t");
	assert_int_equal(ident_open(dir, 0), 0);	/* again: the same */
	assert_int_equal(ident_state_id(), id);
	ident_mac(after, 24, "p", "t");
	assert_string_equal(after, before);
	snprintf(name, sizeof(name), "%s/elsewhere", top);
	assert_int_equal(ident_open(name, 0), 0);	/* elsewhere: another */
	assert_int_not_equal(ident_state_id(), id);
	ident_mac(after, 24, "p", "t");
	assert_string_not_equal(after, before);
}

static void
rewrite(const char *name, const void *p, size_t n)
{
	int	fd = open(path(name), O_WRONLY | O_TRUNC);

	assert_int_equal(write(fd, p, n), n);
	close(fd);
}

static void
bad_files(void **state)
{
	unsigned char	ids_file[32], bad[32];
	int		fd = open(path("ids"), O_RDONLY);

	(void)state;
	assert_int_equal(read(fd, ids_file, sizeof(ids_file)), sizeof(ids_file));
	close(fd);
	memcpy(bad, ids_file, sizeof(bad));

	/* Only files that are not mapped are cut short: the mapping moves elsewhere first. */
	assert_int_equal(ident_open(top, 0), 0);
	rewrite("ids", "", 0);
	assert_int_equal(ident_open(dir, 0), -1);
	assert_int_equal(errno, EBADMSG);
	bad[0] = 'X';
	rewrite("ids", bad, sizeof(bad));
	assert_int_equal(ident_open(dir, 0), -1);
	assert_int_equal(errno, EBADMSG);
	bad[0] = ids_file[0];
	bad[8] = 2;			/* a later version */
	rewrite("ids", bad, sizeof(bad));
	assert_int_equal(ident_open(dir, 0), -1);
	bad[8] = ids_file[8];
	bad[31] = 0x7f;			/* ids of more than 53 bits */
	rewrite("ids", bad, sizeof(bad));
	assert_int_equal(ident_open(dir, 0), -1);
	rewrite("ids", ids_file, sizeof(ids_file));
	rewrite("secret", "short", 5);
	assert_int_equal(ident_open(dir, 0), -1);
	assert_int_equal(errno, EBADMSG);
	unlink(path("secret"));
	assert_int_equal(ident_open(dir, 0), 0);
	assert_int_equal(ident_open("/proc/nowhere", 0), -1);
	assert_int_equal(errno, ENOENT);
}

static void
mac(void **state)
{
	unsigned char	secret[32], expected[32];
	char		hex[65], got[65];
	FILE		*f = fopen(path("secret"), "r");
	int		i;

	(void)state;
	assert_non_null(f);
	assert_int_equal(fread(secret, 1, 32, f), 32);
	fclose(f);
	HMAC(EVP_sha256(), secret, 32, (const unsigned char *)"priid\0" "42", 8, expected, NULL);
	for (i = 0; i < 32; i++)
		sprintf(hex + 2 * i, "%02x", expected[i]);
	ident_mac(got, 64, "priid", "42");
	assert_string_equal(got, hex);
	ident_mac(got, 9, "priid", "42");
	hex[9] = '\0';
	assert_string_equal(got, hex);

	assert_true(ident_mac_ok(got, 9, "priid", "42"));
	assert_false(ident_mac_ok(got, 9, "guest", "42"));
	assert_false(ident_mac_ok(got, 9, "priid", "43"));
	assert_false(ident_mac_ok(got, 9, "pri", "id42"));
	assert_false(ident_mac_ok(got, 8, "priid", "42"));
	assert_false(ident_mac_ok(got, 10, "priid", "42"));
	assert_false(ident_mac_ok("", 0, "priid", "42"));
	assert_false(ident_mac_ok(got, 65, "priid", "42"));
	got[8] = got[8] == '0' ? '1' : '0';
	assert_false(ident_mac_ok(got, 9, "priid", "42"));
}

static void
seals(void **state)
{
	static const char *const	 bad[] = { "", ".", "42", "42.", "042.", "x.", "-1." };
	char				 sealed[IDENT_SEALED], bent[2 * IDENT_SEALED];
	int64_t				 id;

	(void)state;
	assert_int_equal(ident_open(dir, 3), 0);
	ident_seal(sealed, "stream", 42);
	assert_int_equal(strlen(sealed), strlen("42.") + 32);
	assert_true(ident_unseal("stream", sealed, &id));
	assert_int_equal(id, 42);
	assert_false(ident_unseal("conversation", sealed, &id));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(ident_unseal("stream", bad[i], &id));
		snprintf(bent, sizeof(bent), "%s%s", bad[i], sealed + strlen("42."));
		assert_int_equal(ident_unseal("stream", bent, &id), strcmp(bad[i], "42.") == 0);
	}
	for (size_t i = 0; i < strlen(sealed); i++) {
		memcpy(bent, sealed, sizeof(sealed));
		bent[i] = bent[i] == '1' ? '2' : '1';
		assert_false(ident_unseal("stream", bent, &id));
	}
	snprintf(bent, sizeof(bent), "%s0", sealed);
	assert_false(ident_unseal("stream", bent, &id));
	ident_seal(sealed, "stream", (INT64_C(1) << 53) - 1);
	assert_true(ident_unseal("stream", sealed, &id));
	assert_true(id == (INT64_C(1) << 53) - 1);
}

static void
hashes(void **state)
{
	static const uint8_t	abc[4] = { 0xba, 0x78, 0x16, 0xbf };
	uint8_t			digest[32];
	char			sha1[IDENT_SHA1_SIZE];

	(void)state;
	ident_sha1(sha1, "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	assert_string_equal(sha1, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");	/* RFC 6455, 1.3 */
	ident_sha256(digest, "abc", 3);
	assert_memory_equal(digest, abc, 4);
	assert_int_equal((uint64_t)ident_hash64("abc", 3), UINT64_C(0xba7816bf8f01cfea));
	assert_int_equal((uint64_t)ident_hash64("", 0), UINT64_C(0xe3b0c44298fc1c14));
}

static void
randomness(void **state)
{
	char	a[301], b[301];

	(void)state;
	ident_random_hex(a, 150);
	ident_random_hex(b, 150);
	assert_int_equal(strlen(a), 300);
	assert_int_equal(strspn(a, "0123456789abcdef"), 300);
	assert_string_not_equal(a, b);
	ident_random_hex(a, 0);
	assert_string_equal(a, "");
}

static void
parse(void **state)
{
	static const char *const	bad[] = {
		"", "0", "01", "-1", "+1", " 1", "1 ", "1x", "x", "1.0", "1e3",
		"9007199254740992", "18446744073709551617", "99999999999999999999999999",
	};
	int64_t	id = 0;
	size_t	i;

	(void)state;
	assert_true(ident_parse("1", &id));
	assert_int_equal(id, 1);
	assert_true(ident_parse("9007199254740991", &id));
	assert_int_equal(id, INT64_C(9007199254740991));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (ident_parse(bad[i], &id))
			fail_msg("%s is taken", bad[i]);
	assert_false(ident_parse(NULL, &id));
	assert_int_equal(id, INT64_C(9007199254740991));
}

static void
span(void **state)
{
	static const char *const	bad[] = {
		"", "s", "-5", "5 s", "5ms", "5w", "s5", " 5", "1.5h", "5S", "99999999999", "5sx",
	};
	size_t	i;

	(void)state;
	assert_int_equal(ident_span("10s"), 10);
	assert_int_equal(ident_span("5m"), 300);
	assert_int_equal(ident_span("2h"), 7200);
	assert_int_equal(ident_span("180d"), 15552000);
	assert_int_equal(ident_span("90"), 90);
	assert_int_equal(ident_span("0"), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (ident_span(bad[i]) != -1)
			fail_msg("%s is taken", bad[i]);
	assert_int_equal(ident_span(NULL), -1);
}

static void
remove_tree(const char *name)
{
	char	command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", name);
	if (system(command) != 0)
		fprintf(stderr, "%s stays\n", name);
}

/* Under another node's number an id keeps its time and its place among its own. */
static void
other_nodes(void **state)
{
	int64_t	a = ident_new(), b = ident_new(), first, last;

	(void)state;
	assert_int_equal(ident_at_node(a, ident_node(a)), a);
	for (int node = 0; node < IDENT_NODES; node++) {
		assert_int_equal(ident_node(ident_at_node(a, node)), node);
		assert_int_equal(ident_time(ident_at_node(a, node)), ident_time(a));
		assert_true(ident_at_node(a, node) < ident_at_node(b, node));
		ident_moment(a, &first, &last);
		assert_in_range(ident_at_node(a, node), first, last);
	}
	assert_int_equal(ident_time(first), ident_time(a));
	assert_int_equal(ident_time(last), ident_time(a));
	assert_int_equal(ident_time(first - 1), ident_time(a) - 1);
	assert_int_equal(ident_time(last + 1), ident_time(a) + 1);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup(ids, setup),
		cmocka_unit_test_setup(bounds, setup),
		cmocka_unit_test_setup(other_nodes, setup),
		cmocka_unit_test_setup(clock_back, setup),
		cmocka_unit_test_setup(shared, setup),
		cmocka_unit_test_setup(start_at_once, setup),
		cmocka_unit_test_setup(files, setup),
		cmocka_unit_test_setup(bad_files, setup),
		cmocka_unit_test_setup(mac, setup),
		cmocka_unit_test_setup(seals, setup),
		cmocka_unit_test(hashes),
		cmocka_unit_test(randomness),
		cmocka_unit_test(parse),
		cmocka_unit_test(span),
	};
	int	failed;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (mkdtemp(top) == NULL)
		return 1;
	failed = cmocka_run_group_tests_name("ident", tests, NULL, NULL);
	remove_tree(top);
	return failed;
}
