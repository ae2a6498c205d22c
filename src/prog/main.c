/* main: finds the command among those of commands.def. */
#include "config.h"

#include <err.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cmd.h"
#include "core/text.h"

static const struct cmd *const commands[] = {
#define COMMAND(name)	&cmd_##name,
#include "commands.def"
#undef COMMAND
};
#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

#define OTHERWISE \
	"\nEach command explains itself: parley COMMAND --help\n" \
	"\n" \
	"  -c, --config FILE  settings, in place of $PARLEY_CONF and " SYSCONFDIR \
	"/parley/parley.conf\n" \
	"  --help, --version\n" \
	"\n" \
	"Exit codes: 0 done; 64 wrong usage; 65 wrong data; 66 what was named is not\n" \
	"there; 69 a server is away; 70 a defect; 73, 74, 77 a file cannot be made,\n" \
	"written, opened; 78 wrong settings. parley(8) and parley.conf(5) say more.\n"

/* Is it this command, or one of the group of that name? */
static bool
in_group(const struct cmd *cmd, const char *word)
{
	const size_t	n = strcspn(cmd->name, " ");

	return strlen(word) == n && memcmp(cmd->name, word, n) == 0;
}

static const struct cmd *
find(const char *first, const char *second)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		const char	*rest = commands[i]->name + strcspn(commands[i]->name, " ");

		if (!in_group(commands[i], first))
			continue;
		if (*rest == '\0' || (second != NULL && strcmp(rest + 1, second) == 0))
			return commands[i];
	}
	return NULL;
}

static bool
is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* The list of commands, of one group where it is not NULL. */
static int
list(const char *group)
{
	printf("usage: parley %s [option…] [operand…]\n\n", group != NULL ? group : "COMMAND");
	for (size_t i = 0; i < COMMANDS; i++)
		if (group == NULL || in_group(commands[i], group))
			printf("  %-14s  %s\n", commands[i]->name, commands[i]->help);
	fputs(OTHERWISE, stdout);
	return fflush(stdout) == EOF ? EX_IOERR : EX_OK;
}

/* The word is no command. If it is a group's, its second word is none of its commands. */
static int
unknown(const char *word, const char *second)
{
	char	known[256] = "";
	size_t	n = 0;

	for (size_t i = 0; i < COMMANDS; i++)
		if (in_group(commands[i], word) && n < sizeof(known))
			n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s",
			    n > 0 ? ", " : "", commands[i]->name + strlen(word) + 1);
	if (n == 0)
		errx(EX_USAGE, "no command %s: see parley --help", word);
	if (second == NULL)
		errx(EX_USAGE, "%s takes one of %s", word, known);
	errx(EX_USAGE, "%s takes one of %s, not %s", word, known, second);
}

int
main(int argc, char **argv)
{
	const struct cmd	*cmd;
	const char		*conf_file = NULL, *second;
	int			 i, words;

	if (strcmp(argv[0], TEXT_PROGRAM) == 0)		/* by core/text.c, in a sandbox */
		text_main(argc, argv);
	setlocale(LC_CTYPE, "C.UTF-8");		/* for the widths of tables, whatever the user's */
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (is_help(argv[i]))
			return list(NULL);
		if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0) {
			puts("parley " PACKAGE_VERSION);
			return EX_OK;
		}
		if (strcmp(argv[i], "-c") != 0 && strcmp(argv[i], "--config") != 0)
			errx(EX_USAGE, "unknown option %s: see parley --help", argv[i]);
		if ((conf_file = argv[++i]) == NULL)
			errx(EX_USAGE, "a value is needed for %s: see parley --help", argv[i - 1]);
	}
	if (i >= argc)
		errx(EX_USAGE, "a command is missing: see parley --help");
	second = i + 1 < argc && argv[i + 1][0] != '-' ? argv[i + 1] : NULL;
	if ((cmd = find(argv[i], second)) == NULL) {
		for (size_t k = 0; k < COMMANDS && i + 1 < argc && is_help(argv[i + 1]); k++)
			if (in_group(commands[k], argv[i]))
				return list(argv[i]);
		return unknown(argv[i], second);
	}
	words = strchr(cmd->name, ' ') != NULL ? 2 : 1;
	return cmd_run(cmd, argc - i - words + 1, argv + i + words - 1, conf_file);
}
