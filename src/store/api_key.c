#include "store/api_key.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/ident.h"
#include "store/rows.h"

#define SECRET		32	/* random bytes of a key */
#define SHOWN		9	/* characters that lists show of it */
#define BASE64URL	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

static void
key_make(char key[API_KEY_SIZE])
{
	char	 secret[SECRET], text[BASE64_LEN(SECRET)];

	ident_random(secret, sizeof(secret));
	base64_write(text, secret, sizeof(secret));
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
	memcpy(key, API_KEY_PREFIX, strlen(API_KEY_PREFIX));
	memcpy(key + strlen(API_KEY_PREFIX), text, sizeof(text));
	key[API_KEY_SIZE - 1] = '\0';		/* in place of the padding */
}

bool
api_key_form(const char *s)
{
	const size_t	 prefix = strlen(API_KEY_PREFIX);

	return strncmp(s, API_KEY_PREFIX, prefix) == 0 && strlen(s) == API_KEY_SIZE - 1 &&
	    s[prefix + strspn(s + prefix, BASE64URL)] == '\0';
}

int
api_key_add(struct ctx *cx, struct api_key *k, char key[API_KEY_SIZE])
{
	char	 hash[IDENT_SHA256_SIZE];

	key_make(key);
	ident_sha256_hex(hash, key, strlen(key));
	k->id = ident_new();
	k->shown = arena_strndup(cx->a, key, SHOWN);
	k->created_ms = ident_time(k->id);
	return db_do(cx, SQL_KEY_ADD, V(k->id), V(k->tenant), V(k->user), V(k->name), V(hash),
	    V(k->shown), V(k->allowance), V_ID(k->calls), V(k->rate), V_ID(k->assistant),
	    V(k->created_ms));
}

struct key_holder *
api_key_find(struct ctx *cx, const char *key)
{
	char	 hash[IDENT_SHA256_SIZE];

	if (!api_key_form(key))
		return NULL;
	ident_sha256_hex(hash, key, strlen(key));
	return db_maybe(cx, SQL_KEY_FIND, V((const char *)hash));
}

struct api_key *
api_key_get(struct ctx *cx, int64_t id)
{
	struct api_key	*k;

	if ((k = db_maybe(cx, SQL_KEY_GET, V(id))) == NULL && cx->fail.kind == F_NONE)
		return fail_null(cx, F_NOT_FOUND, "key %" PRId64, id);
	return k;
}

int
api_key_list(struct ctx *cx, int64_t tenant, struct api_key **list, size_t *n)
{
	if (tenant == 0)
		return db_many(cx, SQL_KEY_LIST, list, n);
	return db_many(cx, SQL_KEY_LIST_OF_TENANT, list, n, V(tenant));
}

int
api_key_limit(struct ctx *cx, const struct api_key *k)
{
	switch (db_exec(cx, SQL_KEY_LIMIT, V(k->allowance), V_ID(k->calls), V(k->rate),
	    V_ID(k->assistant), V(k->id))) {
	case -1:
		return -1;
	case 0:
		return fail(cx, F_NOT_FOUND, "key %" PRId64, k->id);
	default:
		return 0;
	}
}

int
api_key_may_ask(struct ctx *cx, int64_t tenant, int64_t assistant)
{
	switch (db_number(cx, SQL_KEY_ASSISTANT, V(assistant), V(tenant))) {
	case -1:
		return -1;
	case 0:
		return fail(cx, F_NOT_FOUND, "assistant %" PRId64, assistant);
	default:
		return 0;
	}
}

int
api_key_revoke(struct ctx *cx, int64_t id)
{
	return (int)db_exec(cx, SQL_KEY_REVOKE, V(cx->now), V(id));
}

int
api_key_turns(struct ctx *cx, int64_t id, int64_t **ids, size_t *n)
{
	_Static_assert(sizeof(struct number) == sizeof(int64_t),
	    "rows of one number are an array of numbers");

	return db_many(cx, SQL_KEY_TURNS, ids, n, V(id));
}
