/*
 * chat: beginning and changing conversations of the caller (cx->who) that may rest on documents:
 * one lane, no masks.
 */
#ifndef PARLEY_CHAT_H
#define PARLEY_CHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"
#include "core/session.h"

#define CHAT_PLAIN	"chat"
#define CHAT_DATASET	"spark_dataset_chat"
#define CHAT_DOCUMENTS	"spark_documents_chat"

/*
 * What a conversation shall be. NULL and 0 leave it as it is, or in a new one: untitled, module 1,
 * CHAT_PLAIN, no dataset, no documents, no model.
 */
struct chat_change {
	const char	*title, *abstract;
	int		 module;		/* 1: with CHAT_PLAIN, 2: with the other two */
	const char	*type;
	int64_t		 dataset;		/* the caller's */
	int64_t		 model;			/* an enabled chat model */
	const int64_t	*documents;		/* the caller's: these and no others */
	size_t		 ndocuments;
	/*
	 * Module 2 where none is said; without a type CHAT_DATASET where a dataset is given, else
	 * CHAT_DOCUMENTS, unless it is one of module 2 already.
	 */
	bool		 spark;
};

/*
 * The caller's session of that id, which one model without a mask answers. -1: F_NOT_FOUND;
 * F_CONFLICT: several talk in it, or they wear masks, which a question that names one would take
 * off.
 */
int	 chat_open(struct ctx *, int64_t id, struct talk *);
/* A new one, untitled, which is not stored yet (turn_spec.fresh); in the arena. */
struct talk	*chat_make(struct ctx *, int64_t model);
/*
 * One transaction each; with -1 nothing is changed: F_NOT_FOUND (conversation, dataset, documents,
 * model), F_VALUE (module and type do not fit), F_MISSING (what the type rests on), F_UNAVAILABLE
 * (there is no model at all).
 */
int64_t	 chat_begin(struct ctx *, const struct chat_change *);		/* its id */
int	 chat_alter(struct ctx *, int64_t id, const struct chat_change *);

#endif
