/* doctor: what its examinations share. Each finds what it finds; none ends the program. */
#ifndef PARLEY_DOCTOR_H
#define PARLEY_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "findings.h"
#include "probe.h"
#include "site.h"

#define EX_SICK	1	/* exit status of what no code of sysexits.h names */

struct doctor {
	struct run	*run;
	struct findings	 f;
	struct site	 site;
	const char	*base;		/* address without a slash at its end */
	bool		 db;		/* the installation's database can be asked */
};

/* Asks the path of the installation. The body is the caller's to free. */
void	 doctor_get(struct doctor *, const char *path, struct heard *);
/* Is this the program's own word: JSON in the arena's envelope, with this code? */
bool	 doctor_envelope(const struct heard *, int code);

/* Does every piece of an answer come through on its own? True when models answered. */
bool	 doctor_stream(struct doctor *);
/* Are large bodies let through, and refused in the program's words when too large? */
void	 doctor_bodies(struct doctor *);
/* Does a WebSocket come through? */
void	 doctor_socket(struct doctor *);
/* Does the program hear of a client that leaves? */
void	 doctor_abort(struct doctor *);

#endif
