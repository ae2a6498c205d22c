/* chat_question: what is asked in a chat session: from a body or query to the spec of a turn. */
#ifndef PARLEY_CHAT_QUESTION_H
#define PARLEY_CHAT_QUESTION_H

#include "base/ctx.h"
#include "base/json.h"
#include "core/turn.h"

struct chat_question {
	int64_t	 session_id, model_id;
	char	*content_type;		/* text, image, document; NULL: see group_id */
	char	*text;
	char	*file_url;		/* of the image or document; NULL: none */
	/* 0, or whose question is asked again; then the three before are that question's */
	int64_t	 group_id;
};

/* Of a body, and of a query: there an id that cannot be one is one that does not exist. */
extern const struct fields	chat_question_fields, chat_question_query_fields;

/*
 * Puts into the spec all that the question says: where, whom, what, with which image and by which
 * knowledge. host: by which the client calls us (see chat_file.h). -1: see chat_talk.
 */
int	 chat_question_read(struct ctx *, const struct chat_question *, const char *host,
	    struct turn_spec *);

#endif
