/* Between the program and its clients: WebSockets. */
#include <stdlib.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/conf.h"
#include "core/who.h"
#include "doctor.h"

#define PATIENCE_MS	15000
#define TOKEN_S		60		/* for which the token of the handshake holds */
#define SUBJECT		"doctor"
#define PATH		"/v1/chat/session/conversation"

/* A token of this installation; NULL: its settings are not here, or name no secret. */
static const char *
token(struct doctor *d)
{
	struct ctx	*cx = &d->run->cx;
	const char	*s;

	if (cx->conf == NULL || cx->conf->file == NULL || *cx->conf->jwt_secret_file == '\0')
		return NULL;
	cx->now = clock_ms();
	if ((s = who_sign(cx, SUBJECT, NULL, NULL, NULL, TOKEN_S)) == NULL)
		fail_clear(cx);
	return s;
}

/* Without a token it is of a version that the program refuses before it asks who it is. */
static void
shake(struct doctor *d, const char *bearer, struct heard *h)
{
	struct arena		*a = d->run->cx.a;
	const char *const	 headers[] = {
		"Accept-Language: en", "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Key: cGFybGV5IGRvY3RvciAxMw==",
		bearer != NULL ? "Sec-WebSocket-Version: 13" : "Sec-WebSocket-Version: 12",
		bearer != NULL ? arena_printf(a, "Authorization: Bearer %s", bearer) : NULL, NULL,
	};

	probe(a, &(struct probe){ .patience_ms = PATIENCE_MS, .headers = headers, .head = true,
	    .url = arena_printf(a, "%s" PATH, d->base) }, h);
}

void
doctor_socket(struct doctor *d)
{
	const char	*bearer = token(d);
	struct heard	 h;

	shake(d, bearer, &h);
	if (h.status == 101)
		found_good(&d->f, "WebSocket", "the handshake gets 101");
	else if (bearer == NULL && h.status == 426)
		found_good(&d->f, "WebSocket", "handshakes reach the program");
	else {
		if (h.status == 0)
			found_bad(&d->f, EX_SICK, "WebSocket", "no answer to the handshake: %s",
			    h.why);
		else
			found_bad(&d->f, EX_SICK, "WebSocket", "the handshake gets %d, not %d",
			    h.status, bearer != NULL ? 101 : 426);
		site_advise(&d->f, &d->site, TROUBLE_SOCKET);
	}
	str_free(&h.body);
}
