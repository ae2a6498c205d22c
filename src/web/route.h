/*
 * route: the map of endpoints and how a method and path find their row. Rows come from
 * api/routes.def; their order does not matter. The most specific pattern that a path matches
 * decides alone, whatever the method: /a/list is never the {id} of /a/{id}. Two that could both
 * match, and neither is the more specific, stop the program at start.
 */
#ifndef PARLEY_ROUTE_H
#define PARLEY_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

struct req;
struct dialect;		/* api's: its failure envelope and voices */

enum method {
	M_GET = 1, M_HEAD = 2, M_POST = 4, M_PUT = 8, M_PATCH = 16, M_DELETE = 32, M_OPTIONS = 64,
};

enum route_who {
	WHO_NONE,		/* anybody, not even looked */
	/* Health and figures: trusted_proxies or loopback only, no identity */
	WHO_LOCAL,
	/* The arena's identity; absent: 400 naming the userId header (a valid guest will do) */
	WHO_USER,
	WHO_GUEST,		/* the arena's identity; absent: a new guest is made */
	WHO_OWNER,		/* the arena's identity; absent: nobody, who owns nothing */
	/* The arena's identity where one is shown; absent: somebody without identity */
	WHO_ANY,
	/* A token, in the header or as login cookie; else 401: neither userId nor guests count */
	WHO_LOGIN,
	WHO_ADMIN,		/* the same, and its role is the setting jwt_admin; else 403 */
	WHO_KEY,		/* an API key, however it is shown (who.h); else 401 */
	/* A token or an API key where one is shown; absent: somebody without identity */
	WHO_PUBLIC,
};

enum route_flags {
	R_JSON = 1,		/* body application/json */
	R_FORM = 2,		/* body application/x-www-form-urlencoded */
	R_QUERY = 4,		/* `in` is read from the query string */
	R_STREAM = 8,		/* answers with an event stream */
	R_REQ_PARAM = 16,	/* the query's `req` may hold the whole body as JSON */
	R_ACTS = 32,		/* a GET that changes something: HEAD does not stand for it */
	R_TURN = 64,		/* begins a stored turn: honours Idempotency-Key */
	R_RESUME = 128,		/* goes on after Last-Event-ID; 204 where nothing is left */
	R_QUICK = 256,		/* a few bytes, from memory: must not wait for anything */
	/* Body multipart/form-data, which is kept as a file: upload.h. Its limit: upload_limit. */
	R_UPLOAD = 512,
	R_TOKEN = 1024,		/* the query's `token` may hold the bearer */
	/* With R_STREAM: only where Accept names text/event-stream, else one reply */
	R_EITHER = 2048,
	R_SOCKET = 4096,	/* a GET that may be a WebSocket */
	R_GUEST = 8192,		/* among another dialect's paths: those beside it are that one's */
};

#define ROUTE_ARGS	4

struct route {
	int			 methods;	/* one M_ bit, several in /combine/chat */
	const char		*path;		/* "/v1/streams/{turn}" */
	const struct dialect	*dialect;
	int			(*handler)(struct req *);	/* 0, or -1 with r->cx failed */
	enum route_who		 who;
	int			 flags;
	int			 kib;		/* most of a body; 0: the setting body_limit */
	const struct fields	*in;		/* body or query; NULL: none */
	/* What the reply's data is; NULL: said in the handler's comment */
	const struct fields	*out;
	const char		*handler_name;
	const char		*dialect_name;
	const char		*summary;	/* for the API document */
};

struct routes;			/* the compiled table */
/* NULL with a line in err when two rows could both match. */
struct routes		*routes_compile(const struct route *, size_t n, struct str *err);
void			 routes_free(struct routes *);

struct route_hit {
	const struct route	*route;		/* NULL: no such path, or method not allowed */
	int			 methods;	/* all that its pattern takes; 0: no such path */
	/* Of the path, else of the longest prefix known, else NULL */
	const struct dialect	*dialect;
	/* What stood at {…}, percent-decoded, in the arena */
	const char		*args[ROUTE_ARGS];
};
/*
 * The path is normalised first (// is /, a trailing slash is dropped, a prefix /api is dropped;
 * %XX decoded per segment). HEAD is served by GET's row where no row takes HEAD.
 */
void		 routes_find(const struct routes *, struct arena *, enum method,
		    const char *path, struct route_hit *);
const char	*method_name(enum method);
int		 method_parse(const char *);		/* M_ bit or 0 */
/* "GET, HEAD, POST, OPTIONS", for Allow; in the arena. */
const char	*methods_allow(struct arena *, int methods);

#endif
