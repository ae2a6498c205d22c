/*
 * chat (the dialect "session"): conversations with documents and datasets, for who is logged in.
 * What its bodies and replies are made of, under the source document's names: one struct and one
 * field table for each of its types, which its handlers share.
 */
#ifndef PARLEY_API_CHAT_H
#define PARLEY_API_CHAT_H

#include "api/dialect.h"
#include "base/json.h"
#include "store/chats.h"
#include "store/document.h"
#include "store/model.h"
#include "web/req.h"

#define CHAT_TITLE_MAX		200	/* characters of a title or name */
#define CHAT_ABSTRACT_MAX	10000
#define CHAT_IDS_MAX		1000	/* documents that one body may name */

/* Types of the document. Ids are numbers, times are milliseconds since 1970. */

struct chat_user {			/* User */
	int64_t	 id;
	char	*name, *avatar;		/* "": none known */
};

struct chat_model {			/* Model */
	int64_t	 id;
	char	*name, *code, *logo;	/* logo "": none */
};

struct chat_record {			/* Record: a question and its answer */
	int64_t			 id, session_id, group_id;
	int64_t			 model_id, author_id;
	struct chat_user	*author;
	struct chat_model	*model;		/* NULL, and model_id 0: it wears a mask */
	char			*content_type, *problem_text, *answer_text, *status;
	int64_t			 create_at;
	char			*citations;	/* a JSON array; NULL: none */
	char			*unread;	/* the same */
};

struct chat_document {			/* ChatDocumentItem */
	int64_t			 id;
	char			*file_name, *url;
	int64_t			 size;		/* KB, begun ones count */
	char			*status, *error;	/* error NULL: none */
	int64_t			 segments, created_at;
	struct chat_user	*author;
};

struct chat_dataset {			/* ChatDatasetItem */
	int64_t			 id;
	char			*name;
	int64_t			 total_documents, created_at;
	struct chat_user	*author;
};

/* ChatSessionItem. In a body what is absent (0, NULL, document_ids.p NULL) is left as it is. */
struct chat_session {
	int64_t			 id;
	char			*title, *abstract;
	int64_t			 created_at;
	int			 module;	/* 1: plain chat, 2: from documents */
	char			*type;
	int64_t			 dataset_id;
	struct list		 document_ids;	/* of int64_t */
	struct list		 documents;	/* of struct chat_document */
	struct chat_user	*author;
	int64_t			 total_records;
	struct chat_model	*model;
};

extern const struct fields	chat_user_fields, chat_model_fields, chat_record_fields;
extern const struct fields	chat_document_fields, chat_dataset_fields, chat_session_fields;

/* Bodies and replies. */

struct chat_page {			/* part of every body that asks for a list */
	int	 page, size;		/* 0, as many clients send what is not set: absent */
};
#define CHAT_SIZE	20		/* of a page, where it is absent */
#define CHAT_PAGE_MAX	10000000
#define CHAT_SIZE_MAX	200
/* Its rows in the table of a struct whose member `page` it is. */
#define CHAT_PAGE_FIELDS(st) \
	FIELD_AS(st, T_INT, MAY, page.page, "page", 0, CHAT_PAGE_MAX, "from 1; 0: the first"), \
	FIELD_AS(st, T_INT, MAY, page.size, "size", 0, CHAT_SIZE_MAX, "of a page; 0: 20")

struct chat_search {
	struct chat_page	 page;
	char			*title;
	int			 module;	/* 0: any */
};

struct chat_data_search {
	struct chat_page	 page;
	char			*title, *user_name;
	int64_t			 begin_time, end_time;	/* 0: open */
};

struct chat_records_query {
	struct chat_page	 page;
	int64_t			 session_id;
};

struct chat_rename {			/* of a session, a document, a dataset */
	int64_t	 id;
	char	*name;
};

struct chat_save {			/* body and reply */
	struct chat_session	*session;
};

struct chat_got {
	struct chat_session	*session;
	struct list		 records;	/* of struct chat_record, oldest first */
	struct list		 documents;	/* of struct chat_document */
	struct chat_dataset	*dataset;	/* NULL: none */
};

struct chat_list {			/* of whatever: the table says */
	struct list	 list;
	int64_t		 total;
};

extern const struct fields	chat_search_fields, chat_data_search_fields;
extern const struct fields	chat_records_query_fields;
extern const struct fields	chat_save_fields, chat_update_fields, chat_rename_fields;
extern const struct fields	chat_got_fields, chat_saved_fields;
extern const struct fields	chat_found_fields, chat_data_found_fields;
extern const struct fields	chat_record_list_fields, chat_model_list_fields;
extern const struct fields	chat_updated_fields, chat_deleted_fields, chat_renamed_fields;

/* From rows to what is shown of them; everything is in the arena. */

char	*chat_text(struct arena *, char *);		/* "" for NULL */
/* The document's word for how an answer stands, from answer_row's. */
const char	*chat_status(const char *stored);
struct chat_user	*chat_user_of(struct arena *, int64_t id, char *name, char *avatar);
struct chat_model	*chat_model_of(struct arena *, int64_t id, char *name, char *code,
			    char *logo);
/* Without its documents; NULL stands for no title. */
void	 chat_session_show(struct ctx *, const struct chat_row *, struct chat_session *);
/* A list of struct chat_session with the ids of their documents. 0, or -1. */
int	 chat_sessions_show(struct ctx *, const struct chat_row *, size_t n, struct list *);
/* Its error is told in the ctx's language. */
void	 chat_document_show(struct ctx *, const struct document *, struct chat_document *);
/* A list of struct chat_document. */
struct list	 chat_documents_show(struct ctx *, const struct document *, size_t n);
void	 chat_dataset_show(struct arena *, const struct dataset *, struct chat_dataset *);
/*
 * The answer of that id in a session of the owner's, its citations too. Nothing of the model where
 * the session hides it. -1: F_NOT_FOUND, or the database failed.
 */
int	 chat_record_load(struct ctx *, int64_t owner, int64_t answer, struct chat_record *);
/* A list of struct chat_record: `size` of the owner's session after the newest `skip`. 0 or -1. */
int	 chat_records_load(struct ctx *, int64_t owner, int64_t session, int64_t skip,
	    int64_t size, struct list *);

/*
 * 200 with struct chat_got: everything of that session; NULL: the ctx has failed. 0, or -1 then and
 * where the database fails.
 */
int	 chat_got_reply(struct req *, const struct chat_row *);
/* How many items a page has, and the pages before it. */
int	 chat_size(const struct chat_page *);
int64_t	 chat_skip(const struct chat_page *);
/*
 * The path's n-th id (0: the first); `what` names it where it cannot be one. -1: F_NOT_FOUND.
 */
int	 chat_arg(struct req *, size_t n, const char *what, int64_t *id);
/* 200 with {}. Always 0. */
int	 chat_done(struct req *);
/* The body of a renaming. 0, or -1: as req_read, or F_VALUE where the name is but blanks. */
int	 chat_rename_read(struct req *, struct chat_rename *);

#endif
