#include "dispatch.h"

#include <string.h>
#include <strings.h>

#include "api/arena.h"
#include "api/chat.h"
#include "api/chat_document.h"
#include "api/chat_talk.h"
#include "api/copywriting.h"
#include "api/handlers.h"
#include "api/idempotency.h"
#include "api/limits.h"
#include "api/native.h"
#include "api/openai.h"
#include "api/release.h"
#include "api/visitor.h"
#include "base/cidr.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/utf8.h"
#include "core/who.h"
#include "web/socket.h"

#define LOOPBACK	"127.0.0.0/8,::1"
#define PATH_NAMED	200		/* bytes of a path that an error repeats */
#define PREFLIGHT_AGE	"600"		/* seconds for which a browser may remember a preflight */

const struct route *
routes_table(size_t *n)
{
	static const struct route rows[] = {
#define ROUTE(methods, path, dialect, handler, who, flags, kib, in, out, summary) \
		{ methods, path, &dialect_##dialect, handler, who, flags, kib, in, out, #handler, \
		    #dialect, summary },
#include "api/routes.def"
#undef ROUTE
	};

	*n = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

const struct voice *const *
voices_table(void)
{
	static const struct voice *const voices[] = {
		&arena_voice,
		&chat_voice,
		&copywriting_voice,
		&openai_voice,
		&release_voice,
		&visitor_voice,
		NULL,
	};

	return voices;
}

/* CORS: https://fetch.spec.whatwg.org/#http-cors-protocol */
static bool
origin_allowed(const char *list, const char *origin)
{
	size_t	 len, n = strlen(origin);

	for (const char *s = list; *s != '\0'; s += len) {
		s += strspn(s, ", ");
		len = strcspn(s, ", ");
		if (len == n && strncasecmp(s, origin, n) == 0)
			return true;
	}
	return false;
}

/*
 * The login that a browser sends by itself, unless a page of another origin made it do so: what
 * opens a WebSocket, or only starts something, needs no permission to read.
 */
static const char *
login_of(struct req *r)
{
	const char	*origin = req_header(r, "Origin"), *host = req_header(r, "Host"), *of;

	if (origin != NULL && !origin_allowed(r->cx.conf->cors_origins, origin) &&
	    ((of = strstr(origin, "://")) == NULL || host == NULL ||
	    strcasecmp(of + strlen("://"), host) != 0))
		return NULL;
	return req_cookie(r, "parley_token");
}

static void
cors(struct req *r)
{
	const char	*list = r->cx.conf->cors_origins, *origin;

	if (*list == '\0')
		return;
	if (strcmp(list, "*") == 0) {
		reply_header(r, "Access-Control-Allow-Origin", "*");
	} else {
		reply_header(r, "Vary", "Origin");
		if ((origin = req_header(r, "Origin")) == NULL || !origin_allowed(list, origin))
			return;
		reply_header(r, "Access-Control-Allow-Origin", origin);
		reply_header(r, "Access-Control-Allow-Credentials", "true");
	}
	reply_header(r, "Access-Control-Expose-Headers", "X-Stream-Id, X-Stream-Replay, X-Guest-Id,"
	    " X-Request-Id, Retry-After");
}

/* What the path takes: for OPTIONS without a body, and for a browser that asks before it calls. */
static int
options(struct req *r)
{
	const char	*allow = methods_allow(r->cx.a, r->hit.methods), *headers;

	reply_header(r, "Allow", allow);
	if (*r->cx.conf->cors_origins != '\0') {
		headers = req_header(r, "Access-Control-Request-Headers");
		reply_header(r, "Access-Control-Allow-Methods", allow);
		if (headers != NULL)
			reply_header(r, "Access-Control-Allow-Headers", headers);
		reply_header(r, "Access-Control-Max-Age", PREFLIGHT_AGE);
	}
	return reply(r, 204, NULL, "", 0);
}

/* A new guest, who is told so. */
static int
greet(struct req *r)
{
	char	 token[WHO_GUEST_SIZE];

	who_guest_token(token);
	if (who_become_guest(&r->cx, token) == -1)
		return -1;
	r->user = r->cx.who->id;
	guest_announce(r, token);
	return 0;
}

static bool
is_local(const struct req *r)
{
	return conf_cidr_match(LOOPBACK, r->remote) ||
	    conf_cidr_match(r->cx.conf->trusted_proxies, r->remote);
}

/* What browsers open for a page, EventSource and WebSocket, has no headers of the page's. */
static const char *
bearer(struct req *r)
{
	const char	*token = req_bearer(r);

	if (token == NULL && (r->route->flags & R_TOKEN))
		token = req_query(r, "token");
	return token != NULL && *token != '\0' ? token : NULL;
}

/* The key of x-api-key, with or without `Bearer`. */
static const char *
key_of_header(struct req *r)
{
	static const char	 scheme[] = "Bearer ";
	const char		*v = req_header(r, "x-api-key");

	if (v != NULL && strncasecmp(v, scheme, strlen(scheme)) == 0)
		v += strlen(scheme);
	return v != NULL ? v + strspn(v, " ") : NULL;
}

static const char *
key_of_query(struct req *r)
{
	const char	*v = req_query(r, "apiKey");

	return v != NULL && *v != '\0' ? v : NULL;
}

/* What the request shows of its caller, where the row lets it count. */
static struct who_shown
shown_by(struct req *r)
{
	const enum route_who	who = r->route->who;

	return (struct who_shown){
		.bearer = bearer(r), .login = login_of(r), .user_id = req_header(r, "userId"),
		.key = { key_of_header(r), key_of_query(r) }, .remote = r->remote,
		.guest = { req_header(r, GUEST_HEADER), req_cookie(r, GUEST_COOKIE) },
		.token_only = who == WHO_LOGIN || who == WHO_ADMIN || who == WHO_PUBLIC,
		.key_only = who == WHO_KEY,
	};
}

/* Who shows nothing that counts: who he is, where the row lets him in. */
static int
meet_stranger(struct req *r, const struct who_shown *shown)
{
	const enum route_who	who = r->route->who;

	if (who == WHO_LOGIN || who == WHO_ADMIN)
		return fail(&r->cx, F_UNAUTHORIZED, "token");
	if (who == WHO_KEY)
		return fail(&r->cx, F_UNAUTHORIZED, "API key");
	/* A userId that nobody vouches for must not end up as a stranger with things of its own. */
	if (shown->user_id != NULL && who != WHO_PUBLIC)
		return fail(&r->cx, F_UNAUTHORIZED, "userId");
	if (who == WHO_GUEST)
		return greet(r);
	if (who == WHO_ANY || who == WHO_OWNER || who == WHO_PUBLIC) {
		who_become_nobody(&r->cx);
		return 0;
	}
	return fail(&r->cx, F_NO_USER, "userId");
}

/* The tenant that the request names, if it does, is the caller's. */
static int
guard_tenant(struct req *r)
{
	const char	*header = r->route->dialect->tenant, *tenant;

	if (header == NULL)
		return 0;
	if (req_header_bad(r, header))
		return fail(&r->cx, F_FORBIDDEN, "%s", header);
	tenant = req_header(r, header);
	return tenant != NULL ? who_in_tenant(&r->cx, header, tenant) : 0;
}

/* Lets in whom the row lets in. */
static int
guard(struct req *r)
{
	const enum route_who	who = r->route->who;
	struct who_shown	shown;

	if (who == WHO_NONE)
		return 0;
	if (who == WHO_LOCAL)
		return is_local(r) ? 0 : fail(&r->cx, F_FORBIDDEN, "%s", r->route->path);
	if (req_header_bad(r, "userId"))
		return fail(&r->cx, F_UTF8, "userId");
	if (req_header_bad(r, "x-api-key"))
		return fail(&r->cx, F_UNAUTHORIZED, "API key");
	shown = shown_by(r);
	switch (who_find(&r->cx, &shown)) {
	case WHO_FAILED:
		return -1;
	case WHO_KNOWN:
		r->user = r->cx.who->id;
		r->until_ms = r->cx.who->until_ms;
		if (who == WHO_ADMIN && !who_is_admin(&r->cx))
			return fail(&r->cx, F_FORBIDDEN, "%s", r->cx.conf->jwt_role);
		return guard_tenant(r);
	default:
		return meet_stranger(r, &shown);
	}
}

/* The path as it came, as far as a message can hold it. */
static char *
path_named(struct req *r)
{
	size_t	 n = strlen(r->path);
	char	*s;

	if (n > PATH_NAMED)
		n = PATH_NAMED;
	s = arena_get(r->cx.a, 3 * n + 1);
	s[utf8_clean(s, r->path, n)] = '\0';
	return s;
}

static int
no_route(struct req *r)
{
	if (r->hit.methods == 0)
		return fail(&r->cx, F_NOT_FOUND, "%s", path_named(r));
	r->cx.fail.allow = methods_allow(r->cx.a, r->hit.methods);
	return fail(&r->cx, F_METHOD, "%s", r->method_text);
}

static int
answer(struct req *r)
{
	if (r->method == M_OPTIONS && r->hit.methods != 0 &&
	    (r->route == NULL || req_header(r, "Access-Control-Request-Method") != NULL))
		return options(r);
	if (r->route == NULL)
		return no_route(r);
	if (r->why == REQ_STILL)
		return guard(r);
	if (r->why == REQ_OPEN && socket_check(r) == -1)
		return -1;
	if (limits_address(r) == -1 || guard(r) == -1 || limits_user(r) == -1)
		return -1;
	if (r->why == REQ_OPEN)
		return socket_admit(r);
	if (req_body_load(r) == -1)
		return -1;
	if (r->method == M_OPTIONS && r->body_len == 0)
		return options(r);
	return r->route->flags & R_TURN ? idempotency_serve(r) : r->route->handler(r);
}

/* The failure, in the envelope of the path's dialect. */
static void
refuse(struct req *r)
{
	const struct dialect	*d = r->hit.dialect != NULL ? r->hit.dialect : &dialect_native;
	const struct fail	*f = &r->cx.fail;
	const char		*sentence = fail_text(r->cx.a, f, r->cx.lang);
	struct str		 s = STR_INIT(0);
	struct jw		 w;

	if (f->retry_after > 0)
		reply_header(r, "Retry-After", arena_printf(r->cx.a, "%d", f->retry_after));
	if (f->kind == F_METHOD)
		reply_header(r, "Allow", f->allow);
	if (f->kind == F_UNAUTHORIZED)
		reply_header(r, "WWW-Authenticate", "Bearer");
	if (f->kind == F_UPGRADE)
		reply_header(r, "Upgrade", "websocket");
	jw_open(&w, &s);
	if (r->socket != NULL && r->why != REQ_OPEN && d->fail_message != NULL)
		d->fail_message(&w, r, fail_status(f->kind), sentence);
	else if (d->explain != NULL)
		d->explain(&w, f, sentence);
	else
		d->fail(&w, fail_status(f->kind), sentence);
	reply(r, fail_status(f->kind), REPLY_JSON, s.p, s.len);
	str_free(&s);
}

void
dispatch(struct req *r)
{
	int	rc;

	if (r->then == NULL) {
		cors(r);
		rc = answer(r);
	} else
		rc = r->then(r, r->then_arg);
	limits_done(r);
	if (rc == 0)
		return;
	if (r->cx.fail.kind == F_NONE) {
		log_error("a handler failed without a reason", LOG_S("path", r->path),
		    LOG_S("rid", r->cx.rid));
		fail(&r->cx, F_INTERNAL, "%s", r->cx.rid);
	}
	refuse(r);
}
