#include "opts.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ident.h"
#include "base/utf8.h"
#include "table.h"

#define OWN		256		/* getopt's value of a command's first option */
#define MOST		40		/* options of a command, with those that all have */
#define PRICE_MOST	1e9
#define HELP_COLUMN	26

/* What all commands have: the help first, the rest by the command's flags. */
static const struct opt	shared[] = {
	{ .name = "help", .letter = 'h', .help = "this text" },
	{ .name = "config", .letter = 'c', .type = OPT_STR, .arg = "FILE",
	    .help = "settings, in place of $PARLEY_CONF and " SYSCONFDIR "/parley/parley.conf" },
	{ .name = "json", .help = "the result as JSON" },
};
enum { SHARED_HELP, SHARED_CONF, SHARED_JSON, SHARED };

static bool
has_shared(const struct cmd *cmd, int i)
{
	return i == SHARED_HELP || (i == SHARED_CONF && cmd->flags & CMD_CONF) ||
	    (i == SHARED_JSON && cmd->flags & CMD_JSON);
}

/* As getopt wants them. Values: OWN + row for the command's options, index + 1 for the shared. */
static void
for_getopt(const struct cmd *cmd, struct option *v, char *letters)
{
	const struct opt	*o;
	int			 n = 0, i;

	*letters++ = ':';
	for (i = 0; i < SHARED; i++)
		if (has_shared(cmd, i))
			v[n++] = (struct option){ shared[i].name, shared[i].type != OPT_FLAG,
			    NULL, i + 1 };
	*letters++ = 'h';
	if (cmd->flags & CMD_CONF) {
		*letters++ = 'c';
		*letters++ = ':';
	}
	for (i = 0; cmd->opts != NULL && (o = &cmd->opts[i])->name != NULL && n < MOST; i++) {
		v[n++] = (struct option){ o->name, o->type != OPT_FLAG, NULL, OWN + i };
		if (o->letter != 0) {
			*letters++ = o->letter;
			if (o->type != OPT_FLAG)
				*letters++ = ':';
		}
	}
	v[n] = (struct option){ 0 };
	*letters = '\0';
}

static const struct opt *
by_letter(const struct cmd *cmd, int letter)
{
	for (const struct opt *o = cmd->opts; o != NULL && o->name != NULL; o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

static bool
is_word(const char *words, const char *s)
{
	const size_t	n = strlen(s);

	for (const char *w = words; *w != '\0'; w += strcspn(w, "|"), w += *w == '|')
		if (strcspn(w, "|") == n && memcmp(w, s, n) == 0)
			return true;
	return false;
}

static void
strs_add(struct arena *a, struct strs *list, const char *s)
{
	const char	**v = arena_array(a, list->n + 1, sizeof(*v));

	if (list->n > 0)
		memcpy(v, list->v, list->n * sizeof(*v));
	v[list->n++] = s;
	list->v = v;
}

static bool
read_long(const char *s, long *n)
{
	char	*end;

	errno = 0;
	*n = strtol(s, &end, 10);
	return errno == 0 && end != s && *end == '\0';
}

/* Puts one value where it goes. NULL, or what it should have been. */
static const char *
opt_set(const struct opt *o, struct arena *a, const char *text, void *values)
{
	void	*p = (char *)values + o->offset;
	char	*end;
	double	 price;
	bool	 ok;
	long	 n;

	if (text != NULL && !utf8_valid(text, strlen(text)))
		return "text in UTF-8";
	switch (o->type) {
	case OPT_FLAG:
		*(bool *)p = true;
		return NULL;
	case OPT_STR:
		*(const char **)p = text;
		return *text != '\0' ? NULL : "a value that is not empty";
	case OPT_WORD:
		*(const char **)p = text;
		return is_word(o->arg, text) ? NULL : arena_printf(a, "one of %s", o->arg);
	case OPT_STRS:
		strs_add(a, p, text);
		return *text != '\0' ? NULL : "a value that is not empty";
	case OPT_PRICE:
		*(double *)p = price = strtod(text, &end);
		ok = end != text && *end == '\0' && isfinite(price) && price >= 0;
		return ok && price <= PRICE_MOST ? NULL : "a price";
	case OPT_INT:
	case OPT_SPAN:
		break;
	}
	if (o->type == OPT_SPAN)
		n = ident_span(text);
	else if (!read_long(text, &n))
		n = -1;
	*(int *)p = (int)n;
	if (n >= o->min && n <= (o->max != 0 ? o->max : INT_MAX))
		return NULL;
	if (o->max == 0)
		return o->type == OPT_SPAN ? "a time such as 90, 5m or 2h" : "a number";
	return arena_printf(a, "%s from %ld to %ld", o->type == OPT_SPAN ? "seconds (or 5m, 2h)" :
	    "a number", o->min, o->max);
}

static void
misused(const struct cmd *cmd, const char *what, const char *name)
{
	warnx("%s: %s %s: see parley %s --help", cmd->name, what, name, cmd->name);
}

/* getopt took offence: at argv[optind - 1], or at the option of value optopt. */
static void
refuse(const struct cmd *cmd, int why, char **argv)
{
	const char	letter[] = { '-', (char)optopt, '\0' };
	const char	*last = argv[optind - 1];

	if (why == ':')
		misused(cmd, "a value is needed for", last);
	else if (optopt == 0)
		misused(cmd, "unknown option", last);
	else if (optopt >= OWN || optopt <= SHARED)
		misused(cmd, "no value is taken by", last);
	else
		misused(cmd, "unknown option", letter);
}

static int
complete(const struct cmd *cmd, const struct parsed *p, const bool *given)
{
	const struct opt	*o;

	for (int i = 0; cmd->opts != NULL && (o = &cmd->opts[i])->name != NULL; i++)
		if (o->must && !given[i]) {
			warnx("%s: --%s %s is required: see parley %s --help", cmd->name, o->name,
			    o->arg, cmd->name);
			return -1;
		}
	if (p->n < cmd->least) {
		warnx("%s: %s is missing: see parley %s --help", cmd->name, cmd->operands,
		    cmd->name);
		return -1;
	}
	if (p->n > cmd->most) {
		misused(cmd, "one too many:", p->operand[cmd->most]);
		return -1;
	}
	return 0;
}

int
opts_parse(const struct cmd *cmd, struct arena *a, int argc, char **argv, struct parsed *p,
    void *values)
{
	struct option		 options[MOST + 1];
	char			 letters[2 * MOST];
	bool			 given[MOST] = { false };
	const struct opt	*o;
	const char		*wanted;
	int			 c;

	for_getopt(cmd, options, letters);
	optind = 0;
	while ((c = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		switch (c) {
		case 'h':
		case SHARED_HELP + 1:
			p->help = true;
			return 0;
		case 'c':
		case SHARED_CONF + 1:
			p->conf_file = optarg;
			continue;
		case SHARED_JSON + 1:
			p->json = true;
			continue;
		case '?':
		case ':':
			refuse(cmd, c, argv);
			return -1;
		}
		o = c >= OWN ? &cmd->opts[c - OWN] : by_letter(cmd, c);
		if ((wanted = opt_set(o, a, optarg, values)) != NULL) {
			warnx("%s: --%s takes %s, not `%s`", cmd->name, o->name, wanted, optarg);
			return -1;
		}
		given[o - cmd->opts] = true;
	}
	p->operand = argv + optind;
	p->n = argc - optind;
	return complete(cmd, p, given);
}

/* ---- help ------------------------------------------------------------------------------------ */

static void
help_line(struct str *s, const struct opt *o)
{
	const size_t	begin = s->len;
	size_t		used;

	str_puts(s, "  ");
	if (o->letter != 0)
		str_printf(s, "-%c, ", o->letter);
	str_printf(s, "--%s", o->name);
	if (o->type != OPT_FLAG)
		str_printf(s, " %s", o->arg);
	used = s->len - begin;
	if (used + 2 > HELP_COLUMN) {
		str_putc(s, '\n');
		used = 0;
	}
	str_printf(s, "%*s%s", (int)(HELP_COLUMN - used), "", o->help);
	if (o->type == OPT_STRS)
		str_puts(s, "; again for more");
	str_putc(s, '\n');
}

void
opts_help(struct str *s, const struct cmd *cmd)
{
	for (const struct opt *o = cmd->opts; o != NULL && o->name != NULL; o++)
		help_line(s, o);
	for (int i = SHARED - 1; i >= 0; i--)
		if (has_shared(cmd, i))
			help_line(s, &shared[i]);
}

void
opts_must(struct str *s, const struct cmd *cmd)
{
	for (const struct opt *o = cmd->opts; o != NULL && o->name != NULL; o++)
		if (o->must)
			str_printf(s, " --%s %s", o->name, o->arg);
}
