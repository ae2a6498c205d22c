/*
 * delta: what one event of an OpenAI-compatible chat completion stream says.
 * https://platform.openai.com/docs/api-reference/chat/streaming ; `reasoning_content` as DeepSeek
 * and vLLM send it, `citations` (an array of objects at the top or in the delta) passed through.
 */
#ifndef PARLEY_DELTA_H
#define PARLEY_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

enum delta_flags {
	DELTA_REASONING	= 1,	/* the text is the model's reasoning, not its answer */
	DELTA_OPENS	= 2,	/* the first of a reasoning */
	DELTA_CLOSES	= 4,	/* a reasoning ended before this text (which may be empty) */
	/*
	 * The text is a piece of calls of tools, delta.tool_calls as JSON. Only voices that take
	 * them (voice.h) are told, and it is no part of what was said.
	 */
	DELTA_TOOLS	= 8,
};

struct delta {			/* a piece of an answer, as a lane, a voice and the spool know it */
	const char	*text;	/* valid UTF-8 */
	size_t		 len;
	int		 flags;
	int64_t		 at_ms;	/* wall time of arrival */
};

enum finish { FINISH_NONE, FINISH_STOP, FINISH_LENGTH, FINISH_FILTER, FINISH_TOOLS };

/* What one stream's events leave for the next: the first half of a character (half.h). */
struct delta_half {
	uint16_t	 first;		/* 0: none */
	bool		 reasoning;	/* in the reasoning, not in the text */
};

/* An event taken apart; pointers live as long as the event, and until the next delta_parse */
struct chunk {
	/* Before all else U+FFFD belongs into that: the second half never came */
	enum { LOST_NONE, LOST_TEXT, LOST_REASONING } lost;
	const char	*text, *reasoning;		/* NULL: none; no NUL at their end */
	size_t		 text_len, reasoning_len;
	enum finish	 finish;
	bool		 has_usage;
	int64_t		 prompt_tokens, completion_tokens;
	const struct json *citations;			/* an array, or NULL */
	const struct json *tool_calls;			/* the same, of toolcalls.h's pieces */
	bool		 error;				/* the upstream reports a failure in band */
	bool		 done;				/* "[DONE]" */
};

struct delta_parser;
struct delta_parser	*delta_parser_new(void);
void			 delta_parser_free(struct delta_parser *);
/*
 * 0, or -1 where the event is not what such a server sends (not JSON, choices of another type). The
 * half is the stream's own, zero before its first event; what is in it behind the last is lost.
 */
int			 delta_parse(struct delta_parser *, struct delta_half *, const char *,
			    size_t, struct chunk *);
/* The same without the short cut of scan.h, for holding the two against each other. */
int			 delta_parse_json(struct delta_parser *, struct delta_half *, const char *,
			    size_t, struct chunk *);

#endif
