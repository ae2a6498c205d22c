/*
 * passages: the text of documents in segments, how they are found for a question, what a model is
 * told of them and how answers cite them.
 */
#ifndef PARLEY_PASSAGES_H
#define PARLEY_PASSAGES_H

#include "core/retrieve.h"

/*
 * Cuts the text (valid UTF-8) into segments at ends of paragraphs and indexes them in place of
 * what the document had; it is ready then. One transaction, `also` (NULL: nothing more) within it.
 * 0, or -1 with nothing changed.
 */
int	 passages_index(struct ctx *, int64_t document, const char *text, size_t len,
	    int (*also)(struct ctx *, void *), void *arg);
/* How much a model may be told: */
struct passages_room {
	size_t	 characters;	/* of segments, together */
	int64_t	 tokens;	/* of the whole message, as estimated (base/utf8.h) */
};
/*
 * The best segments of these documents for the question, as many as there is room for. The last one
 * may be told in part, but no segment in a part that is too short to be of use.
 * found->citations are {documentId, fileName, segment, text, score}, of those that are told, the
 * text of each whole; found->knowledge is a system message in the ctx's language: where nothing was
 * found, or there is no room for it, it tells the model to say so. NULL: no room even for that.
 * The caller may read the documents. 0, or -1 (database).
 */
int	 passages_find(struct ctx *, const int64_t *documents, size_t n, const char *question,
	    struct passages_room, struct found *);

#endif
