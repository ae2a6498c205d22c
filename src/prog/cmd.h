/*
 * cmd: what the commands have in common. A command is one row: what it takes is a table of options
 * over a struct, from which they are parsed, checked and explained by --help. It gets a struct run
 * and returns an exit status (sysexits.h).
 *
 * For every command: results go to standard output; when it fails, one line on standard error says
 * what is wrong.
 */
#ifndef PARLEY_CMD_H
#define PARLEY_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/conf.h"
#include "base/ctx.h"
#include "base/jw.h"
#include "base/str.h"

enum opt_type {
	OPT_FLAG,	/* bool: takes no value */
	OPT_STR,	/* const char *: not empty */
	OPT_WORD,	/* const char *: one of those in `arg`, "chat|image" */
	OPT_STRS,	/* struct strs: may come again and again */
	OPT_INT,	/* int: min..max */
	OPT_SPAN,	/* int: seconds, min..max; "90", "5m", "2h" */
	OPT_PRICE,	/* double: 0 or more */
};

enum { MAY_COME = 0, MUST_COME = 1 };

struct opt {
	const char	*name;		/* "price-in"; NULL ends the table */
	char		 letter;	/* 'F' for -F, or 0 */
	enum opt_type	 type;
	bool		 must;
	size_t		 offset;
	const char	*arg;		/* what its value is called, or the words */
	long		 min, max;	/* both 0: 0 or more */
	const char	*help;
};

struct strs {
	const char	**v;
	size_t		  n;
};

/* A row: OPT(model_add, OPT_STR, MUST_COME, name, "name", "NAME", 0, 0, "for display") */
#define OPT(st, type, must, member, name, arg, min, max, help) \
	{ name, 0, type, must, offsetof(struct st, member), arg, min, max, help }
#define OPT_LETTER(st, type, letter, member, name, arg, help) \
	{ name, letter, type, MAY_COME, offsetof(struct st, member), arg, 0, 0, help }
#define OPT_END	{ .name = NULL }

enum cmd_flags {
	CMD_JSON = 1,		/* takes --json */
	CMD_CONF = 2,		/* reads the settings: cx.conf */
	CMD_DB = 4 | CMD_CONF,	/* has cx.db; it connects at its first use */
	CMD_SCHEMA = 8 | CMD_DB,	/* and wants this program's schema in it */
	CMD_IDS = 16 | CMD_CONF,	/* gives new ids: opens the state directory */
	CMD_LOGS = 32,		/* logs as it likes; else its log is kept, see cmd_logged */
	CMD_TRY = 64,		/* with CMD_CONF: goes on without settings unless -c names a file */
};

struct run;

struct cmd {
	const char		*name;		/* "model add" */
	const char		*operands;	/* "CODE"; "" for none */
	int			 least, most;	/* how many of them */
	const char		*help;		/* one line */
	const char		*more;		/* what --help says at its end; NULL: nothing */
	int			 flags;
	const struct opt	*opts;		/* NULL: none of its own */
	size_t			 size;		/* of the struct they are put into, zeroed first */
	int			(*fn)(struct run *, const void *opts);
};

/* Every command is a `const struct cmd cmd_…`. */
#define COMMAND(name)	extern const struct cmd cmd_##name;
#include "commands.def"
#undef COMMAND

struct run {
	const struct cmd	*cmd;
	struct ctx		 cx;
	char			**operand;	/* least..most of them, then NULL */
	int			 n;
	bool			 json;
	int			 log_fd;	/* what was logged; -1: it was not kept */
};

/*
 * Parses what follows the command's name, prepares what its flags ask for, runs it. conf_file, what
 * -c before the name said, may be NULL.
 */
int	 cmd_run(const struct cmd *, int argc, char **argv, const char *conf_file);
/* Writes the help of a command. */
void	 cmd_help(struct str *, const struct cmd *);

/* One line on standard error, "parley model add: …". Returns the status. */
int	 cmd_error(const struct run *, int status, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
/* The same with the ctx's failure, and with the reason that was logged for it. */
int	 cmd_failed(const struct run *);
/* The exit status that stands for a kind of failure. */
int	 cmd_status(enum fail_kind);
/* The sentence of the ctx's failure with the reason that was logged, in the arena. */
const char *cmd_why(const struct run *);
/* What the floors below logged last, for people; NULL: nothing. In the arena. */
const char *cmd_logged(const struct run *);
/* Standard output: EX_OK, or EX_IOERR told on standard error. The str is freed. */
int	 cmd_print(const struct run *, struct str *);
/* The same of a document, whose open scopes it closes, on a line of its own. */
int	 cmd_print_json(const struct run *, struct jw *);
/* A time for people, in the zone of the settings; in the arena. */
char	*cmd_time(const struct run *, int64_t ms);
/* "yes" or "no". */
const char *yes_no(bool);

#endif
