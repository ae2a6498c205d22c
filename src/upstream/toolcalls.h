/*
 * toolcalls: the calls of tools that a model asks for, put together from the pieces in which a
 * stream brings them (delta.tool_calls: index, id, function.name, function.arguments).
 * https://platform.openai.com/docs/guides/function-calling#streaming
 */
#ifndef PARLEY_TOOLCALLS_H
#define PARLEY_TOOLCALLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/jw.h"
#include "base/str.h"

#define TOOLCALLS_MAX	32		/* calls of one answer */
#define TOOLCALLS_BYTES	(256 * 1024)	/* of ids, names and arguments, all together */

struct toolcall {			/* all of it UTF-8 without NUL; p is NULL until some came */
	int64_t		 index;		/* the upstream's number for it */
	struct str	 id, name, arguments;	/* arguments: JSON text, as far as it came */
};

struct toolcalls {			/* begins as zeros */
	struct toolcall	 v[TOOLCALLS_MAX];	/* in the order in which they began */
	size_t		 n;
	size_t		 bytes;
};

/*
 * Adds one delta.tool_calls, an array. A piece without an index goes on with the last call, or
 * begins one where it has an id; id and name are those that came first. -1: it is no such array, or
 * too much; what was added before stays.
 */
int	 toolcalls_add(struct toolcalls *, const struct json *);
/* The same from its text. */
int	 toolcalls_add_text(struct toolcalls *, const char *, size_t);
/* Adds a whole call; each may be NULL. -1: too much. */
int	 toolcalls_put(struct toolcalls *, const char *id, const char *name,
	    const char *arguments);
/* Writes them as a message's `tool_calls`, an array of whole calls. */
void	 toolcalls_write(const struct toolcalls *, struct jw *, const char *name);
int64_t	 toolcalls_tokens(const struct toolcalls *);	/* an estimate */
void	 toolcalls_free(struct toolcalls *);	/* zeros again */

#endif
