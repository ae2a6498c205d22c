#include "cidr.h"

#include <arpa/inet.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct net {
	unsigned char	addr[16];	/* IPv4 as ::ffff:a.b.c.d */
	int		bits;		/* of the 128 */
	bool		v4;
};

static const unsigned char	mapped[12] = { [10] = 0xff, [11] = 0xff };

/* An address without mask: 128 bits. */
static bool
addr_parse(const char *s, struct net *net)
{
	net->bits = 128;
	if (inet_pton(AF_INET, s, net->addr + sizeof(mapped)) == 1)
		memcpy(net->addr, mapped, sizeof(mapped));
	else if (inet_pton(AF_INET6, s, net->addr) != 1)
		return false;
	net->v4 = memcmp(net->addr, mapped, sizeof(mapped)) == 0;
	return true;
}

/* The n bytes at s: address[/bits], blanks around it. */
static bool
net_parse(const char *s, size_t n, struct net *net)
{
	char	text[64], *slash, *end;
	long	bits;
	bool	dotted;

	for (; n > 0 && isspace((unsigned char)*s); s++, n--)
		;
	for (; n > 0 && isspace((unsigned char)s[n - 1]); n--)
		;
	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	if ((slash = strchr(text, '/')) != NULL)
		*slash++ = '\0';
	if (!addr_parse(text, net))
		return false;
	if (slash == NULL)
		return true;
	if (!isdigit((unsigned char)*slash))
		return false;
	bits = strtol(slash, &end, 10);
	dotted = strchr(text, ':') == NULL;
	if (*end != '\0' || bits > (dotted ? 32 : 128))
		return false;
	net->bits = (int)bits + (dotted ? 96 : 0);
	net->v4 = net->v4 && net->bits >= 96;
	return true;
}

static bool
net_holds(const struct net *net, const struct net *host)
{
	int	whole = net->bits / 8, rest = net->bits % 8;

	if (net->v4 != host->v4 || memcmp(net->addr, host->addr, (size_t)whole) != 0)
		return false;
	return rest == 0 || (net->addr[whole] ^ host->addr[whole]) >> (8 - rest) == 0;
}

bool
conf_cidr_match(const char *list, const char *addr)
{
	struct net	net, host;
	size_t		n;

	if (addr == NULL || !addr_parse(addr, &host))
		return false;
	for (;; list += n + 1) {
		n = strcspn(list, ",");
		if (net_parse(list, n, &net) && net_holds(&net, &host))
			return true;
		if (list[n] == '\0')
			return false;
	}
}

const char *
conf_cidr_check(const char *list)
{
	struct net	net;
	size_t		n;

	if (list[strspn(list, " \t")] == '\0')
		return NULL;
	for (;; list += n + 1) {
		n = strcspn(list, ",");
		if (!net_parse(list, n, &net))
			return list;
		if (list[n] == '\0')
			return NULL;
	}
}
