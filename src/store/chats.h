/*
 * chats: conversations and what was said in them, as their owner lists them, or who administers the
 * owner's tenant. A deleted conversation is in no list and has no records.
 */
#ifndef PARLEY_STORE_CHATS_H
#define PARLEY_STORE_CHATS_H

#include "store/db.h"

struct chat_row {
	int64_t	 id, tenant, owner;
	char	*title, *abstract;
	int64_t	 created_ms;
	int	 module;
	char	*type;
	int64_t	 dataset;		/* 0: none, or it is gone */
	int64_t	 given;			/* the dataset, though it be gone; 0: none */
	int64_t	 model;			/* that its owner chose last; 0: none */
	char	*model_name, *model_code, *model_logo;	/* NULL without model; logo: none */
	bool	 masked;		/* it hides which models answer */
	char	*owner_name, *owner_avatar;		/* NULL: none known */
	int64_t	 records;		/* how many */
};

struct record_row {			/* an answer with its question */
	int64_t	 id, session, group_id;
	int64_t	 model;			/* that gave it, or is asked */
	char	*model_name, *model_code, *model_logo;	/* logo NULL: none */
	bool	 masked;		/* its session hides who that is */
	int64_t	 owner;
	char	*owner_name, *owner_avatar;		/* NULL: none known */
	char	*content_type, *question;
	char	*unread;		/* turn_row.unread */
	char	*text;			/* NULL: nothing was said yet */
	char	*status;		/* as in answer_row */
	int64_t	 created_ms;
};

struct chats_filter {
	char	*title, *user_name;	/* a part of it, in any case; NULL or "": any */
	int	 module;		/* 0: any */
	int64_t	 from_ms, to_ms;	/* begun within; to_ms 0: open */
};

/* The owner's; of the tenant's, whoever's. NULL: F_NOT_FOUND */
struct chat_row	*chats_get(struct ctx *, int64_t owner, int64_t id);
struct chat_row	*chats_get_of_tenant(struct ctx *, int64_t tenant, int64_t id);
/*
 * The owner's conversations by title and module, newest first: `size` of them after the first
 * `skip`, and how many there are in all. 0 or -1.
 */
int	 chats_find(struct ctx *, int64_t owner, const struct chats_filter *, int64_t skip,
	    int64_t size, struct chat_row **, size_t *n, int64_t *total);
/* The tenant's, by everything but the module. */
int	 chats_find_of_tenant(struct ctx *, int64_t tenant, const struct chats_filter *,
	    int64_t skip, int64_t size, struct chat_row **, size_t *n, int64_t *total);

/* Which documents are in which of these conversations, by conversation, in their order there. */
struct chat_document_row {
	int64_t	 session, document;
};
int	 chats_documents(struct ctx *, const struct chat_row *, size_t nchats,
	    struct chat_document_row **, size_t *n);

/* Everything but ids, tenant and owner that the row names: NULL and 0 leave it as it is. */
int	 chats_alter(struct ctx *, const struct chat_row *);

/* Records of the owner's conversation, newest first; paging as above. */
int	 records_list(struct ctx *, int64_t owner, int64_t session, int64_t skip, int64_t size,
	    struct record_row **, size_t *n);
struct record_row	*records_get(struct ctx *, int64_t owner, int64_t answer); /* F_NOT_FOUND */
/* Citations of the answers from first to last of the owner's conversation, by answer. */
struct citation_row;
int	 records_citations(struct ctx *, int64_t owner, int64_t session, int64_t first,
	    int64_t last, struct citation_row **, size_t *n);

#endif
