#include "core/visit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/ident.h"
#include "core/chat.h"
#include "core/who.h"

#define HEX	32		/* digits of a UUID */

/* RFC 9562, version 4: of its digits two say that. */
static void
write_key(char dst[VISIT_KEY], const char hex[HEX + 1])
{
	static const char	 variant[] = "89ab";
	const int		 n = hex[16] >= 'a' ? hex[16] - 'a' + 10 : hex[16] - '0';

	snprintf(dst, VISIT_KEY, "api_%.8s-%.4s-4%.3s-%c%.3s-%.12s", hex, hex + 8, hex + 13,
	    variant[n & 3], hex + 17, hex + 20);
}

/*
 * For one visitor it is the same whoever makes it, so that of two requests at once only one can
 * store it; but another after each conversation that was deleted (`last`).
 */
static char *
key_of(struct ctx *cx, const struct assistant_version *v, const char *visitor, int64_t last)
{
	char	*key = arena_get(cx->a, VISIT_KEY), hex[HEX + 1];

	if (visitor == NULL)
		ident_random_hex(hex, HEX / 2);
	else
		ident_mac(hex, HEX, "visit", arena_printf(cx->a, "%" PRId64 " %" PRId64 " %" PRId64
		    " %s", cx->who->id, v->assistant, last, visitor));
	write_key(key, hex);
	return key;
}

/* The conversation of that id; NULL: it is deleted, or ctx failed. */
static struct talk *
find(struct ctx *cx, int64_t id)
{
	struct talk	*talk = arena_get(cx->a, sizeof(*talk));

	if (session_open(cx, id, talk) == 0)
		return talk;
	if (cx->fail.kind == F_NOT_FOUND)
		fail_clear(cx);
	return NULL;
}

struct talk *
visit_open(struct ctx *cx, const struct assistant_version *v, const char *visitor, bool *fresh)
{
	struct talk	*talk;
	int64_t		 last = 0;

	*fresh = false;
	if (visitor != NULL &&
	    (last = session_visited(cx, cx->who->id, v->assistant, visitor)) == -1)
		return NULL;
	if (last > 0 && ((talk = find(cx, last)) != NULL || cx->fail.kind != F_NONE))
		return talk;
	*fresh = true;
	talk = chat_make(cx, v->model);
	talk->session->assistant = v->assistant;
	talk->session->version = v->id;
	talk->session->visitor = arena_strdup(cx->a, visitor);
	talk->session->msg_key = key_of(cx, v, visitor, last);
	return talk;
}
