/* parley token */
#include "cmd.h"

#include <sysexits.h>

#include "core/who.h"

#define TTL	3600
#define TTL_MOST	(10L * 365 * 86400)

struct token_opts {
	const char	*user, *name, *tenant, *role;
	int		 ttl;
};

static const struct opt token_options[] = {
	OPT(token_opts, OPT_STR, MUST_COME, user, "user", "USER", 0, 0, "whose token it is"),
	OPT(token_opts, OPT_STR, MAY_COME, name, "name", "NAME", 0, 0, "what the user is called"),
	OPT(token_opts, OPT_STR, MAY_COME, tenant, "tenant", "TENANT", 0, 0,
	    "in place of `default`"),
	OPT(token_opts, OPT_STR, MAY_COME, role, "role", "ROLE", 0, 0, "such as admin"),
	OPT(token_opts, OPT_SPAN, MAY_COME, ttl, "ttl", "TIME", 1, TTL_MOST,
	    "how long it holds (1h)"),
	OPT_END
};

static int
token(struct run *r, const void *opts)
{
	const struct token_opts	*o = opts;
	struct str		 out = STR_INIT(0);
	const char		*jwt;

	if (*r->cx.conf->jwt_secret_file == '\0')
		return cmd_error(r, EX_CONFIG,
		    "the setting jwt_secret_file is empty: no token can be signed");
	jwt = who_sign(&r->cx, o->user, o->name, o->tenant, o->role, o->ttl != 0 ? o->ttl : TTL);
	if (jwt == NULL)
		return cmd_failed(r);
	str_printf(&out, "%s\n", jwt);
	return cmd_print(r, &out);
}

const struct cmd cmd_token = {
	.name = "token",
	.operands = "",
	.help = "prints a token for trying and testing, signed with the configured secret",
	.more =
	    "  curl -H \"Authorization: Bearer $(parley token --user ann)\" URL/task/list\n",
	.flags = CMD_CONF,
	.opts = token_options,
	.size = sizeof(struct token_opts),
	.fn = token,
};
