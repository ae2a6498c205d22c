/*
 * chat_talk: asking in a chat session, whoever brings the question: a POST that wants one reply or
 * an event stream, an EventSource, a message of a WebSocket.
 */
#ifndef PARLEY_CHAT_TALK_H
#define PARLEY_CHAT_TALK_H

#include "api/chat.h"
#include "api/chat_question.h"
#include "core/voice.h"

struct chat_error {
	int	 code;			/* as an HTTP status */
	char	*msg;
};

/* ChatSessionConversationResponse: the one reply, and every message of a stream. */
struct chat_conversation {
	int64_t			 stream_id;	/* the turn; in the first message */
	struct chat_record	*record;	/* NULL: a message in between */
	struct list		 parts;		/* of char *; together the record's answer_text */
	char			*reasoning;	/* what the model thinks before; NULL: nothing */
	bool			 finished;
	bool			 stopped;	/* on request */
	struct chat_error	*error;		/* in a stream: why it failed; NULL: it did not */
};

extern const struct fields	chat_conversation_fields;

extern const struct voice	chat_voice;

/*
 * Asks: opens the turn and gives the request to it. A POST whose Accept does not name
 * text/event-stream gets one reply when the turn is over, all else a stream (req_stream). The
 * caller is logged in. 0, or -1 and nothing has begun: F_MISSING, F_VALUE; F_NOT_FOUND (session,
 * model, group or file); F_BUSY (it is answering already); F_CONFLICT (a conversation of masked
 * models); or as turn_open.
 */
int	 chat_talk(struct req *, const struct chat_question *);
/* Answers with a turn of the caller's that another request has begun: dialect.again. */
int	 chat_again(struct req *, int64_t turn);

#endif
