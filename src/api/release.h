/*
 * release: chat with a published assistant. What its bodies and replies are made of, under the
 * source document's names; failures are google.rpc.Status.
 * https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto
 */
#ifndef PARLEY_API_RELEASE_H
#define PARLEY_API_RELEASE_H

#include "api/dialect.h"
#include "base/json.h"
#include "core/turn.h"
#include "store/assistant.h"
#include "web/req.h"

enum release_action { RELEASE_UNSAID, RELEASE_NEXT, RELEASE_AGAIN, RELEASE_ACTIONS };

/* Why an answer ended. */
enum release_finish {
	ENDED_UNSPECIFIED,	/* it goes on */
	ENDED_STOP,
	ENDED_LENGTH,
	ENDED_SENSITIVE,
	ENDED_CONTEXT,		/* the window is exceeded: not said, since old turns are left out */
	ENDED_UNKNOWN,		/* its server failed */
};

struct release_ask {			/* body */
	int	 action;
	char	*content;
	char	*conversation_id;	/* NULL, "": a new one */
	char	*release_key;
	bool	 stream;
};

struct release_metadata {
	struct list	 key_words;		/* of char * */
	char		*image_name_value;
	int64_t		 image_size;
	char		*table_name_value;
	int64_t		 table_rows;
	struct list	 table_columns;		/* of char * */
	double		 score;
};

struct release_segment {
	char			*segment_id, *dataset_id, *document_id, *content;
	int64_t			 token_count, number;
	struct release_metadata	*metadata;
	int64_t			 words;
	int			 segment_type;
	char			*table_content, *image_key, *image_uri;
	int			 display_type;
	char			*image_keys, *display_content;
};

struct release_document {
	char		*document_id, *display_name;
	int		 type;
	int64_t		 document_size, token_count, segment_count;
	char		*dataset_id, *dataset_display, *p_id;
	int		 data_source_type;
	char		*creator, *create_time, *update_time;
	struct list	 segments;	/* of struct release_segment: those that were found */
	char		*uri;
};

struct release_result {
	char			*page_content;
	struct release_document	*document;
	double			 confidence;	/* 0 to 1 */
	int64_t			 token_count, segment_number, words;
	int			 type, display_type;
	char			*table_content, *image_uri, *image_key;
	struct list		 image_keys;	/* of char * */
	char			*display_content;
};

struct release_reply {			/* the one reply, and every message of a stream */
	char		*conversation_id;
	int64_t		 seq;
	char		*message, *delta;
	int		 finish_reason;
	struct list	 knowledge_base_results;	/* of struct release_result */
	char		*history_id;
	struct list	 prompt_questions;		/* of char * */
	bool		 stopped;			/* on request */
};

struct release_model {
	char	*id, *display_name, *owner;
};

struct release_models {
	struct list	 models;
};

extern const struct fields	release_ask_fields, release_reply_fields, release_models_fields;

extern const struct voice	release_voice;

/*
 * What a conversation is called, in the arena: callers without identity, whose subject is `author`,
 * get its id with a MAC, which is all that shows it is theirs.
 */
char	*release_conversation(struct arena *, int64_t session, const char *author);
/* Why an answer of that status ended. */
int	 release_finish(const char *status);

/*
 * Adds to each citation of the spec what there is to say of the segment and its document, of what
 * the version's answers rest on. 0, or -1 (database).
 */
int	 release_source(struct ctx *, int64_t version, struct turn_spec *);
/* Such citations, and those of a search, as a list of struct release_result. In the arena. */
struct list	release_results(struct arena *, char *const *citations, size_t n);
/* A JSON array of strings (NULL: none) as a list of char *. In the arena. */
struct list	release_questions(struct arena *, const char *json);

/* Answers with a turn of the caller's that another request has begun: dialect.again. */
int	 release_again(struct req *, int64_t turn);

#endif
