/*
 * conn: one connection to the database: which host, when to try, when to give up. Private to the
 * store.
 */
#ifndef PARLEY_STORE_CONN_H
#define PARLEY_STORE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mysql.h>

#include "base/conf.h"

struct sql_error {
	unsigned	 no;		/* the server's, the library's or SQL_ERROR_OURS; 0: none */
	bool		 ran;		/* what was asked for may have been done */
	char		 text[256];
};
#define SQL_ERROR_OURS	1		/* a statement and our idea of it do not fit each other */

struct conn {
	const struct conf	*conf;
	MYSQL			*my;		/* NULL: not connected */
	unsigned		 generation;	/* of connections: older statements are stale */
	char			*hosts_text;	/* cut up by hosts */
	struct conn_host	*hosts;
	size_t			 nhosts;	/* 0: the socket */
	size_t			 first;		/* of hosts, to be tried first */
	int			 patience_s;	/* how long a statement may take */
	int64_t			 not_before;	/* monotonic ms: no attempt to connect until then */
	int64_t			 warned;	/* monotonic ms of the last warning */
	struct sql_error	 refused;	/* how the last attempt to connect ended */
};

void	 conn_init(struct conn *, const struct conf *);
void	 conn_free(struct conn *);
/*
 * Connected, as far as one can tell without asking: 0. Connects where it is not; -1 with the error.
 */
int	 conn_ready(struct conn *, struct sql_error *);
/* Runs a text without result, or throws its result away. 0, or -1 with the error. */
int	 conn_query(struct conn *, const char *, struct sql_error *);
/* Warns that the server is away, now and then. */
void	 conn_warn(struct conn *, const struct sql_error *);
/* Hangs up. */
void	 conn_drop(struct conn *);
/*
 * Hangs up because of this error: next time another host goes first where this one is no member of
 * its cluster.
 */
void	 conn_lost(struct conn *, const struct sql_error *);
/* How long a statement may take from now on; hangs up where that changes anything. 0: as usual. */
void	 conn_patience(struct conn *, int seconds);
/* Fills the error in from the connection. Always -1. */
int	 conn_error(const struct conn *, struct sql_error *, bool ran);

/* The server is gone, or cannot work: the connection is of no more use. */
bool	 sql_gone(const struct sql_error *);
/*
 * Two transactions stood in each other's way; this one was rolled back (or must be) and can be
 * repeated.
 */
bool	 sql_collided(const struct sql_error *);
/* The server cannot have done anything. */
bool	 sql_untouched(unsigned no);

#endif
