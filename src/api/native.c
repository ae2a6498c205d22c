#include "native.h"

#include "api/handlers.h"
#include "base/clock.h"
#include "core/engine.h"
#include "core/who.h"
#include "store/migrate.h"
#include "store/model.h"
#include "upstream/health.h"

#define COOKIE_AGE	"31536000"	/* a year */

static const struct field health_f[] = {
	FIELD(health, T_STR, MUST, status, 0, 0, "ok"),
};
FIELDS(health, "Health");

static const struct field guest_f[] = {
	FIELD(guest, T_STR, MUST, guest_id, 0, 0,
	    "for the header X-Guest-Id, where cookies do not go"),
};
FIELDS(guest, "Guest");

static const struct field error_f[] = {
	{ "message", T_STR, MAY, 0, 0, 0, NULL, NULL },
	{ "type", T_STR, MAY, 0, 0, 0, NULL, NULL },
	{ "code", T_INT, MAY, 0, 0, 0, NULL, "the HTTP status" },
};
static const struct fields error_fields = { "Error", 0, error_f, 3 };
static const struct field failure_f[] = {
	{ "error", T_OBJ, MAY, 0, 0, 0, &error_fields, NULL },
};
static const struct fields failure_fields = { "Failure", 0, failure_f, 1 };

static void
native_fail(struct jw *w, int status, const char *sentence)
{
	jw_obj(w, NULL);
	jw_obj(w, "error");
	jw_str(w, "message", sentence);
	jw_str(w, "type", status >= 500 ? "server_error" : "invalid_request_error");
	jw_i64(w, "code", status);
	jw_end(w);
	jw_end(w);
}

static const struct dialect_note notes[] = {
	{ "", "native", NULL },
};

const struct dialect dialect_native = {
	.name = "native", .fail = native_fail, .failure = &failure_fields, .notes = notes,
};

static int
healthy(struct req *r)
{
	struct health	 h = { .status = arena_strdup(r->cx.a, "ok") };

	reply_header(r, "Cache-Control", "no-store");
	return reply_fields(r, &health_fields, &h);
}

/* GET /healthz */
int
native_healthz(struct req *r)
{
	return healthy(r);
}

/* GET /readyz */
int
native_readyz(struct req *r)
{
	struct model	*models;
	size_t		 n, usable = 0;

	if (db_ping(&r->cx) == -1 || migrate_check(&r->cx) == -1 ||
	    model_list(&r->cx, false, &models, &n) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		usable += models[i].enabled &&
		    health_state(models[i].id, clock_mono_ms()) != BREAKER_OPEN;
	if (usable == 0)
		return fail(&r->cx, F_UNAVAILABLE, "models");
	if (engine_full(r->engine))
		return fail(&r->cx, F_UNAVAILABLE, "state_dir");
	return healthy(r);
}

void
guest_announce(struct req *r, const char *token)
{
	reply_header(r, "Set-Cookie", arena_printf(r->cx.a,
	    GUEST_COOKIE "=%s; Path=/; Max-Age=" COOKIE_AGE "; HttpOnly; SameSite=Lax", token));
	reply_header(r, GUEST_HEADER, token);
}

/*
 * POST /v1/auth/guest - the guest that the caller is already, else a new one; its row comes with
 * its first use
 */
int
native_guest(struct req *r)
{
	const char	*shown[] = { req_header(r, GUEST_HEADER), req_cookie(r, GUEST_COOKIE) };
	char		 token[WHO_GUEST_SIZE];
	struct guest	 guest;

	if (who_guest_genuine(shown[0]))
		guest.guest_id = arena_strdup(r->cx.a, shown[0]);
	else if (who_guest_genuine(shown[1]))
		guest.guest_id = arena_strdup(r->cx.a, shown[1]);
	else {
		who_guest_token(token);
		guest.guest_id = arena_strdup(r->cx.a, token);
	}
	guest_announce(r, guest.guest_id);
	return reply_fields(r, &guest_fields, &guest);
}
