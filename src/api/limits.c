#include "api/limits.h"

#include "base/cidr.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/figures.h"
#include "base/limit.h"
#include "core/who.h"
#include "web/socket.h"

#define SECOND		1000000		/* us */
#define STREAM_WAIT	1		/* seconds: nobody knows when a stream ends */

static int
refuse(struct req *r, const char *setting, int seconds)
{
	figure_add_for(FIG_LIMITED, 1, FIGURE_FOR(setting));
	fail(&r->cx, F_LIMIT, "%s", setting);
	r->cx.fail.retry_after = seconds;
	return -1;
}

static int
check_rate(struct req *r, uint64_t whom, int rate, const char *setting)
{
	int64_t	early = limit_call(whom, rate, clock_mono_us());

	return early == 0 ? 0 : refuse(r, setting, (int)((early + SECOND - 1) / SECOND));
}

/* His key's own, strictly: the first over it within a second is refused. */
static int
check_key(struct req *r)
{
	const struct who	*w = r->cx.who;
	const int64_t		 early = limit_window(limit_key(w->key), w->key_rate,
	    clock_mono_us());

	return early == 0 ? 0 : refuse(r, "key_rate", (int)((early + SECOND - 1) / SECOND));
}

/* A place among his streams; *held says to whom it has to be given back. */
static int
check_streams(struct req *r, uint64_t whom, int most, const char *setting, uint64_t *held)
{
	/* A WebSocket has one turn at a time, and is asked for another only by its messages. */
	if (!(r->route->flags & R_STREAM) || most == 0 || r->why == REQ_OPEN ||
	    (r->socket != NULL && socket_streaming(r->socket)))
		return 0;
	if (!limit_enter(whom, most))
		return refuse(r, setting, STREAM_WAIT);
	*held = whom;
	return 0;
}

/* A place among his WebSockets. */
static int
check_sockets(struct req *r)
{
	const uint64_t	whom = limit_sockets(r->cx.who->id);
	const int	most = r->cx.conf->sockets_limit;

	if (r->why != REQ_OPEN || most == 0)
		return 0;
	if (!limit_enter(whom, most))
		return refuse(r, "sockets_limit", STREAM_WAIT);
	r->places.socket = whom;
	return 0;
}

int
limits_address(struct req *r)
{
	const struct conf	*c = r->cx.conf;
	uint64_t		 whom;

	if (r->route->who == WHO_LOCAL || (c->address_rate == 0 && c->address_streams == 0) ||
	    conf_cidr_match(c->trusted_proxies, r->remote))
		return 0;
	whom = limit_address(r->remote);
	if (check_rate(r, whom, c->address_rate, "address_rate") == -1)
		return -1;
	return check_streams(r, whom, c->address_streams, "address_streams", &r->places.address);
}

int
limits_user(struct req *r)
{
	const struct conf	*c = r->cx.conf;
	uint64_t		 whom;

	if (r->cx.who == NULL)
		return 0;
	whom = limit_user(r->cx.who->id);
	if (check_key(r) == -1 ||
	    check_rate(r, whom, c->rate_limit, "rate_limit") == -1 || check_sockets(r) == -1)
		return -1;
	return check_streams(r, whom, c->streams_limit, "streams_limit", &r->places.user);
}

void
limits_done(struct req *r)
{
	places_leave(&r->places);
}
