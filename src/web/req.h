/*
 * req: one request, from FastCGI parameters and body to reply. Handlers see this and nothing of
 * FastCGI. Everything in it lives in the request's arena. A reply is said once; the worker sends
 * what was said, or the dialect's envelope where the handler failed.
 */
#ifndef PARLEY_REQ_H
#define PARLEY_REQ_H

#include <sys/types.h>

#include "base/ctx.h"
#include "base/json.h"
#include "base/peer.h"
#include "web/route.h"

struct engine;			/* core's */
struct fcgi;			/* web/fcgi.c's */
struct upload;			/* web/upload.c's */
struct socket;			/* web/socket.c's */
struct worker;			/* web/worker.c's */

/* For whom a place among streams or sockets is held (limit.h); 0: none is. */
struct places {
	uint64_t	 address, user, socket;
};
/* Gives them back. */
void	 places_leave(struct places *);

struct req;
/*
 * The next piece of a reply's content: its length, its bytes at *p, which last until the next call.
 * -1: it cannot be had, and 0 before its end is as bad.
 */
typedef ssize_t	(*reply_next)(struct req *, void *arg, const char **p);
/* What a request is made for. Those by FastCGI are all REQ_CALL. */
enum req_for {
	REQ_CALL,		/* its answer */
	/* Of a WebSocket: */
	REQ_OPEN,		/* may it be? Form of the handshake, guards and limits */
	REQ_FIRST,		/* what its handshake's query asks, once it is open; no body */
	REQ_STILL,		/* may it still be? The guards alone */
};

struct req {
	struct ctx		 cx;
	enum req_for		 why;
	enum method		 method;	/* 0: one that we do not know */
	const char		*method_text;
	const char		*path;		/* as it came, without the query */
	const char		*query;		/* "" when none */
	const char		*remote;	/* REMOTE_ADDR */
	struct route_hit	 hit;
	const struct route	*route;		/* hit.route */
	/* NUL-terminated, NULL until read; req_body_load reads it */
	const char		*body;
	size_t			 body_len;
	bool			 body_form;	/* it is a form, else JSON */
	struct upload		*upload;	/* the body where the row has R_UPLOAD, else NULL */
	int64_t			 started_us;	/* monotonic */

	int			 status;	/* of the reply; 0: nothing said yet */
	const char		*reply_type;
	struct str		 reply;		/* body */
	reply_next		 reply_next;	/* gives it instead; NULL: nothing does */
	void			*reply_arg;
	int64_t			 reply_len;
	struct str		 reply_headers;	/* "Name: value\r\n"… */
	bool			 detached;	/* the connection went to a peer */
	/* For the log line, once somebody knows; 0: nobody */
	int64_t			 user;
	/* When what its caller showed ends, wall clock, ms; 0: it does not, or nobody is known */
	int64_t			 until_ms;
	/* The caller has no identity: what its stream is called (X-Stream-Id) has a MAC */
	bool			 sealed;
	/* Where the row has R_TURN and an Idempotency-Key was sent: hashes in hex; else NULL */
	const char		*idem_key, *idem_body;
	struct places		 places;	/* its stream takes them over */
	/* It has waited (req_wait): what answers it now, in place of its handler; or NULL */
	int			(*then)(struct req *, void *);
	void			*then_arg;
	/* Of the peer that it waited as; heard: the last message, by req_wait_last alone */
	enum fail_kind		 why_not;
	int			 retry_after;
	struct str		 heard;

	struct engine		*engine;
	struct worker		*worker;
	struct fcgi		*io;		/* NULL: it came by a WebSocket: */
	/*
	 * Its handshake's parameters stand for the request's own, and its body is a message. What
	 * is replied becomes a message, nothing where the status is 204.
	 */
	struct socket		*socket;
	char *const		*params;	/* "NAME=value"…, NULL */
};

/*
 * A request header by its HTTP name ("X-Guest-Id"), or NULL: absent, empty, not UTF-8 or
 * with control characters in it.
 */
const char	*req_header(struct req *, const char *name);
/*
 * One value of the query string, decoded (the last, where the name comes
 * twice), or NULL: absent or not text.
 */
const char	*req_query(struct req *, const char *name);
/* Was such a header sent that req_header will not give? (An empty one counts as not sent.) */
bool		 req_header_bad(struct req *, const char *name);
bool		 req_header_sent(struct req *, const char *name);	/* be it empty or bad */
/* A cookie's value, or NULL. */
const char	*req_cookie(struct req *, const char *name);
/* Bearer token (or the raw Authorization value without a scheme), or NULL. */
const char	*req_bearer(struct req *);
/* Does Accept name this type? */
bool		 req_accepts(struct req *, const char *type);
/*
 * Reads the whole body, that of an upload into a file, up to the route's limit (what is over is
 * read and dropped: F_TOO_LARGE). Checks that it came whole (CONTENT_LENGTH), its media type
 * against the route's flags (F_MEDIA; none given: JSON is tried). Done by the dispatcher before
 * the handler runs, for every route that takes a body.
 */
int		 req_body_load(struct req *);
/*
 * Fills `in` by the route's table from body (JSON or form) or query, whichever the row says. What
 * is no UTF-8 is F_UTF8, by the name of the member.
 */
int		 req_read(struct req *, void *in);

#define REPLY_JSON	"application/json; charset=utf-8"

/* Replies. status is HTTP's; the content is copied. Always 0. */
int		 reply(struct req *, int status, const char *type, const char *body, size_t len);
/* 200 with the struct as JSON, by its table. Always 0. */
int		 reply_fields(struct req *, const struct fields *, const void *);
/*
 * The same with content that is too much for memory: len bytes, for which `next` is asked while
 * they are sent. When they do not come the client is hung up on. HEAD asks for none.
 */
int		 reply_pieces(struct req *, int status, const char *type, int64_t len, reply_next,
		    void *arg);
/* CR and LF in the value are dropped. */
void		 reply_header(struct req *, const char *name, const char *value);
/* Content-Disposition: what follows is a file of that name, to be kept. */
void		 reply_attachment(struct req *, const char *file_name);

/*
 * Takes the connection away from the request and makes it a peer of the loop that speaks SSE
 * (text/event-stream with the headers of the contract, those of reply_header included;
 * `X-Stream-Ids: 1` turns on id: lines; prefix is "data: " or "data:"). The request's arena may
 * be freed afterwards. The peer joins peers on the loop (peer_join) by its owner. Of a request
 * that came by a WebSocket it is the socket's, whose messages have no frame but its own.
 */
struct peer	*req_stream(struct req *, const char *prefix);
/*
 * Takes the connection away from the request and makes it a peer that swallows its messages. When
 * its owner ends it, then(r, arg) runs on a request thread, with all that the request had and that
 * thread's connection to the database, and replies or fails as a handler does. A client that leaves
 * meanwhile ends only the waiting. The request is not the caller's any more; arg may lie in its
 * arena.
 */
struct peer	*req_wait(struct req *, int (*then)(struct req *, void *), void *arg);
/*
 * The same, and keeps the last message: r->heard of `then`, be that as long as it may.
 */
struct peer	*req_wait_last(struct req *, int (*then)(struct req *, void *), void *arg);
/*
 * A stream whose status waits: when its owner begins it (peer_begin) it is one as of req_stream;
 * when it is ended before, then(r, arg) runs as for req_wait.
 */
struct peer	*req_hold(struct req *, const char *prefix, int (*then)(struct req *, void *),
		    void *arg);
#define REQ_STREAM_SEAL	"stream"	/* purpose of the MAC in what a stream is called */
/* For HEAD: the headers that such a stream would have; stream_id 0: no X-Stream-Id. Always 0. */
int		 req_stream_head(struct req *, int64_t stream_id);

/* The worker's side. */

/*
 * Fills r, whose cx has arena and settings, from the parameters of r->io: method, path, query,
 * remote, language and request id (X-Request-Id where it is a sane one).
 */
void		 req_open(struct req *);
/*
 * Reads what is left of the body and drops it: only then the connection
 * can be kept. -1: it came broken.
 */
int		 req_drain(struct req *);
/*
 * Sends what was said, with Content-Length and X-Request-Id; HEAD: the headers alone.
 * Bytes, or -1: the client is gone.
 */
int64_t		 reply_send(struct req *);
/* For HTTP's status line and for logs: "Not Found"; "" when it is none of ours. */
const char	*reply_reason(int status);

#endif
