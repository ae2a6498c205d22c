/*
 * document: files of users with their content, and the datasets and conversations they are in.
 * Every id of a caller is looked up with its owner; what is not the owner's does not exist.
 */
#ifndef PARLEY_STORE_DOCUMENT_H
#define PARLEY_STORE_DOCUMENT_H

#include "store/db.h"

#define DOCUMENT_PART	(1 << 20)	/* bytes of a part of the content */
/* Bytes of a content. The services that answer from documents take no more of one either. */
#define DOCUMENT_MAX	(20 * 1024 * 1024)
#define DOCUMENT_NAME	255		/* characters of a name */
#define DOCUMENT_URL	2048		/* and of an address */

struct document {
	int64_t	 id, tenant, owner;
	char	*file_name;
	char	*type;			/* txt, md, html, pdf, docx, image */
	char	*media_type;		/* "text/plain" */
	char	*url;			/* NULL: it was uploaded */
	int64_t	 size;			/* bytes */
	char	*status;		/* pending, ready, failed */
	char	*error;			/* a reason (base/reason.h) as it is kept; NULL: none */
	int64_t	 segments, tokens;
	int64_t	 created_ms;
	char	*author_name, *author_avatar;	/* the owner's; NULL: none known */
};

struct dataset {
	int64_t	 id, tenant, owner;
	char	*name;
	int64_t	 created_ms;
	int64_t	 documents;		/* how many are in it */
	char	*author_name, *author_avatar;
};

/*
 * Adds documents of one owner, whose ids the caller has made, and a job to read each that is
 * pending: all or nothing. content (NULL: they are fetched from their urls) adds the parts of one
 * by document_part_add, inside the transaction, which may run again.
 */
int		 document_add(struct ctx *, const struct document *, size_t n,
		    int (*content)(struct ctx *, const struct document *, void *), void *arg);
/* The owner's; owner 0: whoever's (for the background, and for administrators after a check of the
 * tenant). NULL: F_NOT_FOUND. */
struct document	*document_get(struct ctx *, int64_t owner, int64_t id);
/* The owner's newest that was registered by that address. NULL: none, or ctx failed. */
struct document	*document_by_url(struct ctx *, int64_t owner, const char *url);
/*
 * The owner's whose name holds the text, in whatever case ("": all), newest first: at most `most`
 * after the first `skip`; *total: how many there are.
 */
int		 document_search(struct ctx *, int64_t owner, const char *part, int64_t skip,
		    int64_t most, struct document **, size_t *n, int64_t *total);
int		 document_rename(struct ctx *, int64_t owner, int64_t id, const char *name);
/* With content, text, index, job, memberships, and what answers have cited of it. */
int		 document_delete(struct ctx *, int64_t owner, int64_t id);
/*
 * Gives d->id, which is d->owner's, other content, with the type, media type and size of d: its
 * text goes, it is pending, and there is a job to read it. All or nothing; content as above. -1:
 * F_NOT_FOUND.
 */
int		 document_replace(struct ctx *, const struct document *d,
		    int (*content)(struct ctx *, const struct document *, void *), void *arg);
/* In the order in which they were put there. */
int		 document_of_session(struct ctx *, int64_t session, struct document **, size_t *n);
int		 document_of_dataset(struct ctx *, int64_t dataset, struct document **, size_t *n);
/* The owner's files of exactly that name in a dataset; none that has an address. */
int		 document_named_in(struct ctx *, int64_t dataset, int64_t owner, const char *name,
		    struct document **, size_t *n);
/* Each in any of the datasets of an assistant's version, whoever's. */
int		 document_of_version(struct ctx *, int64_t version, struct document **, size_t *n);

/* Adds it, whose id the caller has made, with these documents of its owner: all or nothing. */
int		 dataset_add(struct ctx *, const struct dataset *, const int64_t *ids, size_t n);
struct dataset	*dataset_get(struct ctx *, int64_t owner, int64_t id);	/* F_NOT_FOUND */
/* The tenant's, whoever's. NULL: F_NOT_FOUND */
struct dataset	*dataset_get_of_tenant(struct ctx *, int64_t tenant, int64_t id);
int		 dataset_of_tenant(struct ctx *, int64_t tenant, struct dataset **, size_t *n);
int		 dataset_search(struct ctx *, int64_t owner, const char *part, int64_t skip,
		    int64_t most, struct dataset **, size_t *n, int64_t *total);
int		 dataset_rename(struct ctx *, int64_t owner, int64_t id, const char *name);
/* Its documents stay; conversations that rested on it rest on none, though they hold its id. */
int		 dataset_delete(struct ctx *, int64_t owner, int64_t id);

/*
 * Puts documents of the owner into the owner's conversation, or takes them out; those that are in
 * it (or are not) already make no difference. All or nothing. -1: F_NOT_FOUND, naming the id.
 */
int		 document_attach(struct ctx *, int64_t owner, int64_t session, const int64_t *ids,
		    size_t n);
int		 document_detach(struct ctx *, int64_t owner, int64_t session, const int64_t *ids,
		    size_t n);
/* The same for a dataset. */
int		 dataset_attach(struct ctx *, int64_t owner, int64_t dataset, const int64_t *ids,
		    size_t n);
int		 dataset_detach(struct ctx *, int64_t owner, int64_t dataset, const int64_t *ids,
		    size_t n);

/* The content, part by part from 0. NULL: there is none of that number, or ctx failed. */
struct part {
	int64_t	 len;
	char	*body;
};
struct part	*document_part(struct ctx *, int64_t document, int n);
int64_t		 document_length(struct ctx *, int64_t document);	/* of all parts; or -1 */
/* Adds a part to the content: inside a transaction. */
int		 document_part_add(struct ctx *, int64_t document, int n, const char *, size_t);

/* It was fetched: its parts come in the same transaction. One that was deleted: F_NOT_FOUND. */
int		 document_fetched(struct ctx *, int64_t document, const char *type,
		    const char *media_type, int64_t size);

/*
 * How the reading of it ended; with error NULL it is ready. What does not fit is cut. One that was
 * deleted meanwhile is no failure.
 */
int		 document_fail(struct ctx *, int64_t document, const char *error);
/* One that failed is pending again, with a job to read it; no other changes. 0 or -1. */
int		 document_retry(struct ctx *, int64_t document);

#endif
