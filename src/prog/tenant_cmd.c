/* parley tenant add, list */
#include "cmd.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "store/user.h"
#include "table.h"

#define NAME_MOST	190	/* characters */

static int
add(struct run *r, const void *opts)
{
	struct tenant	 t = { .name = r->operand[0] };
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	(void)opts;
	if (*t.name == '\0' || !utf8_valid(t.name, strlen(t.name)) ||
	    utf8_length(t.name, strlen(t.name)) > NAME_MOST)
		return cmd_error(r, EX_USAGE, "NAME is text of 1 to %d characters", NAME_MOST);
	if (tenant_add(&r->cx, &t) == -1) {
		if (r->cx.fail.kind == F_CONFLICT)
			return cmd_error(r, EX_DATAERR, "there is a tenant %s already", t.name);
		return cmd_failed(r);
	}
	if (r->json) {
		jw_open(&w, &out);
		jw_obj(&w, NULL);
		jw_idstr(&w, "id", t.id);
		jw_str(&w, "name", t.name);
		return cmd_print_json(r, &w);
	}
	str_printf(&out, "tenant %s added\n", t.name);
	return cmd_print(r, &out);
}

static int
list_json(struct run *r, const struct tenant *v, size_t n)
{
	struct str	 out = STR_INIT(0);
	struct jw	 w;
	char		 since[32];

	jw_open(&w, &out);
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		clock_rfc3339(since, sizeof(since), v[i].created_ms);
		jw_obj(&w, NULL);
		jw_idstr(&w, "id", v[i].id);
		jw_str(&w, "name", v[i].name);
		jw_str(&w, "since", since);
		jw_end(&w);
	}
	return cmd_print_json(r, &w);
}

static int
list(struct run *r, const void *opts)
{
	struct arena	*a = r->cx.a;
	struct str	 out = STR_INIT(0);
	struct tenant	*v;
	struct table	 t;
	size_t		 n;

	(void)opts;
	if (tenant_list(&r->cx, &v, &n) == -1)
		return cmd_failed(r);
	if (r->json)
		return list_json(r, v, n);
	table_begin(&t, a, "ID|NAME|SINCE");
	for (size_t i = 0; i < n; i++) {
		char	*since = arena_get(a, 32);

		clock_format(since, 32, v[i].created_ms, r->cx.conf->timezone);
		table_row(&t, (const char *[]){ arena_printf(a, "%" PRId64, v[i].id), v[i].name,
		    since });
	}
	table_end(&t, &out);
	return cmd_print(r, &out);
}

const struct cmd cmd_tenant_add = {
	.name = "tenant add",
	.operands = "NAME",
	.least = 1, .most = 1,
	.help = "adds an organisation whose users and keys see nothing of others'",
	.flags = CMD_SCHEMA | CMD_IDS | CMD_JSON,
	.fn = add,
};

const struct cmd cmd_tenant_list = {
	.name = "tenant list",
	.operands = "",
	.help = "shows every tenant",
	.flags = CMD_SCHEMA | CMD_JSON,
	.fn = list,
};
