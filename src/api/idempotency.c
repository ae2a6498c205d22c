#include "idempotency.h"

#include <string.h>
#include <time.h>

#include "api/dialect.h"
#include "api/streams.h"
#include "base/ident.h"
#include "core/who.h"
#include "store/idem.h"

#define HEADER		"Idempotency-Key"
#define KEY_MAX		255	/* bytes */
#define PATIENCE_MS	1000
#define MOMENT_MS	20

static const char *
hash(struct arena *a, const char *p, size_t n)
{
	char	*hex = arena_get(a, IDEM_HASH);

	ident_sha256_hex(hex, p, n);
	return hex;
}

/* Takes note of the key and of what it stands for, where there is one. */
static int
read_key(struct req *r)
{
	struct arena	*a = r->cx.a;
	const char	*key = req_header(r, HEADER), *what;

	if (!req_header_sent(r, HEADER))
		return 0;
	if (key == NULL || strlen(key) > KEY_MAX)
		return fail(&r->cx, F_VALUE, HEADER);
	if (r->cx.who->id == 0)
		return 0;
	what = arena_printf(a, "%s %s %s", r->method_text, r->route->path,
	    hash(a, r->body, r->body_len));
	r->idem_key = hash(a, key, strlen(key));
	r->idem_body = hash(a, what, strlen(what));
	return 0;
}

static int
tell(struct req *r, int64_t turn)
{
	const struct dialect	*d = r->route->dialect;

	return d->again != NULL ? d->again(r, turn) : streams_tell(r, turn, 0);
}

/*
 * Between the commit that opens a turn and its first record lies a moment in which it cannot be
 * told yet. Who sends the same request twice at once comes in just then.
 */
static int
tell_soon(struct req *r, int64_t turn)
{
	const struct timespec	 moment = { .tv_nsec = MOMENT_MS * 1000000 };

	for (int waited = 0; tell(r, turn) == -1; waited += MOMENT_MS) {
		if (r->cx.fail.kind != F_UNAVAILABLE || waited >= PATIENCE_MS)
			return -1;
		fail_clear(&r->cx);
		nanosleep(&moment, NULL);
	}
	return 1;
}

/* 1: the key has begun a turn, which is told; 0: it has not; -1: ctx failed. */
static int
tell_again(struct req *r)
{
	struct ctx	*cx = &r->cx;
	struct idem	*known;

	if ((known = idem_get(cx, cx->who->id, r->idem_key)) == NULL)
		return cx->fail.kind == F_NONE ? 0 : -1;
	if (known->created_ms < cx->now - IDEM_DAY)
		return idem_expire(cx, cx->who->id, r->idem_key);
	if (strcmp(known->body_hash, r->idem_body) != 0)
		return fail(cx, F_CONFLICT, "%s", cx->lang == LANG_ZH ?
		    HEADER " 已用于另一个请求" : "this " HEADER " came with another request");
	return tell_soon(r, known->turn);
}

int
idempotency_serve(struct req *r)
{
	struct fail	 why;
	int		 told;

	if (read_key(r) == -1)
		return -1;
	if (r->idem_key == NULL)
		return r->route->handler(r);
	if ((told = tell_again(r)) != 0)
		return told == 1 ? 0 : -1;
	if (r->route->handler(r) == 0)
		return 0;
	if (r->cx.fail.kind != F_CONFLICT)
		return -1;
	/* Perhaps its equal was first, by a moment. */
	why = r->cx.fail;
	fail_clear(&r->cx);
	if ((told = tell_again(r)) == 0)
		r->cx.fail = why;
	return told == 1 ? 0 : -1;
}
