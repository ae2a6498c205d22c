/*
 * call: HTTP requests to upstreams on the relay loop. The only user of curl.h; its thread is the
 * loop's. HTTP/1.1, no redirects, no proxy, no signals; connections are kept and reused.
 */
#ifndef PARLEY_CALL_H
#define PARLEY_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"

struct caller;			/* the curl multi of one loop */
struct call;

enum call_result {
	CALL_OK,		/* the whole reply came, whatever its status */
	CALL_CONNECT,		/* no connection: refused, no such host, TLS */
	CALL_TIMEOUT,		/* the limit to connect passed, or that of all of it */
	CALL_CUT,		/* the connection broke, or what came is not HTTP */
	CALL_STOPPED,		/* a callback returned -1 */
};

struct call_end {
	enum call_result	 result;
	int			 status;	/* HTTP; 0: none came */
	int			 retry_after;	/* seconds, from the reply's header; 0: none */
	/* A connection was made: the upstream may have seen the request */
	bool			 sent;
	const char		*why;		/* for our log only: may name the upstream */
};

struct call_ops {
	/* Bytes of the reply's body, status already known. -1 ends the call with CALL_STOPPED. */
	int	(*data)(void *arg, int status, const char *, size_t);
	/* A line of the reply's head without its end, the status line first; NULL: not wanted. */
	void	(*header)(void *arg, const char *, size_t);
	/* Exactly once, unless cancelled; the call is gone afterwards. */
	void	(*done)(void *arg, const struct call_end *);
};

struct call_file {		/* a file to send, read from a descriptor; its position stays */
	int		 fd;		/* must stay open until done or cancel */
	int64_t		 from, size;	/* the part of it that is sent */
	const char	*name, *media_type;
};

struct call_field {
	const char	*name, *value;
};

struct call_form {		/* multipart/form-data; copied, all but the file's bytes */
	const struct call_field	*fields;
	size_t			 nfields;
	const char		*file_field;	/* the name under which the file goes */
	const struct call_file	*file;		/* NULL: none */
};

struct call_spec {
	const char	*url;
	/* GET, POST, PUT, PATCH, DELETE; NULL: POST where there is something to send, else GET */
	const char	*method;
	const char	*key;		/* Bearer; NULL: none. Copied. */
	/* JSON to send, or NULL. Must live until done or cancel. */
	const char	*body;
	size_t		 body_len;
	const struct call_form *form;	/* in place of a body; or NULL */
	const char	*accept;	/* "text/event-stream" */
	const char	*rid;		/* X-Request-Id; NULL: none */
	int		 connect_ms;
	int		 total_ms;	/* for all of it; 0: no limit */
	/* More of them, "Name: value", ended by NULL; or NULL. They go before ours. Copied. */
	const char *const *headers;
};

struct caller	*caller_new(struct loop *);
void		 caller_free(struct caller *);		/* cancels what still runs */
/* Never NULL; a request that cannot even begin is told by done in a later round. */
struct call	*call_start(struct caller *, const struct call_spec *, const struct call_ops *,
		    void *arg);
void		 call_cancel(struct call *);		/* closes its connection at once; no done */
void		 call_pause(struct call *, bool);	/* stops and goes on reading */
int		 call_status(const struct call *);	/* HTTP, as soon as it came; 0: not yet */
bool		 call_body_sent(const struct call *);	/* all of it: the call needs it no more */
int		 caller_running(const struct caller *);

#endif
