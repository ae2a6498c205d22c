/*
 * ident: ids, keyed hashes and random values. An id has 53 bits (exact in JavaScript): 40 of
 * milliseconds since 2026-01-01 UTC, 5 of node, 8 of sequence. The last one given stands in a small
 * mmapped file that all processes of the host share: compare-and-swap to max(last + 1, now).
 */
#ifndef PARLEY_IDENT_H
#define PARLEY_IDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Opens (makes, as the directory itself) state_dir/ids and state_dir/secret (32 random bytes), both
 * mode 0600 and of the directory's owner, for this process and its children; once more: of another
 * directory. -1: errno, EBADMSG when a file is there but not ours. Several processes may come at
 * once. Call it before there are threads.
 */
int	 ident_open(const char *state_dir, int node);
int64_t	 ident_state_id(void);		/* the state directory's, random, positive */
int64_t	 ident_new(void);			/* never repeats, rises */
int64_t	 ident_time(int64_t id);	/* ms since 1970 when it was made, or later */
int	 ident_node(int64_t id);	/* of the host that made it */
/*
 * Bounds of the ids that were given from one time to another, with an hour to spare, for they may
 * be ahead of the clock or behind it: a search by time, where it has no index, follows the ids.
 */
int64_t	 ident_from(int64_t ms);
int64_t	 ident_until(int64_t ms);
#define IDENT_NODES	32
/* The id as that node (0..31) would have given it: of the same time, in the same order. */
int64_t	 ident_at_node(int64_t id, int node);
/* The least and the greatest id of its millisecond. */
void	 ident_moment(int64_t id, int64_t *first, int64_t *last);
void	 ident_random(void *, size_t);
/* n random bytes as lowercase hex; dst holds 2n + 1. */
void	 ident_random_hex(char *dst, size_t n);
/*
 * The first `hexlen` (at most 64) hex digits of HMAC-SHA-256(secret, purpose || 0 || text),
 * NUL-terminated. `purpose` keeps the uses of the one secret apart ("priid", "guest").
 */
void	 ident_mac(char *dst, size_t hexlen, const char *purpose, const char *text);
/* In constant time. */
bool	 ident_mac_ok(const char *mac, size_t hexlen, const char *purpose, const char *text);
/*
 * An id with a MAC, which cannot be guessed: "229868316188672.<32 hex digits>". unseal: false where
 * that is no such thing.
 */
#define IDENT_SEALED	64
void	 ident_seal(char dst[IDENT_SEALED], const char *purpose, int64_t id);
bool	 ident_unseal(const char *purpose, const char *sealed, int64_t *id);
void	 ident_sha256(uint8_t dst[32], const void *, size_t);
#define IDENT_SHA256_SIZE	65
/* The same in lower case hex, NUL-terminated. */
void	 ident_sha256_hex(char dst[IDENT_SHA256_SIZE], const void *, size_t);
#define IDENT_SHA1_SIZE	29
/* SHA-1 of a text in base64, NUL-terminated: for protocols that want it so, for nothing secret. */
void	 ident_sha1(char dst[IDENT_SHA1_SIZE], const char *);
int64_t	 ident_hash64(const void *, size_t);	/* first 64 bits of SHA-256, big endian */
/* Whole string is a decimal id in range (1..2^53-1), without sign or leading zero. */
bool	 ident_parse(const char *, int64_t *);
/* "10s", "5m", "2h", "180d" into seconds; a bare number is seconds. -1: malformed. */
int64_t	 ident_span(const char *);

#endif
