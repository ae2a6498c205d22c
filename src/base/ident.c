#include "ident.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

#define SEAL_HEX	32		/* digits of the MAC of a sealed id */
#define EPOCH		1767225600000	/* 2026-01-01 */
#define SEQ_BITS	8
#define NODE_BITS	5
_Static_assert(IDENT_NODES == 1 << NODE_BITS, "ident.h");
#define ID_MAX		((INT64_C(1) << 53) - 1)
#define SLACK		3600000		/* ms by which ids may differ from the clock */
#define SECRET		32

/*
 * The ids file. `last` is an id without the node, milliseconds and sequence next to each other, so
 * that last + 1 runs from a full millisecond into the next. A process that dies leaves nothing
 * locked; after the host died, the clock is past what was given out.
 */
struct ids {
	char			 magic[8];
	uint32_t		 version;
	uint32_t		 zero;
	int64_t			 state_id;
	_Atomic(uint64_t)	 last;
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "the ids file is shared between processes");

static const char	 ids_magic[8] = "PARLEYID";
static const uint32_t	 ids_version = 1;

/* One state directory per process: its file and its secret. */
static struct ids	*ids;
static uint64_t		 own_node;
static EVP_MAC_CTX	*keyed;		/* only copied: so many threads may have it */

static void __attribute__((noreturn))
ident_die(const char *what)
{
	log_error("ident", LOG_S("call", what));
	abort();
}

/* Makes dir/name with that content unless it is there: a whole file or none, whoever else tries. */
static int
file_make(const char *dir, const struct stat *owner, const char *name, const void *data, size_t n)
{
	char	path[PATH_MAX], temp[PATH_MAX];
	int	fd, dirfd, r = -1, saved;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path) ||
	    snprintf(temp, sizeof(temp), "%s/.%s.XXXXXX", dir, name) >= (int)sizeof(temp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (access(path, F_OK) == 0)
		return 0;
	if ((fd = mkostemp(temp, O_CLOEXEC)) == -1)	/* mode 0600 */
		return -1;
	if (write(fd, data, n) == (ssize_t)n &&
	    (geteuid() != 0 || fchown(fd, owner->st_uid, owner->st_gid) == 0) && fsync(fd) == 0 &&
	    (link(temp, path) == 0 || errno == EEXIST))
		r = 0;
	saved = errno;
	unlink(temp);
	close(fd);
	if (r == 0 && (dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) != -1) {
		fsync(dirfd);
		close(dirfd);
	}
	errno = saved;
	return r;
}

/* Opens dir/name, which has to have that size. */
static int
file_open(const char *dir, const char *name, int flags, size_t n)
{
	char		path[PATH_MAX];
	struct stat	st;
	int		fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW)) == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size == n)
		return fd;
	close(fd);
	errno = EBADMSG;
	return -1;
}

static int
ids_map(const char *dir, const struct stat *owner)
{
	struct ids	 fresh = { .version = ids_version }, *map;
	int		 fd, saved;

	memcpy(fresh.magic, ids_magic, sizeof(fresh.magic));
	ident_random(&fresh.state_id, sizeof(fresh.state_id));
	fresh.state_id = (fresh.state_id & INT64_MAX) | 1;
	if (file_make(dir, owner, "ids", &fresh, sizeof(fresh)) == -1 ||
	    (fd = file_open(dir, "ids", O_RDWR, sizeof(fresh))) == -1)
		return -1;
	map = mmap(NULL, sizeof(*map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	saved = errno;
	close(fd);
	if (map == MAP_FAILED) {
		errno = saved;
		return -1;
	}
	if (memcmp(map->magic, ids_magic, sizeof(map->magic)) != 0 || map->version != ids_version ||
	    map->state_id <= 0 || map->last >> (53 - NODE_BITS) != 0) {
		munmap(map, sizeof(*map));
		errno = EBADMSG;
		return -1;
	}
	if (ids != NULL)
		munmap(ids, sizeof(*ids));
	ids = map;
	return 0;
}

static int
secret_read(const char *dir, const struct stat *owner)
{
	static char	 digest[] = "SHA256";
	unsigned char	 secret[SECRET];
	OSSL_PARAM	 params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC		*hmac;
	ssize_t		 n;
	int		 fd;

	ident_random(secret, sizeof(secret));
	if (file_make(dir, owner, "secret", secret, sizeof(secret)) == -1 ||
	    (fd = file_open(dir, "secret", O_RDONLY, sizeof(secret))) == -1)
		return -1;
	n = read(fd, secret, sizeof(secret));
	close(fd);
	if (n != (ssize_t)sizeof(secret)) {
		errno = EBADMSG;
		return -1;
	}
	EVP_MAC_CTX_free(keyed);
	if ((hmac = EVP_MAC_fetch(NULL, "HMAC", NULL)) == NULL ||
	    (keyed = EVP_MAC_CTX_new(hmac)) == NULL ||
	    EVP_MAC_init(keyed, secret, sizeof(secret), params) != 1)
		ident_die("EVP_MAC_init");
	EVP_MAC_free(hmac);
	OPENSSL_cleanse(secret, sizeof(secret));
	return 0;
}

int
ident_open(const char *state_dir, int node)
{
	struct stat	st;

	if (node < 0 || node >= 1 << NODE_BITS) {
		errno = EINVAL;
		return -1;
	}
	if ((mkdir(state_dir, 0750) == -1 && errno != EEXIST) || stat(state_dir, &st) == -1)
		return -1;
	if (ids_map(state_dir, &st) == -1 || secret_read(state_dir, &st) == -1)
		return -1;
	own_node = (uint64_t)node;
	return 0;
}

int64_t
ident_state_id(void)
{
	return ids->state_id;
}

int64_t
ident_new(void)
{
	int64_t		now = clock_ms() - EPOCH;
	uint64_t	first = now > 0 ? (uint64_t)now << SEQ_BITS : 0;
	uint64_t	last = atomic_load_explicit(&ids->last, memory_order_relaxed), next;

	do
		next = last + 1 > first ? last + 1 : first;
	while (!atomic_compare_exchange_weak(&ids->last, &last, next));
	return (int64_t)(next >> SEQ_BITS << (SEQ_BITS + NODE_BITS) | own_node << SEQ_BITS |
	    (next & ((1 << SEQ_BITS) - 1)));
}

int64_t
ident_time(int64_t id)
{
	return (id >> (SEQ_BITS + NODE_BITS)) + EPOCH;
}

/* The least id of that many milliseconds after EPOCH, within what ids can be. */
static int64_t
least(int64_t ms)
{
	if (ms <= 0)
		return 0;
	if (ms > ID_MAX >> (SEQ_BITS + NODE_BITS))
		return ID_MAX;
	return ms << (SEQ_BITS + NODE_BITS);
}

int64_t
ident_from(int64_t ms)
{
	return ms <= EPOCH ? 0 : least(ms - EPOCH - SLACK);
}

int64_t
ident_until(int64_t ms)
{
	return ms <= 0 ? 0 : least(ms - EPOCH + SLACK);
}

int
ident_node(int64_t id)
{
	return (int)(id >> SEQ_BITS & ((1 << NODE_BITS) - 1));
}

int64_t
ident_at_node(int64_t id, int node)
{
	const int64_t	 all = (int64_t)(IDENT_NODES - 1) << SEQ_BITS;

	return (id & ~all) | (int64_t)node << SEQ_BITS;
}

void
ident_moment(int64_t id, int64_t *first, int64_t *last)
{
	const int64_t	 low = (INT64_C(1) << (SEQ_BITS + NODE_BITS)) - 1;

	*first = id & ~low;
	*last = id | low;
}

void
ident_random(void *dst, size_t n)
{
	unsigned char	*p = dst;
	ssize_t		 r;

	for (; n > 0; p += r, n -= (size_t)r)
		if ((r = getrandom(p, n, 0)) == -1) {
			if (errno != EINTR)
				ident_die("getrandom");
			r = 0;
		}
}

static void
hex(char *dst, const unsigned char *p, size_t digits)
{
	static const char	alphabet[] = "0123456789abcdef";
	size_t			i;

	for (i = 0; i < digits; i++)
		dst[i] = alphabet[i % 2 == 0 ? p[i / 2] >> 4 : p[i / 2] & 15];
	dst[i] = '\0';
}

void
ident_random_hex(char *dst, size_t n)
{
	unsigned char	piece[64];
	size_t		m;

	for (*dst = '\0'; n > 0; n -= m, dst += 2 * m) {
		m = n < sizeof(piece) ? n : sizeof(piece);
		ident_random(piece, m);
		hex(dst, piece, 2 * m);
	}
}

void
ident_mac(char *dst, size_t hexlen, const char *purpose, const char *text)
{
	EVP_MAC_CTX	*c = EVP_MAC_CTX_dup(keyed);
	unsigned char	 mac[32];
	size_t		 n;

	if (c == NULL ||
	    EVP_MAC_update(c, (const unsigned char *)purpose, strlen(purpose) + 1) != 1 ||
	    EVP_MAC_update(c, (const unsigned char *)text, strlen(text)) != 1 ||
	    EVP_MAC_final(c, mac, &n, sizeof(mac)) != 1)
		ident_die("EVP_MAC");
	EVP_MAC_CTX_free(c);
	hex(dst, mac, hexlen <= 2 * sizeof(mac) ? hexlen : 2 * sizeof(mac));
}

bool
ident_mac_ok(const char *mac, size_t hexlen, const char *purpose, const char *text)
{
	char	real[65];

	if (hexlen == 0 || hexlen >= sizeof(real) || strlen(mac) != hexlen)
		return false;
	ident_mac(real, hexlen, purpose, text);
	return CRYPTO_memcmp(mac, real, hexlen) == 0;
}

void
ident_seal(char dst[IDENT_SEALED], const char *purpose, int64_t id)
{
	char	mac[SEAL_HEX + 1], text[24];

	snprintf(text, sizeof(text), "%" PRId64, id);
	ident_mac(mac, SEAL_HEX, purpose, text);
	snprintf(dst, IDENT_SEALED, "%s.%s", text, mac);
}

bool
ident_unseal(const char *purpose, const char *sealed, int64_t *id)
{
	const char	*dot = strchr(sealed, '.');
	char		 text[24];

	if (dot == NULL || (size_t)(dot - sealed) >= sizeof(text) || strlen(dot + 1) != SEAL_HEX)
		return false;
	memcpy(text, sealed, (size_t)(dot - sealed));
	text[dot - sealed] = '\0';
	return ident_parse(text, id) && ident_mac_ok(dot + 1, SEAL_HEX, purpose, text);
}

void
ident_sha256(uint8_t dst[32], const void *p, size_t n)
{
	if (EVP_Digest(p, n, dst, NULL, EVP_sha256(), NULL) != 1)
		ident_die("EVP_Digest");
}

void
ident_sha256_hex(char dst[IDENT_SHA256_SIZE], const void *p, size_t n)
{
	uint8_t	sum[32];

	ident_sha256(sum, p, n);
	hex(dst, sum, 2 * sizeof(sum));
}

void
ident_sha1(char dst[IDENT_SHA1_SIZE], const char *s)
{
	unsigned char	digest[20];

	if (EVP_Digest(s, strlen(s), digest, NULL, EVP_sha1(), NULL) != 1)
		ident_die("EVP_Digest");
	EVP_EncodeBlock((unsigned char *)dst, digest, sizeof(digest));
}

int64_t
ident_hash64(const void *p, size_t n)
{
	uint8_t		digest[32];
	uint64_t	v = 0;
	int		i;

	ident_sha256(digest, p, n);
	for (i = 0; i < 8; i++)
		v = v << 8 | digest[i];
	return (int64_t)v;
}

bool
ident_parse(const char *s, int64_t *id)
{
	int64_t	v = 0;

	if (s == NULL || *s < '1' || *s > '9')
		return false;
	for (; isdigit((unsigned char)*s); s++)
		if ((v = v * 10 + *s - '0') > ID_MAX)
			return false;
	if (*s != '\0')
		return false;
	*id = v;
	return true;
}

int64_t
ident_span(const char *s)
{
	static const struct { char unit; int64_t seconds; } units[] = {
		{ '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
	};
	int64_t	v = 0;
	size_t	i;

	if (s == NULL || !isdigit((unsigned char)*s))
		return -1;
	for (; isdigit((unsigned char)*s); s++)
		if ((v = v * 10 + *s - '0') > INT32_MAX)
			return -1;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (*s == units[i].unit && (*s == '\0' || s[1] == '\0'))
			return v * units[i].seconds;
	return -1;
}
