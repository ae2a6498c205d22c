#include "who.h"

#include <jwt.h>

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/cidr.h"
#include "base/conf.h"
#include "base/ident.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"
#include "store/api_key.h"
#include "store/user.h"

#define LEEWAY		60	/* seconds that clocks may differ */
#define UNTIL_MAX	9e15	/* ms; what ends later has no end */
#define TOKEN_MAX	8192	/* bytes */
#define SECRET_MAX	4096
#define GUEST		"guest:"
#define GUEST_HEX	32
#define PUBLIC		"public:"

struct claims {
	const char	*subject;
	const char	*name, *avatar, *tenant, *role;		/* NULL: not said */
	int64_t		 until_ms;				/* as in struct who */
};

static void
jwt_freep(jwt_t **j)
{
	jwt_free(*j);
}

/*
 * The secret without its trailing newline, in the arena; NULL when there is none. It is read at
 * each use: a few microseconds, and a secret that is exchanged counts at once in every process.
 */
static const unsigned char *
secret_read(struct ctx *cx, int *len)
{
	const char	*file = cx->conf->jwt_secret_file;
	unsigned char	*p;
	ssize_t		 n;
	int		 fd;

	if (file[0] == '\0')
		return NULL;
	if ((fd = open(file, O_RDONLY | O_CLOEXEC)) == -1) {
		log_error("jwt_secret_file cannot be read", LOG_S("file", file));
		return NULL;
	}
	p = arena_get(cx->a, SECRET_MAX);
	n = read(fd, p, SECRET_MAX);
	close(fd);
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	if (n <= 0)
		return NULL;
	*len = (int)n;
	return p;
}

static bool
subject_allowed(const char *s)
{
	for (const char *c = s; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return *s != '\0' && strncmp(s, GUEST, strlen(GUEST)) != 0 && !who_is_public(s);
}

bool
who_subject_ok(const char *s)
{
	return subject_allowed(s) && utf8_length(s, strlen(s)) <= WHO_SUBJECT_MAX;
}

/* A string, or an integer as decimal text; NULL: absent or something else. */
static const char *
claim_text(struct ctx *cx, const struct json *claims, const char *name)
{
	const struct json	*v = json_at(claims, name);
	const char		*s;
	size_t			 n;
	int64_t			 i;

	if (json_get_str(v, &s, &n))
		return arena_strndup(cx->a, s, n);
	if (json_get_i64(v, &i))
		return arena_printf(cx->a, "%lld", (long long)i);
	return NULL;
}

/* The first claim of the setting that is there; NULL: none is, or it is no name of a user. */
static const char *
claim_subject(struct ctx *cx, const struct json *claims)
{
	char		*list = arena_strdup(cx->a, cx->conf->jwt_subject), *name;
	const char	*s;

	while ((name = strsep(&list, ", ")) != NULL) {
		if (*name == '\0' || json_at(claims, name) == NULL)
			continue;
		s = claim_text(cx, claims, name);
		return s != NULL && who_subject_ok(s) ? s : NULL;
	}
	return NULL;
}

/* A time claim in seconds: `absent` where there is none, NAN where it is no number. */
static double
claim_time(const struct json *claims, const char *name, double absent)
{
	const struct json	*v = json_at(claims, name);
	double			 t;

	if (v == NULL)
		return absent;
	return json_get_f64(v, &t) ? t : NAN;
}

/* libjwt takes the name in any case; RFC 7515, 4.1.1 does not. */
static bool
is_hs256(jwt_t *jwt)
{
	const char	*alg = jwt_get_header(jwt, "alg");

	return alg != NULL && strcmp(alg, "HS256") == 0 && jwt_get_alg(jwt) == JWT_ALG_HS256;
}

/* RFC 7515, 4.1.11: a header that names critical ones wants them understood, and we know none. */
static bool
is_critical(jwt_t *jwt)
{
	char	*crit = jwt_get_headers_json(jwt, "crit");

	free(crit);
	return crit != NULL;
}

/*
 * Verifies a token and takes its claims out. NULL, or what is wrong with it; the ctx does not fail.
 * libjwt takes every HMAC that fits the key and does not look at times, so both are looked at here.
 */
static const char *
token_read(struct ctx *cx, const char *token, struct claims *c)
{
	__attribute__((cleanup(jwt_freep))) jwt_t *jwt = NULL;
	json_auto		*claims = NULL;
	const unsigned char	*secret;
	char			*text;
	double			 now = (double)cx->now / 1000, until;
	int			 len;

	if (strlen(token) > TOKEN_MAX || (secret = secret_read(cx, &len)) == NULL)
		return "token";
	if (jwt_decode(&jwt, token, secret, len) != 0)
		return "token";
	if (!is_hs256(jwt))
		return "token alg";
	if (is_critical(jwt))
		return "token crit";
	if ((text = jwt_get_grants_json(jwt, NULL)) == NULL)
		return "token";
	claims = json_parse(cx, text, strlen(text));
	free(text);
	if (claims == NULL) {
		fail_clear(cx);
		return "token";
	}
	/* A token that never ends could not be taken back. Nothing compares with NAN. */
	until = claim_time(claims, "exp", NAN) + LEEWAY;
	if (!(until >= now))
		return "token exp";
	if (!(claim_time(claims, "nbf", now) - LEEWAY <= now))
		return "token nbf";
	if ((c->subject = claim_subject(cx, claims)) == NULL)
		return "token subject";
	c->name = claim_text(cx, claims, "name");
	c->avatar = claim_text(cx, claims, "avatar");
	c->tenant = claim_text(cx, claims, "tenant");
	c->role = claim_text(cx, claims, cx->conf->jwt_role);
	c->until_ms = until * 1000 < UNTIL_MAX ? (int64_t)ceil(until * 1000) : 0;
	return NULL;
}

static int
become(struct ctx *cx, int64_t tenant, const struct claims *c, bool guest)
{
	struct user	*u;
	struct who	*w;

	if ((u = user_ensure(cx, tenant, c->subject, c->name, c->avatar)) == NULL)
		return -1;
	w = arena_get(cx->a, sizeof(*w));
	*w = (struct who){ .id = u->id, .tenant = u->tenant, .subject = u->subject, .name = u->name,
	    .avatar = u->avatar, .role = c->role, .guest = guest,
	    .until_ms = c->until_ms };
	cx->who = w;
	return 0;
}

static int
become_bearer(struct ctx *cx, const struct claims *c, const char *user_id)
{
	int64_t	 tenant = TENANT_DEFAULT;

	if (user_id != NULL && strcmp(user_id, c->subject) != 0)
		return fail(cx, F_FORBIDDEN, "userId");
	if (c->tenant != NULL && (tenant = tenant_by_name(cx, c->tenant)) <= 0)
		return tenant < 0 ? -1 : fail(cx, F_UNAUTHORIZED, "token tenant");
	return become(cx, tenant, c, false);
}

/* The user whose key it is. */
static int
become_holder(struct ctx *cx, const char *key, const char *user_id)
{
	const struct key_holder	*h;
	struct who		*w;

	if ((h = api_key_find(cx, key)) == NULL)
		return cx->fail.kind != F_NONE ? -1 : fail(cx, F_UNAUTHORIZED, "API key");
	if (user_id != NULL && strcmp(user_id, h->subject) != 0)
		return fail(cx, F_FORBIDDEN, "userId");
	w = arena_get(cx->a, sizeof(*w));
	*w = (struct who){ .id = h->user, .tenant = h->tenant, .subject = h->subject,
	    .name = h->name, .avatar = h->avatar, .key = h->key, .assistant = h->assistant,
	    .key_rate = h->rate };
	cx->who = w;
	return 0;
}

static int
become_user(struct ctx *cx, const char *user_id)
{
	struct claims	 c = { .subject = user_id };

	if (utf8_length(user_id, strlen(user_id)) > WHO_SUBJECT_MAX)
		return fail(cx, F_RANGE, "userId");
	if (!subject_allowed(user_id))
		return fail(cx, F_VALUE, "userId");
	return become(cx, TENANT_DEFAULT, &c, false);
}

int
who_become_guest(struct ctx *cx, const char *token)
{
	struct claims	 c = { .subject = arena_printf(cx->a, GUEST "%.*s", GUEST_HEX, token) };

	return become(cx, TENANT_DEFAULT, &c, true);
}

int
who_become_public(struct ctx *cx, int64_t tenant, int64_t assistant)
{
	struct claims	 c = { .subject = arena_printf(cx->a, PUBLIC "%" PRId64, assistant) };

	return become(cx, tenant, &c, false);
}

bool
who_is_public(const char *subject)
{
	return subject != NULL && strncmp(subject, PUBLIC, strlen(PUBLIC)) == 0;
}

void
who_become_nobody(struct ctx *cx)
{
	cx->who = arena_get(cx->a, sizeof(*cx->who));
	cx->who->tenant = TENANT_DEFAULT;
}

/* The key that counts; NULL: none is shown, or another thing before it. */
static const char *
key_shown(const struct who_shown *s)
{
	if (s->bearer != NULL)
		return strncmp(s->bearer, API_KEY_PREFIX, strlen(API_KEY_PREFIX)) == 0 ?
		    s->bearer : NULL;
	return s->key[0] != NULL ? s->key[0] : s->key[1];
}

enum who_found
who_find(struct ctx *cx, const struct who_shown *shown)
{
	struct claims	 c = { 0 };
	const char	*user_id = shown->user_id, *key = key_shown(shown), *wrong;
	int		 r;

	cx->who = NULL;
	if (user_id != NULL && *user_id == '\0')
		user_id = NULL;
	if (key != NULL)
		return become_holder(cx, key, user_id) == -1 ? WHO_FAILED : WHO_KNOWN;
	if (shown->key_only)
		return WHO_NOBODY;
	if (shown->bearer != NULL && (wrong = token_read(cx, shown->bearer, &c)) != NULL) {
		fail(cx, F_UNAUTHORIZED, "%s", wrong);
		return WHO_FAILED;
	}
	if (shown->bearer != NULL ||
	    (shown->login != NULL && token_read(cx, shown->login, &c) == NULL))
		r = become_bearer(cx, &c, user_id);
	else if (shown->token_only)
		return WHO_NOBODY;
	else if (user_id != NULL && strcmp(cx->conf->identity, "header") == 0 &&
	    conf_cidr_match(cx->conf->trusted_proxies, shown->remote))
		r = become_user(cx, user_id);
	else if (who_guest_genuine(shown->guest[0]))
		r = who_become_guest(cx, shown->guest[0]);
	else if (who_guest_genuine(shown->guest[1]))
		r = who_become_guest(cx, shown->guest[1]);
	else
		return WHO_NOBODY;
	return r == -1 ? WHO_FAILED : WHO_KNOWN;
}

void
who_guest_token(char dst[WHO_GUEST_SIZE])
{
	ident_random_hex(dst, GUEST_HEX / 2);
	ident_mac(dst + GUEST_HEX + 1, GUEST_HEX, "guest", dst);
	dst[GUEST_HEX] = '.';
}

bool
who_guest_genuine(const char *token)
{
	char	 id[GUEST_HEX + 1];

	if (token == NULL || strlen(token) != WHO_GUEST_SIZE - 1 || token[GUEST_HEX] != '.' ||
	    strspn(token, "0123456789abcdef") != GUEST_HEX)
		return false;
	memcpy(id, token, GUEST_HEX);
	id[GUEST_HEX] = '\0';
	return ident_mac_ok(token + GUEST_HEX + 1, GUEST_HEX, "guest", id);
}

bool
who_is_admin(const struct ctx *cx)
{
	const char	*role = cx->who->role;

	return role != NULL && *role != '\0' && strcmp(role, cx->conf->jwt_admin) == 0;
}

char *
who_sign(struct ctx *cx, const char *subject, const char *name, const char *tenant,
    const char *role, int64_t ttl)
{
	__attribute__((cleanup(jwt_freep))) jwt_t *jwt = NULL;
	const char		*list = cx->conf->jwt_subject;
	const char		*claim = arena_strndup(cx->a, list, strcspn(list, ", "));
	const unsigned char	*secret;
	char			*text, *token;
	int64_t			 now = cx->now / 1000;
	int			 len;

	if ((secret = secret_read(cx, &len)) == NULL)
		return fail_null(cx, F_UNAVAILABLE, "jwt_secret_file");
	if (!who_subject_ok(subject))
		return fail_null(cx, F_VALUE, "subject");
	if (jwt_new(&jwt) != 0 || jwt_set_alg(jwt, JWT_ALG_HS256, secret, len) != 0 ||
	    jwt_add_grant(jwt, claim, subject) != 0 ||
	    (name != NULL && jwt_add_grant(jwt, "name", name) != 0) ||
	    (tenant != NULL && jwt_add_grant(jwt, "tenant", tenant) != 0) ||
	    (role != NULL && jwt_add_grant(jwt, cx->conf->jwt_role, role) != 0) ||
	    jwt_add_grant_int(jwt, "iat", (long)now) != 0 ||
	    jwt_add_grant_int(jwt, "exp", (long)(now + ttl)) != 0)
		return fail_null(cx, F_VALUE, "a claim of the token");
	if ((text = jwt_encode_str(jwt)) == NULL)
		return fail_null(cx, F_INTERNAL, "jwt");
	token = arena_strdup(cx->a, text);
	free(text);
	return token;
}

int
who_in_tenant(struct ctx *cx, const char *field, const char *ref)
{
	int64_t	 id;

	if (ident_parse(ref, &id) && id == cx->who->tenant)
		return 0;
	if ((id = tenant_by_name(cx, ref)) == -1)
		return -1;
	return id == cx->who->tenant ? 0 : fail(cx, F_FORBIDDEN, "%s", field);
}
