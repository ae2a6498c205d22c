/*
 * visitor: assistants for the visitors of websites, under an API key. What its bodies and replies
 * are made of, under the source document's names.
 */
#ifndef PARLEY_API_VISITOR_H
#define PARLEY_API_VISITOR_H

#include "api/dialect.h"
#include "base/json.h"
#include "core/turn.h"
#include "store/assistant.h"
#include "store/contact.h"
#include "web/req.h"

struct visitor_item {			/* fielditem; members of a contact. NULL: not said */
	char	*name, *mobile, *email, *avatar, *company;
};

struct visitor_ask {			/* body */
	char			*content, *encoding;
	char			*format;
	bool			 search;
	char			*visitor;
	char			*model;
	struct list		 intents;	/* of char *: ids or names */
	char			*max_tokens;	/* JSON: a number or a string */
	char			*knowledge;
	char			*system;
	struct list		 tools;		/* of char *: ids or names */
	char			*temperature;	/* as above */
	struct visitor_item	*item;
	char			*handler, *fixed;
	bool			 stream;
	char			*assistant;
};

struct visitor_source {
	char	*link, *snippet, *title;
};

struct visitor_usage {
	double	 total_cost;
};

struct visitor_reply {			/* the one reply, and the last message of a stream */
	char			*desc, *msg_key;
	struct list		 source;	/* of struct visitor_source */
	struct visitor_usage	*usage;
	char			*visitor;	/* NULL: nobody was named */
	bool			 finished;	/* of a stream */
	bool			 stopped;	/* on request */
};

struct visitor_history_query {		/* body */
	char	*chat;
	int	 page, size;			/* 0: not said */
};

struct visitor_message {
	int64_t	 id;
	char	*role, *content;
	int64_t	 create_ms;
};

struct visitor_history {
	struct list	 message;		/* of struct visitor_message, newest first */
};

struct visitor_ibot {
	int64_t	 id;
	char	*name;
	bool	 published;
	int64_t	 create_ms;
};

struct visitor_model {
	char	*id, *name;			/* id: the code */
};

struct visitor_intent {
	int64_t	 id;
	char	*name, *examples;		/* JSON array of strings */
};

struct visitor_dataset {
	int64_t	 id;
	char	*name;
	int64_t	 documents, create_ms;
};

struct visitor_balance {		/* JSON numbers; NULL: without end */
	char	*money, *calls;
};

struct visitor_tool {
	int64_t	 id;
	char	*operation_id, *description;
	char	*params;			/* JSON Schema */
};

struct visitor_tools {
	struct list	 results;		/* of struct visitor_tool */
	char		*configuration_link;
};

struct visitor_execute {		/* body */
	char	*data;				/* JSON */
	bool	 preview_only;
};

struct visitor_executed {
	char	*id, *action_used;
	char	*input_params, *result;		/* JSON; result NULL: none */
	char	*status, *error;		/* success, error, preview; error NULL: none */
};

struct visitor_contact {
	int64_t	 id;
	char	*name, *mobile, *email, *avatar, *userid, *company;
	int64_t	 create_ms, update_ms;
};

struct visitor_contact_query {
	int64_t	 contact;
};

struct visitor_contact_change {		/* body; what is NULL stays as it is */
	int64_t	 contact, id;			/* either names it */
	char	*name, *mobile, *email, *avatar, *company;
};

struct visitor_filter {
	char	*key, *condition, *value;
};

struct visitor_contact_find {		/* body */
	struct list	 filter;		/* of struct visitor_filter */
	int		 page, size;		/* 0: not said */
};

struct visitor_checked {
	bool	 success;
};

struct visitor_data {			/* envelope of one thing, as its table says */
	int	 code;
	void	*data;
	char	*msg;
};

struct visitor_list {			/* and of several */
	int		 code;
	struct list	 data;
	char		*msg;
};

extern const struct fields	visitor_ask_fields, visitor_reply_fields;
extern const struct fields	visitor_history_query_fields, visitor_execute_fields,
				visitor_contact_query_fields, visitor_contact_find_fields,
				visitor_contact_change_fields;
extern const struct fields	visitor_checked_fields, visitor_executed_fields,
				visitor_tools_fields;
extern const struct fields	visitor_history_data_fields, visitor_balance_data_fields,
				visitor_contact_data_fields;
extern const struct fields	visitor_ibot_list_fields, visitor_model_list_fields,
				visitor_intent_list_fields, visitor_dataset_list_fields,
				visitor_contact_list_fields;

extern const struct voice	visitor_voice;

/* The members of the document's envelope of a failure, into an object that is open. */
void	 visitor_fail(struct jw *, const char *sentence);
/* 200 with the envelope, as the table of the whole says. Always 0. */
int	 visitor_reply_data(struct req *, const struct fields *, void *data);
int	 visitor_reply_list(struct req *, const struct fields *, void *list, size_t n);
/* An id as text ("": not given). -1: F_NOT_FOUND, naming the field and what stood there. */
int	 visitor_id(struct ctx *, const char *field, const char *text, int64_t *id);
/* Which of a list are asked for: so many after the first of them. */
int	 visitor_size(int size);
int64_t	 visitor_skip(int page, int size);
/* What an answer rests on: its citations as a list of struct visitor_source. In the arena. */
struct list	visitor_sources(struct arena *, char *const *citations, size_t n);

/*
 * Puts what is asked into the spec, whose seat is there but for its model, and the plan, which
 * becomes the spec's where anything is in it. -1: F_MISSING, F_TYPE, F_RANGE, F_VALUE, F_UTF8 (the
 * body), then F_NOT_FOUND (what it names), F_UNAVAILABLE (model, search).
 */
int	 visitor_prepare(struct ctx *, const struct visitor_ask *, const struct assistant_version *,
	    struct turn_seat *, struct turn_spec *, struct plan_spec *);
/* Is it all that it can be, whatever it names? 0 or -1, as above. */
int	 visitor_check(struct ctx *, const struct visitor_ask *);

/* Answers with a turn of the caller's that another request has begun: dialect.again. */
int	 visitor_again(struct req *, int64_t turn);

#endif
