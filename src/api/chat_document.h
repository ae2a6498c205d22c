/*
 * chat_document: what the routes of documents and datasets take and give, beside the types that the
 * whole dialect shares (chat.h).
 */
#ifndef PARLEY_API_CHAT_DOCUMENT_H
#define PARLEY_API_CHAT_DOCUMENT_H

#include "api/chat.h"

#define CHAT_BATCH_MAX	100	/* documents that one body may register */

struct chat_register {			/* a document to be fetched */
	char	*file_name, *url;
	int64_t	 size;			/* KB */
};

struct chat_register_batch {
	struct list	 documents;	/* of struct chat_register */
};

struct chat_document_search {
	struct chat_page	 page;
	char			*file_name;
};

struct chat_dataset_search {
	struct chat_page	 page;
	char			*name;
};

struct chat_files {			/* that go into a conversation or dataset, or out of it */
	int64_t		 id;
	struct list	 document_ids;
};

struct chat_dataset_new {
	char		*name;
	struct list	 document_ids;
};

struct chat_dataset_change {
	struct chat_dataset	*dataset;	/* its name alone counts */
};

struct chat_document_got {
	struct chat_document	*document;
};

struct chat_documents_got {
	struct list	 documents;	/* of struct chat_document */
};

struct chat_dataset_got {
	struct chat_dataset	*dataset;
	struct list		 documents;
};

extern const struct fields	chat_register_fields, chat_register_batch_fields;
extern const struct fields	chat_document_search_fields, chat_document_list_fields;
extern const struct fields	chat_document_got_fields, chat_documents_got_fields;
extern const struct fields	chat_files_fields, chat_moved_fields;
extern const struct fields	chat_dataset_new_fields, chat_dataset_made_fields;
extern const struct fields	chat_dataset_change_fields, chat_dataset_got_fields;
extern const struct fields	chat_dataset_search_fields, chat_dataset_list_fields;

/* 200 with {documents}. Always 0. */
int	 chat_documents_reply(struct req *, const struct document *, size_t n);

#endif
