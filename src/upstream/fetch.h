/*
 * fetch: the one way to what an address names that a stranger gave us. Only http and https, without
 * name and password, past every proxy; the certificate must be good, and the address that is
 * connected to public, or its host listed. That holds for each step of a redirection. Blocks: for
 * processes that may wait, never the relay loop.
 */
#ifndef PARLEY_FETCH_H
#define PARLEY_FETCH_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"

#define FETCH_TYPE_MAX	128	/* of a media type, with its end */

struct fetch {
	const char	*url;
	const char	*allow;		/* hosts that may be private: "files.lan, 10.0.0.7" */
	const char	*dir;		/* where the file without a name is made */
	int64_t		 most;		/* bytes of the body */
	int		 connect_ms;
	int		 total_ms;	/* of all, redirections too */
	int		 quiet_s;	/* so long it may be slower than 1 KiB/s */
	/* Asked about once a second; false ends it; NULL: nobody does. */
	bool		(*go_on)(void *);
	void		*arg;
};

enum fetch_end {
	FETCH_DONE,
	FETCH_FAILED,		/* and would again; or it took too long to wait for once more */
	FETCH_AGAIN,		/* later it may go */
	FETCH_STOPPED,		/* go_on said no */
};

struct fetched {
	int		 fd;	/* the body, at its beginning; the caller's to close; or -1 */
	int64_t		 size;
	/* In lower case, without parameters: "text/html"; "": none was told */
	char		 media_type[FETCH_TYPE_MAX];
	/* Of FETCH_FAILED and FETCH_AGAIN, for who gave the address */
	enum reason	 why;
	int		 status;	/* of REASON_STATUS: what the server answered with */
};

enum fetch_end	 fetch(const struct fetch *, struct fetched *);
/* Is it an address that fetch would go to at all, whatever host it names? */
bool		 fetch_address(const char *url);
/* May strangers have us connect there? Neither our own nor anybody's private network, nor none. */
bool		 fetch_public(const struct sockaddr *);

#endif
