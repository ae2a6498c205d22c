/*
 * copywriting: the assistant platform's API, for programs with API keys. What its bodies and
 * replies are made of, under the source document's names. Ids are decimal strings, but for the
 * model's of a dialogue; times are in the setting's zone; prices in hundredths of the currency.
 *
 * A message is a question, which has the id of its turn, or an answer, which has its own.
 */
#ifndef PARLEY_API_COPYWRITING_H
#define PARLEY_API_COPYWRITING_H

#include "api/dialect.h"
#include "base/json.h"
#include "core/session.h"
#include "core/turn.h"
#include "store/assistant.h"
#include "store/dialogue.h"
#include "web/req.h"

#define COPYWRITING_TITLE	200	/* characters of a dialogue's name */

/* Types of the document. */

struct copywriting_message {
	char	*create_by;
	int64_t	 create_ms;
	char	*params;		/* always {} */
	int64_t	 id;
	char	*content, *role;	/* role: user, assistant */
	int64_t	 parent;		/* the message that it goes on from; dialogue: nothing */
	int64_t	 dialogue;
	int64_t	 completion_tokens, prompt_tokens, total_tokens;
	double	 price;
	int64_t	 user;
};

struct copywriting_dialogue {
	char				*create_by;
	int64_t				 create_ms;
	char				*update_by;
	int64_t				 update_ms;
	char				*params;	/* always {} */
	int64_t				 tenant, id, user;
	int64_t				 scene, manage;	/* assistant's version, assistant; or 0 */
	int64_t				 model;
	int64_t				 total_tokens;
	double				 price;
	bool				 is_user;	/* always false */
	char				*source;	/* always {} */
	struct copywriting_message	*message;	/* the newest question; NULL: none */
	bool				 close;		/* always false */
	char				*name;		/* in lists; else NULL */
};

struct copywriting_record {			/* a run of an app */
	char		*create_by;
	int64_t		 create_ms, update_ms;
	int64_t		 tenant, id, user;
	int64_t		 template, dialogue, model;
	char		*name, *type;		/* of the app; text, image */
	char		*content;		/* what it was asked */
	char		*status;		/* as in answer_row */
	char		*result;		/* of a text; NULL: none */
	char		*images;		/* JSON array; NULL: none, or too much for a list */
	int64_t		 completion_tokens, prompt_tokens, total_tokens;
	double		 price;
};

struct copywriting_input {
	char	*name, *type;			/* type: always string */
	bool	 required;			/* always */
};

struct copywriting_app {
	int64_t		 id;
	char		*name, *description, *type;	/* text, image */
	int64_t		 model;
	struct list	 inputs;			/* of struct copywriting_input */
	int64_t		 create_ms;
};

struct copywriting_dataset {
	int64_t	 id;
	char	*name;
};

struct copywriting_scene {			/* an assistant's version */
	int64_t		 id, manage;
	char		*name;
	int		 version;		/* its number */
	char		*prompt, *opening;	/* how the prompt begins */
	int64_t		 model;
	char		*model_name;
	struct list	 datasets;		/* of struct copywriting_dataset */
	struct list	 tools;			/* of char * */
	bool		 context;
	int64_t		 create_ms;
};

struct copywriting_model {
	int64_t	 id;
	char	*name, *code;
	int	 type;
	char	*logo;				/* "": none */
	int64_t	 create_ms;
};

/* Bodies and queries. */

struct copywriting_said {
	char	*content, *parent, *id;
};

struct copywriting_ask {
	struct copywriting_said	*said;
	char			*model;		/* JSON: a string or a number; NULL: none */
	char			*name, *id, *parent;
	bool			 is_kb;
	struct list		 tools, workflows;	/* of char * */
};

struct copywriting_run {
	struct list	 inputs;		/* of struct named_str */
	char		*content;
	char		*model;			/* as above */
	int		 n;
	char		*size;
};

struct copywriting_page {			/* part of every query that asks for a list */
	int	 number, size;			/* 0: not said */
	char	*order, *way;
};

struct copywriting_find {			/* dialogues, or runs */
	struct copywriting_page	 page;
	char			*of;		/* assistant, or app */
	bool			 is_user;
};

struct copywriting_models_query {
	struct copywriting_page	 page;
	int			 type;		/* -1: not said */
};

/* Envelopes. */

struct copywriting_data {
	int	 code;
	char	*msg;
	void	*data;				/* whatever its table says */
	bool	 stopped;			/* on request */
};

struct copywriting_rows {
	int64_t		 total;
	struct list	 rows;			/* as above */
	int		 code;
	char		*msg;
};

struct copywriting_done {
	int	 code;
	char	*msg;
	bool	 data;
};

struct copywriting_text {			/* data of a transcript */
	char	*text;
};

extern const struct fields	copywriting_dialogue_fields;
extern const struct fields	copywriting_ask_fields, copywriting_run_fields;
extern const struct fields	copywriting_dialogues_query_fields, copywriting_runs_query_fields,
				copywriting_models_query_fields;
extern const struct fields	copywriting_event_fields, copywriting_done_fields;
extern const struct fields	copywriting_app_data_fields, copywriting_scene_data_fields,
				copywriting_run_data_fields, copywriting_text_data_fields;
extern const struct fields	copywriting_dialogue_rows_fields, copywriting_message_rows_fields,
				copywriting_record_rows_fields, copywriting_model_rows_fields;

/* A dialogue and texts of apps, as a stream; a transcript, as the one reply. */
extern const struct voice	copywriting_voice, copywriting_text_voice;

/* "Success", in the language. */
char	*copywriting_success(enum lang);
/* 200 with the envelope around data, as the table of the whole says. Always 0. */
int	 copywriting_reply(struct req *, const struct fields *, void *data);
/* The same around a list; `total` counts those of all pages. */
int	 copywriting_reply_rows(struct req *, const struct fields *, struct list, int64_t total);
/*
 * An id of a body or query as text: NULL and "" are 0. -1: F_NOT_FOUND, naming the field and what
 * stood there.
 */
int	 copywriting_id(struct ctx *, const char *field, const char *text, int64_t *id);
/* The path's first id; `what` names it. -1: F_NOT_FOUND. */
int	 copywriting_arg(struct req *, const char *what, int64_t *id);
/* Which part of a list is asked for. -1: F_VALUE (orderByColumn, isAsc). */
int	 copywriting_page(struct ctx *, const struct copywriting_page *, struct dialogue_page *);
/*
 * The enabled model of that kind whose id stands in a body (copywriting_ask.model). NULL, and the
 * ctx has not failed: none is named; F_NOT_FOUND, F_TYPE.
 */
struct model	*copywriting_model(struct ctx *, const char *json, const char *kind);
/* The ref that a turn is opened with: what its dialogue came to before. In the arena. */
char	*copywriting_ref(struct arena *, int64_t tokens, double cost);
/* How a cost is told. */
double	 copywriting_price(double cost);

/* A run as it is shown. */
void	 copywriting_record_show(struct arena *, const struct run_row *,
	    struct copywriting_record *);
/* Answers with a turn of the caller's that another request has begun: dialect.again. */
int	 copywriting_again(struct req *, int64_t turn);
int	 copywriting_run_again(struct req *, int64_t turn);	/* the same, of an app's run */

#endif
