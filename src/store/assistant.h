/*
 * assistant: models with a task, in versions that never change. Of a published one its release key
 * asks the version that was published.
 */
#ifndef PARLEY_STORE_ASSISTANT_H
#define PARLEY_STORE_ASSISTANT_H

#include "store/db.h"

#define ASSISTANT_KEY_SIZE	53	/* of a release key: "rel-", 48 hex digits, NUL */

struct assistant {
	int64_t	 id, tenant;
	char	*name, *tenant_name;
	int64_t	 published;		/* version that its release key asks; 0: none */
	int64_t	 published_number;
	bool	 public;		/* while published it answers who has no identity */
	int64_t	 versions;		/* how many it has */
	int64_t	 created_ms;
};

struct assistant_version {
	int64_t	 id, assistant;
	int64_t	 tenant;		/* the assistant's */
	char	*name;			/* the assistant's */
	int	 number;		/* from 1 */
	int64_t	 model;			/* who answers */
	char	*model_code;
	char	*system, *opening;	/* "": none */
	bool	 context;		/* it hears what was said before */
	bool	 suggest;		/* it is asked for questions that may come next */
	bool	 resume;		/* an answer that breaks off is asked to go on */
	bool	 public;		/* it is published, for callers without identity too */
	int64_t	 created_ms;
};

struct assistant_means {		/* what a new version rests on and can do */
	const int64_t		*datasets;	/* of the assistant's tenant, whoever's */
	size_t			 ndatasets;
	const char *const	*tools;		/* ids or names */
	size_t			 ntools;
};

/*
 * Adds it with its first version. Sets ids, numbers and times of both, and makes the release key,
 * which is not kept. -1: F_NOT_FOUND (dataset, tool).
 */
int	 assistant_add(struct ctx *, struct assistant *, struct assistant_version *,
	    const struct assistant_means *, char key[ASSISTANT_KEY_SIZE]);
/*
 * Adds another version of v->assistant, which is called v->name from now on; sets its id, number
 * and time. -1 as above, also where there is no such assistant.
 */
int	 assistant_revise(struct ctx *, struct assistant_version *, const struct assistant_means *);
/* Publishes the newest version, whose number is set. -1: F_NOT_FOUND. */
int	 assistant_publish(struct ctx *, int64_t id, bool public, int *number);
int	 assistant_unpublish(struct ctx *, int64_t id);	/* none is any more; as above */

/* Where a tenant is given, only what is the tenant's is found; 0: any tenant's. */
struct assistant	*assistant_get(struct ctx *, int64_t tenant, int64_t id); /* F_NOT_FOUND */
/* By id. */
int	 assistant_list(struct ctx *, int64_t tenant, struct assistant **, size_t *n);
/* F_NOT_FOUND, all of them. */
struct assistant_version	*assistant_version_get(struct ctx *, int64_t tenant, int64_t id);
struct assistant_version	*assistant_newest(struct ctx *, int64_t tenant, int64_t assistant);
/* The published version, or where none is the newest. */
struct assistant_version	*assistant_current(struct ctx *, int64_t tenant, int64_t assistant);
/* The version that this release key asks, of whatever tenant. */
struct assistant_version	*assistant_released(struct ctx *, const char *key);
/* What there is to say of a segment that an answer of a version rests on. */
struct assistant_source {
	char	*text;
	int64_t	 tokens;		/* of the segment */
	char	*type, *url;		/* the document's; url NULL: it was uploaded */
	char	*creator;		/* its owner's name; NULL: not known */
	int64_t	 size, document_tokens, segments, created_ms;
	int64_t	 dataset;		/* of the version, in which it is; 0: none any more */
	char	*dataset_name;
};
/* NULL: it is not there any more, or ctx failed. */
struct assistant_source	*assistant_source(struct ctx *, int64_t version, int64_t document,
			    int64_t segment);
/* What a version rests on; its tools: tool_of_version. */
int	 assistant_datasets(struct ctx *, int64_t version, int64_t **ids, size_t *n);
struct assistant_dataset {
	int64_t	 id;
	char	*name;
};
int	 assistant_datasets_named(struct ctx *, int64_t version, struct assistant_dataset **,
	    size_t *n);

#endif
