#include "conffile.h"

#include <confuse.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"

#define DEPTH		8		/* of includes */
#define LARGEST		(1 << 20)	/* file */

static struct reading {
	const struct conffile_name	*names;
	size_t				 n;
	conffile_set			*set;
	void				*arg;
	struct arena			*a;
	struct str			*err;
	const char			*path;		/* of the file being read */
	const char			*include;	/* which it wants included now */
	int				 depth;
} *reading;			/* libConfuse's callbacks have no argument of ours */

/* The first error is the one that is said: what follows comes of it. */
static void __attribute__((format(printf, 2, 0)))
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	static const char	unknown[] = "no such option '";
	char			text[1024], *name;

	if (reading->err->len > 0)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	str_printf(reading->err, "%s:%d: ", reading->path, cfg->line);
	if (strncmp(text, unknown, sizeof(unknown) - 1) == 0) {
		name = text + sizeof(unknown) - 1;
		str_printf(reading->err, "unknown setting `%.*s`", (int)strcspn(name, "'"), name);
	} else
		str_puts(reading->err, text);
}

/*
 * Called at each value (of a list: each part), so that what is wrong with it comes with its line.
 */
static int
on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const char	*wrong, *text = "";
	unsigned	 i;
	size_t		 name = 0;

	while (strcmp(reading->names[name].name, opt->name) != 0)
		name++;
	for (i = 0; i < cfg_opt_size(opt); i++)
		text = arena_printf(reading->a, "%s%s%s", text, i > 0 ? "," : "",
		    cfg_opt_getnstr(opt, i));
	if ((wrong = reading->set(reading->arg, name, text)) == NULL)
		return 0;
	cfg_error(cfg, "%s %s", opt->name, wrong);
	return -1;
}

/*
 * include("x") stops the parser: libConfuse cannot parse one file within another, and its own
 * include searches from the working directory. text_parse reads the other file and goes on.
 */
static int
on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	const char	*slash = strrchr(reading->path, '/'), *path;

	(void)opt;
	if (argc != 1 || *argv[0] == '\0') {
		cfg_error(cfg, "include takes one file");
		return -1;
	}
	if (reading->depth == DEPTH) {
		cfg_error(cfg, "files include each other too deeply");
		return -1;
	}
	path = *argv[0] == '/' || slash == NULL ? arena_strdup(reading->a, argv[0]) :
	    arena_printf(reading->a, "%.*s/%s", (int)(slash - reading->path), reading->path,
	    argv[0]);
	if (access(path, R_OK) == -1)
		cfg_error(cfg, "%s: %s", path, strerror(errno));
	else
		reading->include = path;
	return -1;
}

/* Where a word, a string or a comment can begin. */
static bool
at_word(const char *text, const char *p)
{
	return p == text || strchr(" \t\r\n={}()+,\"'", p[-1]) != NULL;
}

/* Behind the string that begins here, or NULL when it is left open. */
static char *
string_end(char *p)
{
	char	quote = *p++;

	for (; *p != quote; p++) {
		p += *p == '\\' && p[1] != '\0';
		if (*p == '\0')
			return NULL;
	}
	return p + 1;
}

/* Lines stay lines, so that their count is right. */
static void
blank(char *p, const char *end)
{
	for (; p < end; p++)
		if (*p != '\n')
			*p = ' ';
}

/*
 * Turns comments into blanks: libConfuse counts their lines wrong. NULL, or the string or comment
 * that is left open: libConfuse would take an open comment for the end, and its scanner, a static,
 * would still be inside at the next file.
 */
static const char *
comments_blank(char *text)
{
	char	*p, *end;

	for (p = text; *p != '\0'; p = end) {
		end = p + 1;
		if (*p == '"' || *p == '\'') {
			if ((end = string_end(p)) == NULL)
				return p;
		} else if (*p == '#' || (at_word(text, p) && strncmp(p, "//", 2) == 0)) {
			end = p + strcspn(p, "\n");
			blank(p, end);
		} else if (at_word(text, p) && strncmp(p, "/*", 2) == 0) {
			if ((end = strstr(p + 2, "*/")) == NULL)
				return p;
			blank(p, end += 2);
		}
	}
	return NULL;
}

/* Behind the first include(…), where the parser has stopped. */
static char *
include_end(char *text)
{
	char	*p = text;
	bool	 inside = false;

	while (*p != '\0' && !(inside && *p == ')'))
		if (*p == '"' || *p == '\'')
			p = string_end(p);
		else {
			inside = inside || (at_word(text, p) && strncmp(p, "include", 7) == 0 &&
			    p[7 + strspn(p + 7, " \t\n")] == '(');
			p++;
		}
	return *p == ')' ? p + 1 : p;
}

static int	file_read(const char *);

static int
text_parse(cfg_t *cfg, char *text)
{
	const char	*path;
	cfg_opt_t	*opt;
	size_t		 i;
	int		 r;

	do {
		reading->include = NULL;
		r = cfg_parse_buf(cfg, text) == CFG_SUCCESS ? 0 : -1;
		if ((path = reading->include) != NULL) {
			blank(text, include_end(text));
			r = file_read(path);
		}
	} while (path != NULL && r == 0);
	for (i = 0; i < reading->n && r == 0; i++) {	/* `name = {}` is never called back */
		opt = cfg_getopt(cfg, reading->names[i].name);
		if ((opt->flags & CFGF_MODIFIED) && cfg_opt_size(opt) == 0)
			r = on_value(cfg, opt);
	}
	return r;
}

static int
file_parse(char *text)
{
	cfg_opt_t	 include = CFG_FUNC("include", on_include), end = CFG_END();
	cfg_opt_t	*opts = xcalloc(reading->n + 2, sizeof(*opts));
	cfg_t		*cfg;
	size_t		 i;
	int		 r;

	for (i = 0; i < reading->n; i++)
		opts[i] = (cfg_opt_t)CFG_STR(reading->names[i].name, NULL,
		    CFGF_NODEFAULT | (reading->names[i].list ? CFGF_LIST : CFGF_NONE));
	opts[i++] = include;
	opts[i] = end;
	if ((cfg = cfg_init(opts, CFGF_NONE)) == NULL)
		out_of_memory();
	cfg_set_error_function(cfg, on_error);
	for (i = 0; i < reading->n; i++)
		cfg_set_validate_func(cfg, reading->names[i].name, on_value);
	r = text_parse(cfg, text);
	cfg_free(cfg);
	free(opts);
	return r;
}

/* The whole file, NUL-terminated. -1: errno. */
static int
file_text(const char *path, struct str *text)
{
	FILE	*f = fopen(path, "re");
	char	*p = NULL;
	int	 error = 0;

	if (f == NULL)
		return -1;
	while (!feof(f) && !ferror(f) && (p = str_room(text, BUFSIZ)) != NULL)
		text->len += fread(p, 1, BUFSIZ, f);
	if (ferror(f))
		error = errno;
	else if (p == NULL)
		error = EFBIG;
	else
		text->p[text->len] = '\0';
	fclose(f);
	errno = error;
	return error == 0 ? 0 : -1;
}

static int
file_read(const char *path)
{
	struct str	 text = STR_INIT(LARGEST);
	const char	*outer = reading->path, *open, *p;
	int		 line = 1, r = -1;

	reading->path = path;
	reading->depth++;
	if (file_text(path, &text) == -1)
		str_printf(reading->err, "%s: %s", path, strerror(errno));
	else if (strlen(text.p) != text.len)
		str_printf(reading->err, "%s: not a text", path);
	else if ((open = comments_blank(text.p)) != NULL) {
		for (p = text.p; p < open; p++)
			line += *p == '\n';
		str_printf(reading->err, "%s:%d: a %s is left open", path, line,
		    *open == '/' ? "comment" : "string");
	} else
		r = file_parse(text.p);
	reading->depth--;
	reading->path = outer;
	str_free(&text);
	return r;
}

int
conffile_read(const char *path, const struct conffile_name *names, size_t n, conffile_set *set,
    void *arg, struct str *err)
{
	struct reading	now = {
		.names = names, .n = n, .set = set, .arg = arg, .a = arena_new(0), .err = err,
	};
	int		r;

	reading = &now;
	r = file_read(path);
	reading = NULL;
	arena_free(now.a);
	return r;
}
