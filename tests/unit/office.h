/*
 * office: a worker process without web or master, to be killed and started at will: it opens turns
 * and follows them by order, for clients that are sockets in the test's hands. The upstream is the
 * test itself: it says what a lane hears when it wants to. All of it stays in one thread, so that
 * processes may be forked at any time.
 */
#ifndef PARLEY_TESTS_OFFICE_H
#define PARLEY_TESTS_OFFICE_H

#include <sys/types.h>

#include "base/fail.h"
#include "base/str.h"
#include "core/turn.h"
#include "material.h"

#define LINES	12		/* most clients of an office */

struct office {
	pid_t	 pid;
	int	 orders;		/* socket */
	int	 lines[LINES];		/* our ends; -1: closed */
	int	 nlines;		/* used */
	int64_t	 id;			/* of its engine */
};

/* What a follower was when it was found. */
struct found_as {
	enum fail_kind	 why;		/* F_NONE: it was found, */
	bool		 stored, over;	/* and so */
	int		 retry_after;
	int		 line;		/* its client */
};

/* Must be called once, before the first office: its database has the node's lease. */
void	 office_prepare(void);
/* Starts one; keep_s: the setting spool_keep. */
void	 office_open(struct office *, int keep_s);
/* Ends it as a worker does that leaves; it must have nothing to do. */
void	 office_close(struct office *);
void	 office_kill(struct office *);
/* Whoever starts from now on finds no table of turns. */
void	 office_lose_table(void);

/*
 * What is done to a turn that is asked, and to the models of its seats; set it before the office is
 * opened. NULL: nothing.
 */
extern void	(*office_plan)(struct ctx *, struct turn_spec *, struct model *);

/* Asks in the session, with so many lanes. The turn; *line is the client, NULL: nobody listens. */
int64_t	 office_ask(struct office *, int64_t session, int lanes, int *line);
struct found_as	office_follow(struct office *, int64_t user, int64_t turn, int64_t after);
int	 office_running(struct office *);
void	 office_fail_all(struct office *);
void	 office_stop(struct office *, int64_t turn);
int64_t	 office_memory(struct office *);	/* its anonymous memory, bytes */

/* The client's side of a line. Appends what comes until the text does, or the end of the stream. */
void	 line_read(struct office *, int line, struct str *, const char *until);
void	 line_hang_up(struct office *, int line);

/* Where models are called, for a test that answers them by wire.h; its port. */
int	 office_door(int *port);
/* The model's side: the next call of that lane, and what it says; after a '~' it thinks. */
int	 model_called(int lane);
void	 model_says(int call, const char *text);
void	 model_ends(int call);

#endif
