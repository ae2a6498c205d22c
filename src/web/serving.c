#include "serving.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/figures.h"
#include "base/log.h"
#include "fcgi.h"
#include "upload.h"
#include "worker.h"

#define SWITCHED	101	/* to the protocol of WebSockets */

static void
request_count(const struct request_note *n, int status, int64_t us)
{
	const struct route	*r = n->route;
	char			 code[12];

	snprintf(code, sizeof(code), "%d", status);
	figure_add_for(FIG_REQUESTS, 1, FIGURE_FOR(r != NULL ? r->dialect_name : "none",
	    r != NULL ? r->path : "none", n->method, code));
	figure_time(n->stream ? FIG_STREAM_SECONDS : FIG_REQUEST_SECONDS, us, 1);
}

void
request_log(const struct request_note *n, int status, int64_t bytes, bool gone)
{
	int64_t	 us = clock_mono_us() - n->started_us;
	/* Who watches the service asks every second: nobody wants to read that. */
	bool	 watching = n->route != NULL && n->route->who == WHO_LOCAL && status == 200;

	if (gone)
		status = CLIENT_GONE;
	request_count(n, status, us);
	log_line(watching ? LOG_DEBUG_ : LOG_INFO_, "request", LOG_S("rid", n->rid),
	    LOG_S("route", n->route != NULL ? n->route->path : ""), LOG_S("method", n->method),
	    LOG_I("status", status), LOG_I("ms", us / 1000), LOG_I("bytes", bytes),
	    LOG_I("user", n->user), (char *)NULL);
}

void
request_log_socket(const struct request_note *n, int code, int64_t messages, int64_t bytes)
{
	int64_t	us = clock_mono_us() - n->started_us;

	request_count(n, SWITCHED, us);
	log_info("socket", LOG_S("rid", n->rid), LOG_S("route", n->route->path),
	    LOG_S("method", n->method), LOG_I("status", SWITCHED), LOG_I("code", code),
	    LOG_I("ms", us / 1000), LOG_I("messages", messages), LOG_I("bytes", bytes),
	    LOG_I("user", n->user));
}

void
request_note(struct request_note *n, const struct req *r)
{
	memcpy(n->rid, r->cx.rid, sizeof(n->rid));
	n->route = r->route;
	n->method = r->method != 0 ? method_name(r->method) : "other";
	n->user = r->user;
	n->started_us = r->started_us;
	n->stream = false;
}

void
request_find(struct req *r, struct worker *w)
{
	const struct worker_opts	*o = worker_opts(w);

	r->engine = o->engine;
	r->worker = w;
	req_open(r);
	routes_find(o->routes, r->cx.a, r->method, r->path, &r->hit);
	r->route = r->hit.route;
}

void
worker_answer(struct worker *w, struct req *r)
{
	request_find(r, w);
	worker_opts(w)->serve(r);
}

void
request_drop(struct req *r)
{
	upload_drop(r);
	str_free(&r->heard);
	str_free(&r->reply);
	str_free(&r->reply_headers);
	arena_free(r->cx.a);
}

int
request_answer(struct req *r)
{
	struct request_note	 note;
	int64_t			 bytes;
	int			 fd = -1;

	worker_opts(r->worker)->serve(r);
	if (!r->detached) {
		if (r->status == 0) {
			log_error("nothing was answered", LOG_S("rid", r->cx.rid));
			reply(r, 500, "text/plain; charset=utf-8", "internal error\n", 15);
		}
		req_drain(r);
		bytes = reply_send(r);
		fd = fcgi_finish(r->io, bytes == -1);
		request_note(&note, r);
		request_log(&note, r->status, bytes == -1 ? 0 : bytes, bytes == -1);
	}
	request_drop(r);
	return fd;
}
