/*
 * prompt: the body of a chat completion request, with the context trimmed to the
 * model's window by whole turns.
 */
#ifndef PARLEY_PROMPT_H
#define PARLEY_PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum role { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT };

struct message {
	enum role	 role;
	const char	*text;
	const char	*image;		/* with it, at an http(s) or data: address; NULL: none */
	/*
	 * The whole message as a JSON object, which is sent as it is: a client's own, or one with
	 * calls of tools or their results. `text` is then for the estimate alone. NULL: it is made
	 * of role, text and image
	 */
	const char	*raw;
};

struct prompt {
	const char		*model;		/* the upstream's name for it */
	/* System messages first, then turns, the question last */
	const struct message	*m;
	size_t			 n;
	bool			 blind;		/* no image but the question's is sent */
	int			 context_tokens;	/* the model's window; 0: send everything */
	int			 max_tokens;	/* of the answer; 0: do not say */
	/* More members, JSON text without braces, none of those that are written here; or NULL */
	const char		*extra;
};

int		 role_parse(const char *);	/* a ROLE_, or -1 */
/*
 * Tokens of a window that are for what a model is told, beside an answer of max_tokens (0: not
 * said). 0 or less: nothing fits. A window of 0 is not known, and bears everything: INT64_MAX.
 */
int64_t		 prompt_room(int context_tokens, int max_tokens);
/* Tokens of all the messages, and of more members (NULL: none), as estimated. */
int64_t		 prompt_estimate(const struct message *, size_t n, const char *extra);
/*
 * Writes the body (stream, stream_options.include_usage). Where the window is known, the oldest
 * turns (a user message and what follows until the next one) are left out until estimate and
 * answer fit; system messages and the question always stay. Returns the estimated prompt tokens.
 */
int64_t		 prompt_write(struct str *, const struct prompt *);

#endif
