/*
 * whole: requests whose reply comes in one piece, no stream: pictures and transcripts.
 * https://platform.openai.com/docs/api-reference/images/create and /audio/createTranscription
 */
#ifndef PARLEY_WHOLE_H
#define PARLEY_WHOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/str.h"
#include "upstream/call.h"

#define WHOLE_CAP	((size_t)24 << 20)	/* bytes of a reply */
#define WHOLE_FIELDS	64			/* of a form, that members become */

enum ask_kind {			/* what a model is asked for */
	ASK_STREAM,		/* a chat completion, as a stream */
	ASK_IMAGES,		/* pictures: images/generations */
	ASK_TRANSCRIPT,		/* what is said in a file: audio/transcriptions */
};

/* What such a reply says. */
struct whole {
	/*
	 * UTF-8: what was heard; of pictures a JSON array of objects with "url" or "b64_json". The
	 * caller's to free.
	 */
	struct str	 text;
	bool		 usage;		/* the upstream reported tokens; else an estimate: */
	int64_t		 prompt_tokens;		/* 0 */
	int64_t		 completion_tokens;	/* of pictures; of a transcript 0 */
};

/* Added to the base address. */
const char	*whole_path(enum ask_kind);
/*
 * Writes what is asked, a JSON object with `extra` (more members without braces, or NULL). Returns
 * the estimated prompt tokens.
 */
int64_t		 whole_write(struct str *, enum ask_kind, const char *model, const char *prompt,
		    const char *extra);
/* Makes of such an object the fields of a form, at most WHOLE_FIELDS; in the arena. */
size_t		 whole_fields(struct arena *, const struct json *, struct call_field *);
/* Reads a reply. -1: it is none. */
int		 whole_read(struct whole *, enum ask_kind, const struct json *);

#endif
