/* fault: how a call to a model ended, and what follows from it. */
#ifndef PARLEY_FAULT_H
#define PARLEY_FAULT_H

#include <stdbool.h>

enum fault {
#define FAULT(kind, name, breaks, again, elsewhere) kind,
#include "fault.def"
#undef FAULT
	FAULT_KINDS
};

struct fault_rule {
	const char	*name;		/* in reports: [a-z0-9_] */
	bool		 breaks, again, elsewhere;	/* see fault.def */
};

const struct fault_rule	*fault_rule(enum fault);
/* What an HTTP status other than 200 is. */
enum fault		 fault_of_status(int status);

#endif
