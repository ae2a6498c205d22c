/* private-db: a MariaDB of this test's own, in a directory of its own, and how to work with it. */
#ifndef PARLEY_TESTS_PRIVATE_DB_H
#define PARLEY_TESTS_PRIVATE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/ctx.h"

struct private_db {
	char		 dir[64];
	char		 socket[96];
	char		 log[96];	/* what the program logs goes here */
	const char	*top;		/* of the source tree */
	char		 schema[4096];	/* its schema directory */
	struct conf	 conf;
};

/* Is there a server on this machine at all? */
bool	 private_db_possible(void);
/* Starts it, opens log and ids; dies where that fails. */
void	 private_db_start(struct private_db *);
void	 private_db_stop(struct private_db *);
/* "up", "down", "kill", "hang" or "wake"; dies where that fails. */
void	 private_db_do(struct private_db *, const char *verb);
/* The rows as the client prints them, columns apart by tabs, without the last newline. Static. */
char	*private_db_ask(struct private_db *, const char *sql);
/* Runs a file of SQL with the client; dies where that fails. */
void	 private_db_feed(struct private_db *, const char *sql);
/* Lines of the log that hold the text. */
int	 private_db_logged(struct private_db *, const char *text);

/* A ctx with an arena and a connection of its own. */
void	 private_ctx_open(struct private_db *, struct ctx *);
void	 private_ctx_close(struct ctx *);

#endif
