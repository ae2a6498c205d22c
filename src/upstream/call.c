#include "upstream/call.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/arena.h"
#include "base/log.h"
#include "upstream/call_load.h"

#define POOL_MAX	256		/* easy handles kept for the next calls */
#define CONNECTIONS	20000L		/* idle ones curl may keep: at least the peak of streams */
/* Of every running call: ten thousand of them must stay small. */
#define READ_BUFFER	4096L

struct call {
	struct caller		*caller;
	CURL			*easy;
	struct call_load	 load;
	const struct call_ops	*ops;
	void			*arg;
	size_t			 body_len;
	int			 status;
	bool			 paused;
	/* Begun inside a callback: curl does not have it yet */
	bool			 waiting;
	bool			 cancelled;	/* inside a callback: to be released */
	struct call		*next, **prev;
};

struct caller {
	struct loop	*loop;
	CURLM		*multi;
	struct call	*calls;
	int		 running;
	bool		 reap;			/* curl may have ended some */
	/* Inside callbacks of curl, which takes and gives up no handle there */
	int		 depth;
	bool		 put_off;		/* some call is waiting or cancelled */
	CURL		*pool[POOL_MAX];
	int		 npool;
};

struct sock {			/* a descriptor curl wants watched */
	struct watch	 w;
	struct caller	*caller;
	uint32_t	 events;
};

static void
on_socket(struct watch *w, uint32_t events)
{
	struct sock	*s = (struct sock *)w;
	struct caller	*c = s->caller;
	int		 bits = 0, running;

	if (events & EPOLLIN)
		bits |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		bits |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		bits |= CURL_CSELECT_IN | CURL_CSELECT_ERR;
	curl_multi_socket_action(c->multi, s->w.fd, bits, &running);
	c->reap = true;
}

static int
curl_wants_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
	struct caller	*c = arg;
	struct sock	*s = assigned;
	uint32_t	 events;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL) {
			loop_del(c->loop, &s->w);
			curl_multi_assign(c->multi, fd, NULL);
			free(s);
		}
		return 0;
	}
	events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	if (s == NULL) {
		s = xcalloc(1, sizeof *s);
		s->w.fd = fd;
		s->w.fn = on_socket;
		s->caller = c;
		s->events = events;
		loop_add(c->loop, &s->w, events);
		curl_multi_assign(c->multi, fd, s);
	} else if (events != s->events) {
		s->events = events;
		loop_mod(c->loop, &s->w, events);
	}
	return 0;
}

static void
on_alarm(void *arg)
{
	struct caller	*c = arg;
	int		 running;

	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	c->reap = true;
}

static int
curl_wants_timer(CURLM *multi, long ms, void *arg)
{
	struct caller	*c = arg;

	(void)multi;
	loop_alarm(c->loop, ms, on_alarm, c);
	return 0;
}

static void
hand_over(struct call *k)
{
	k->waiting = false;
	if (curl_multi_add_handle(k->caller->multi, k->easy) != CURLM_OK)
		abort();
}

/* Takes the call out of curl and out of our list; what it held goes back to the pool. */
static void
release(struct call *k)
{
	struct caller	*c = k->caller;

	if (!k->waiting)
		curl_multi_remove_handle(c->multi, k->easy);
	call_load_free(&k->load, k->easy);
	if (c->npool < POOL_MAX) {
		curl_easy_reset(k->easy);
		c->pool[c->npool++] = k->easy;
	} else
		curl_easy_cleanup(k->easy);
	*k->prev = k->next;
	if (k->next != NULL)
		k->next->prev = k->prev;
	c->running--;
	free(k);
}

static void
finish(struct call *k, CURLcode code)
{
	struct call_end	 end = { .status = k->status };
	curl_off_t	 retry = 0;
	long		 connects = 0, status = 0;

	curl_easy_getinfo(k->easy, CURLINFO_RETRY_AFTER, &retry);
	curl_easy_getinfo(k->easy, CURLINFO_NUM_CONNECTS, &connects);
	curl_easy_getinfo(k->easy, CURLINFO_RESPONSE_CODE, &status);
	end.status = (int)status;
	end.retry_after = retry > 86400 ? 86400 : (int)retry;
	end.sent = connects > 0 || status > 0;
	end.why = curl_easy_strerror(code);
	switch (code) {
	case CURLE_OK:
		end.result = CALL_OK;
		break;
	case CURLE_OPERATION_TIMEDOUT:
		end.result = CALL_TIMEOUT;
		break;
	case CURLE_WRITE_ERROR:
		end.result = CALL_STOPPED;
		break;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		end.result = CALL_CONNECT;
		break;
	default:
		end.result = CALL_CUT;
	}
	if (!k->cancelled)
		k->ops->done(k->arg, &end);
	release(k);
}

/* What could not be done inside a callback. */
static void
catch_up(struct caller *c)
{
	struct call	*k, *next;

	c->put_off = false;
	for (k = c->calls; k != NULL; k = next) {
		next = k->next;
		if (k->cancelled)
			release(k);
		else if (k->waiting)
			hand_over(k);
	}
}

static void
reap(void *arg)
{
	struct caller	*c = arg;
	struct call	*k;
	CURLMsg		*m;
	int		 left;

	while (c->reap || c->put_off) {
		if (c->put_off)
			catch_up(c);
		c->reap = false;
		while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
			if (m->msg != CURLMSG_DONE)
				continue;
			curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&k);
			finish(k, m->data.result);
		}
	}
}

static size_t
on_data(char *p, size_t size, size_t n, void *arg)
{
	struct call	*k = arg;
	long		 status;
	int		 rv;

	if (k->cancelled)
		return CURL_WRITEFUNC_ERROR;
	if (k->paused)			/* since before it connected: curl forgets that */
		return CURL_WRITEFUNC_PAUSE;
	if (k->status == 0) {
		curl_easy_getinfo(k->easy, CURLINFO_RESPONSE_CODE, &status);
		k->status = (int)status;
	}
	k->caller->depth++;
	rv = k->ops->data(k->arg, k->status, p, size * n);
	k->caller->depth--;
	return rv == -1 || k->cancelled ? CURL_WRITEFUNC_ERROR : size * n;
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct call	*k = arg;
	size_t		 len = size * n;

	while (len > 0 && (p[len - 1] == '\n' || p[len - 1] == '\r'))
		len--;
	if (len > 0 && !k->cancelled)
		k->ops->header(k->arg, p, len);
	return size * n;
}

struct caller *
caller_new(struct loop *loop)
{
	struct caller	*c = xcalloc(1, sizeof *c);

	curl_global_init(CURL_GLOBAL_DEFAULT);
	c->loop = loop;
	if ((c->multi = curl_multi_init()) == NULL)
		out_of_memory();
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, curl_wants_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, curl_wants_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS);
	curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	loop_on_round(loop, reap, c);
	return c;
}

void
caller_free(struct caller *c)
{
	if (c == NULL)
		return;
	while (c->calls != NULL)
		release(c->calls);
	while (c->npool > 0)
		curl_easy_cleanup(c->pool[--c->npool]);
	curl_multi_cleanup(c->multi);
	free(c);
}

struct call *
call_start(struct caller *c, const struct call_spec *spec, const struct call_ops *ops, void *arg)
{
	struct call	*k = xcalloc(1, sizeof *k);

	k->caller = c;
	k->ops = ops;
	k->arg = arg;
	k->easy = c->npool > 0 ? c->pool[--c->npool] : curl_easy_init();
	if (k->easy == NULL)
		out_of_memory();
	call_load_set(&k->load, k->easy, spec);
	k->body_len = spec->body != NULL ? spec->body_len : 0;
	curl_easy_setopt(k->easy, CURLOPT_PRIVATE, k);
	curl_easy_setopt(k->easy, CURLOPT_URL, spec->url);
	curl_easy_setopt(k->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(k->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(k->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(k->easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(k->easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(k->easy, CURLOPT_BUFFERSIZE, READ_BUFFER);
	curl_easy_setopt(k->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)spec->connect_ms);
	curl_easy_setopt(k->easy, CURLOPT_TIMEOUT_MS, (long)spec->total_ms);
	curl_easy_setopt(k->easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(k->easy, CURLOPT_WRITEDATA, k);
	curl_easy_setopt(k->easy, CURLOPT_USERAGENT, "parley");
	if (ops->header != NULL) {
		curl_easy_setopt(k->easy, CURLOPT_HEADERFUNCTION, on_header);
		curl_easy_setopt(k->easy, CURLOPT_HEADERDATA, k);
	}
	k->next = c->calls;
	k->prev = &c->calls;
	if (c->calls != NULL)
		c->calls->prev = &k->next;
	c->calls = k;
	c->running++;
	if (c->depth > 0)
		k->waiting = c->put_off = true;
	else
		hand_over(k);
	return k;
}

void
call_cancel(struct call *k)
{
	if (k->caller->depth > 0)
		k->cancelled = k->caller->put_off = true;
	else
		release(k);
}

void
call_pause(struct call *k, bool pause)
{
	k->paused = pause;
	curl_easy_pause(k->easy, pause ? CURLPAUSE_RECV : CURLPAUSE_CONT);
	k->caller->reap = true;
}

int
call_status(const struct call *k)
{
	long	 status = 0;

	curl_easy_getinfo(k->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

bool
call_body_sent(const struct call *k)
{
	curl_off_t	 sent = 0;

	curl_easy_getinfo(k->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	return (size_t)sent >= k->body_len;
}

int
caller_running(const struct caller *c)
{
	return c->running;
}
