/* site: what to change where a web server stands in the way, by the lines of its files. */
#ifndef PARLEY_SITE_H
#define PARLEY_SITE_H

#include "findings.h"

enum server { SERVER_OTHER, SERVER_NGINX, SERVER_APACHE, SERVERS };

enum trouble {
	TROUBLE_BUFFERED,	/* answers arrive in blocks or all at once */
	TROUBLE_COMPRESSED,
	TROUBLE_BODY,		/* bodies that the program takes are refused */
	TROUBLE_ERRORS,		/* the server's own errors are not JSON */
	TROUBLE_ABORT,		/* a client that leaves is not noticed */
	TROUBLE_PATHS,		/* paths do not lead to the program */
	TROUBLE_SOCKET,		/* WebSockets do not */
	TROUBLES
};

struct site {
	enum server		 server;
	bool			 here;	/* it runs on this host: its files are looked into */
	const struct strs	*files;	/* to be looked into besides */
};

/* By its Server header, which may be NULL. */
enum server	 site_server(const char *header);
/* Advises what to change, with file and line where it is found. */
void		 site_advise(struct findings *, const struct site *, enum trouble);

#endif
