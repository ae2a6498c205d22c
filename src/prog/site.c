#include "site.h"

#include <glob.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINES_MOST	6		/* of files, for one trouble */
#define OUR(dir)	PKGDATADIR "/" dir "/parley-locations.conf"

/* Where the servers of Debian look for their settings; ours among them. */
static const char *const files[SERVERS][8] = {
	[SERVER_NGINX] = { "/etc/nginx/nginx.conf", "/etc/nginx/conf.d/*.conf",
	    "/etc/nginx/sites-enabled/*", "/etc/nginx/snippets/*", OUR("nginx") },
	[SERVER_APACHE] = { "/etc/apache2/apache2.conf", "/etc/apache2/mods-enabled/*.conf",
	    "/etc/apache2/conf-enabled/*.conf", "/etc/apache2/sites-enabled/*", OUR("apache") },
};

static const struct remedy {
	const char	*like, *unless;		/* NULL: no line is looked for; none is left out */
	const char	*words;
} remedies[TROUBLES][SERVERS] = {
#define REMEDY(trouble, server, like, unless, words) \
	[TROUBLE_##trouble][SERVER_##server] = { like, unless, words },
#include "remedies.def"
#undef REMEDY
};

enum server
site_server(const char *header)
{
	if (header != NULL && strncasecmp(header, "nginx", 5) == 0)
		return SERVER_NGINX;
	if (header != NULL && strncasecmp(header, "Apache", 6) == 0)
		return SERVER_APACHE;
	return SERVER_OTHER;
}

static void
compile(regex_t *re, const char *words)
{
	if (regcomp(re, words, REG_EXTENDED | REG_NOSUB | REG_ICASE) != 0)
		abort();		/* remedies.def is wrong */
}

static bool
matches(const regex_t *re, const char *line)
{
	return regexec(re, line, 0, NULL, 0) == 0;
}

struct search {
	struct findings	*f;
	regex_t		 like, unless;
	bool		 has_unless;
	int		 left;		/* lines that may still be advised */
};

/* Advises the lines of one file that may be the cause. Comments are none. */
static void
search_file(struct search *s, const char *path)
{
	FILE	*in;
	char	*line = NULL, *text;
	size_t	 size = 0;

	if ((in = fopen(path, "re")) == NULL)
		return;
	for (int n = 1; s->left > 0 && getline(&line, &size, in) != -1; n++) {
		text = line + strspn(line, " \t");
		text[strcspn(text, "\r\n")] = '\0';
		if (*text == '#' || !matches(&s->like, text) ||
		    (s->has_unless && matches(&s->unless, text)))
			continue;
		advise(s->f, "%s:%d: %s", path, n, text);
		s->left--;
	}
	free(line);
	fclose(in);
}

static void
search_all(struct findings *f, const struct remedy *r, const struct site *site)
{
	const char *const	*patterns = files[site->server];
	struct search		 s = { .f = f, .left = LINES_MOST };
	glob_t			 g;

	s.has_unless = r->unless != NULL;
	compile(&s.like, r->like);
	if (s.has_unless)
		compile(&s.unless, r->unless);
	for (size_t i = 0; i < site->files->n; i++)
		search_file(&s, site->files->v[i]);
	for (; site->here && *patterns != NULL; patterns++) {
		if (glob(*patterns, 0, NULL, &g) != 0)
			continue;
		for (size_t i = 0; i < g.gl_pathc; i++)
			search_file(&s, g.gl_pathv[i]);
		globfree(&g);
	}
	regfree(&s.like);
	if (s.has_unless)
		regfree(&s.unless);
}

void
site_advise(struct findings *f, const struct site *site, enum trouble trouble)
{
	const struct remedy	*r = &remedies[trouble][site->server];

	if (r->like != NULL)
		search_all(f, r, site);
	advise(f, "%s", r->words);
}
