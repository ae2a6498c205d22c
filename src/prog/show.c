/* parley show routes, config, sql */
#include <string.h>

#include "api/dialect.h"
#include "api/dispatch.h"
#include "cmd.h"
#include "store/db.h"
#include "table.h"
#include "web/route.h"

/* ---- routes ---------------------------------------------------------------------------------- */

static const char *
who_name(enum route_who who)
{
	switch (who) {
	case WHO_NONE:
		return "anybody";
	case WHO_LOCAL:
		return "local";
	case WHO_USER:
		return "user";
	case WHO_GUEST:
		return "user or guest";
	case WHO_OWNER:
		return "owner";
	case WHO_ANY:
		return "user or nobody";
	case WHO_LOGIN:
		return "login";
	case WHO_ADMIN:
		return "admin";
	case WHO_KEY:
		return "key";
	case WHO_PUBLIC:
		return "login, key or nobody";
	}
	return NULL;
}

static const char *
methods(struct arena *a, int bits)
{
	const char	*list = NULL;

	for (int m = 1; m <= bits; m <<= 1)
		if (bits & m)
			list = list == NULL ? method_name((enum method)m) :
			    arena_printf(a, "%s,%s", list, method_name((enum method)m));
	return list;
}

static void
route_json(struct jw *w, struct arena *a, const struct route *row)
{
	char	*list = arena_strdup(a, methods(a, row->methods)), *one;

	jw_obj(w, NULL);
	jw_arr(w, "methods");
	while ((one = strsep(&list, ",")) != NULL)
		jw_str(w, NULL, one);
	jw_end(w);
	jw_str(w, "path", row->path);
	jw_str(w, "dialect", row->dialect->name);
	jw_str(w, "who", who_name(row->who));
	jw_bool(w, "stream", row->flags & R_STREAM);
	jw_str(w, "handler", row->handler_name);
	jw_str(w, "summary", row->summary);
	jw_end(w);
}

static int
show_routes(struct run *r, const void *opts)
{
	const struct route	*rows;
	struct arena		*a = r->cx.a;
	struct str		 out = STR_INIT(0);
	struct table		 t;
	struct jw		 w;
	size_t			 n;

	(void)opts;
	rows = routes_table(&n);
	if (r->json) {
		jw_open(&w, &out);
		jw_arr(&w, NULL);
		for (size_t i = 0; i < n; i++)
			route_json(&w, a, &rows[i]);
		return cmd_print_json(r, &w);
	}
	table_begin(&t, a, "METHOD|PATH|DIALECT|WHO|HANDLER");
	for (size_t i = 0; i < n; i++)
		table_row(&t, (const char *[]){ methods(a, rows[i].methods), rows[i].path,
		    rows[i].dialect->name, who_name(rows[i].who), rows[i].handler_name });
	table_end(&t, &out);
	return cmd_print(r, &out);
}

/* ---- config, sql ----------------------------------------------------------------------------- */

static int
show_config(struct run *r, const void *opts)
{
	struct str	out = STR_INIT(0);

	(void)opts;
	conf_show(r->cx.conf, &out, r->json);
	if (r->json)
		str_putc(&out, '\n');
	return cmd_print(r, &out);
}

static int
show_sql(struct run *r, const void *opts)
{
	struct str	 out = STR_INIT(0);
	struct jw	 w;

	(void)opts;
	if (r->json) {
		jw_open(&w, &out);
		jw_arr(&w, NULL);
	}
	for (int i = 0; i < SQL_COUNT; i++) {
		const char	*name = db_sql_name((enum sql_id)i);
		const char	*text = db_sql_text((enum sql_id)i);

		if (r->json) {
			jw_obj(&w, NULL);
			jw_str(&w, "name", name);
			jw_str(&w, "text", text);
			jw_end(&w);
		} else
			str_printf(&out, "-- %s\n%s;\n\n", name, text);
	}
	return r->json ? cmd_print_json(r, &w) : cmd_print(r, &out);
}

const struct cmd cmd_show_routes = {
	.name = "show routes",
	.operands = "",
	.help = "every endpoint: method, path, dialect, who may call, handler",
	.flags = CMD_JSON,
	.fn = show_routes,
};

const struct cmd cmd_show_config = {
	.name = "show config",
	.operands = "",
	.help = "every setting with the value that is in force",
	.more =
	    "What it prints can be used as a settings file.\n",
	.flags = CMD_CONF | CMD_JSON,
	.fn = show_config,
};

const struct cmd cmd_show_sql = {
	.name = "show sql",
	.operands = "",
	.help = "every statement that is sent to the database",
	.flags = CMD_JSON,
	.fn = show_sql,
};
