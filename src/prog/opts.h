/* opts: the options of a command, parsed and explained by its table. Private to cmd. */
#ifndef PARLEY_OPTS_H
#define PARLEY_OPTS_H

#include "cmd.h"

struct parsed {
	const char	*conf_file;	/* -c; as it was before where it does not come */
	bool		 json, help;
	char		**operand;	/* the rest of argv, which is put in order for it */
	int		 n;
};

/*
 * Puts the options into `values` (zeroed, cmd->size bytes), whose strings are argv's and whose
 * lists are the arena's. 0, or -1 after one line on standard error.
 */
int	 opts_parse(const struct cmd *, struct arena *, int argc, char **argv, struct parsed *,
	    void *values);
/* Appends the lines of --help that explain the options, those that every command has too. */
void	 opts_help(struct str *, const struct cmd *);
/* Appends " --name NAME" for each option that must come. */
void	 opts_must(struct str *, const struct cmd *);

#endif
