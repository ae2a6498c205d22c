/* native: what is ours beside the documents' dialects. */
#ifndef PARLEY_NATIVE_H
#define PARLEY_NATIVE_H

#include "api/dialect.h"
#include "web/req.h"

#define GUEST_HEADER	"X-Guest-Id"
#define GUEST_COOKIE	"parley_guest"

struct health {
	char	*status;
};

struct guest {
	char	*guest_id;
};

struct resume_query {
	int64_t	 after;
};

struct stopped {
	bool	 stopped;
};

extern const struct fields	health_fields, guest_fields, resume_query_fields, stopped_fields;

/* Puts the guest's token into the reply's headers, as cookie and as X-Guest-Id. */
void	 guest_announce(struct req *, const char *token);

#endif
