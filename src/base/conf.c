#include "conf.h"

#include <sys/un.h>

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "arena.h"
#include "cidr.h"
#include "clock.h"
#include "conffile.h"
#include "ident.h"
#include "jw.h"

#define DEFAULT_FILE	"/etc/parley/parley.conf"

enum row_type { ROW_STR, ROW_INT, ROW_BOOL, ROW_SPAN, ROW_SIZE };

static const struct row {
	const char	*name;
	enum row_type	 type;
	size_t		 offset;
	const char	*def;
	int64_t		 min, max;	/* both 0: no limit */
	const char	*help;
} rows[] = {
#define CONF(name, type, def, min, max, help) \
	{ #name, ROW_##type, offsetof(struct conf, name), def, min, max, help },
#include "conf.def"
#undef CONF
};
#define ROWS	(sizeof(rows) / sizeof(rows[0]))

/* What a string setting has to be: NULL, or what is wrong with it. */
typedef const char *check(struct arena *, const char *value, const char *words);
static check	check_words, check_nets, check_zone, check_socket;

static const struct rule {
	const char	*name;
	bool		 list;		/* may be written {"a", "b"} */
	check		*fn;
	const char	*words;
} rules[] = {
	{ "listen", false, check_socket, NULL },
	{ "ws_listen", false, check_socket, NULL },
	{ "log_level", false, check_words, "debug info warn error" },
	{ "db_hosts", true, NULL, NULL },
	{ "identity", false, check_words, "header jwt" },
	{ "trusted_proxies", true, check_nets, NULL },
	{ "jwt_subject", true, NULL, NULL },
	{ "timezone", false, check_zone, NULL },
	{ "language", false, check_words, "zh en" },
	{ "on_disconnect", false, check_words, "finish cancel" },
	{ "fetch_allow", true, NULL, NULL },
	{ "cors_origins", true, NULL, NULL },
};

struct load {
	struct conf	 conf;		/* first: conf_free gets this one's address */
	struct arena	*a;		/* everything of it, strings too */
};

static const struct rule *
rule_of(const char *name)
{
	size_t	i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i].name, name) == 0)
			return &rules[i];
	return NULL;
}

static const struct row *
row_of(const char *name)
{
	size_t	i;

	for (i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static const char *
check_words(struct arena *a, const char *value, const char *words)
{
	size_t		 n = strlen(value);
	const char	*w;

	for (w = words; *w != '\0'; w += strcspn(w, " "), w += strspn(w, " "))
		if (strcspn(w, " ") == n && strncmp(w, value, n) == 0)
			return NULL;
	return arena_printf(a, "takes one of: %s; not `%s`", words, value);
}

static const char *
check_nets(struct arena *a, const char *value, const char *words)
{
	const char	*bad = conf_cidr_check(value);

	(void)words;
	if (bad == NULL)
		return NULL;
	return arena_printf(a, "takes addresses and networks (10.0.0.0/8), not `%.*s`",
	    (int)strcspn(bad, ","), bad);
}

static const char *
check_zone(struct arena *a, const char *value, const char *words)
{
	(void)words;
	if (clock_zone_check(value) == 0)
		return NULL;
	return arena_printf(a, "takes a time zone (Asia/Shanghai, +08:00), not `%s`", value);
}

static const char *
check_socket(struct arena *a, const char *value, const char *words)
{
	const size_t	most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

	(void)words;
	if (*value == '\0')
		return "needs the path of a socket";
	if (strlen(value) <= most)
		return NULL;
	return arena_printf(a, "takes a path of at most %zu bytes, not `%s`", most, value);
}

static bool
read_bool(const char *s, bool *v)
{
	static const char *const	words[] = {
		"false", "true", "off", "on", "no", "yes", "0", "1",
	};
	size_t				i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(s, words[i]) == 0) {
			*v = i % 2;
			return true;
		}
	return false;
}

/* Decimal, with K, M or G behind it when units are allowed. */
static bool
read_number(const char *s, bool units, int64_t *v)
{
	static const char	unit[] = "KMG";
	const char		*u;
	char			*end;
	long long		 n;

	if (!isdigit((unsigned char)s[*s == '-']))
		return false;
	errno = 0;
	n = strtoll(s, &end, 10);
	if (errno != 0)
		return false;
	if (units && *end != '\0' && (u = strchr(unit, toupper((unsigned char)*end))) != NULL) {
		if (__builtin_mul_overflow(n, 1LL << (10 * (u - unit + 1)), &n))
			return false;
		end++;
	}
	*v = n;
	return *end == '\0';
}

static char *
expand(struct arena *a, const char *s)
{
	static const struct { const char *word, *dir; } dirs[] = {
		{ "@run@", RUNSTATEDIR "/parley" }, { "@state@", LOCALSTATEDIR "/lib/parley" },
	};
	size_t	i, n;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		n = strlen(dirs[i].word);
		if (strncmp(s, dirs[i].word, n) == 0)
			return arena_printf(a, "%s%s", dirs[i].dir, s + n);
	}
	return arena_strdup(a, s);
}

/*
 * Sets one setting from its text. NULL, or what is wrong: "takes a number from 0 to 64, not
 * `many`".
 */
static const char *
row_set(struct load *l, const struct row *r, const char *text)
{
	void			*p = (char *)&l->conf + r->offset;
	const struct rule	*rule = rule_of(r->name);
	const char		*wrong, *kind;
	int64_t			 n;
	bool			 ok;

	switch (r->type) {
	case ROW_STR:
		text = expand(l->a, text);
		if (rule != NULL && rule->fn != NULL &&
		    (wrong = rule->fn(l->a, text, rule->words)) != NULL)
			return wrong;
		*(const char **)p = text;
		return NULL;
	case ROW_BOOL:
		return read_bool(text, p) ? NULL :
		    arena_printf(l->a, "takes on or off, not `%s`", text);
	case ROW_SPAN:
		kind = "seconds (15, 15s, 5m)";
		ok = (n = ident_span(text)) != -1;
		break;
	case ROW_SIZE:
		kind = "bytes (65536, 64K, 1M)";
		ok = read_number(text, true, &n);
		break;
	default:
		kind = "a number";
		ok = read_number(text, false, &n);
		break;
	}
	if (!ok || ((r->min != 0 || r->max != 0) && (n < r->min || n > r->max)))
		return arena_printf(l->a, "takes %s from %lld to %lld, not `%s`", kind,
		    (long long)r->min, (long long)r->max, text);
	if (r->type == ROW_SIZE)
		*(int64_t *)p = n;
	else
		*(int *)p = (int)n;
	return NULL;
}

static int
defaults(struct load *l, struct str *err)
{
	const char	*wrong;
	size_t		 i;

	for (i = 0; i < ROWS; i++)
		if ((wrong = row_set(l, &rows[i], rows[i].def)) != NULL) {
			str_printf(err, "conf.def: %s %s", rows[i].name, wrong);
			return -1;
		}
	return 0;
}

static const char *
set_from_file(void *arg, size_t i, const char *value)
{
	return row_set(arg, &rows[i], value);
}

static int
file_read(struct load *l, struct str *err)
{
	struct conffile_name	 names[ROWS];
	const struct rule	*rule;
	size_t			 i;

	for (i = 0; i < ROWS; i++) {
		rule = rule_of(rows[i].name);
		names[i] = (struct conffile_name){ rows[i].name, rule != NULL && rule->list };
	}
	return conffile_read(l->conf.file, names, ROWS, set_from_file, l, err);
}

static int
environment_read(struct load *l, struct str *err)
{
	char		 name[64], *c;
	const char	*text, *wrong;
	size_t		 i;

	for (i = 0; i < ROWS; i++) {
		snprintf(name, sizeof(name), "PARLEY_%s", rows[i].name);
		for (c = name; *c != '\0'; c++)
			*c = (char)toupper((unsigned char)*c);
		if ((text = getenv(name)) == NULL)
			continue;
		if ((wrong = row_set(l, &rows[i], text)) != NULL) {
			str_printf(err, "%s: %s %s", name, rows[i].name, wrong);
			return -1;
		}
	}
	return 0;
}

static int
cores(void)
{
	cpu_set_t	set;
	int		n = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	return n > row_of("workers")->max ? (int)row_of("workers")->max : n;
}

struct conf *
conf_load(const char *file, struct str *err)
{
	struct load	*l = xcalloc(1, sizeof(*l));

	l->a = arena_new(0);
	str_reset(err);
	if (file == NULL && (file = getenv("PARLEY_CONF")) != NULL && *file == '\0')
		file = NULL;
	if (file == NULL && access(DEFAULT_FILE, F_OK) == 0)
		file = DEFAULT_FILE;
	l->conf.file = arena_strdup(l->a, file);
	if (defaults(l, err) == -1 || (file != NULL && file_read(l, err) == -1) ||
	    environment_read(l, err) == -1) {
		conf_free(&l->conf);
		return NULL;
	}
	if (l->conf.workers == 0)
		l->conf.workers = cores();
	return &l->conf;
}

void
conf_free(struct conf *c)
{
	struct load	*l = (struct load *)c;

	if (l == NULL)
		return;
	arena_free(l->a);
	free(l);
}

/* As the file would have it. */
static void
show_text(struct str *out, const struct row *r, const void *p)
{
	const char	*c;

	switch (r->type) {
	case ROW_STR:
		str_putc(out, '"');
		for (c = *(const char *const *)p; *c != '\0'; c++) {
			if (strchr("\"\\$", *c) != NULL)
				str_putc(out, '\\');
			str_putc(out, *c);
		}
		str_putc(out, '"');
		break;
	case ROW_BOOL:
		str_puts(out, *(const bool *)p ? "true" : "false");
		break;
	case ROW_SIZE:
		str_printf(out, "%lld", (long long)*(const int64_t *)p);
		break;
	default:
		str_printf(out, "%d", *(const int *)p);
		break;
	}
}

static void
show_json(struct jw *w, const char *name, const struct row *r, const void *p)
{
	if (r->type == ROW_STR)
		jw_str(w, name, *(const char *const *)p);
	else if (r->type == ROW_BOOL)
		jw_bool(w, name, *(const bool *)p);
	else
		jw_i64(w, name, r->type == ROW_SIZE ? *(const int64_t *)p : *(const int *)p);
}

void
conf_show(const struct conf *c, struct str *out, bool json)
{
	struct str	 err = STR_INIT(0);
	struct load	 l = { .a = arena_new(0) };
	struct jw	 w;
	size_t		 i;

	defaults(&l, &err);
	if (json) {
		jw_open(&w, out);
		jw_arr(&w, NULL);
	}
	for (i = 0; i < ROWS; i++)
		if (json) {
			jw_obj(&w, NULL);
			jw_str(&w, "name", rows[i].name);
			show_json(&w, "value", &rows[i], (const char *)c + rows[i].offset);
			show_json(&w, "default", &rows[i], (const char *)&l.conf + rows[i].offset);
			jw_str(&w, "help", rows[i].help);
			jw_end(&w);
		} else {
			str_printf(out, "%s = ", rows[i].name);
			show_text(out, &rows[i], (const char *)c + rows[i].offset);
			str_printf(out, "  # %s\n", rows[i].help);
		}
	if (json)
		jw_close(&w);
	arena_free(l.a);
	str_free(&err);
}
