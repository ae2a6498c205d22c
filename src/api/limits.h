/*
 * limits: what a caller may do at most by the settings: requests per second and streams at once, by
 * address and by user, and by key what the key allows. For the dispatcher, at every route but
 * WHO_LOCAL's. Who is over a limit is told F_LIMIT with the setting's name (`key_rate`: the key's)
 * and when to come again; nothing is stored of it.
 */
#ifndef PARLEY_LIMITS_H
#define PARLEY_LIMITS_H

#include "web/req.h"

/* By address, before anything is asked about the caller. Gateways (trusted_proxies) are exempt. */
int	 limits_address(struct req *);
/* By user and key, once cx->who is known; whoever has no row has no limit here. */
int	 limits_user(struct req *);
/* After the handler: gives back what was taken for a stream, where none has begun. */
void	 limits_done(struct req *);

#endif
