/*
 * cidr: lists of addresses and networks, as in the setting trusted_proxies: "127.0.0.0/8, ::1,
 * 10.0.0.7".
 */
#ifndef PARLEY_CIDR_H
#define PARLEY_CIDR_H

#include <stdbool.h>

/*
 * Whether the address (REMOTE_ADDR) is one of the list or in one of its networks. IPv4 that came as
 * IPv6 (::ffff:10.0.0.7) is IPv4, on both sides; IPv6 networks, even ::/0, hold no IPv4. What is no
 * address ("unix:", "", NULL) never matches.
 */
bool		 conf_cidr_match(const char *list, const char *addr);
/* NULL when the list is well-formed (an empty one is), else its first part that is not. */
const char	*conf_cidr_check(const char *list);

#endif
